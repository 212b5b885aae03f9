//! Finding components: what `--rules` names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::RuleFile;
use crate::escape;
use crate::pack::packed::Layout;
use crate::pack::{Pack, PackError, is_wasm, wasm_files};
use crate::parallel::{self, processors};
use crate::sandbox::{Component, Limits};

/// What a path of rules holds.
#[derive(Debug, Default)]
pub struct Discovered {
    /// The packs, by folder.
    pub packs: Vec<Pack>,
    /// Components outside packs, by path.
    pub components: Vec<PathBuf>,
    /// Packed packs: files and folders of layouts.
    pub packed: Vec<PathBuf>,
}

/// Why a path of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// It is not there, or may not be read.
    #[error("failed to read rules from `{}`", escape::path(path))]
    Read {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder without any.
    #[error(
        "there are no rules in `{}`\nhint: a rule is a .wasm file, a folder of those, or a pack (a folder with pack.toml, or what `pack build` made)",
        escape::path(.0)
    )]
    Nothing(PathBuf),
    /// Somebody's packed pack, where one's own rules are worked on.
    #[error("`{}` is a packed pack\nhint: `pack inspect`, `pack test` and `pack diff` work on those", escape::path(.0))]
    Packed(PathBuf),
    /// A pack cannot be used.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Looks what a path holds: a component, a pack, or a folder of either.
///
/// # Errors
///
/// Fails when the path cannot be read or holds no rules.
pub fn discover(path: &Path) -> Result<Discovered, DiscoverError> {
    let read = |source| DiscoverError::Read { path: path.to_owned(), source };
    let mut found = Discovered::default();
    let is_dir = fs::metadata(path).map_err(read)?.is_dir();
    if Layout::is_at(path) {
        found.packed.push(path.to_owned());
    } else if !is_dir {
        found.components.push(path.to_owned());
    } else if Pack::is_at(path) {
        found.packs.push(Pack::open(path)?);
    } else {
        found.components = wasm_files(path).map_err(read)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(read)? {
            entries.push(entry.map_err(read)?.path());
        }
        entries.sort();
        for entry in entries {
            if Pack::is_at(&entry) {
                found.packs.push(Pack::open(&entry)?);
            } else if !is_wasm(&entry) && Layout::is_at(&entry) {
                found.packed.push(entry);
            }
        }
    }
    if found.packs.is_empty() && found.components.is_empty() && found.packed.is_empty() {
        return Err(DiscoverError::Nothing(path.to_owned()));
    }
    Ok(found)
}

impl Discovered {
    /// Reads all components that are not packed. One that is no rule is kept with the reason.
    ///
    /// # Errors
    ///
    /// Fails when a pack has not been built, a file cannot be read, or there are only packed ones.
    pub fn files(&self, limits: &Limits) -> Result<Vec<RuleFile>, DiscoverError> {
        if let ([packed, ..], true) = (self.packed.as_slice(), self.packs.is_empty() && self.components.is_empty()) {
            return Err(DiscoverError::Packed(packed.clone()));
        }
        let mut paths: Vec<_> = self.components.iter().map(|path| (path.clone(), None)).collect();
        for pack in &self.packs {
            let reference = pack.manifest().reference();
            paths.extend(pack.components()?.into_iter().map(|path| (path, Some(reference.clone()))));
        }
        let files = parallel::map(&paths, processors(), |(path, pack)| read(path, pack.clone(), limits));
        files.into_iter().collect()
    }
}

fn read(path: &Path, pack: Option<String>, limits: &Limits) -> Result<RuleFile, DiscoverError> {
    let bytes =
        read_bounded(path, limits.component).map_err(|source| DiscoverError::Read { path: path.to_owned(), source })?;
    Ok(RuleFile { path: path.to_owned(), pack, grant: None, component: Component::check(bytes, limits) })
}

/// Reads a file up to one byte beyond a limit, which is enough to know that it is too large.
fn read_bounded(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, limit as u64 + 1), &mut bytes)?;
    Ok(bytes)
}
