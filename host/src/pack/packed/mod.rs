//! A pack as one thing that can be handed on: an OCI image layout, in a file, in a folder, or in a registry.
//!
//! ```text
//! manifest   application/vnd.oci.image.manifest.v1+json, artifact type application/vnd.orgwatch.pack.v1+json
//!   config   application/vnd.wasm.config.v0+json
//!   layer    application/vnd.orgwatch.pack.v1+json       what the pack says of itself: `Contents`
//!   layer    application/wasm                            a rule; one layer each
//!   layer    application/vnd.orgwatch.pack.files.v1.tar  pack.toml, tests with their events, documentation
//! ```
//!
//! A [`Packed`] has been checked whole: each part has the digest that names it, each rule is one that the host would load, and what the pack says of
//! its rules is so. Whose it is, and whether that is enough, is not decided here but by the policy in [`trust`](crate::trust).

mod archive;
mod contents;
mod error;
mod files;
mod layout;
pub mod oci;
mod packer;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use self::archive::write_file;
pub use self::contents::{Contents, Fuel, RuleContents, TableContents};
pub use self::error::{LayoutError, PackedError};
pub use self::files::Files;
pub(super) use self::layout::signature_manifest;
pub use self::layout::{
    LARGEST_LAYOUT, LARGEST_MANIFEST, Layout, MOST_BLOBS, SIGNATURE, SIGNED, Signed, is_pack, signature_tag,
};
use self::oci::Descriptor;
pub use self::packer::{Packer, PackerError};
use super::form::FormVersion;
use super::signature::{Detached, PublicKey};
use super::{Manifest, Pack};
use crate::digest::Digest;
use crate::sandbox::{Component, Limits};
use crate::trust::{Origin, Policy, Presented, TrustError, Trusted, Wants};

/// The folder of a pack's rules, which the names of their layers begin with.
const DIST: &str = "dist/";
/// The name of the layer with the files.
const FILES_NAME: &str = "files.tar";
/// The name of the first layer.
const CONTENTS_NAME: &str = "contents.json";

/// A packed pack that has been checked.
#[derive(Clone, Debug)]
pub struct Packed {
    layout: Layout,
    digest: Digest,
    contents: Contents,
    components: Vec<Component>,
    files: Files,
    beside: Option<Beside>,
}

/// What lies beside a packed file: signatures over its very bytes.
#[derive(Clone, Debug)]
struct Beside {
    file: Vec<u8>,
    signatures: Detached,
}

impl Packed {
    /// Makes a pack of its parts: the same parts always give the same bytes.
    ///
    /// # Errors
    ///
    /// Fails when it would be too large.
    fn assemble(contents: Contents, components: Vec<Component>, files: Files) -> Result<Self, LayoutError> {
        let mut layout = Layout::default();
        let mut add = |media_type: &str, name: &str, bytes: Vec<u8>| {
            let descriptor = Descriptor::of(media_type, &bytes).with(oci::TITLE, name);
            layout.add_blob(bytes).map(|_| descriptor)
        };
        let plain = serde_json::to_vec(&contents).expect("contents are plain data");
        let mut layers = vec![add(oci::PACK, CONTENTS_NAME, plain)?];
        for (rule, component) in contents.rules.iter().zip(&components) {
            layers.push(add(oci::WASM, &format!("{DIST}{}", rule.file), component.bytes().to_vec())?);
        }
        layers.push(add(oci::FILES, FILES_NAME, files.to_tar())?);
        let config = wasm_config(&layers, &contents);
        let pack = &contents.pack;
        let manifest = oci::Manifest {
            schema_version: FormVersion,
            media_type: oci::MANIFEST.to_owned(),
            artifact_type: Some(oci::PACK.to_owned()),
            config: Descriptor::of(oci::WASM_CONFIG, &config),
            layers,
            annotations: annotations(pack),
        };
        layout.add_blob(config)?;
        let digest = layout.add_manifest(&manifest.to_bytes(), Some(oci::PACK), &pack.version.to_string())?;
        Ok(Self { layout, digest, contents, components, files, beside: None })
    }

    /// Reads a pack from a file or the folder of a layout.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be read, or [`open`](Self::open) refuses it.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self, PackedError> {
        if path.is_dir() {
            return Self::open(Layout::read(path)?, limits);
        }
        let file = archive::read(path)?;
        let mut packed = Self::open(Layout::parse(&file)?, limits)?;
        let signatures = Detached::path_of(path);
        if signatures.exists() {
            packed.beside = Some(Beside { file, signatures: Detached::read(&signatures)? });
        }
        Ok(packed)
    }

    /// Tells whether a key has signed the pack: its manifest, as cosign does, or the file that it was read from. Whatever else is signed, or no
    /// signature at all, counts for nothing.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let beside = self.beside.as_ref().is_some_and(|beside| beside.signatures.is_signed_by(&beside.file, key));
        let signed = self.layout.signatures(self.digest).unwrap_or_default();
        beside || signed.iter().any(|signed| signed.is_of(&self.digest, key))
    }

    /// Returns how many signatures there are, whosever they are.
    pub fn signatures(&self) -> usize {
        let beside = self.beside.as_ref().map_or(0, |beside| beside.signatures.signatures().len());
        beside + self.layout.signatures(self.digest).map_or(0, |signed| signed.len())
    }

    /// Checks the one pack of a layout: every part of it, and everything that it says.
    ///
    /// # Errors
    ///
    /// Fails when a part is missing or not what its name says, a rule is none, or the pack says what is not so.
    pub fn open(layout: Layout, limits: &Limits) -> Result<Self, PackedError> {
        let (descriptor, manifest) = layout.pack()?;
        let digest = descriptor.digest;
        if !is_pack(&manifest) {
            return Err(PackedError::NoPack { found: manifest.artifact_type.unwrap_or(manifest.config.media_type) });
        }
        layout.blob(&manifest.config)?;
        let mut contents = None;
        let mut wasm: BTreeMap<String, &Descriptor> = BTreeMap::new();
        let mut files = None;
        for layer in &manifest.layers {
            let bytes = layout.blob(layer)?;
            match layer.media_type.as_str() {
                oci::PACK if contents.is_none() => contents = Some(parse_contents(bytes)?),
                oci::FILES if files.is_none() => files = Some(Files::parse(bytes)?),
                oci::WASM => {
                    let name = layer.annotations.get(oci::TITLE).and_then(|title| title.strip_prefix(DIST));
                    let name = name.unwrap_or_default().to_owned();
                    if !is_rule_file(&name) || wasm.insert(name.clone(), layer).is_some() {
                        return Err(PackedError::Rules { file: name, problem: "named in a way that no rule is" });
                    }
                }
                _ => return Err(PackedError::StrangeLayer(layer.media_type.clone())),
            }
        }
        let contents = contents.ok_or_else(|| PackedError::Contents("there is nothing that says it".to_owned()))?;
        let files = files.unwrap_or_default();
        let mut components = Vec::new();
        for rule in &contents.rules {
            let problem = |problem| PackedError::Rules { file: rule.file.clone(), problem };
            let layer = wasm.remove(&rule.file).ok_or_else(|| problem("said to be there, and is not"))?;
            let component = Component::check(layout.blob(layer)?.to_vec(), limits)
                .map_err(|fault| PackedError::Component { file: rule.file.clone(), fault })?;
            if let Some(what) = rule.lie(&component) {
                return Err(PackedError::Lie { what, of: Some(rule.file.clone()) });
            }
            components.push(component);
        }
        if let Some(file) = wasm.into_keys().next() {
            return Err(PackedError::Rules { file, problem: "there, and not said to be" });
        }
        if contents.tables != TableContents::of_rules(&contents.rules) {
            return Err(PackedError::Lie { what: "the tables that its rules read", of: None });
        }
        if manifest.annotations != annotations(&contents.pack) {
            return Err(PackedError::Lie { what: "its name, version or description", of: None });
        }
        let written = files.get(Pack::MANIFEST).and_then(|text| std::str::from_utf8(text).ok());
        if written.and_then(|text| toml::from_str::<Manifest>(text).ok()).as_ref() != Some(&contents.pack) {
            return Err(PackedError::Lie { what: "its `pack.toml`", of: None });
        }
        if layout.blob(&manifest.config)?[..] != wasm_config(&manifest.layers, &contents) {
            return Err(PackedError::Lie { what: "what its config says of its imports", of: None });
        }
        Ok(Self { digest, contents, components, files, layout, beside: None })
    }

    /// Returns the layout that the pack is in, with its signatures.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the layout, to add signatures to.
    pub fn layout_mut(&mut self) -> &mut Layout {
        &mut self.layout
    }

    /// Returns the digest of the pack's manifest: it stands for every byte of the pack, and for no signature.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns what the pack says of itself, which is so.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns what `pack.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.contents.pack
    }

    /// Returns the rules with the names of their files.
    pub fn components(&self) -> impl Iterator<Item = (&str, &Component)> {
        self.contents.rules.iter().map(|rule| rule.file.as_str()).zip(&self.components)
    }

    /// Has a policy judge the pack: who signed it, which version it is after the highest that was loaded, and what its rules want.
    ///
    /// # Errors
    ///
    /// Fails when it is not trusted, or wants more than its publisher may.
    pub fn judge(
        &self,
        policy: &Policy,
        origin: Origin<'_>,
        highest: Option<&semver::Version>,
        now: Timestamp,
    ) -> Result<Trusted, TrustError> {
        let rules = self.components.iter().zip(&self.contents.rules);
        let rules: Vec<Wants<'_>> =
            rules.map(|(component, rule)| Wants::of(component, rule.fuel.map(|fuel| fuel.most))).collect();
        let Manifest { id, version, .. } = self.manifest();
        let signed_by = &|key: &PublicKey| self.is_signed_by(key);
        policy.judge(&Presented { origin, id, version, signed_by, rules: &rules, highest }, now)
    }

    /// Returns what the pack holds beside its rules.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Unpacks into a folder that is there and empty, which is then a built pack without source.
    ///
    /// # Errors
    ///
    /// Fails when something cannot be written.
    pub fn unpack(&self, folder: &Path) -> Result<(), LayoutError> {
        let dist = self.components().map(|(file, component)| (format!("{DIST}{file}"), component.bytes()));
        let files = self.files.iter().map(|(path, content)| (path.to_owned(), content));
        for (name, content) in dist.chain(files) {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(archive::failed("create", parent))?;
            }
            // Nothing is written over: what is there is not the pack's.
            let file = fs::OpenOptions::new().write(true).create_new(true).open(&path);
            file.and_then(|mut file| std::io::Write::write_all(&mut file, content))
                .map_err(archive::failed("write", &path))?;
        }
        Ok(())
    }
}

/// Tells whether a name is one that a rule's file has: no path, and nothing that a terminal or a shell takes for more.
fn is_rule_file(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    name.len() <= 100 && name.strip_suffix(".wasm").is_some_and(|stem| !stem.is_empty() && stem.bytes().all(word))
}

fn parse_contents(bytes: &[u8]) -> Result<Contents, PackedError> {
    let unclear = |error: serde_json::Error| PackedError::Contents(error.to_string());
    let value: Value = serde_json::from_slice(bytes).map_err(unclear)?;
    // Before anything else: what a newer host writes may not be understood here, and this says why.
    let needed = value.pointer("/pack/min_host_version").and_then(Value::as_str);
    if let Some(needed) = needed.and_then(|needed| semver::Version::parse(needed).ok())
        && super::host_version() < needed
    {
        return Err(PackedError::OldHost { needed });
    }
    // From the text and not from the value: of a key that comes twice, another reader could take the other one.
    serde_json::from_slice(bytes).map_err(unclear)
}

/// Says of a pack in the manifest what tools that know nothing of packs show.
fn annotations(pack: &Manifest) -> BTreeMap<String, String> {
    let all = [
        ("authors", pack.authors.join(", ")),
        ("description", pack.description.clone()),
        ("licenses", pack.license.clone()),
        ("title", pack.title.clone()),
        ("url", pack.homepage.clone().unwrap_or_default()),
        ("vendor", pack.id.publisher().to_owned()),
        ("version", pack.version.to_string()),
    ];
    let named = all.into_iter().filter(|(_, value)| !value.is_empty());
    let mut annotations: BTreeMap<String, String> =
        named.map(|(name, value)| (format!("org.opencontainers.image.{name}"), value)).collect();
    annotations.insert("org.orgwatch.pack.id".to_owned(), pack.id.to_string());
    annotations
}

/// Writes the config that artifacts of WebAssembly have. It says nothing of when the pack was made: the same pack has the same digest.
fn wasm_config(layers: &[Descriptor], contents: &Contents) -> Vec<u8> {
    let digests: Vec<String> =
        layers.iter().filter(|layer| layer.media_type == oci::WASM).map(|layer| layer.digest.tagged()).collect();
    let mut imports: Vec<&String> = contents.rules.iter().flat_map(|rule| &rule.imports).collect();
    imports.sort();
    imports.dedup();
    let mut exports: Vec<&String> = contents.rules.iter().map(|rule| &rule.metadata.interface).collect();
    exports.sort();
    exports.dedup();
    let config = json!({
        "created": "1970-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "unknown",
        "layerDigests": digests,
        "component": { "exports": exports, "imports": imports },
    });
    config.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_twice_is_refused() {
        let pack = r#""pack":{"schema_version":1,"id":"acme/watch","version":"1.0.0","title":"A","description":"B","license":"MIT"}"#;
        let text = format!(r#"{{"schema_version":1,{pack},"rules":[],"tables":[]}}"#);
        assert!(parse_contents(text.as_bytes()).is_ok());
        for (once, twice) in
            [(r#""rules":[]"#, r#""rules":[],"rules":[]"#), (r#""title":"A""#, r#""title":"C","title":"A""#)]
        {
            let error = parse_contents(text.replace(once, twice).as_bytes()).unwrap_err();
            assert!(matches!(&error, PackedError::Contents(reason) if reason.contains("duplicate field")), "{error}");
        }
    }
}
