//! What tells an entry that this cache has written from any other file: a keyed hash over it.
//!
//! The key is a file of the cache, made with it and readable by this user alone. Beside its content, the file's own inode and time of birth
//! count, which nobody can choose: a cache that came out of an archive, or was copied here, brings its key along and is not believed all
//! the same.

use std::fmt;
use std::io::{self, Read as _};

use blake3::Hasher;
use rustix::fs::{AtFlags, StatxFlags, statx};

use super::folder::{Folder, READ_OR_WRITE};
use crate::digest::Digest;

/// The key's file.
pub(super) const NAME: &str = "key";

/// The length of the key and of the seal under an entry, in bytes.
pub(super) const LENGTH: usize = 32;

/// Seals what the cache writes, and knows its seal again.
pub(super) struct Seal {
    key: Digest,
}

impl fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is nobody's business.
        formatter.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    /// Reads the key of a cache, and makes one where there is none, or none that can be trusted. With a new key, all older entries are as good as missing.
    pub(super) fn of(folder: &Folder) -> io::Result<Self> {
        if let Ok(seal) = Self::read(folder) {
            return Ok(seal);
        }
        let exists = folder.list()?.iter().any(|listed| listed.name == NAME);
        let mut key = [0; LENGTH];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut key).map_err(|_| io::Error::other("there is no randomness"))?;
        match folder.write(NAME, &[&key], exists) {
            // Another process has made one at the same time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => written?,
        }
        Self::read(folder)
    }

    fn read(folder: &Folder) -> io::Result<Self> {
        let (mut file, stat) = folder.file(NAME, READ_OR_WRITE)?;
        let mut key = Vec::new();
        (&mut file).take(LENGTH as u64 + 1).read_to_end(&mut key)?;
        if key.len() != LENGTH {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // A file system that does not know when a file was born leaves the inode.
        let born = statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME).map(|file| file.stx_btime);
        let born = born.map(|time| (time.tv_sec, time.tv_nsec)).unwrap_or_default();
        let identity = format!("{} {} {}", stat.st_ino, born.0, born.1);
        Ok(Self { key: Digest::of_parts([key.as_slice(), identity.as_bytes()]) })
    }

    /// Returns the seal of an entry: also of its name, so that no entry can stand for another.
    pub(super) fn seal(&self, name: &Digest, parts: &[&[u8]]) -> [u8; LENGTH] {
        *self.hash(name, parts).as_bytes()
    }

    /// Tells whether an entry has been sealed by this cache.
    pub(super) fn holds(&self, name: &Digest, content: &[u8], seal: &[u8]) -> bool {
        // Comparing two hashes takes the same time wherever they differ.
        let seal = seal.try_into().map(blake3::Hash::from_bytes);
        seal.is_ok_and(|seal| self.hash(name, &[content]) == seal)
    }

    /// BLAKE3 with a key: a start with a hundred rules hashes a hundred megabytes.
    fn hash(&self, name: &Digest, parts: &[&[u8]]) -> blake3::Hash {
        let mut hash = Hasher::new_keyed(self.key.as_bytes());
        hash.update(name.as_bytes());
        for part in parts {
            hash.update(part);
        }
        hash.finalize()
    }
}
