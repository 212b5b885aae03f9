//! The source `directory`: the files of a folder, those that are there and those that come.
//!
//! The folder is listed again and again instead of asking the system for changes: that works on network file systems too, where changes of another
//! machine are never told, and misses nothing while the program was down. A file is taken when its size and its time stood still from one list to
//! the next, so that one being written is left to its writer. A file that changes afterwards is taken again as a whole: what it held before gives
//! the same findings again, which are known. Names that begin with a dot are left out: programs that copy files call them so until they are whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::mem;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::files;
use super::trouble::Troubles;
use super::{Batch, Body, Inlet, Source, SourceError};
use crate::causes;
use crate::config::Span;

/// The configuration of a source `directory`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// The source's name, for messages and metrics.
    pub name: String,
    /// The folder, with everything in it and in the folders below it; or a single file.
    pub path: PathBuf,
    /// How often it is looked through: every `2s` by default. A file is taken when it did not change from one look to the next.
    #[serde(default = "every")]
    pub every: Span,
    /// A source that brings no event for so long is reported. Without it a quiet source is no news.
    #[serde(default)]
    pub quiet_after: Option<Span>,
}

fn every() -> Span {
    Span::seconds(2)
}

impl DirectoryConfig {
    pub(super) fn build(&self) -> Result<Directory, SourceError> {
        if self.every.0.is_zero() {
            return Err(SourceError("`every` is 0: the folder would be looked through without a pause".to_owned()));
        }
        Ok(Directory { path: self.path.clone(), every: self.every.0, troubles: Troubles::default() })
    }
}

/// Files that are taken at a time. More than are judged at a time: while some wait for the disk to have what was found in them, others are judged.
const FILES: usize = 32;

/// Brings the files of a folder.
pub(super) struct Directory {
    path: PathBuf,
    every: Duration,
    troubles: Troubles,
}

/// What shows that a file changed. A change that keeps both is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { size: metadata.len(), seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() })
    }

    /// Returns the stamp as it stands in a checkpoint.
    fn text(self) -> String {
        format!("{} {}.{:09}", self.size, self.seconds, self.nanoseconds)
    }

    fn changed(self) -> Option<Timestamp> {
        Timestamp::from_second(self.seconds).ok()
    }
}

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// The stamp of the last look.
    seen: Option<Stamp>,
    /// The stamp with which it was taken, as in a checkpoint.
    taken: Option<String>,
}

/// What one look through the folder gives.
#[derive(Default)]
struct Look {
    files: BTreeMap<PathBuf, Stamp>,
    errors: Vec<String>,
}

#[async_trait]
impl Source for Directory {
    async fn run(&self, inlet: &Inlet) -> Result<(), SourceError> {
        let mut known: BTreeMap<PathBuf, Known> = BTreeMap::new();
        loop {
            let began = Timestamp::now();
            let path = self.path.clone();
            let look = spawn_blocking(move || look(&path)).await.map_err(|error| SourceError(error.to_string()))?;
            match look.errors.first() {
                Some(error) => self.troubles.raise(inlet, "list", error.clone()),
                None => self.troubles.well(inlet, "list"),
            }
            let mut before = mem::take(&mut known);
            let files = look.files.into_iter().map(|(path, stamp)| {
                let known = before.remove(&path).unwrap_or_default();
                async move {
                    // What is begun is finished, and nothing more is begun.
                    let taken = if inlet.stopping() { None } else { Some(self.file(inlet, known, &path, stamp).await) };
                    (path, stamp, taken)
                }
            });
            let mut files = pin!(stream::iter(files).buffer_unordered(FILES));
            let mut waiting = None;
            while let Some((path, stamp, taken)) = files.next().await {
                let Some((now, done)) = taken else { continue };
                known.insert(path, now);
                if !done {
                    waiting = [waiting, stamp.changed()].into_iter().flatten().min();
                }
            }
            if inlet.stopping() {
                return Ok(());
            }
            if waiting.is_none() && self.troubles.none() {
                inlet.caught_up(began);
            }
            let age = waiting.map_or(0, |since: Timestamp| began.duration_since(since).as_secs());
            inlet.oldest_waiting(u64::try_from(age).unwrap_or(0));
            tokio::select! {
                () = inlet.stopped() => return Ok(()),
                () = sleep(self.every) => {}
            }
        }
    }
}

impl Directory {
    /// Takes a file where there is something new in it. Returns what is known of it now, and false when it is still to be taken.
    async fn file(&self, inlet: &Inlet, mut known: Known, path: &Path, stamp: Stamp) -> (Known, bool) {
        let done = self.take(inlet, &mut known, path, stamp).await;
        (known, done)
    }

    async fn take(&self, inlet: &Inlet, known: &mut Known, path: &Path, stamp: Stamp) -> bool {
        let name = path.to_string_lossy().into_owned();
        if known.seen.is_none() && known.taken.is_none() {
            match inlet.checkpoint(&name).await {
                Ok(taken) => known.taken = taken,
                Err(error) => {
                    let reason = causes::on_one_line(&error);
                    self.troubles.raise(inlet, &name, format!("failed to tell whether {name} was taken: {reason}"));
                    return false;
                }
            }
        }
        if known.taken.as_ref() == Some(&stamp.text()) {
            known.seen = Some(stamp);
            return true;
        }
        if known.seen.replace(stamp) != Some(stamp) {
            return false;
        }
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.troubles.raise(inlet, &name, format!("failed to read {name}: {error}"));
                return false;
            }
        };
        let batch = Batch {
            input: name.as_str().into(),
            body: Body::Reader(Box::new(file)),
            checkpoint: Some((name.clone(), stamp.text())),
            account: None,
        };
        match inlet.take(batch).await {
            Ok(_) => {
                known.taken = Some(stamp.text());
                self.troubles.well(inlet, &name);
                true
            }
            Err(_) if inlet.stopping() => false,
            Err(error) => {
                self.troubles.raise(inlet, &name, format!("failed to take {name}: {}", causes::on_one_line(&error)));
                false
            }
        }
    }
}

/// Looks through the folder.
fn look(path: &Path) -> Look {
    let mut look = Look::default();
    let argument = path.to_string_lossy().into_owned();
    let (inputs, errors) = files::find(&[argument]);
    look.errors = errors.iter().map(|error| causes::on_one_line(error)).collect();
    for input in inputs {
        let Some(file) = input.path() else { continue };
        let below = file.strip_prefix(path).unwrap_or(file);
        if below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        match Stamp::of(file) {
            Ok(stamp) => {
                look.files.insert(file.to_owned(), stamp);
            }
            // It went away between the list and the look.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => look.errors.push(format!("failed to read {}: {error}", file.display())),
        }
    }
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_finds_files_in_the_order_of_their_names_and_leaves_out_unfinished_ones() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/.git")).unwrap();
        for name in ["c.json", "b/a.gz", "b/.partial", "b/.git/x", ".hidden"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let look = look(folder.path());
        let names: Vec<_> =
            look.files.keys().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["b/a.gz", "c.json"]);
        assert_eq!(look.errors, Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let errors = look(&folder.path().join("none")).errors;
        assert!(matches!(&errors[..], [error] if error.contains("none")), "{errors:?}");
    }

    #[test]
    fn a_file_that_grows_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "1").unwrap();
        let before = Stamp::of(&path).unwrap();
        fs::write(&path, "12").unwrap();
        assert_ne!(before.text(), Stamp::of(&path).unwrap().text());
    }
}
