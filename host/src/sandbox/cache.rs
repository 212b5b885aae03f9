//! Prepared rules on disk: machine code that need not be compiled again.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::compiler::Preparation;
use super::component::Component;
use super::limits::Limits;
use super::prepare::{Answer, read_frame, write_frame};
use crate::digest::Digest;

/// How many prepared rules are kept. The ones not used for longest go first.
const ENTRIES: usize = 512;

/// Changes whenever what a file of the cache holds changes.
const FORMAT: &[u8] = b"orgwatch prepared rule 1";

/// A folder of prepared rules. Machine code is run as it is, so the folder must belong to this user and be writable by nobody else.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What precedes the code in a file.
#[derive(Serialize, Deserialize)]
struct Head {
    answer: Answer,
    code: Digest,
}

impl Cache {
    /// Opens the cache, making its folder where it is missing.
    ///
    /// # Errors
    ///
    /// Fails when the folder cannot be made, or belongs to or can be written by somebody else.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let metadata = fs::metadata(folder)?;
        let own = metadata.uid() == rustix::process::geteuid().as_raw();
        if !own || metadata.permissions().mode() & 0o022 != 0 {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Names the entry for a component, its settings and everything else that decides what is prepared: also which build of the program does it.
    pub(super) fn key(program: &Path, component: &Component, settings: &str, limits: &Limits) -> Digest {
        let limits = format!("{limits:?}");
        let build = fs::metadata(program).map(|metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
        let build = format!("{build:?}");
        Digest::of_parts([
            FORMAT,
            env!("CARGO_PKG_VERSION").as_bytes(),
            build.as_bytes(),
            component.digest().as_bytes(),
            settings.as_bytes(),
            limits.as_bytes(),
        ])
    }

    /// Returns an entry, or nothing where there is none or it is damaged.
    pub(super) fn get(&self, key: &Digest) -> Option<Preparation> {
        let mut file = File::open(self.path(key)).ok()?;
        let (head, code): (Head, Vec<u8>) = read_frame(&mut file).ok()?;
        if Digest::of(&code) != head.code {
            return None;
        }
        // Marks the entry as used. A read-only file system only makes it go earlier.
        let _ = file.set_modified(SystemTime::now());
        Some(Preparation::new(head.answer, code))
    }

    /// Writes an entry, whole or not at all.
    pub(super) fn put(&self, key: &Digest, preparation: &Preparation) -> io::Result<()> {
        let head = Head { answer: preparation.answer().clone(), code: Digest::of(preparation.code()) };
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        write_frame(&mut file, &head, preparation.code())?;
        file.flush()?;
        file.persist(self.path(key))?;
        self.prune()
    }

    fn path(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.rule"))
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) {
                entries.push((modified, entry.path()));
            }
        }
        entries.sort();
        let excess = entries.len().saturating_sub(ENTRIES);
        for (_, path) in &entries[..excess] {
            // Another process may have been quicker.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}
