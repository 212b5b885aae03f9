//! What a pack holds beside its rules: `pack.toml`, tests with their events, documentation. A tar in one layer.
//!
//! Only names that a pack has are taken, so that nothing which is unpacked can be source that somebody builds, or land anywhere else.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path};

use tar::{Archive, Builder, EntryType};

use super::archive::{Kind, append, kind};
use super::error::{LayoutError, PackedError};
use crate::pack::Pack;

/// How many files a pack may have beside its rules.
const MOST_FILES: usize = 20_000;
/// How many folders a file may lie in.
const DEEPEST: usize = 8;
/// How long a file's path may be, in bytes. It is what the plainest form of a tar takes.
const LONGEST: usize = 200;

/// Files by their paths, which are relative and lead nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Adds a file.
    ///
    /// # Errors
    ///
    /// Fails when the path is not one that a pack has.
    pub fn add(&mut self, path: &str, content: Vec<u8>) -> Result<(), PackedError> {
        if !is_sound(path) {
            return Err(PackedError::StrangeFile(path.to_owned()));
        }
        if self.0.len() == MOST_FILES {
            return Err(LayoutError::TooMany { limit: MOST_FILES }.into());
        }
        if self.0.insert(path.to_owned(), content).is_some() {
            return Err(LayoutError::Twice(path.to_owned()).into());
        }
        Ok(())
    }

    /// Returns a file's content.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Returns the files with their paths, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Reads the layer.
    ///
    /// # Errors
    ///
    /// Fails when it is no tar, or has an entry that no pack has.
    pub fn parse(tar: &[u8]) -> Result<Self, PackedError> {
        let mut files = Self::default();
        for entry in Archive::new(tar).entries().map_err(LayoutError::Tar)? {
            let mut entry = entry.map_err(LayoutError::Tar)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            match kind(entry.header().entry_type()) {
                Kind::File => {}
                Kind::Folder => return Err(PackedError::StrangeFile(name)),
                Kind::Other(kind) => return Err(LayoutError::NotAFile { name, kind }.into()),
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(LayoutError::Tar)?;
            if content.len() as u64 != entry.size() {
                return Err(LayoutError::Tar(std::io::ErrorKind::UnexpectedEof.into()).into());
            }
            files.add(&name, content)?;
        }
        // A file in a file could not be unpacked.
        for path in files.0.keys() {
            if Path::new(path)
                .ancestors()
                .skip(1)
                .any(|folder| folder.to_str().is_some_and(|it| files.0.contains_key(it)))
            {
                return Err(PackedError::StrangeFile(path.clone()));
            }
        }
        Ok(files)
    }

    /// Returns the layer. The same files always give the same bytes.
    ///
    /// # Panics
    ///
    /// Never: the paths are short enough, and writing to memory does not fail.
    pub fn to_tar(&self) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (path, content) in self.iter() {
            append(&mut tar, path, EntryType::Regular, content).expect("the path fits into a header");
        }
        tar.into_inner().expect("writing to memory does not fail")
    }
}

/// Tells whether a path is one that a pack has: `pack.toml`, a text at the top, or something under `events/` or `docs/`.
fn is_sound(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let parts: Vec<&str> = path.split('/').collect();
    let sound = |part: &&str| {
        !part.is_empty()
            && part.len() <= 100
            && !part.starts_with('.')
            && !part.chars().any(|it| it.is_control() || it == '\\')
    };
    if !plain || path.len() > LONGEST || parts.len() > DEEPEST || !parts.iter().all(sound) {
        return false;
    }
    match parts.as_slice() {
        [name] => *name == Pack::MANIFEST || is_text(name),
        [folder, ..] => FOLDERS.contains(folder),
        [] => false,
    }
}

/// The folders of a pack's folder that are packed.
pub(super) const FOLDERS: [&str; 2] = ["docs", "events"];

/// Tells whether a file at the top of a pack's folder is packed: what people read first, the licence, the changes.
pub(super) fn is_text(name: &str) -> bool {
    let (stem, end) = name.split_once('.').unwrap_or((name, ""));
    let stem = stem.split('-').next().unwrap_or(stem);
    ["README", "CHANGELOG", "LICENSE", "LICENCE", "NOTICE", "SECURITY"].contains(&stem)
        && ["", "md", "txt"].contains(&end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_pack_has_is_taken() {
        for path in ["pack.toml", "README.md", "LICENSE-MIT", "events/a/fires_x.json", "docs/a.b-c.md"] {
            assert!(is_sound(path), "{path}");
        }
        let long = format!("events/{}", "x/".repeat(9));
        let wide = format!("events/{}", "x".repeat(101));
        for path in [
            "../pack.toml",
            "/etc/passwd",
            "events/../../x",
            "events//x",
            "events/.git/config",
            "Cargo.toml",
            "build.rs",
            "src/main.rs",
            "dist/x.wasm",
            "events/a\u{1b}[2J",
            "events/a\\b",
            "events",
            "",
            ".",
            "./pack.toml",
            "README.exe",
            &long,
            &wide,
        ] {
            assert!(!is_sound(path), "{path}");
        }
    }

    #[test]
    fn files_come_back_as_they_were() {
        let mut files = Files::default();
        files.add("pack.toml", b"id".to_vec()).unwrap();
        files.add("events/a/fires_b.json", b"{}".to_vec()).unwrap();
        assert_eq!(Files::parse(&files.to_tar()).unwrap(), files);
        assert!(matches!(files.add("pack.toml", Vec::new()), Err(PackedError::Layout(LayoutError::Twice(_)))));
    }

    #[test]
    fn a_file_in_a_file_is_refused() {
        let mut tar = Builder::new(Vec::new());
        append(&mut tar, "events/a", EntryType::Regular, b"").unwrap();
        append(&mut tar, "events/a/b", EntryType::Regular, b"").unwrap();
        assert!(
            matches!(Files::parse(&tar.into_inner().unwrap()), Err(PackedError::StrangeFile(path)) if path == "events/a/b")
        );
    }
}
