//! Prepared rules on disk: machine code that need not be compiled again.
//!
//! Machine code is run as it is, so an entry has to be one that this program has written for this user: the folder and each file belong to
//! the user and can be written by nobody else ([`folder`]), and each entry is sealed with the cache's own key ([`seal`]). What is not so
//! is as good as missing, and the rule is compiled again.

mod folder;
mod seal;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use self::folder::{Folder, Listed, WRITE};
use self::seal::Seal;
use super::compiler::{CODE_LIMIT, Preparation};
use super::component::Component;
use super::engine::Engine;
use super::limits::Limits;
use super::prepare::Answer;
use crate::digest::Digest;

/// How much is kept, in bytes: several thousand rules. What was not used for longest goes first.
const KEPT: u64 = 4 << 30;

/// How long an entry is kept that nobody uses: those of an older program or of settings that have changed.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// How much is written before the cache is looked through again: doing so for each entry would make a thousand of them slow.
const BETWEEN_LOOKS: u64 = KEPT / 32;

/// An entry says anew that it is used when it last did so longer ago than this.
const USE_IS_NEWS: Duration = Duration::from_hours(1);

/// Changes whenever what a file of the cache holds changes.
const FORMAT: &[u8] = b"orgwatch prepared rule 3";

/// How the files of entries end.
const ENTRY: &str = ".rule";

/// A folder of prepared rules.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Folder,
    seal: Seal,
    /// What code can be run here: a home folder may be another machine's, too.
    compatibility: u64,
    /// How much may still be written before the cache is looked through.
    until_look: AtomicU64,
}

impl Cache {
    /// Opens the cache, making its folder where it is missing.
    ///
    /// # Errors
    ///
    /// Fails when the folder cannot be made, or belongs to or can be written by somebody else.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let folder = Folder::open(folder)?;
        let seal = Seal::of(&folder)?;
        let compatibility = Engine::compatibility().map_err(io::Error::other)?;
        Ok(Self { folder, seal, compatibility, until_look: AtomicU64::new(0) })
    }

    /// Names the entry for a component, its settings and everything else that decides what is prepared: also which build of the program does it.
    pub(super) fn key(&self, program: &Path, component: &Component, settings: &str, limits: &Limits) -> Digest {
        let limits = format!("{limits:?}");
        let build = fs::metadata(program).map(|metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
        let build = format!("{build:?}");
        Digest::of_parts([
            FORMAT,
            &self.compatibility.to_be_bytes(),
            env!("CARGO_PKG_VERSION").as_bytes(),
            build.as_bytes(),
            component.digest().as_bytes(),
            settings.as_bytes(),
            limits.as_bytes(),
        ])
    }

    /// Returns an entry, or nothing where there is none or it is not one that this cache has written.
    pub(super) fn get(&self, key: &Digest) -> Option<Preparation> {
        let (file, stat) = self.folder.file(&file_name(key), WRITE).ok()?;
        let mut content = Vec::with_capacity(usize::try_from(stat.st_size).ok()?.min(1 << 30));
        (&file).take(CODE_LIMIT).read_to_end(&mut content).ok()?;
        let (sealed, seal) = content.split_at_checked(content.len().checked_sub(seal::LENGTH)?)?;
        if !self.seal.holds(key, sealed, seal) {
            return None;
        }
        let (rest, length) = sealed.split_last_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (code, answer) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        let answer: Answer = serde_json::from_slice(answer).ok()?;
        // The code comes first, so that what follows it can be cut off and it need not be copied.
        let end = code.len();
        content.truncate(end);
        if age(stat.st_mtime) > USE_IS_NEWS {
            // A read-only file system only makes it go earlier.
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Preparation::new(answer, content))
    }

    /// Writes an entry, whole or not at all.
    pub(super) fn put(&self, key: &Digest, preparation: &Preparation) -> io::Result<()> {
        let code = preparation.code();
        let answer = serde_json::to_vec(preparation.answer())?;
        let length = u32::try_from(answer.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let length = length.to_be_bytes();
        let seal = self.seal.seal(key, &[code, &answer, &length]);
        self.folder.write(&file_name(key), &[code, &answer, &length, &seal], true)?;
        self.look_through_after(code.len() as u64)
    }

    /// Removes what is too much, the first time that something was written and whenever much has been.
    fn look_through_after(&self, written: u64) -> io::Result<()> {
        let left = self.until_look.load(Ordering::Relaxed);
        // Two threads at once may look twice, or write some entries more before the next look.
        if let Some(left) = left.checked_sub(written) {
            self.until_look.store(left, Ordering::Relaxed);
            return Ok(());
        }
        self.until_look.store(BETWEEN_LOOKS, Ordering::Relaxed);
        for name in too_much(self.folder.list()?, KEPT, age) {
            // Another process may have been quicker.
            let _ = self.folder.remove(&name);
        }
        Ok(())
    }
}

fn file_name(key: &Digest) -> String {
    format!("{key}{ENTRY}")
}

/// Returns how long ago an instant in seconds since 1970 is.
fn age(instant: i64) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_secs(u64::try_from(instant).unwrap_or(0)))
}

/// Returns the files that are to go: what nobody has used for long, which also takes the parts that a killed process left, and beyond a
/// sum of bytes what was not used for longest.
fn too_much(mut listed: Vec<Listed>, bytes: u64, age: impl Fn(i64) -> Duration) -> Vec<String> {
    listed.retain(|listed| listed.name != seal::NAME);
    listed.sort_by(|left, right| (right.used, &right.name).cmp(&(left.used, &left.name)));
    let mut sum = 0_u64;
    listed.retain(|listed| {
        sum = sum.saturating_add(listed.size);
        sum > bytes || age(listed.used) > UNUSED
    });
    listed.into_iter().map(|listed| listed.name).collect()
}
