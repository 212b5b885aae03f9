//! What `new` has made, remembered: building a pack of one's own needs no warning.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The file in the user's state folder: the folders of packs, a line each.
const FILE: &str = "scaffolds";

/// The folders that `new` made for this user.
#[derive(Clone, Debug)]
pub struct Made(PathBuf);

impl Made {
    /// Looks into a user's state folder.
    pub fn of(state: &Path) -> Self {
        Self(state.join(FILE))
    }

    /// Remembers a folder.
    ///
    /// # Errors
    ///
    /// Fails when the folder is not there or the file cannot be written.
    pub fn remember(&self, folder: &Path) -> io::Result<()> {
        let folder = fs::canonicalize(folder)?;
        let path = folder.as_os_str().as_bytes();
        // A name of two lines would be two names; it is not worth a form of its own.
        if path.contains(&b'\n') || self.knows(&folder) {
            return Ok(());
        }
        if let Some(state) = self.0.parent() {
            fs::create_dir_all(state)?;
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0)?;
        file.write_all(&[path, b"\n"].concat())
    }

    /// Tells whether a folder, by its real path, is among them.
    pub fn knows(&self, folder: &Path) -> bool {
        let known = fs::read(&self.0).unwrap_or_default();
        known.split(|&byte| byte == b'\n').any(|line| !line.is_empty() && line == folder.as_os_str().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_remembered_once_and_by_its_real_path() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        let made = Made::of(&real.join("state"));
        fs::create_dir(real.join("pack")).unwrap();
        assert!(!made.knows(&real.join("pack")));
        for path in ["pack", "pack/../pack"] {
            made.remember(&real.join(path)).unwrap();
        }
        assert!(made.knows(&real.join("pack")));
        assert!(!made.knows(&real.join("pac")));
        assert_eq!(fs::read_to_string(real.join("state/scaffolds")).unwrap().lines().count(), 1);
    }
}
