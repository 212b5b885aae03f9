//! `orgwatch.lock`: what each place of rules was when somebody last looked at it and found it good.
//!
//! A tag in a registry can be moved, and a file be replaced. The lock file says by digest what is meant: a reference in it is taken by that digest and
//! no longer by its tag, and with `--locked` nothing else loads at all.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::form::FormVersion;
use super::packed::write_file;
use super::{Pack, PackId};
use crate::digest::{self, Digest};
use crate::escape;
use crate::rule::RuleFile;

/// What stands at the top of the file.
const HEADER: &str = "\
# What each place of rules was when it was locked. Written by `orgwatch-host pack lock`;
# `--locked` loads nothing else.
";

/// A lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The folder that paths in it begin from.
    folder: PathBuf,
    entries: BTreeMap<String, Locked>,
}

/// What a place was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The pack's id and version; nothing for a single component.
    pub pack: Option<(PackId, Version)>,
    /// The digest of a packed pack's manifest; of a folder, over its rules; of a component, its own.
    pub digest: Digest,
}

/// Why a lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read.
    #[error("failed to read the lock file `{}`", escape::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not understood.
    #[error(
        "failed to understand the lock file `{}`\nhint: remove it, and `orgwatch-host pack lock` writes it anew",
        escape::path(path)
    )]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why not, with the place.
        source: Box<toml::de::Error>,
    },
    /// A place stands in it twice.
    #[error(
        "the lock file `{}` has `{}` twice\nhint: remove it, and `orgwatch-host pack lock` writes it anew",
        escape::path(path),
        escape::terminal(place)
    )]
    Twice {
        /// The file.
        path: PathBuf,
        /// The place.
        place: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: FormVersion<1>,
    #[serde(default)]
    pack: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<PackId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(with = "digest::tagged")]
    digest: Digest,
}

impl Lock {
    /// The file's name. It stands beside the configuration, or in the working directory where there is none.
    pub const NAME: &'static str = "orgwatch.lock";

    /// Returns the lock file's path.
    pub fn path(config: Option<&Path>) -> PathBuf {
        config.and_then(Path::parent).unwrap_or(Path::new("")).join(Self::NAME)
    }

    /// Starts one without entries.
    pub fn new(path: &Path) -> Self {
        Self { folder: folder(path), entries: BTreeMap::new() }
    }

    /// Reads a lock file; nothing where there is none.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be read or understood.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LockError::Read { path: path.to_owned(), source }),
        };
        let file: File = toml::from_str(&text)
            .map_err(|source| LockError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let mut lock = Self::new(path);
        for Entry { place, id, version, digest } in file.pack {
            if lock.entries.insert(place.clone(), Locked { pack: id.zip(version), digest }).is_some() {
                return Err(LockError::Twice { path: path.to_owned(), place });
            }
        }
        Ok(Some(lock))
    }

    /// Returns what a place was.
    pub fn get(&self, place: &str) -> Option<&Locked> {
        self.entries.get(place)
    }

    /// Returns the places.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Locked)> {
        self.entries.iter().map(|(place, locked)| (place.as_str(), locked))
    }

    /// Adds a place.
    pub fn add(&mut self, place: String, locked: Locked) {
        self.entries.insert(place, locked);
    }

    /// Returns how a path is called in the file: from the file's own folder on where it lies in it, so that the two can be moved together.
    pub fn place_of(&self, path: &Path) -> String {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        path.strip_prefix(&self.folder).unwrap_or(&path).to_string_lossy().into_owned()
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be written.
    ///
    /// # Panics
    ///
    /// Never: the entries are plain data.
    pub fn write(&self, path: &Path) -> Result<(), super::packed::LayoutError> {
        let pack = self.entries.iter().map(|(place, locked)| {
            let (id, version) = locked.pack.clone().unzip();
            Entry { place: place.clone(), id, version, digest: locked.digest }
        });
        let file = File { version: FormVersion, pack: pack.collect() };
        let text = toml::to_string(&file).expect("entries are plain data");
        write_file(path, format!("{HEADER}\n{text}").as_bytes())
    }
}

impl Locked {
    /// Returns what a pack's folder is: its `pack.toml` and its rules, by name and digest.
    pub fn folder(pack: &Pack, rules: &[&RuleFile]) -> Self {
        let manifest = serde_json::to_vec(pack.manifest()).unwrap_or_default();
        let mut parts = vec![manifest];
        for rule in rules {
            parts.push(rule.path.file_name().unwrap_or_default().as_encoded_bytes().to_vec());
            parts.push(
                rule.component.as_ref().map(|component| component.digest().as_bytes().to_vec()).unwrap_or_default(),
            );
        }
        let digest = Digest::of_parts(parts.iter().map(Vec::as_slice));
        let manifest = pack.manifest();
        Self { pack: Some((manifest.id.clone(), manifest.version.clone())), digest }
    }
}

/// Returns the folder of a file as it really lies.
fn folder(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Lock::NAME);
        assert_eq!(Lock::read(&path).unwrap(), None);
        let mut lock = Lock::new(&path);
        let id = PackId::try_from("acme/watch".to_owned()).unwrap();
        let pack = Some((id, Version::new(1, 2, 0)));
        lock.add("oci://registry.example.com/acme/watch:1".to_owned(), Locked { pack, digest: Digest::of("a") });
        fs::write(folder.path().join("x.wasm"), "").unwrap();
        let place = lock.place_of(&folder.path().join("x.wasm"));
        assert_eq!(place, "x.wasm");
        lock.add(place, Locked { pack: None, digest: Digest::of("b") });
        lock.write(&path).unwrap();
        assert_eq!(Lock::read(&path).unwrap(), Some(lock));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Lock::NAME);
        let digest = Digest::of("").tagged();
        for (text, message) in [
            ("version = 2".to_owned(), "version 2 is unknown"),
            ("version = 1\nextra = 1".to_owned(), "unknown field `extra`"),
            ("version = 1\n[[pack]]\nplace = \"x\"\ndigest = \"sha256:1\"".to_owned(), "not a SHA-256 digest"),
            (
                format!(
                    "version = 1\n[[pack]]\nplace = \"x\"\ndigest = \"{digest}\"\n[[pack]]\nplace = \"x\"\ndigest = \"{digest}\""
                ),
                "twice",
            ),
        ] {
            fs::write(&path, text).unwrap();
            let error = Lock::read(&path).unwrap_err();
            let mut told = error.to_string();
            if let Some(cause) = std::error::Error::source(&error) {
                told += &cause.to_string();
            }
            assert!(told.contains(message), "{told}");
        }
    }
}
