//! Taking a pack into the cache that came another way: as a file, to a machine without a network.

use super::super::packed::oci::REF_NAME;
use super::super::packed::{Layout, signature_tag};
use super::{Registry, RegistryError};
use crate::digest::Digest;

impl Registry {
    /// Keeps a pack with its signatures, as if it had been pulled. Returns its digest.
    ///
    /// # Errors
    ///
    /// Fails when the layout is not one pack, or the cache cannot be written.
    pub fn keep(&self, layout: &Layout) -> Result<Digest, RegistryError> {
        let (pack, _) = layout.pack()?;
        for (_, blob) in layout.blobs() {
            self.cache.put(blob)?;
        }
        let tag = signature_tag(pack.digest);
        let index = layout.index();
        let signatures = index.manifests.iter().find(|manifest| manifest.annotations.get(REF_NAME) == Some(&tag));
        if let Some(signatures) = signatures {
            self.cache.note_signatures(pack.digest, signatures.digest)?;
        }
        Ok(pack.digest)
    }
}
