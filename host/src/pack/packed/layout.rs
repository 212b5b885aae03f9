//! An OCI image layout: blobs by their digests, and an index of the manifests that name them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::LayoutError;
use super::oci::{Descriptor, IMAGE_CONFIG, INDEX, Index, MANIFEST, Manifest, PACK, REF_NAME};
use crate::digest::Digest;
use crate::pack::form::FormVersion;
use crate::pack::signature::simple_signing::{MAX_PAYLOAD, SignedPayload};
use crate::pack::signature::{PublicKey, Signature};

/// The media type of what cosign signs in a registry, a layer of a signature's manifest.
pub const SIGNED: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation of that layer with the signature, in base64.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// How large a manifest or an index may be, in bytes. Registries take no more either.
pub const LARGEST_MANIFEST: u64 = 4 << 20;
/// How large all blobs of a layout may be together, in bytes.
pub const LARGEST_LAYOUT: u64 = 128 << 20;
/// How many blobs a layout may have.
pub const MOST_BLOBS: usize = 4096;
/// How many signatures of one pack are looked at.
const MOST_SIGNATURES: usize = 256;

/// An image layout in memory. Each blob stands under the digest that its bytes have, so what is taken out is what was asked for.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    manifests: Vec<Descriptor>,
    blobs: BTreeMap<Digest, Arc<[u8]>>,
    size: u64,
}

/// What somebody signed in the way of cosign: the text, and the signature in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What was signed, which names the manifest.
    pub payload: Vec<u8>,
    /// The signature, as it stands in the annotation.
    pub signature: String,
}

impl Signed {
    /// Tells whether this is a key's signature of a manifest.
    pub fn is_of(&self, manifest: &Digest, key: &PublicKey) -> bool {
        let signature = Signature::from_base64(&self.signature);
        signature.is_ok_and(|signature| SignedPayload { payload: self.payload.clone(), signature }.is_of(manifest, key))
    }
}

impl From<SignedPayload> for Signed {
    fn from(signed: SignedPayload) -> Self {
        Self { payload: signed.payload, signature: signed.signature.to_string() }
    }
}

impl Layout {
    /// Adds a blob and returns its digest.
    ///
    /// # Errors
    ///
    /// Fails when there is too much already.
    pub fn add_blob(&mut self, bytes: impl Into<Arc<[u8]>>) -> Result<Digest, LayoutError> {
        let bytes = bytes.into();
        let digest = Digest::of(&bytes);
        if !self.blobs.contains_key(&digest) {
            self.size += bytes.len() as u64;
            if self.size > LARGEST_LAYOUT {
                return Err(LayoutError::TooLarge { limit: LARGEST_LAYOUT });
            }
            if self.blobs.len() == MOST_BLOBS {
                return Err(LayoutError::TooMany { limit: MOST_BLOBS });
            }
            self.blobs.insert(digest, bytes);
        }
        Ok(digest)
    }

    /// Adds a manifest as it is written, with a tag, to the blobs and to the index. A tag that was another's is this one's now.
    ///
    /// # Errors
    ///
    /// Fails when there is too much already.
    pub fn add_manifest(&mut self, bytes: &[u8], artifact: Option<&str>, tag: &str) -> Result<Digest, LayoutError> {
        let digest = self.add_blob(bytes)?;
        let mut descriptor = Descriptor::of(MANIFEST, bytes).with(REF_NAME, tag);
        descriptor.artifact_type = artifact.map(str::to_owned);
        self.manifests.retain(|other| other.annotations.get(REF_NAME).is_none_or(|other| other != tag));
        self.manifests.push(descriptor);
        Ok(digest)
    }

    /// Takes an index that was read. Blobs come by [`add_blob`](Self::add_blob).
    pub(super) fn set_index(&mut self, index: Index) {
        self.manifests = index.manifests;
    }

    /// Returns the index.
    pub fn index(&self) -> Index {
        Index::new(self.manifests.clone())
    }

    /// Returns every blob with its digest, in the order of the digests.
    pub fn blobs(&self) -> impl Iterator<Item = (&Digest, &Arc<[u8]>)> {
        self.blobs.iter()
    }

    /// Returns the blob that a descriptor names.
    ///
    /// # Errors
    ///
    /// Fails when there is none with this digest, or it is not of this size.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<&Arc<[u8]>, LayoutError> {
        let blob = self.blobs.get(&descriptor.digest);
        let blob = blob.ok_or(LayoutError::NoBlob { digest: descriptor.digest })?;
        if blob.len() as u64 != descriptor.size {
            let (said, size) = (descriptor.size, blob.len() as u64);
            return Err(LayoutError::WrongSize { digest: descriptor.digest, said, size });
        }
        Ok(blob)
    }

    /// Returns the manifest that a descriptor names.
    ///
    /// # Errors
    ///
    /// Fails when it is not there, too large, or no manifest.
    pub fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest, LayoutError> {
        if descriptor.size > LARGEST_MANIFEST {
            return Err(LayoutError::LargeManifest { limit: LARGEST_MANIFEST });
        }
        let bytes = self.blob(descriptor)?;
        let manifest: Manifest = serde_json::from_slice(bytes)
            .map_err(|source| LayoutError::NotUnderstood { what: "a manifest", source })?;
        if manifest.media_type == MANIFEST { Ok(manifest) } else { Err(LayoutError::NoManifest(manifest.media_type)) }
    }

    /// Returns the descriptor of the one pack that the layout holds, with its manifest. Everything else in the index has to be a signature.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or more than one, or something else.
    pub fn pack(&self) -> Result<(&Descriptor, Manifest), LayoutError> {
        let mut packs: Vec<(&Descriptor, Manifest)> = Vec::new();
        for descriptor in &self.manifests {
            if descriptor.media_type == INDEX {
                return Err(LayoutError::NoManifest(descriptor.media_type.clone()));
            }
            if signature_of(descriptor).is_some() || packs.iter().any(|(pack, _)| pack.digest == descriptor.digest) {
                continue;
            }
            packs.push((descriptor, self.manifest(descriptor)?));
        }
        let number = packs.len();
        match packs.pop() {
            Some(pack) if number == 1 => Ok(pack),
            _ => Err(LayoutError::NotOnePack { number }),
        }
    }

    /// Returns what was signed of a manifest, whoever did.
    ///
    /// # Errors
    ///
    /// Fails when a signature's manifest is broken, or there are more than anybody needs.
    pub fn signatures(&self, manifest: Digest) -> Result<Vec<Signed>, LayoutError> {
        let mut signatures = Vec::new();
        let mut read = BTreeSet::new();
        for descriptor in self.manifests.iter().filter(|descriptor| signature_of(descriptor) == Some(manifest)) {
            // An index can name one manifest a thousand times, and a manifest one blob.
            if !read.insert(descriptor.digest) {
                continue;
            }
            for layer in self.manifest(descriptor)?.layers.iter().filter(|layer| layer.media_type == SIGNED) {
                if let Some(signature) = layer.annotations.get(SIGNATURE) {
                    let payload = self.blob(layer)?;
                    if payload.len() > MAX_PAYLOAD {
                        continue;
                    }
                    if signatures.len() == MOST_SIGNATURES {
                        return Err(LayoutError::TooManySignatures { limit: MOST_SIGNATURES });
                    }
                    let payload = payload.to_vec();
                    signatures.push(Signed { payload, signature: signature.clone() });
                }
            }
        }
        Ok(signatures)
    }

    /// Adds signatures of a manifest to those that are there, in the layout of cosign. One that is there already is not added again.
    ///
    /// # Errors
    ///
    /// Fails when what is there is broken, or there is too much.
    pub fn sign(&mut self, manifest: Digest, added: Vec<Signed>) -> Result<(), LayoutError> {
        let mut signatures = self.signatures(manifest)?;
        for signed in added {
            if !signatures.contains(&signed) {
                signatures.push(signed);
            }
        }
        let mut layers = Vec::new();
        for signed in signatures {
            layers.push(Descriptor::of(SIGNED, &signed.payload).with(SIGNATURE, signed.signature));
            self.add_blob(signed.payload)?;
        }
        let (signature, config) = signature_manifest(layers, BTreeMap::new());
        self.add_blob(config)?;
        self.add_manifest(&signature.to_bytes(), None, &signature_tag(manifest))?;
        Ok(())
    }

    /// Leaves out blobs that no manifest of the index names.
    ///
    /// # Errors
    ///
    /// Fails when a manifest is broken.
    pub fn prune(&mut self) -> Result<(), LayoutError> {
        let mut named = BTreeSet::new();
        for descriptor in &self.manifests {
            named.insert(descriptor.digest);
            named.extend(self.manifest(descriptor)?.blobs().map(|blob| blob.digest));
        }
        self.blobs.retain(|digest, _| named.contains(digest));
        self.size = self.blobs.values().map(|blob| blob.len() as u64).sum();
        Ok(())
    }
}

/// Returns the tag under which cosign keeps the signatures of a manifest.
pub fn signature_tag(manifest: Digest) -> String {
    format!("sha256-{manifest}.sig")
}

/// Returns the manifest whose signatures a manifest in an index holds.
fn signature_of(descriptor: &Descriptor) -> Option<Digest> {
    let tag = descriptor.annotations.get(REF_NAME)?;
    Digest::parse(tag.strip_prefix("sha256-")?.strip_suffix(".sig")?)
}

/// Makes the manifest that cosign keeps signatures in, with its config.
pub(in crate::pack) fn signature_manifest(
    layers: Vec<Descriptor>,
    annotations: BTreeMap<String, String>,
) -> (Manifest, Vec<u8>) {
    let config = signature_config(&layers);
    let manifest = Manifest {
        schema_version: FormVersion,
        media_type: MANIFEST.to_owned(),
        artifact_type: None,
        config: Descriptor::of(IMAGE_CONFIG, &config),
        layers,
        annotations,
    };
    (manifest, config)
}

/// Writes the config that a signature's manifest has: that of an image which is nothing but these layers.
fn signature_config(layers: &[Descriptor]) -> Vec<u8> {
    let layers: Vec<String> = layers.iter().map(|layer| layer.digest.tagged()).collect();
    let config = serde_json::json!({
        "architecture": "", "created": "0001-01-01T00:00:00Z", "os": "", "config": {},
        "rootfs": { "type": "layers", "diff_ids": layers },
    });
    config.to_string().into_bytes()
}

/// Tells whether a manifest says that it is a pack.
pub fn is_pack(manifest: &Manifest) -> bool {
    manifest.artifact_type.as_deref() == Some(PACK)
}
