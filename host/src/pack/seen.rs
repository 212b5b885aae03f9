//! What was loaded before: the highest version of each pack, and what each reference to a registry named last.
//!
//! The first keeps somebody from serving an old version again, which is signed as well as the new one. The second lets the host start while a
//! registry is away. Both lie in the state directory; the lock file says the same for machines whose disk does not last.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::PackId;
use super::packed::{LayoutError, write_file};
use crate::digest::Digest;

/// The file's name, in the folder of packs of the state directory.
const NAME: &str = "seen.json";

/// What was loaded before.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    path: PathBuf,
    content: Content,
    changed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The highest version of each pack.
    versions: BTreeMap<PackId, Version>,
    /// What each reference named last.
    references: BTreeMap<String, String>,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to read what packs were loaded before, in `{}`\nhint: where it is lost, remove it: packs may then be older than before",
    crate::escape::path(path)
)]
pub struct SeenError {
    path: PathBuf,
    source: std::io::Error,
}

impl Seen {
    /// Reads what was loaded before; nothing where there is no file yet.
    ///
    /// # Errors
    ///
    /// Fails when the file is there and cannot be read: to go on would be to forget.
    pub fn read(folder: &Path) -> Result<Self, SeenError> {
        let path = folder.join(NAME);
        let content = match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|error| SeenError { path: path.clone(), source: error.into() })?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::default(),
            Err(source) => return Err(SeenError { path, source }),
        };
        Ok(Self { path, content, changed: false })
    }

    /// Returns the highest version of a pack that was loaded.
    pub fn highest(&self, id: &PackId) -> Option<&Version> {
        self.content.versions.get(id)
    }

    /// Returns what a reference named when it was last resolved.
    pub fn named(&self, reference: &str) -> Option<Digest> {
        Digest::parse_tagged(self.content.references.get(reference)?)
    }

    /// Notes that a pack was loaded. A lower version than before, which somebody allowed, takes nothing back.
    pub fn loaded(&mut self, id: &PackId, version: &Version) {
        if self.highest(id).is_none_or(|highest| highest < version) {
            self.content.versions.insert(id.clone(), version.clone());
            self.changed = true;
        }
    }

    /// Notes what a reference named.
    pub fn resolved(&mut self, reference: String, digest: Digest) {
        if self.named(&reference) != Some(digest) {
            self.content.references.insert(reference, digest.tagged());
            self.changed = true;
        }
    }

    /// Writes what has changed.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be written.
    ///
    /// # Panics
    ///
    /// Never: what is written is plain data.
    pub fn write(&mut self) -> Result<(), LayoutError> {
        if self.changed {
            if let Some(folder) = self.path.parent() {
                make_private(folder).map_err(|source| LayoutError::File {
                    doing: "create",
                    path: folder.to_owned(),
                    source,
                })?;
            }
            let text = serde_json::to_vec_pretty(&self.content).expect("plain data");
            write_file(&self.path, &text)?;
            self.changed = false;
        }
        Ok(())
    }
}

/// Makes a folder that only this user reads and writes.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_stays_the_highest() {
        let folder = tempfile::tempdir().unwrap();
        let id = PackId::try_from("acme/watch".to_owned()).unwrap();
        let mut seen = Seen::read(folder.path()).unwrap();
        assert_eq!(seen.highest(&id), None);
        for version in [Version::new(1, 10, 0), Version::new(1, 9, 0)] {
            seen.loaded(&id, &version);
        }
        seen.resolved("oci://registry.example.com/a:1".to_owned(), Digest::of("a"));
        seen.write().unwrap();
        let again = Seen::read(folder.path()).unwrap();
        assert_eq!(again.highest(&id), Some(&Version::new(1, 10, 0)));
        assert_eq!(again.named("oci://registry.example.com/a:1"), Some(Digest::of("a")));
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "{").unwrap();
        assert!(Seen::read(folder.path()).is_err());
    }
}
