//! The signatures of a pack in a registry.

use super::super::packed::oci::{Descriptor, Manifest, REF_NAME};
use super::super::packed::{LARGEST_MANIFEST, Layout, SIGNATURE, signature_manifest, signature_tag};
use super::manifests::Which;
use super::session::Session;
use super::{Registry, RegistryError, parse, refused};
use crate::digest::Digest;

impl Registry {
    /// Adds the signatures that the registry has of a pack to its layout.
    pub(super) async fn add_signatures(
        &self,
        session: &Session<'_>,
        layout: &mut Layout,
        pack: Digest,
    ) -> Result<(), RegistryError> {
        let tag = signature_tag(pack);
        let Some((digest, bytes)) = session.manifest(Which::Tag(&tag)).await? else { return Ok(()) };
        let manifest = parse(&session.host, &bytes)?;
        self.add(session, layout, &bytes, &manifest, &tag).await?;
        self.cache.put(&bytes)?;
        self.cache.note_signatures(pack, digest)
    }

    /// Adds the signatures of a pack that are in the cache. Tells whether there are some.
    pub(super) fn add_kept_signatures(
        &self,
        host: &str,
        layout: &mut Layout,
        pack: Digest,
    ) -> Result<bool, RegistryError> {
        let Some(digest) = self.cache.signatures(pack) else { return Ok(false) };
        let Some(bytes) = self.cache.get(digest, LARGEST_MANIFEST)? else { return Ok(false) };
        self.add_kept(host, layout, &bytes, &parse(host, &bytes)?, &signature_tag(pack))
    }

    /// Stores the signatures of a pack, with those that the registry has already: whoever signed before, and with whatever program.
    pub(super) async fn put_signatures(
        &self,
        session: &Session<'_>,
        layout: &Layout,
        pack: Digest,
    ) -> Result<(), RegistryError> {
        let tag = signature_tag(pack);
        let index = layout.index();
        let own = index.manifests.iter().find(|manifest| manifest.annotations.get(REF_NAME) == Some(&tag));
        let Some(own) = own else { return Ok(()) };
        let signed = layout.manifest(own)?;
        let merged = match session.manifest(Which::Tag(&tag)).await? {
            None => None,
            Some((_, bytes)) => match merge(&parse(&session.host, &bytes)?, &signed) {
                Some(merged) => Some(merged),
                // Every signature is there.
                None => return Ok(()),
            },
        };
        for layer in &signed.layers {
            session.put_blob(layer.digest, layout.blob(layer)?).await?;
        }
        let bytes = match merged {
            None => {
                session.put_blob(signed.config.digest, layout.blob(&signed.config)?).await?;
                layout.blob(own)?.to_vec()
            }
            Some((manifest, config)) => {
                session.put_blob(manifest.config.digest, &config).await?;
                manifest.to_bytes()
            }
        };
        if bytes.len() as u64 > LARGEST_MANIFEST {
            return Err(refused(&session.host, super::LayoutError::LargeManifest { limit: LARGEST_MANIFEST }));
        }
        session.put_manifest(Which::Tag(&tag), &bytes).await
    }
}

/// Adds signatures to those that are there, which stay as they are: another program may have written more into them. Returns the manifest and its
/// config, or nothing where there is nothing to add.
fn merge(there: &Manifest, added: &Manifest) -> Option<(Manifest, Vec<u8>)> {
    let is_same = |one: &Descriptor, other: &Descriptor| {
        one.digest == other.digest && one.annotations.get(SIGNATURE) == other.annotations.get(SIGNATURE)
    };
    let mut layers = there.layers.clone();
    for layer in &added.layers {
        if !layers.iter().any(|known| is_same(known, layer)) {
            layers.push(layer.clone());
        }
    }
    if layers.len() == there.layers.len() {
        return None;
    }
    Some(signature_manifest(layers, there.annotations.clone()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn manifest(layers: Vec<Descriptor>) -> Manifest {
        signature_manifest(layers, BTreeMap::new()).0
    }

    fn signature(text: &str) -> Descriptor {
        Descriptor::of("application/vnd.dev.cosign.simplesigning.v1+json", b"payload").with(SIGNATURE, text)
    }

    #[test]
    fn signatures_of_others_stay_as_they_are() {
        let theirs = signature("theirs").with("dev.sigstore.cosign/certificate", "a certificate");
        let there = manifest(vec![theirs.clone()]);
        let (merged, config) = merge(&there, &manifest(vec![signature("ours")])).unwrap();
        assert_eq!(merged.layers, [theirs, signature("ours")]);
        assert_eq!(merged.config.digest, Digest::of(&config));
        assert_eq!(merge(&merged, &manifest(vec![signature("ours")])), None);
    }
}
