//! Files to replay: what the command line names, in a fixed order.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::s3::ObjectInput;
use crate::escape::{self, terminal};

/// One input to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name in messages.
    pub name: Arc<str>,
    origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    StandardInput,
    File(PathBuf),
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

    fn file(path: PathBuf) -> Self {
        Self { name: path.to_string_lossy().into(), origin: Origin::File(path) }
    }

    pub(super) fn object(object: ObjectInput) -> Self {
        Self { name: Arc::clone(object.name()), origin: Origin::Object(object) }
    }

    /// Returns the file, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::StandardInput | Origin::Object(_) => None,
        }
    }

    /// Returns the input's size in bytes as it is stored, where it has one.
    pub fn size(&self) -> Option<u64> {
        match &self.origin {
            Origin::StandardInput => None,
            Origin::File(path) => fs::metadata(path).ok().map(|metadata| metadata.len()),
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
            Origin::File(path) => Box::new(File::open(path)?),
            Origin::Object(object) => object.open()?,
        })
    }
}

/// Finds the inputs that the arguments name: files, folders with everything in them, glob patterns, `-`. In the order of the arguments, and
/// within each by path, so that the same command reads the same files in the same order on every machine.
///
/// What cannot be read is returned beside them: the rest is replayed all the same.
pub fn find(arguments: &[String]) -> (Vec<Input>, Vec<InputError>) {
    let mut found = Found::default();
    for argument in arguments {
        found.folders.clear();
        let path = Path::new(argument);
        if argument == "-" {
            found.inputs.push(Input::standard_input());
        } else if !path.exists() && argument.contains(['*', '?', '[']) {
            found.glob(argument);
        } else {
            found.path(path.to_owned());
        }
    }
    (found.inputs, found.errors)
}

#[derive(Default)]
struct Found {
    inputs: Vec<Input>,
    errors: Vec<InputError>,
    /// The folders that an argument has led to.
    folders: BTreeSet<PathBuf>,
}

impl Found {
    fn glob(&mut self, pattern: &str) {
        let paths = match glob::glob(pattern) {
            Ok(paths) => paths,
            Err(error) => {
                self.errors.push(InputError::Glob { pattern: pattern.to_owned(), reason: error.msg });
                return;
            }
        };
        let mut any = false;
        for path in paths {
            any = true;
            match path {
                Ok(path) => self.path(path),
                Err(error) => {
                    let path = error.path().to_owned();
                    self.errors.push(InputError::Read { path, source: error.into() });
                }
            }
        }
        if !any {
            self.errors.push(InputError::NothingMatches(pattern.to_owned()));
        }
    }

    /// Takes what an argument names: anything that can be read, or everything in a folder.
    fn path(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(_) => self.inputs.push(Input::file(path)),
            Err(source) => self.errors.push(InputError::Read { path, source }),
        }
    }

    /// Takes everything in a folder, once: links may lead to it again, or in circles.
    fn folder(&mut self, folder: PathBuf) {
        let known = fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
        if !self.folders.insert(known) {
            return;
        }
        let mut paths = Vec::new();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(source) => {
                self.errors.push(InputError::Read { path: folder, source });
                return;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => paths.push((entry.path(), entry.file_type())),
                Err(source) => self.errors.push(InputError::Read { path: folder.clone(), source }),
            }
        }
        paths.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (path, kind) in paths {
            // Only a link has to be looked at again, for what it leads to.
            let kind = match kind {
                Ok(kind) if kind.is_symlink() => fs::metadata(&path).map(|metadata| metadata.file_type()),
                kind => kind,
            };
            match kind {
                Ok(kind) if kind.is_dir() => self.folder(path),
                Ok(kind) if kind.is_file() => self.inputs.push(Input::file(path)),
                Ok(_) => self.errors.push(InputError::NoFile(path)),
                Err(source) => self.errors.push(InputError::Read { path, source }),
            }
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
