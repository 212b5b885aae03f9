//! Files to replay: what the command line names, in a fixed order.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use rustix::fs::{Mode, OFlags, openat};

use super::s3::ObjectInput;
use crate::escape::{self, terminal};

/// One input to replay.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in messages.
    pub name: Arc<str>,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    StandardInput,
    /// A plain file, with the folder that it was found in where that is open.
    File(PathBuf, Option<Arc<File>>),
    /// Something else at a path, which somebody named: a pipe, a device.
    Stream(PathBuf),
    Object(ObjectInput),
}

/// Something named on the command line that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A path that is not there, or may not be read.
    #[error("failed to read `{}`", escape::path(path))]
    Read {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something in a folder that is neither a file nor a folder: a device, a socket, a pipe that nobody may ever write to.
    #[error("failed to read `{}`: it is neither a file nor a folder", escape::path(.0))]
    NoFile(PathBuf),
    /// A pattern that no file matches.
    #[error("no file matches `{}`", terminal(.0))]
    NothingMatches(String),
    /// A pattern that is none.
    #[error("`{}` is not a glob pattern: {reason}", terminal(pattern))]
    Glob {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Input {
    fn standard_input() -> Self {
        Self { name: "-".into(), origin: Origin::StandardInput }
    }

    fn file(path: PathBuf, folder: Option<Arc<File>>) -> Self {
        Self { name: path.to_string_lossy().into(), origin: Origin::File(path, folder) }
    }

    fn stream(path: PathBuf) -> Self {
        Self { name: path.to_string_lossy().into(), origin: Origin::Stream(path) }
    }

    pub(super) fn object(object: ObjectInput) -> Self {
        Self { name: Arc::clone(object.name()), origin: Origin::Object(object) }
    }

    /// Returns the file, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path, _) | Origin::Stream(path) => Some(path),
            Origin::StandardInput | Origin::Object(_) => None,
        }
    }

    /// Tells whether reading may wait for somebody else: a program at the other end of a pipe, a server.
    pub fn waits(&self) -> bool {
        !matches!(self.origin, Origin::File(..))
    }

    /// Returns the input's size in bytes as it is stored, where it has one.
    pub fn size(&self) -> Option<u64> {
        match &self.origin {
            Origin::StandardInput | Origin::Stream(_) => None,
            Origin::File(path, _) => fs::metadata(path).ok().map(|metadata| metadata.len()),
            Origin::Object(object) => Some(object.size()),
        }
    }

    /// Opens the input. An object is read by the runtime that found it, so the thread that reads must not be one of the runtime's own.
    ///
    /// # Errors
    ///
    /// Fails when the file or the object cannot be opened.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.origin {
            Origin::StandardInput => Box::new(io::stdin()),
            Origin::File(path, Some(folder)) => Box::new(open_in(folder, path)?),
            Origin::File(path, None) | Origin::Stream(path) => Box::new(File::open(path)?),
            Origin::Object(object) => object.open()?,
        })
    }
}

/// Opens a file by its name in a folder that is open, which spares the kernel following the path to each of many small files.
fn open_in(folder: &File, path: &Path) -> io::Result<File> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let file = openat(folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(file.into())
}

/// Finds the inputs that the arguments name, all at once; see [`walk`]. What cannot be read is returned beside them.
pub fn find(arguments: &[String]) -> (Vec<Input>, Vec<InputError>) {
    let mut inputs = Vec::new();
    let mut errors = Vec::new();
    for found in walk(arguments) {
        match found {
            // Held all at once, they would hold more folders open than a program may have.
            Ok(Input { name, origin: Origin::File(path, _) }) => {
                inputs.push(Input { name, origin: Origin::File(path, None) });
            }
            Ok(input) => inputs.push(input),
            Err(error) => errors.push(error),
        }
    }
    (inputs, errors)
}

/// Walks the inputs that the arguments name: files, folders with everything in them, glob patterns, `-`. In the order of the arguments, and
/// within each by path, so that the same command reads the same files in the same order on every machine.
///
/// A folder is opened when its turn comes: a walk through a million files takes no memory for them, and nobody waits for its end. What cannot
/// be read comes as an error in its place, and the walk goes on.
pub fn walk(arguments: &[String]) -> Walk {
    let arguments = Vec::from(arguments);
    Walk { arguments: arguments.into_iter(), glob: None, folders: Vec::new(), known: BTreeSet::new() }
}

/// A walk through the inputs that some arguments name.
pub struct Walk {
    arguments: vec::IntoIter<String>,
    /// The pattern whose paths are walked.
    glob: Option<Glob>,
    /// The folders that are walked, each in the one before it, with what is still to come of them.
    folders: Vec<Folder>,
    /// The folders that an argument has led to.
    known: BTreeSet<PathBuf>,
}

struct Glob {
    pattern: String,
    paths: glob::Paths,
    any: bool,
}

struct Folder {
    path: PathBuf,
    /// The same without links.
    resolved: PathBuf,
    /// Sorted by name.
    entries: vec::IntoIter<(OsString, io::Result<FileType>)>,
    /// The folder itself, opened when the first file in it comes up, if it can be.
    open: Option<Arc<File>>,
}

impl Folder {
    fn open(&mut self) -> Option<Arc<File>> {
        if self.open.is_none() {
            self.open = File::open(&self.path).ok().map(Arc::new);
        }
        self.open.clone()
    }
}

/// What comes of one step.
type Step = Option<Result<Input, InputError>>;

impl Iterator for Walk {
    type Item = Result<Input, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let step = if let Some(folder) = self.folders.last_mut() {
                if let Some((name, kind)) = folder.entries.next() {
                    let path = folder.path.join(name);
                    self.entry(path, kind)
                } else {
                    self.folders.pop();
                    None
                }
            } else if let Some(glob) = &mut self.glob {
                match glob.paths.next() {
                    Some(Ok(path)) => {
                        glob.any = true;
                        self.path(path)
                    }
                    Some(Err(error)) => {
                        glob.any = true;
                        let path = error.path().to_owned();
                        Some(Err(InputError::Read { path, source: error.into() }))
                    }
                    None => {
                        let Glob { pattern, any, .. } = self.glob.take()?;
                        (!any).then_some(Err(InputError::NothingMatches(pattern)))
                    }
                }
            } else {
                let argument = self.arguments.next()?;
                self.argument(argument)
            };
            if step.is_some() {
                return step;
            }
        }
    }
}

impl Walk {
    fn argument(&mut self, argument: String) -> Step {
        self.known.clear();
        let path = Path::new(&argument);
        if argument == "-" {
            return Some(Ok(Input::standard_input()));
        }
        if path.exists() || !argument.contains(['*', '?', '[']) {
            return self.path(path.to_owned());
        }
        match glob::glob(&argument) {
            Ok(paths) => self.glob = Some(Glob { pattern: argument, paths, any: false }),
            Err(error) => return Some(Err(InputError::Glob { pattern: argument, reason: error.msg })),
        }
        None
    }

    /// Takes what an argument names: anything that can be read, or everything in a folder.
    fn path(&mut self, path: PathBuf) -> Step {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => self.link(path),
            Ok(metadata) if metadata.is_file() => Some(Ok(Input::file(path, None))),
            Ok(_) => Some(Ok(Input::stream(path))),
            Err(source) => Some(Err(InputError::Read { path, source })),
        }
    }

    /// Takes what is in the innermost folder.
    fn entry(&mut self, path: PathBuf, kind: io::Result<FileType>) -> Step {
        // Only a link has to be looked at again, for what it leads to.
        let is_link = kind.as_ref().is_ok_and(FileType::is_symlink);
        let kind = if is_link { fs::metadata(&path).map(|metadata| metadata.file_type()) } else { kind };
        match kind {
            Ok(kind) if kind.is_dir() => match (self.folders.last(), path.file_name()) {
                (Some(folder), Some(name)) if !is_link => {
                    let resolved = folder.resolved.join(name);
                    self.folder(path, resolved)
                }
                _ => self.link(path),
            },
            Ok(kind) if kind.is_file() => {
                let folder = self.folders.last_mut().and_then(Folder::open);
                Some(Ok(Input::file(path, folder)))
            }
            Ok(_) => Some(Err(InputError::NoFile(path))),
            Err(source) => Some(Err(InputError::Read { path, source })),
        }
    }

    /// Goes into a folder by a path that may have links in it.
    fn link(&mut self, path: PathBuf) -> Step {
        let resolved = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        self.folder(path, resolved)
    }

    /// Goes into a folder, once: links may lead to it again, or in circles.
    fn folder(&mut self, path: PathBuf, resolved: PathBuf) -> Step {
        if !self.known.insert(resolved.clone()) {
            return None;
        }
        let read = fs::read_dir(&path).and_then(|entries| {
            let entries = entries.map(|entry| entry.map(|entry| (entry.file_name(), entry.file_type())));
            entries.collect::<io::Result<Vec<_>>>()
        });
        match read {
            Ok(mut entries) => {
                entries.sort_by(|(left, _), (right, _)| left.cmp(right));
                // Folders in one another are not all held open.
                if let Some(outer) = self.folders.last_mut() {
                    outer.open = None;
                }
                self.folders.push(Folder { path, resolved, entries: entries.into_iter(), open: None });
                None
            }
            Err(source) => Some(Err(InputError::Read { path, source })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_globs_come_in_a_fixed_order_and_what_is_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("b")).unwrap();
        for name in ["c.json", "b/2.json", "b/1.json", "a.gz"] {
            fs::write(root.join(name), name).unwrap();
        }
        let argument = |name: &str| root.join(name).to_string_lossy().into_owned();
        let arguments = [argument(""), "-".to_owned(), argument("b/*.json"), argument("none"), argument("*.txt")];
        let (inputs, errors) = find(&arguments);
        let names: Vec<&str> = inputs.iter().map(|input| input.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.gz", "1.json", "2.json", "c.json", "-", "1.json", "2.json"]);
        assert!(matches!(&errors[..], [InputError::Read { .. }, InputError::NothingMatches(_)]), "{errors:?}");
    }
}
