//! One host for one state directory.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::LedgerError;

/// Holds the state directory for this process. The lock goes with the process, however it ends.
///
/// A file of its own, since SQLite's exclusive mode would lock out those who only read the ledger.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    ///
    /// Fails when another process holds it, and says which.
    pub(super) fn take(folder: &Path) -> Result<Self, LedgerError> {
        let path = folder.join("lock");
        let failed = |source| LedgerError::Folder { path: path.clone(), source: Arc::new(source) };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            // Who holds it is a help, not a must.
            let _ = file.read_to_string(&mut holder);
            return Err(LedgerError::InUse { folder: folder.to_owned(), holder: holder.trim().to_owned() });
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}
