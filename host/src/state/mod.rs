//! State: what rules that look back note of records, and the records that they have yet to judge for good.
//!
//! Such a rule is asked twice. When a record arrives, its `note` says what to remember of it, from the record alone. Then its `evaluate` judges
//! the record among everything that was noted up to the record's own place in time: by event time, and within one time by the record's digest.
//! What it says is a function of the record and of the set of notes, never of the order in which records came.
//!
//! That is done at once, on whatever has arrived, so that an attack does not wait: the early findings. It is done again when everything that
//! was on its way has arrived, as the watermark says: the settled findings, filed as updates where they differ. A replay knows all records
//! at its end and makes settled findings only.
//!
//! Notes and waiting records are rows of the ledger, or of a temporary database in a replay (`notes.rs`, `waiting.rs`); [`View`] is what one
//! evaluation sees of them.

mod notes;
mod packing;
mod temporary;
mod view;
mod waiting;

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

pub use self::notes::{NoteRow, Notes};
pub(crate) use self::notes::{forget, forget_others};
pub use self::temporary::Temporary;
pub use self::view::{Noted, Scope, Tally, View};
pub use self::waiting::{Forming, Taken, Waiting};
use crate::digest::Digest;

/// The tables, in the ledger and in a replay's temporary database alike.
pub const SCHEMA: &str = r"
    -- What rules noted of records.
    CREATE TABLE note (
        rule TEXT NOT NULL,
        version INTEGER NOT NULL,
        series TEXT NOT NULL,
        key TEXT NOT NULL,
        time INTEGER NOT NULL,
        digest BLOB NOT NULL,
        value TEXT NOT NULL,
        action TEXT NOT NULL,
        PRIMARY KEY (rule, version, series, key, time, digest, value)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX note_by_age ON note (rule, version, time, digest);

    -- Records that rules which look back judge once more when all that was on its way has arrived. The record is compressed with zstd.
    CREATE TABLE waiting (
        rule TEXT NOT NULL,
        digest BLOB NOT NULL,
        time INTEGER NOT NULL,
        source TEXT NOT NULL,
        input TEXT NOT NULL,
        event BLOB NOT NULL,
        -- 1 when it has been judged once, on what had arrived.
        early INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (rule, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX waiting_by_place ON waiting (time, digest, rule);
    CREATE INDEX waiting_not_judged ON waiting (time) WHERE early = 0;

    -- Findings that stand for a period which may not be over: the form that the latest record of the period gave them.
    CREATE TABLE forming (
        id BLOB PRIMARY KEY,
        ends INTEGER NOT NULL,
        time INTEGER NOT NULL,
        digest BLOB NOT NULL,
        json TEXT NOT NULL,
        -- Why tuning keeps it from every sink, as JSON; nothing where it does not.
        why TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX forming_by_end ON forming (ends);
";

/// Where a record stands among all others: by its time in milliseconds since 1970, and within one time by its digest. A record without a time that
/// can be read stands at 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Milliseconds since 1970.
    pub time: i64,
    /// The record's digest.
    pub digest: Digest,
}

impl Place {
    /// Returns the place of an event.
    pub fn of(event: &crate::event::Event) -> Self {
        Self { time: event.time().map_or(0, Timestamp::as_millisecond), digest: event.digest() }
    }
}

/// The notes could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// They have been closed: the program ends.
    #[error("they are closed")]
    Closed,
    /// What SQLite says.
    #[error("{0}")]
    Database(Arc<rusqlite::Error>),
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// What changes in the state with a transaction.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Records to wait, with what was noted of them.
    pub remembered: Vec<Waiting>,
    /// Records, by rule and digest, that have been judged on what had arrived.
    pub early: Vec<(String, Digest)>,
    /// Records that have been judged for good.
    pub settled: Vec<(String, Digest)>,
    /// Findings of periods that are not over.
    pub forming: Vec<Forming>,
    /// Those whose period is over, by id.
    pub formed: Vec<Digest>,
}

impl Change {
    /// Writes it, inside a transaction.
    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for waiting in &self.remembered {
            waiting.insert(connection)?;
        }
        for (rule, digest) in &self.early {
            waiting::judged(connection, rule, *digest)?;
        }
        for (rule, digest) in &self.settled {
            waiting::settled(connection, rule, *digest)?;
        }
        for forming in &self.forming {
            waiting::form(connection, forming)?;
        }
        for id in &self.formed {
            waiting::formed(connection, *id)?;
        }
        Ok(())
    }
}
