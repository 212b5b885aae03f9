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
mod view;
mod waiting;

use std::sync::Arc;

use jiff::Timestamp;

pub use self::notes::{NoteRow, Notes};
pub use self::view::{Noted, Scope, Tally, View};
pub use self::waiting::{Forming, Waiting};
use crate::digest::Digest;

/// The tables, in the ledger and in a replay's temporary database alike.
pub const SCHEMA: &str = r"
    -- What rules noted of records; of each action and value the earliest.
    CREATE TABLE note (
        rule TEXT NOT NULL,
        version INTEGER NOT NULL,
        series TEXT NOT NULL,
        key TEXT NOT NULL,
        action TEXT NOT NULL,
        value TEXT NOT NULL,
        time INTEGER NOT NULL,
        digest BLOB NOT NULL,
        PRIMARY KEY (rule, version, series, key, action, value)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX note_by_place ON note (rule, version, series, key, time, digest, action, value);
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
        json TEXT NOT NULL
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

/// The notes could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StateError(Arc<rusqlite::Error>);

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Arc::new(error))
    }
}
