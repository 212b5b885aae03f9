//! Blobs on disk, by digest, under `packs/blobs/sha256/` in the state directory.
//!
//! A blob appears whole or not at all, and is hashed again whenever it is read, so nothing here has to be believed: what is damaged is as good as
//! missing. A download that broke off stays beside it as `HEX.part`, and the next one goes on from there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::error::{RegistryError, file};
use crate::digest::Digest;

/// The cache of a state directory.
#[derive(Debug)]
pub(super) struct Cache {
    blobs: PathBuf,
    signatures: PathBuf,
}

impl Cache {
    /// Opens the cache, and makes its folders where they are missing.
    pub(super) fn open(state: &Path) -> Result<Self, RegistryError> {
        let packs = state.join("packs");
        let cache = Self { blobs: packs.join("blobs/sha256"), signatures: packs.join("signatures/sha256") };
        for folder in [&cache.blobs, &cache.signatures] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file("create", folder))?;
        }
        Ok(cache)
    }

    /// Returns a blob of so many bytes at most, or nothing where there is none or it is damaged.
    pub(super) fn get(&self, digest: Digest, limit: u64) -> Result<Option<Vec<u8>>, RegistryError> {
        let path = self.path(digest);
        let content = match read(&path, limit) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file("read", path)(error)),
        };
        if content.len() as u64 > limit {
            return Ok(None);
        }
        if Digest::of(&content) == digest {
            return Ok(Some(content));
        }
        tracing::warn!(blob = %digest, "a blob in the cache of packs is damaged, and is fetched again");
        fs::remove_file(&path).map_err(file("remove", path))?;
        Ok(None)
    }

    /// Writes a blob that came in one piece.
    pub(super) fn put(&self, content: &[u8]) -> Result<Digest, RegistryError> {
        let digest = Digest::of(content);
        write(&self.blobs, &self.path(digest), content)?;
        Ok(digest)
    }

    /// Returns the digest of the manifest with the signatures of a pack, as it was when it was fetched.
    pub(super) fn signatures(&self, pack: Digest) -> Option<Digest> {
        let text = fs::read_to_string(self.signatures.join(pack.to_string())).ok()?;
        Digest::parse(text.trim())
    }

    /// Notes the manifest with the signatures of a pack.
    pub(super) fn note_signatures(&self, pack: Digest, manifest: Digest) -> Result<(), RegistryError> {
        write(&self.signatures, &self.signatures.join(pack.to_string()), manifest.to_string().as_bytes())
    }

    /// Begins or goes on with the download of a blob.
    pub(super) fn partial(&self, digest: Digest) -> Result<Partial, RegistryError> {
        let path = self.blobs.join(format!("{digest}.part"));
        let failed = |error| file("write", &path)(error);
        let mut opened = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        // Another process may be at the same blob. It may also have just ended, and then this file is the blob by now.
        let locked = flock(&opened, FlockOperation::NonBlockingLockExclusive).is_ok();
        let same = opened.metadata().and_then(|own| Ok(own.ino() == fs::metadata(&path)?.ino())).unwrap_or(false);
        if locked && same {
            let length = opened.seek(SeekFrom::End(0)).map_err(failed)?;
            return Ok(Partial {
                file: opened,
                path,
                target: self.path(digest),
                length,
                resumed: length > 0,
                own: false,
            });
        }
        let (opened, path) = tempfile::NamedTempFile::new_in(&self.blobs)
            .and_then(|file| file.keep().map_err(|error| error.error))
            .map_err(failed)?;
        Ok(Partial { file: opened, path, target: self.path(digest), length: 0, resumed: false, own: true })
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.blobs.join(digest.to_string())
    }
}

/// A blob of which a part is there.
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    target: PathBuf,
    length: u64,
    /// True where a part was there before this process came.
    resumed: bool,
    /// True where the file is this process's alone, and goes when the download fails.
    own: bool,
}

impl Partial {
    /// How many bytes are there.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Tells whether some of it is from another run.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Adds what came next.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        self.file.write_all(bytes).map_err(file("write", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Begins anew.
    pub(super) fn restart(&mut self) -> Result<(), RegistryError> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(file("write", &self.path))?;
        (self.length, self.resumed) = (0, false);
        Ok(())
    }

    /// Returns everything that is there.
    pub(super) fn content(&mut self, size: u64) -> Result<Vec<u8>, RegistryError> {
        let mut content = Vec::new();
        let read = self.file.rewind().and_then(|()| (&self.file).take(size + 1).read_to_end(&mut content));
        read.map_err(file("read", &self.path))?;
        Ok(content)
    }

    /// Makes it the blob. Whoever calls this has checked what is there.
    pub(super) fn finish(mut self) -> Result<(), RegistryError> {
        self.own = false;
        fs::rename(&self.path, &self.target).map_err(file("write", &self.target))
    }

    /// Removes what is there, which was found wrong.
    pub(super) fn discard(self) -> Result<(), RegistryError> {
        fs::remove_file(&self.path).map_err(file("remove", &self.path))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.own {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Reads a file of so many bytes at most; of a longer one enough to see that it is longer.
fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut content)?;
    Ok(content)
}

/// Writes a file whole or not at all.
fn write(folder: &Path, path: &Path, content: &[u8]) -> Result<(), RegistryError> {
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(file("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn cache() -> (Cache, tempfile::TempDir) {
        let state = tempfile::tempdir().unwrap();
        (Cache::open(state.path()).unwrap(), state)
    }

    #[test]
    fn what_was_put_is_given_back_and_the_folder_is_nobody_elses() {
        let (cache, state) = cache();
        let digest = cache.put(b"some bytes").unwrap();
        assert_eq!(cache.get(digest, 100).unwrap().unwrap(), b"some bytes");
        assert_eq!(cache.get(Digest::of("other"), 100).unwrap(), None);
        for folder in ["packs", "packs/blobs", "packs/blobs/sha256"] {
            let mode = fs::metadata(state.path().join(folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{folder}");
        }
    }

    #[test]
    fn a_blob_that_was_changed_on_disk_is_missing() {
        let (cache, _state) = cache();
        let digest = cache.put(b"some bytes").unwrap();
        fs::write(cache.path(digest), b"some bytez").unwrap();
        assert_eq!(cache.get(digest, 100).unwrap(), None);
        assert!(!cache.path(digest).exists());
    }

    #[test]
    fn a_download_goes_on_where_it_ended() {
        let (cache, _state) = cache();
        let digest = Digest::of("some bytes");
        let mut partial = cache.partial(digest).unwrap();
        partial.add(b"some ").unwrap();
        drop(partial);
        let mut partial = cache.partial(digest).unwrap();
        assert_eq!((partial.length(), partial.is_resumed()), (5, true));
        partial.add(b"bytes").unwrap();
        assert_eq!(partial.content(10).unwrap(), b"some bytes");
        partial.finish().unwrap();
        assert_eq!(cache.get(digest, 100).unwrap().unwrap(), b"some bytes");
    }

    #[test]
    fn two_downloads_of_one_blob_do_not_write_into_one_file() {
        let (cache, _state) = cache();
        let digest = Digest::of("some bytes");
        let mut first = cache.partial(digest).unwrap();
        first.add(b"some ").unwrap();
        let mut second = cache.partial(digest).unwrap();
        assert_eq!(second.length(), 0);
        second.add(b"some bytes").unwrap();
        first.add(b"bytes").unwrap();
        first.finish().unwrap();
        second.finish().unwrap();
        assert_eq!(cache.get(digest, 100).unwrap().unwrap(), b"some bytes");
        assert_eq!(fs::read_dir(&cache.blobs).unwrap().count(), 1);
    }
}
