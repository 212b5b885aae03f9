//! What the commands of packs work on: a packed file, the folder of a layout, a pack in a registry, or the folder of a pack.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::registry::{RegistryArgs, failure};
use crate::command::{Failure, compiler};
use crate::escape::{self, terminal};
use crate::pack::Pack;
use crate::pack::packed::{Layout, LayoutError, Packed, PackedError, Packer};
use crate::pack::registry::wait;
use crate::parallel::processors;
use crate::rule::Place;
use crate::sandbox::Limits;

/// A pack that was opened to be looked at. Nothing is decided by that of whether it may run.
pub(super) enum Target {
    /// Packed.
    Packed(Box<Packed>),
    /// A folder as its author has it.
    Folder(Box<Pack>),
}

impl Target {
    /// Opens what a place names.
    pub(super) fn open(place: &Place, arguments: &RegistryArgs, limits: &Limits) -> Result<Self, Failure> {
        match place {
            Place::Path(path) if path.is_dir() && !Layout::is_at(path) => {
                if !Pack::is_at(path) {
                    return Err(no_pack(path));
                }
                Pack::open(path).map(|pack| Self::Folder(Box::new(pack))).map_err(Failure::rules)
            }
            _ => packed(place, arguments, limits).map(|packed| Self::Packed(Box::new(packed))),
        }
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

    /// Returns the pack packed; a folder is packed for this.
    pub(super) fn into_packed(self, cache: Option<&Path>, limits: &Limits) -> Result<Packed, Failure> {
        match self {
            Self::Packed(packed) => Ok(*packed),
            Self::Folder(pack) => {
                let compiler = compiler(cache, limits)?;
                Packer::new(&compiler, limits, processors()).pack(&pack).map_err(Failure::rules)
            }
        }
    }
}

/// A pack as a folder.
pub(super) struct Unpacked {
    pub(super) path: PathBuf,
    _held: Option<TempDir>,
}

/// Opens a packed file, the folder of a layout, or a pack in a registry.
pub(super) fn packed(place: &Place, arguments: &RegistryArgs, limits: &Limits) -> Result<Packed, Failure> {
    match place {
        Place::Path(path) if path.is_dir() && !Layout::is_at(path) => Err(no_pack(path)),
        Place::Path(path) => Packed::read(path, limits).map_err(|error| refused(place, error)),
        Place::Registry(reference) => {
            let registry = arguments.registry(&arguments.config()?, reference)?;
            // Somebody looks at it now, so what was signed meanwhile counts.
            let (_, layout) = wait(|| registry.pull_anew(reference)).map_err(failure)?;
            Packed::open(layout, limits).map_err(|error| refused(place, error))
        }
    }
}

fn no_pack(path: &Path) -> Failure {
    let hint = "a packed pack is a file that `pack build` made, the folder of an image layout, or oci://…";
    Failure::usage(format!("`{}` is no pack\nhint: {hint}", escape::path(path)))
}

/// A pack that is refused, with its name.
#[derive(Debug, thiserror::Error)]
#[error("the pack `{}` is refused", terminal(place))]
struct Refused {
    place: String,
    source: PackedError,
}

fn refused(place: &Place, error: PackedError) -> Failure {
    match error {
        PackedError::Layout(error @ LayoutError::File { .. }) => Failure::input_output(error),
        source => Failure::rules(Refused { place: place.to_string(), source }),
    }
}
