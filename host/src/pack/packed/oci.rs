//! The documents of an OCI image layout, as far as a pack uses them (OCI image specification 1.1).
//!
//! Keys that a document has beside these are ignored, as the specification demands. They decide nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::{self, Digest};
use crate::pack::form::FormVersion;

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// What kind of artifact a pack's manifest says it is.
pub const PACK: &str = "application/vnd.orgwatch.pack.v1+json";
/// The media type of a pack's config: that of WebAssembly artifacts.
pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The media type of a rule's layer.
pub const WASM: &str = "application/wasm";
/// The media type of the layer with tests and documentation: a tar.
pub const FILES: &str = "application/vnd.orgwatch.pack.files.v1.tar";
/// The media type of the config of a signature's manifest.
pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The annotation with the name that a layer has as a file.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The annotation with the tag of a manifest, in an index.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// What names a blob: its kind, digest and size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    pub media_type: String,
    /// Its digest.
    #[serde(with = "digest::tagged")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What kind of artifact a manifest is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Names and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the form.
    pub schema_version: FormVersion<2>,
    /// What the document is.
    #[serde(default = "manifest_type")]
    pub media_type: String,
    /// What kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Descriptor,
    /// The layers.
    pub layers: Vec<Descriptor>,
    /// Names and values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An index: the manifests of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// The version of the form.
    pub schema_version: FormVersion<2>,
    /// What the document is.
    #[serde(default = "index_type")]
    pub media_type: String,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
}

fn manifest_type() -> String {
    MANIFEST.to_owned()
}

fn index_type() -> String {
    INDEX.to_owned()
}

impl Descriptor {
    /// Describes a blob.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Adds an annotation.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.annotations.insert(name.to_owned(), value.into());
        self
    }
}

impl Manifest {
    /// Returns every blob that the manifest names.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }

    /// Returns the document as it is hashed and stored.
    ///
    /// # Panics
    ///
    /// Never: a manifest is plain data.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest is plain data")
    }
}

impl Index {
    /// Makes an index of these manifests.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self { schema_version: FormVersion, media_type: index_type(), manifests }
    }
}
