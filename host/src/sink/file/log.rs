//! A file that only grows, until it is moved away for a new one.
//!
//! Whatever happens in between, each line that was acknowledged stands in one of the files, whole: a text is on the disk before anybody is told, a write
//! that failed half-way is taken back, and a line that a crash tore is ended before the next one begins.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _};

/// The file, opened at the first write and again whenever it is no longer the one at its path.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// The size from which on it is moved away; 0 for never.
    rotate: u64,
    keep: usize,
    open: Option<File>,
}

impl Log {
    pub(super) const fn new(path: PathBuf, rotate: u64, keep: usize) -> Self {
        Self { path, rotate, keep, open: None }
    }

    /// Returns the folder that the file is in.
    pub(super) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// Appends a text that ends with a line end. When this returns, the disk has it.
    pub(super) fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        // Whatever goes wrong, the next write begins by looking at the file anew.
        let mut file = self.current()?;
        let before = file.metadata()?.len();
        if self.rotate > 0 && before >= self.rotate {
            drop(file);
            self.rotate()?;
            file = self.current()?;
        }
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(text).and_then(|()| file.sync_data()) {
            // What was not acknowledged comes again, so half of it is of no use. Should this fail too, the line is ended at the next write.
            let _ = file.set_len(before);
            return Err(error);
        }
        self.open = Some(file);
        Ok(())
    }

    /// Returns the file at the path, ready for the next line. It is made where there is none.
    fn current(&mut self) -> io::Result<File> {
        if let Some(file) = self.open.take() {
            let ours = file.metadata()?;
            let there = fs::metadata(&self.path);
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                return Ok(file);
            }
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        end_torn_line(&mut file)?;
        file.sync_all()?;
        self.sync_folder()?;
        Ok(file)
    }

    /// Moves the file away under the time of day, and removes the oldest of those that were moved before.
    fn rotate(&self) -> io::Result<()> {
        let mut time = Timestamp::now();
        let mut away = self.away(time);
        // The clock may have been turned back: no file is ever moved over another.
        while away.symlink_metadata().is_ok() {
            time = time.checked_add(1.millisecond()).map_err(io::Error::other)?;
            away = self.away(time);
        }
        fs::rename(&self.path, away)?;
        self.sync_folder()?;
        let mut old = self.moved_away()?;
        old.sort();
        for path in old.iter().rev().skip(self.keep) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    fn away(&self, time: Timestamp) -> PathBuf {
        let mut name = self.prefix();
        name.push(time.strftime("%Y%m%dT%H%M%S%.3fZ").to_string());
        self.path.with_file_name(name)
    }

    /// Returns what the names of the files begin with that were moved away.
    fn prefix(&self) -> OsString {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name
    }

    fn moved_away(&self) -> io::Result<Vec<PathBuf>> {
        let prefix = self.prefix();
        let mut paths = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let entry = entry?;
            let name = entry.file_name();
            let time = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
            if time.is_some_and(is_time) {
                paths.push(entry.path());
            }
        }
        Ok(paths)
    }

    /// Makes sure that the names in the folder survive a crash as well as what the files hold.
    fn sync_folder(&self) -> io::Result<()> {
        File::open(self.folder())?.sync_all()
    }
}

/// Ends the last line where it has no end.
fn end_torn_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// Tells whether this is the time in the name of a file that was moved away: `20261101T100000.000Z`.
fn is_time(text: &[u8]) -> bool {
    const SHAPE: &[u8; 20] = b"00000000T000000.000Z";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    text.len() == SHAPE.len() && text.iter().zip(SHAPE).all(fits)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn log(folder: &Path, rotate: u64, keep: usize) -> Log {
        Log::new(folder.join("findings.ndjson"), rotate, keep)
    }

    fn read(log: &Log) -> String {
        fs::read_to_string(&log.path).unwrap()
    }

    #[test]
    fn lines_are_appended_and_only_the_owner_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 0, 1);
        log.append(b"one\n").unwrap();
        log.append(b"two\n").unwrap();
        assert_eq!(read(&log), "one\ntwo\n");
        assert_eq!(fs::metadata(&log.path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_a_crash_tore_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 0, 1);
        fs::write(&log.path, "whole\n{\"id\":\"to").unwrap();
        log.append(b"next\n").unwrap();
        assert_eq!(read(&log), "whole\n{\"id\":\"to\nnext\n");
        log.append(b"more\n").unwrap();
        assert_eq!(read(&log), "whole\n{\"id\":\"to\nnext\nmore\n");
    }

    #[test]
    fn a_full_file_makes_room_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 8, 2);
        fs::write(folder.path().join("findings.ndjson.backup"), "not ours").unwrap();
        for line in ["1111111\n", "2222222\n", "3333333\n", "4444444\n", "5\n"] {
            log.append(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&log), "5\n");
        let mut old = log.moved_away().unwrap();
        old.sort();
        let texts: Vec<String> = old.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert_eq!(texts, ["3333333\n", "4444444\n"]);
        assert!(folder.path().join("findings.ndjson.backup").exists());
    }

    #[test]
    fn a_file_that_somebody_moved_or_removed_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path(), 0, 1);
        log.append(b"one\n").unwrap();
        fs::rename(&log.path, folder.path().join("elsewhere")).unwrap();
        log.append(b"two\n").unwrap();
        assert_eq!(read(&log), "two\n");
        fs::remove_file(&log.path).unwrap();
        log.append(b"three\n").unwrap();
        assert_eq!(read(&log), "three\n");
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("logs");
        let mut log = log(&inner, 0, 1);
        assert!(log.append(b"one\n").is_err());
        fs::create_dir(&inner).unwrap();
        log.append(b"one\n").unwrap();
        assert_eq!(read(&log), "one\n");
    }

    #[test]
    fn a_device_is_no_file() {
        assert!(Log::new(PathBuf::from("/dev/null"), 0, 1).append(b"one\n").is_err());
    }
}
