//! Records that wait to be judged for good, and findings of periods that are not over.

use std::sync::Arc;

use orgwatch_rules_sdk::json::Document;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::notes::{self, NoteRow};
use super::{Notes, Place, StateError, packing};
use crate::digest::Digest;
use crate::event::Event;
use crate::finding::Finding;
use crate::source;
use crate::tuning::Why;

/// How many records of one rule wait. Beyond it the oldest are judged for good before their time.
const MOST_WAITING: u64 = 100_000;

/// A record that a rule which looks back asked for.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The version of what it notes.
    pub version: u32,
    /// What it noted.
    pub notes: Vec<NoteRow>,
    /// The record's place.
    pub at: Place,
    /// The record's action.
    pub action: String,
    /// The source that brought it.
    pub source: Arc<str>,
    /// Where it was read.
    pub input: Arc<str>,
    /// The record as it is kept: canonical JSON, without credentials unless they are wanted, compressed.
    pub event: Arc<[u8]>,
}

/// A finding that stands for a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Forming {
    /// The finding, in the form that the record at `at` gave it.
    pub finding: Finding,
    /// Why it is delivered to nobody; nothing where it is delivered.
    pub why: Option<Why>,
    /// The first millisecond after the period.
    pub ends: i64,
    /// The record's place.
    pub at: Place,
}

impl Waiting {
    /// Compresses a record.
    pub fn pack(record: &str) -> Arc<[u8]> {
        packing::pack(record)
    }

    /// Writes down the record and what was noted of it. A record that waits already, waits on.
    pub(crate) fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        notes::insert(connection, &self.rule, self.version, self.at, &self.action, &self.notes)?;
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO waiting (rule, digest, time, source, input, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.rule,
                self.at.digest.as_bytes(),
                self.at.time,
                self.source,
                self.input,
                &*self.event
            ])?;
        Ok(())
    }
}

/// A record taken out of the database to be judged.
pub struct Taken {
    /// The rule's id.
    pub rule: String,
    /// The source that brought it.
    pub source: String,
    /// The record's place.
    pub at: Place,
    /// The record; nothing where what is kept cannot be read, which is a damage of the disk.
    pub event: Option<Event>,
}

impl Notes {
    /// Returns records in their order whose time is before this, at most so many.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be read.
    pub fn due(&self, before: i64, most: usize) -> Result<Vec<Taken>, StateError> {
        self.take(
            "SELECT rule, digest, time, source, input, event FROM waiting WHERE time < ?1 ORDER BY time, digest, rule LIMIT ?2",
            params![before, most],
        )
    }

    /// Returns records that have not been judged at all, at most so many: a program that ended left them so.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be read.
    pub fn not_judged(&self, most: usize) -> Result<Vec<Taken>, StateError> {
        self.take(
            "SELECT rule, digest, time, source, input, event FROM waiting WHERE early = 0 ORDER BY time, digest, rule LIMIT ?1",
            params![most],
        )
    }

    /// Returns the latest records of a rule after a place, up to a time, at most so many: those that see what was noted at that place.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be read.
    pub fn after(&self, rule: &str, at: Place, until: i64, most: usize) -> Result<Vec<Taken>, StateError> {
        self.take(
            "SELECT rule, digest, time, source, input, event FROM waiting
             WHERE rule = ?1 AND (time, digest) > (?2, ?3) AND time <= ?4 AND early = 1 ORDER BY time DESC, digest DESC LIMIT ?5",
            params![rule, at.time, at.digest.as_bytes(), until, most],
        )
    }

    /// Returns a record that waits.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be read.
    pub fn waiting(&self, rule: &str, digest: Digest) -> Result<Option<Taken>, StateError> {
        let taken = self.take(
            "SELECT rule, digest, time, source, input, event FROM waiting WHERE rule = ?1 AND digest = ?2",
            params![rule, digest.as_bytes()],
        )?;
        Ok(taken.into_iter().next())
    }

    /// Returns the time up to which records have to be judged for good now, since more wait than may; nothing where there is room.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be read.
    pub fn overdue(&self) -> Result<Option<i64>, StateError> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT time FROM waiting ORDER BY time DESC, digest DESC, rule DESC LIMIT 1 OFFSET ?1",
                )?
                .query_row([MOST_WAITING], |row| row.get(0))
                .optional()
        })
    }

    /// Returns the findings of periods that ended before this time.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be read.
    pub fn formed(&self, until: i64) -> Result<Vec<Forming>, StateError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT json, ends, time, digest, why FROM forming WHERE ends <= ?1 ORDER BY time, digest, id",
            )?;
            let rows = statement.query_map([until], |row| {
                let json: String = row.get(0)?;
                let finding = serde_json::from_str(&json)
                    .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))?;
                let why: Option<String> = row.get(4)?;
                let why = why
                    .map(|json| serde_json::from_str(&json))
                    .transpose()
                    .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, error.into()))?;
                let at = Place { time: row.get(2)?, digest: digest(row, 3)? };
                Ok(Forming { finding, why, ends: row.get(1)?, at })
            })?;
            rows.collect()
        })
    }

    fn take(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Taken>, StateError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(parameters, taken)?;
            rows.collect()
        })
    }
}

fn taken(row: &Row<'_>) -> rusqlite::Result<Taken> {
    let at = Place { digest: digest(row, 1)?, time: row.get(2)? };
    let input: String = row.get(4)?;
    let packed: Vec<u8> = row.get(5)?;
    let document = packing::unpack(&packed).ok().and_then(|text| Document::parse(text).ok());
    let place = source::Place { input: input.into(), position: source::Position::default() };
    let event = document.map(|document| Event::with_digest(document, place, at.digest));
    Ok(Taken { rule: row.get(0)?, source: row.get(3)?, at, event })
}

fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    let bytes: [u8; 32] = row.get(column)?;
    Ok(Digest::from_bytes(bytes))
}

/// Notes that records have been judged once.
pub(crate) fn judged(connection: &Connection, rule: &str, digest: Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE waiting SET early = 1 WHERE rule = ?1 AND digest = ?2")?
        .execute(params![rule, digest.as_bytes()])?;
    Ok(())
}

/// Lets a record go: it has been judged for good.
pub(crate) fn settled(connection: &Connection, rule: &str, digest: Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM waiting WHERE rule = ?1 AND digest = ?2")?
        .execute(params![rule, digest.as_bytes()])?;
    Ok(())
}

/// Writes down the form of a period's finding, unless a later record has given it one.
pub(crate) fn form(connection: &Connection, forming: &Forming) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO forming (id, ends, time, digest, json, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE
             SET time = excluded.time, digest = excluded.digest, json = excluded.json, why = excluded.why
             WHERE (excluded.time, excluded.digest) > (time, digest)",
        )?
        .execute(params![
            forming.finding.id.as_bytes(),
            forming.ends,
            forming.at.time,
            forming.at.digest.as_bytes(),
            serde_json::to_string(&forming.finding).expect("a finding is plain data"),
            forming.why.as_ref().map(|why| serde_json::to_string(why).expect("a reason is plain data"))
        ])?;
    Ok(())
}

/// Lets a period's finding go: it has been filed in its last form.
pub(crate) fn formed(connection: &Connection, id: Digest) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM forming WHERE id = ?1")?.execute([id.as_bytes()])?;
    Ok(())
}
