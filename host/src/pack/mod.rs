//! Rule packs: folders with a `pack.toml`, one crate each, whose rules stand in `dist/` once they are built.

mod build;
pub mod diff;
pub mod form;
mod lean;
pub mod lock;
mod manifest;
pub mod packed;
mod provenance;
pub mod registry;
pub mod seen;
pub mod signature;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::escape;
pub use build::{BuildError, Builder, Built};
pub use manifest::{KnownName, Manifest, PackId};
pub use provenance::Provenance;

/// A pack's folder.
#[derive(Clone, Debug)]
pub struct Pack {
    folder: PathBuf,
    manifest: Manifest,
}

/// Why a pack's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file or folder cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `pack.toml` is not understood.
    #[error("failed to understand `{path}`")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<toml::de::Error>,
    },
    /// The pack needs a newer host.
    #[error("the pack `{}` needs orgwatch-host {needed} or newer, and this is {}", escape::path(path), env!("CARGO_PKG_VERSION"))]
    OldHost {
        /// The pack's folder.
        path: PathBuf,
        /// The version.
        needed: semver::Version,
    },
    /// There are no components.
    #[error("the pack `{folder}` has not been built\nhint: add --build, or run `orgwatch-host build {folder}` first", folder = escape::path(.0))]
    NotBuilt(PathBuf),
}

impl Pack {
    /// The file that makes a folder a pack.
    pub const MANIFEST: &'static str = "pack.toml";

    /// Opens a pack's folder.
    ///
    /// # Errors
    ///
    /// Fails when `pack.toml` is missing or not understood.
    pub fn open(folder: &Path) -> Result<Self, PackError> {
        let path = folder.join(Self::MANIFEST);
        let text = fs::read_to_string(&path).map_err(|source| PackError::Read { path: path.clone(), source })?;
        if let Some(needed) = needed_host(&text).filter(|needed| host_version() < *needed) {
            return Err(PackError::OldHost { path: folder.to_owned(), needed });
        }
        let manifest =
            toml::from_str(&text).map_err(|source| PackError::Manifest { path, source: Box::new(source) })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Tells whether a folder is a pack.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(Self::MANIFEST).is_file()
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns what `pack.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the folder of the built components.
    pub fn dist(&self) -> PathBuf {
        self.folder.join("dist")
    }

    /// Tells whether the pack's folder has the source of its rules.
    pub fn has_source(&self) -> bool {
        self.folder.join("Cargo.toml").is_file()
    }

    /// Tells whether a source of the pack is newer than what was built of it.
    pub fn changed_since_built(&self) -> bool {
        let built = fs::metadata(self.dist().join(build::RECORD)).and_then(|record| record.modified());
        let Ok(built) = built else { return false };
        newest(&self.folder.join("src"))
            .into_iter()
            .chain(newest(&self.folder.join("Cargo.toml")))
            .any(|time| time > built)
    }

    /// Lists the built components, by name.
    ///
    /// # Errors
    ///
    /// Fails when there are none, with the hint to build them, or the folder cannot be read.
    pub fn components(&self) -> Result<Vec<PathBuf>, PackError> {
        let dist = self.dist();
        let components = match wasm_files(&dist) {
            Ok(components) => components,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(PackError::Read { path: dist, source }),
        };
        if components.is_empty() { Err(PackError::NotBuilt(self.folder.clone())) } else { Ok(components) }
    }
}

/// The version of this host.
///
/// # Panics
///
/// Never: cargo takes no other versions.
fn host_version() -> semver::Version {
    semver::Version::parse(env!("CARGO_PKG_VERSION")).expect("cargo's versions are semantic")
}

/// Returns the least host that a `pack.toml` names. It may be one that this host cannot read otherwise.
fn needed_host(text: &str) -> Option<semver::Version> {
    let manifest: toml::Table = toml::from_str(text).ok()?;
    semver::Version::parse(manifest.get("min_host_version")?.as_str()?).ok()
}

/// Returns when the newest file of a folder was written, or a file itself.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return metadata.modified().ok();
    }
    fs::read_dir(path).ok()?.filter_map(|entry| newest(&entry.ok()?.path())).max()
}

/// Tells whether a path is called as a component is.
pub fn is_wasm(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm")
}

/// Lists the `.wasm` files of a folder, by name.
pub fn wasm_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_wasm(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
