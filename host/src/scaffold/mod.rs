//! What `new` writes: a pack of one's own, a rule more in it, or a rule that is equivalent to a pattern.
//!
//! Everything is put together first, as a list of files; [`write()`] then refuses the whole of it where one of them is there already. Nothing is
//! ever overwritten.

mod made;
mod name;
pub mod pattern;
mod sdk;
mod template;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::escape;
use crate::pack::PackId;

pub use made::Made;
pub use name::{NameError, RuleName, pack_id, pack_id_of};
pub use sdk::{Sdk, SdkError, checkout};

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its path in the pack.
    pub path: PathBuf,
    /// What it holds.
    pub content: String,
}

impl NewFile {
    fn new(path: impl Into<PathBuf>, content: impl Into<String>) -> Self {
        Self { path: path.into(), content: content.into() }
    }
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file is there already. Nothing was written.
    #[error("`{}` is there already, and nothing is overwritten\nhint: name another folder or rule", escape::path(.0))]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("failed to write `{}`", escape::path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Returns the files of a pack around its first rule.
pub fn pack_files(pack: &PackId, rule: &RuleName, sdk: &Sdk) -> Vec<NewFile> {
    let (name, id) = (pack.name(), pack.to_string());
    let (install, install_note) = sdk.install();
    let cargo = [("name", name), ("sdk_note", sdk.note()), ("sdk", &sdk.dependency())];
    let readme = [("name", name), ("rule", rule.as_str()), ("sdk_text", &sdk.text())];
    let ci = [("install", install.as_str()), ("install_note", install_note)];
    vec![
        NewFile::new("Cargo.toml", template::fill(template::CARGO, &cargo)),
        NewFile::new("pack.toml", template::fill(template::PACK, &[("pack", &id), ("name", name)])),
        NewFile::new("README.md", template::fill(template::README, &readme)),
        NewFile::new(".gitignore", template::fill(template::GITIGNORE, &[])),
        NewFile::new(".github/workflows/rules.yml", template::fill(template::CI, &ci)),
    ]
}

/// Returns the files of a rule to begin with: it reports policies that were detached.
pub fn rule_files(pack: &PackId, rule: &RuleName) -> Vec<NewFile> {
    let values = [("id", rule.id(pack)), ("type", rule.type_name()), ("rule", rule.as_str().to_owned())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let events = events_folder(rule);
    vec![
        NewFile::new(source_file(rule), template::fill(template::RULE, &values)),
        NewFile::new(events.join("fires_detached.json"), template::fill(template::FIRES, &[])),
        NewFile::new(events.join("quiet_denied.json"), template::fill(template::QUIET, &[])),
        NewFile::new(events.join("cases.toml"), template::fill(template::CASES, &[])),
    ]
}

fn source_file(rule: &RuleName) -> PathBuf {
    PathBuf::from(format!("src/bin/{}.rs", rule.as_str()))
}

fn events_folder(rule: &RuleName) -> PathBuf {
    Path::new("events").join(rule.as_str())
}

/// Writes files into a folder, which is made where it is missing.
///
/// # Errors
///
/// Fails when one of them is there already, before anything is written, or when one cannot be written.
pub fn write(folder: &Path, files: &[NewFile]) -> Result<(), WriteError> {
    for file in files {
        let path = folder.join(&file.path);
        // A link that leads nowhere is there, too.
        if fs::symlink_metadata(&path).is_ok() {
            return Err(WriteError::Exists(path));
        }
    }
    for file in files {
        let path = folder.join(&file.path);
        write_new(&path, &file.content).map_err(|source| WriteError::Write { path, source })?;
    }
    Ok(())
}

fn write_new(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_file_is_there_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let files = [NewFile::new("a/b.txt", "new"), NewFile::new("c.txt", "new")];
        fs::write(folder.path().join("c.txt"), "old").unwrap();
        assert!(matches!(write(folder.path(), &files), Err(WriteError::Exists(_))));
        assert!(!folder.path().join("a").exists());
        assert_eq!(fs::read_to_string(folder.path().join("c.txt")).unwrap(), "old");
        write(&folder.path().join("other"), &files).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("other/a/b.txt")).unwrap(), "new");
    }
}
