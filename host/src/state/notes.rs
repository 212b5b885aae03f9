//! The notes: written with the batch that they come of, read by one evaluation at a time.

use std::collections::BTreeSet;
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
    connection: Mutex<Option<Connection>>,
}

impl Notes {
    /// Takes a connection to the database that holds the notes.
    pub const fn new(connection: Connection) -> Self {
        Self { connection: Mutex::new(Some(connection)) }
    }

    /// Closes the connection. Questions fail from now on.
    pub fn close(&self) {
        self.lock().take();
    }

    /// Does something with the database.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StateError> {
        Ok(ask(self.lock().as_ref().ok_or(StateError::Closed)?)?)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, view: &View, scope: &Scope, most: u64) -> Result<Tally, StateError> {
        let count = |connection: &Connection, distinct: &str| {
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
        self.with(|connection| Ok(Tally { actions: count(connection, "action")?, values: count(connection, "value")? }))
    }

    pub(super) fn read(
        &self,
        view: &View,
        scope: &Scope,
        latest_first: bool,
        most: u32,
    ) -> Result<Vec<Noted>, StateError> {
        let order = if latest_first { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT time, action, value FROM note WHERE {IN_SCOPE}
             ORDER BY time {order}, digest {order}, value {order} LIMIT ?10"
        );
        self.with(|connection| {
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
            rows.collect()
        })
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

/// Writes down what a rule noted of one record. Copies of one action have their own notes and are counted once: a note that could still move to
/// the place of another copy would leave a window that it was in, and take back what has been told.
pub(super) fn insert(
    connection: &Connection,
    rule: &str,
    version: u32,
    at: Place,
    action: &str,
    notes: &[NoteRow],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO note (rule, version, series, key, time, digest, value, action)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for note in notes {
        statement.execute(params![
            rule,
            version,
            note.series,
            note.key,
            at.time,
            at.digest.as_bytes(),
            note.value,
            action
        ])?;
    }
    Ok(())
}

/// Forgets a rule's notes of before a time and in other versions, and the oldest beyond the bound. Returns how many were beyond it.
pub(crate) fn forget(connection: &Connection, rule: &str, version: u32, before: i64) -> rusqlite::Result<u64> {
    forget_beyond(connection, rule, version, before, MOST_KEPT)
}

fn forget_beyond(connection: &Connection, rule: &str, version: u32, before: i64, most: i64) -> rusqlite::Result<u64> {
    connection.prepare_cached("DELETE FROM note WHERE rule = ?1 AND version <> ?2")?.execute(params![rule, version])?;
    connection
        .prepare_cached("DELETE FROM note WHERE rule = ?1 AND version = ?2 AND time < ?3")?
        .execute(params![rule, version, before])?;
    let beyond = connection
        .prepare_cached(
            "DELETE FROM note WHERE (rule, version, series, key, time, digest, value) IN
             (SELECT rule, version, series, key, time, digest, value FROM note WHERE rule = ?1 AND version = ?2
              ORDER BY time DESC, digest DESC LIMIT -1 OFFSET ?3)",
        )?
        .execute(params![rule, version, most])?;
    Ok(beyond as u64)
}

/// Forgets what rules noted that no longer run.
pub(crate) fn forget_others(connection: &Connection, rules: &BTreeSet<String>) -> rusqlite::Result<()> {
    // From each rule's first note to the next rule's: the table is not read through.
    let mut next = connection.prepare_cached("SELECT min(rule) FROM note WHERE rule > ?1")?;
    let mut delete = connection.prepare_cached("DELETE FROM note WHERE rule = ?1")?;
    let mut after = String::new();
    while let Some(rule) = next.query_row([&after], |row| row.get::<_, Option<String>>(0))? {
        if !rules.contains(&rule) {
            delete.execute([&rule])?;
        }
        after = rule;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::digest::Digest;
    use crate::state::SCHEMA;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection
    }

    fn at(time: i64) -> Place {
        Place { time, digest: Digest::of(time.to_string()) }
    }

    fn note(connection: &Connection, rule: &str, time: i64, key: &str) {
        let row = NoteRow { series: "s".to_owned(), key: key.to_owned(), value: "null".to_owned() };
        insert(connection, rule, 1, at(time), &format!("action {time}"), &[row]).unwrap();
    }

    fn left(connection: &Connection) -> Vec<(String, i64)> {
        let mut statement = connection.prepare("SELECT rule, time FROM note ORDER BY rule, time").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn a_rule_keeps_its_newest_notes_whatever_their_keys_and_in_whatever_order_they_came() {
        for order in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 5, 1, 4, 2]] {
            let connection = database();
            for time in order {
                note(&connection, "flooded", time, &format!("key {time}"));
                forget_beyond(&connection, "flooded", 1, i64::MIN, 2).unwrap();
            }
            note(&connection, "other", 1, "k");
            let expected = [("flooded", 4), ("flooded", 5), ("other", 1)].map(|(rule, time)| (rule.to_owned(), time));
            assert_eq!(left(&connection), expected, "{order:?}");
        }
    }

    #[test]
    fn what_is_too_old_of_another_version_or_of_a_rule_that_is_gone_is_forgotten() {
        let connection = database();
        for (rule, time) in [("a", 1), ("a", 9), ("b", 5), ("c", 5)] {
            note(&connection, rule, time, "k");
        }
        assert_eq!(forget(&connection, "a", 1, 5).unwrap(), 0);
        assert_eq!(forget(&connection, "b", 2, 0).unwrap(), 0);
        assert_eq!(left(&connection), [("a".to_owned(), 9), ("c".to_owned(), 5)]);
        forget_others(&connection, &BTreeSet::from(["a".to_owned()])).unwrap();
        assert_eq!(left(&connection), [("a".to_owned(), 9)]);
    }

    #[test]
    fn a_count_stops_at_what_was_asked_for_and_an_answer_at_what_may_be_had() {
        let connection = database();
        for time in 0..50 {
            note(&connection, "r", time, "k");
        }
        let view = View::new(Arc::new(Notes::new(connection)), "r".into(), 1, at(40), "action 40".to_owned(), 3600);
        let scope = |seconds, others| Scope { series: "s".to_owned(), key: "k".to_owned(), seconds, others };
        assert_eq!(view.count(&scope(3600, false), 100).unwrap(), Tally { actions: 41, values: 1 });
        assert_eq!(view.count(&scope(3600, true), 100).unwrap(), Tally { actions: 40, values: 1 });
        assert_eq!(view.count(&scope(3600, false), 7).unwrap(), Tally { actions: 7, values: 1 });
        assert_eq!(view.count(&scope(0, false), 100).unwrap().actions, 1);
        let latest = view.notes(&scope(3600, false), true, 2).unwrap();
        assert_eq!(latest.iter().map(|note| note.action.as_str()).collect::<Vec<_>>(), ["action 40", "action 39"]);
        let earliest = view.notes(&scope(3600, true), false, 1).unwrap();
        assert_eq!(earliest[0].time, "1970-01-01T00:00:00Z");
    }
}
