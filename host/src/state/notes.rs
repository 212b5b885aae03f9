//! The notes: written with the batch that they come of, read by one evaluation at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Noted, Place, Scope, StateError, Tally, View};

/// How many notes a rule keeps. Beyond it the oldest are forgotten, whoever chose their keys.
const MOST_KEPT: i64 = 1_000_000;

/// One note, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRow {
    /// The series.
    pub series: String,
    /// The key.
    pub key: String,
    /// JSON text.
    pub value: String,
}

/// The way to what was noted, for evaluations.
pub struct Notes {
    connection: Mutex<Connection>,
}

impl Notes {
    /// Takes a connection to the database that holds the notes.
    pub const fn new(connection: Connection) -> Self {
        Self { connection: Mutex::new(connection) }
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, view: &View, scope: &Scope, most: u64) -> Result<Tally, StateError> {
        let connection = self.connection();
        let count = |distinct: &str| {
            // The inner query stops as soon as it has found enough.
            let sql = format!("SELECT count(*) FROM (SELECT DISTINCT {distinct} FROM note WHERE {IN_SCOPE} LIMIT ?10)");
            connection.prepare_cached(&sql)?.query_row(
                params![
                    view.rule,
                    view.version,
                    scope.series,
                    scope.key,
                    first(view, scope),
                    view.at.time,
                    view.at.digest.as_bytes(),
                    scope.others,
                    view.action,
                    most
                ],
                |row| row.get(0),
            )
        };
        let tally: rusqlite::Result<Tally> =
            count("action").and_then(|actions| Ok(Tally { actions, values: count("value")? }));
        Ok(tally?)
    }

    pub(super) fn read(
        &self,
        view: &View,
        scope: &Scope,
        latest_first: bool,
        most: u32,
    ) -> Result<Vec<Noted>, StateError> {
        let connection = self.connection();
        let order = if latest_first { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT time, action, value FROM note WHERE {IN_SCOPE}
             ORDER BY time {order}, digest {order}, action {order}, value {order} LIMIT ?10"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(
            params![
                view.rule,
                view.version,
                scope.series,
                scope.key,
                first(view, scope),
                view.at.time,
                view.at.digest.as_bytes(),
                scope.others,
                view.action,
                most
            ],
            |row| {
                let time: i64 = row.get(0)?;
                let time = Timestamp::from_millisecond(time).map(|time| time.to_string()).unwrap_or_default();
                Ok(Noted { time, action: row.get(1)?, value: row.get(2)? })
            },
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// The notes of a scope: not after the record's own place, and not of its own action where only others count.
const IN_SCOPE: &str =
    "rule = ?1 AND version = ?2 AND series = ?3 AND key = ?4 AND time >= ?5 AND (time, digest) <= (?6, ?7)
    AND (NOT ?8 OR action <> ?9)";

/// Returns the first millisecond of a scope.
fn first(view: &View, scope: &Scope) -> i64 {
    let back = i64::try_from(scope.seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    view.at.time.saturating_sub(back)
}

/// Writes down what a rule noted of one record. Of an action that comes in several copies the earliest stays.
pub(super) fn insert(
    connection: &Connection,
    rule: &str,
    version: u32,
    at: Place,
    action: &str,
    notes: &[NoteRow],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO note (rule, version, series, key, action, value, time, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (rule, version, series, key, action, value) DO UPDATE SET time = excluded.time, digest = excluded.digest
         WHERE (excluded.time, excluded.digest) < (time, digest)",
    )?;
    for note in notes {
        statement.execute(params![
            rule,
            version,
            note.series,
            note.key,
            action,
            note.value,
            at.time,
            at.digest.as_bytes()
        ])?;
    }
    Ok(())
}

/// Forgets a rule's notes of before a time and in other versions, and the oldest beyond the bound. Returns how many were beyond it.
pub(super) fn forget(connection: &Connection, rule: &str, version: u32, before: i64) -> rusqlite::Result<u64> {
    connection.prepare_cached("DELETE FROM note WHERE rule = ?1 AND version <> ?2")?.execute(params![rule, version])?;
    connection
        .prepare_cached("DELETE FROM note WHERE rule = ?1 AND version = ?2 AND time < ?3")?
        .execute(params![rule, version, before])?;
    let beyond = connection
        .prepare_cached(
            "DELETE FROM note WHERE (rule, version, series, key, action, value) IN
             (SELECT rule, version, series, key, action, value FROM note WHERE rule = ?1 AND version = ?2
              ORDER BY time DESC, digest DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![rule, version, MOST_KEPT])?;
    Ok(beyond as u64)
}
