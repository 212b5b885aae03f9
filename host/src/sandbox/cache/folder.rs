//! A folder that nobody but this user can write to, and its files. Folder and files are judged by their open descriptors and never by their
//! paths: a path can lead elsewhere a moment later.

use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat, fstat, open, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;

/// What other users must not be able to do with the folder and with any file in it.
pub(super) const WRITE: u32 = 0o022;

/// What other users must not be able to do with a file that is secret.
pub(super) const READ_OR_WRITE: u32 = 0o066;

/// A folder of files that only this user has written.
#[derive(Debug)]
pub(super) struct Folder {
    folder: OwnedFd,
}

/// What the folder says of one file.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) size: u64,
    /// When it was last written or used, in seconds since 1970.
    pub(super) used: i64,
}

impl Folder {
    /// Opens a folder, making it where it is missing.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be made or opened, or when it belongs to or can be written by somebody else.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let folder = open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let stat = fstat(&folder)?;
        if is_own(&stat) && stat.st_mode & WRITE == 0 {
            Ok(Self { folder })
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    /// Opens a file to be read. No link is followed, and a pipe or a device is none.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or one that others may have written: see [`is_sound`].
    pub(super) fn file(&self, name: &str, denied: u32) -> io::Result<(File, Stat)> {
        // Without NONBLOCK a pipe of that name would hold the program up for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.folder, name, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if is_sound(&stat, denied) { Ok((file.into(), stat)) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    /// Writes a file that nobody else can read, whole or not at all. What is there under its name is replaced, or left alone and an error.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]], replace: bool) -> io::Result<()> {
        let (mut file, part) = self.part()?;
        let written = parts.iter().try_for_each(|bytes| file.write_all(bytes)).and_then(|()| {
            if replace {
                renameat(&self.folder, &part, &self.folder, name)?;
            } else {
                renameat_with(&self.folder, &part, &self.folder, name, RenameFlags::NOREPLACE)?;
            }
            Ok(())
        });
        if written.is_err() {
            let _ = self.remove(&part);
        }
        written
    }

    /// Makes a file under a name that no other has.
    fn part(&self) -> io::Result<(File, String)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = format!("{}-{}.part", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            match openat(&self.folder, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok((file.into(), name)),
                // What a process of the same number left behind when it was killed.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Lists what is in the folder, except for folders.
    pub(super) fn list(&self) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in Dir::read_from(&self.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            // Another process may have removed it meanwhile.
            let Ok(stat) = statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                let size = u64::try_from(stat.st_size).unwrap_or(0);
                listed.push(Listed { name: name.to_owned(), size, used: stat.st_mtime });
            }
        }
        Ok(listed)
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.folder, name, AtFlags::empty())?)
    }
}

/// Tells whether a file can only have been written by this user: a regular file of their own, which others may not do with what is denied,
/// and which has no second name in a folder that is not looked at. (It has none at all where it has just been replaced.)
fn is_sound(stat: &Stat, denied: u32) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && is_own(stat)
        && stat.st_mode & denied == 0
        && stat.st_nlink <= 1
}

fn is_own(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_somebody_else_is_not_sound() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Folder::open(folder.path()).unwrap();
        opened.write("file", &[b"content"], false).unwrap();
        let (_, own) = opened.file("file", READ_OR_WRITE).unwrap();
        assert!(is_sound(&own, READ_OR_WRITE));
        let with = |change: fn(&mut Stat)| {
            let mut stat = own;
            change(&mut stat);
            is_sound(&stat, WRITE)
        };
        assert!(with(|stat| stat.st_mode |= 0o044));
        assert!(!with(|stat| stat.st_uid += 1));
        assert!(!with(|stat| stat.st_mode |= 0o020));
        assert!(!with(|stat| stat.st_mode |= 0o002));
        assert!(!with(|stat| stat.st_nlink = 2));
        assert!(!with(|stat| stat.st_mode = FileType::Fifo.as_raw_mode() | 0o600));
    }
}
