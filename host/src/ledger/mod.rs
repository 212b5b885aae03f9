//! The ledger: what the program has found, what it owes to whom, and what it could not judge, on disk.
//!
//! A batch is acknowledged to its source only when the ledger has it, so everything here is written in transactions that are on disk when
//! the call returns (`synchronous = FULL`). The methods of [`Ledger`] are the whole of what the rest of the program knows of it: another store,
//! shared by several hosts, would offer the same ones.
//!
//! One process writes (`lock.rs`), on one thread (`writer.rs`), which puts into one transaction what waits at one time. Others may read,
//! and may ask for a gap or a dead letter to be tried again: the running service finds such rows by itself.

mod deliveries;
mod filing;
mod findings;
mod gaps;
mod grouping;
mod lock;
mod retention;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::watch;

pub use self::deliveries::{DeadLetter, Owed, QueueDepth, Settled, Settlement, SinkNumber};
pub use self::filing::{Checkpoint, Commit, Committed, Filing, Kept, OpenGap};
pub use self::findings::{ExceptionCount, FindingQuery, Sort, StoredFinding};
pub use self::gaps::{GapToRetry, StoredGap};
use self::lock::Lock;
pub use self::retention::Forgotten;
use self::writer::Writer;
use crate::state::{self, Notes, StateError};

/// The ledger's file in the state directory.
const FILE: &str = "ledger.sqlite";

/// How long a write waits for a short write of another process, such as `gaps retry`.
const BUSY: Duration = Duration::from_secs(10);

/// How much the ledger may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the disk that findings and gaps leave free, so that what is owed already can still be settled.
    pub reserve: u64,
    /// The ledger's own size in bytes at most; without it the disk is the limit.
    pub limit: Option<u64>,
}

/// The ledger of this process.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Writer,
    file: PathBuf,
    folder: PathBuf,
    room: Room,
    /// What rules that look back noted, for their evaluations.
    notes: Arc<Notes>,
    /// Connections for reading that nobody uses just now.
    readers: Mutex<Vec<Connection>>,
    /// Changes whenever something new is owed to a sink.
    owed: watch::Sender<u64>,
    /// Changes whenever a delivery has been settled.
    settled: watch::Sender<u64>,
    _lock: Lock,
}

/// Why the ledger could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// The state directory cannot be used.
    #[error("failed to use the state directory at `{path}`")]
    Folder {
        /// What cannot be used.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// Another process runs on the state directory.
    #[error(
        "the state directory `{folder}` is in use{}\nhint: one host runs on one state directory; stop the other one, or give this one another --state-dir",
        if holder.is_empty() { String::new() } else { format!(" by process {holder}") }
    )]
    InUse {
        /// The directory.
        folder: PathBuf,
        /// The process id of the holder, where it is known.
        holder: String,
    },
    /// There is no ledger to read.
    #[error(
        "there is no ledger in `{0}`\nhint: name the state directory of a host that has run, with --state-dir or in [state]"
    )]
    None(PathBuf),
    /// It was written by a newer version of the program.
    #[error(
        "the ledger has schema version {found}, and this program knows versions up to {known}\nhint: use the newer program, or the backup from before the upgrade"
    )]
    Newer {
        /// The version found.
        found: usize,
        /// The newest known version.
        known: usize,
    },
    /// It was written by an older version of the program, and no host of this version has run on it yet.
    #[error(
        "the ledger has schema version {found}, and this program reads version {known}\nhint: start the new host on it once, or use the program that runs on it"
    )]
    Older {
        /// The version found.
        found: usize,
        /// The version of this program.
        known: usize,
    },
    /// The disk is full, or the ledger is as large as it may become.
    #[error(
        "the ledger has no room left\nhint: free space on its disk, raise [state] limit_mib, or lower the retention"
    )]
    Full,
    /// Another process holds the database for longer than a short write takes.
    #[error("the ledger is locked by another process\nhint: end the program that holds a transaction on it")]
    Locked,
    /// The file is not a sound database.
    #[error(
        "the ledger is damaged\nhint: stop the host, keep the file, and restore the latest backup; what the sources still hold comes again"
    )]
    Damaged(#[source] Arc<rusqlite::Error>),
    /// Anything else that SQLite says.
    #[error("the ledger failed")]
    Failed(#[source] Arc<rusqlite::Error>),
    /// The thread that writes has ended.
    #[error("the ledger is closed")]
    Closed,
}

impl LedgerError {
    fn of_shared(error: Arc<rusqlite::Error>) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            _ => Self::Failed(error),
        }
    }

    /// Tells whether the same may succeed later without anybody touching the program.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Full | Self::Locked)
    }
}

impl From<StateError> for LedgerError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Closed => Self::Closed,
            StateError::Database(error) => Self::of_shared(error),
        }
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::of_shared(Arc::new(error))
    }
}

impl Ledger {
    /// Opens the ledger of a state directory for this process alone, and makes both where they are missing.
    ///
    /// # Errors
    ///
    /// Fails when another host runs on the directory, when the ledger is damaged or newer than this program, or when it cannot be written.
    pub fn open(folder: &Path, room: Room) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::Folder { path: folder.to_owned(), source: Arc::new(source) };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = Lock::take(folder)?;
        let file = folder.join(FILE);
        let mut connection = writer::connection(&file)?;
        schema::migrate(&mut connection)?;
        if let Some(limit) = room.limit {
            let page: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            connection.pragma_update(None, "max_page_count", limit / page)?;
        }
        let shared = Shared {
            writer: Writer::start(connection),
            notes: Arc::new(Notes::new(connect(&file, true)?)),
            file,
            folder: folder.to_owned(),
            room,
            readers: Mutex::default(),
            owed: watch::Sender::new(0),
            settled: watch::Sender::new(0),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads what is on disk, on a thread where that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let shared = Arc::clone(&self.shared);
        let reading = tokio::task::spawn_blocking(move || {
            let idle = shared.readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => connect(&shared.file, true)?,
            };
            let result = read(&connection).map_err(LedgerError::from);
            shared.readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(connection);
            result
        });
        reading.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Writes, and returns when it is on disk.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.shared.writer.write(write).await
    }

    /// Writes what waits, and closes the file, which leaves nothing beside it for the next program to recover. What is asked afterwards fails.
    pub async fn close(&self) {
        self.shared.readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
        self.shared.notes.close();
        self.shared.writer.close().await;
    }

    /// Returns what rules that look back noted.
    pub fn notes(&self) -> &Arc<Notes> {
        &self.shared.notes
    }

    /// Forgets what rules noted longer ago than they look back: by id, with the version of their notes and the first millisecond to keep. Returns
    /// the rules that noted more than is kept, with how many notes were forgotten for it.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be written.
    pub async fn forget_notes(&self, rules: Vec<(String, u32, i64)>) -> Result<Vec<(String, u64)>, LedgerError> {
        self.write(move |connection| {
            let ids = rules.iter().map(|(rule, ..)| rule.clone()).collect();
            state::forget_others(connection, &ids)?;
            let mut beyond = Vec::new();
            for (rule, version, before) in rules {
                let forgotten = state::forget(connection, &rule, version, before)?;
                beyond.extend((forgotten > 0).then_some((rule, forgotten)));
            }
            Ok(beyond)
        })
        .await
    }

    /// Returns a signal that changes whenever something new is owed to a sink.
    pub fn owed_changes(&self) -> watch::Receiver<u64> {
        self.shared.owed.subscribe()
    }

    /// Returns a signal that changes whenever a delivery is settled.
    pub fn settled_changes(&self) -> watch::Receiver<u64> {
        self.shared.settled.subscribe()
    }
}

/// A ledger that another process may be writing: to list what it holds, and to ask for things to be tried again.
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the ledger of a state directory beside whoever runs on it.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or it is damaged or newer than this program.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let file = folder.join(FILE);
        if !file.exists() {
            return Err(LedgerError::None(folder.to_owned()));
        }
        let connection = writer::connection(&file)?;
        schema::check(&connection)?;
        Ok(Self { connection })
    }
}

/// Opens a connection with what all of them have in common.
fn connect(file: &Path, read_only: bool) -> Result<Connection, LedgerError> {
    let access = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    if !read_only {
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Returns an instant as the ledger stores it: milliseconds since 1970.
fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// Returns a stored instant. One that is beyond the calendar was not written by this program and becomes the first of all.
fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}
