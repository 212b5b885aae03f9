//! What the commands of packs work on: a packed file, the folder of a layout, or the folder of a pack.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::Failure;
use crate::escape;
use crate::pack::Pack;
use crate::pack::packed::{Layout, Packed, PackedError};
use crate::sandbox::Limits;

/// A pack that was opened to be looked at.
pub(super) enum Target {
    /// Packed.
    Packed(Box<Packed>),
    /// A folder as its author has it.
    Folder(Pack),
}

impl Target {
    /// Opens what a path names.
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<Self, Failure> {
        if path.is_dir() && !Layout::is_at(path) {
            if !Pack::is_at(path) {
                return Err(no_pack(path));
            }
            return Ok(Self::Folder(Pack::open(path).map_err(Failure::rules)?));
        }
        packed(path, limits).map(|packed| Self::Packed(Box::new(packed)))
    }

    /// Returns a folder of the pack that other commands can work on: its own, or one that it is unpacked into for as long as it is held.
    pub(super) fn folder(&self) -> Result<Unpacked, Failure> {
        match self {
            Self::Folder(pack) => Ok(Unpacked { path: pack.folder().to_owned(), _held: None }),
            Self::Packed(packed) => {
                let held = tempfile::tempdir().map_err(Failure::input_output)?;
                let path = held.path().join(packed.manifest().id.name());
                std::fs::create_dir(&path).map_err(Failure::input_output)?;
                packed.unpack(&path).map_err(Failure::input_output)?;
                Ok(Unpacked { path, _held: Some(held) })
            }
        }
    }
}

/// A pack as a folder.
pub(super) struct Unpacked {
    pub(super) path: PathBuf,
    _held: Option<TempDir>,
}

/// Opens a packed file or the folder of a layout.
pub(super) fn packed(path: &Path, limits: &Limits) -> Result<Packed, Failure> {
    if path.is_dir() && !Layout::is_at(path) {
        return Err(no_pack(path));
    }
    Packed::read(path, limits).map_err(|error| refused(path, error))
}

fn no_pack(path: &Path) -> Failure {
    let hint = "a pack is a file that `pack build` made, an image layout, or a folder with pack.toml";
    Failure::usage(format!("`{}` is no pack\nhint: {hint}", escape::path(path)))
}

/// A pack that is refused, with its name.
#[derive(Debug, thiserror::Error)]
#[error("the pack `{}` is refused", escape::path(path))]
struct Refused {
    path: PathBuf,
    source: PackedError,
}

pub(super) fn refused(path: &Path, error: PackedError) -> Failure {
    match error {
        PackedError::Layout(error @ crate::pack::packed::LayoutError::File { .. }) => Failure::input_output(error),
        source => Failure::rules(Refused { path: path.to_owned(), source }),
    }
}
