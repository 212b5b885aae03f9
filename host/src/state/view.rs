//! What one evaluation sees of what its rule noted.

use std::sync::Arc;

use super::{Notes, Place, StateError};

/// The most that a count counts to.
const MOST_COUNTED: u64 = 10_000;

/// The most notes that one question gives.
const MOST_NOTES: u32 = 1_000;

/// The notes of one rule, up to one record.
pub struct View {
    notes: Arc<Notes>,
    pub(super) rule: Arc<str>,
    pub(super) version: u32,
    pub(super) at: Place,
    pub(super) action: String,
    keep: u64,
}

/// What a question is about: notes of a series under a key, from so many seconds before the record up to the record itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The series.
    pub series: String,
    /// The key.
    pub key: String,
    /// How far back, in seconds.
    pub seconds: u64,
    /// True to leave out what was noted of the record's own action.
    pub others: bool,
}

/// How much was noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Different actions.
    pub actions: u64,
    /// Different values.
    pub values: u64,
}

/// What was noted of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When it happened, in RFC 3339.
    pub time: String,
    /// The action.
    pub action: String,
    /// JSON text.
    pub value: String,
}

impl View {
    /// Opens the view of a rule that notes in this version, for a record at a place. It looks back `keep` seconds at most.
    pub const fn new(notes: Arc<Notes>, rule: Arc<str>, version: u32, at: Place, action: String, keep: u64) -> Self {
        Self { notes, rule, version, at, action, keep }
    }

    /// Returns how far back it goes, in seconds.
    pub const fn keep(&self) -> u64 {
        self.keep
    }

    /// Counts different actions and values, each up to `most` and to 10,000.
    ///
    /// # Errors
    ///
    /// Fails when the notes cannot be read.
    pub fn count(&self, scope: &Scope, most: u64) -> Result<Tally, StateError> {
        self.notes.count(self, scope, most.min(MOST_COUNTED))
    }

    /// Returns notes, at most `most` and 1,000, the latest or the earliest first.
    ///
    /// # Errors
    ///
    /// Fails when the notes cannot be read.
    pub fn notes(&self, scope: &Scope, latest_first: bool, most: u32) -> Result<Vec<Noted>, StateError> {
        self.notes.read(self, scope, latest_first, most.min(MOST_NOTES))
    }
}
