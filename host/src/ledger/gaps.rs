//! Gaps: what could not be judged, kept until it is.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{Ledger, LedgerError, Reader, instant};
use crate::digest::Digest;

/// A gap in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGap {
    /// Its number, by which people name it.
    pub number: i64,
    /// The source that it came from.
    pub source: String,
    /// The input.
    pub input: String,
    /// The item's number in the input.
    pub record: u64,
    /// The rule that could not judge; nothing where no rule could.
    pub rule: Option<String>,
    /// Why not.
    pub cause: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// Whether somebody has asked for it to be tried again.
    pub retry: bool,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// A gap that is to be judged again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapToRetry {
    /// Its number.
    pub number: i64,
    /// What identifies it.
    pub id: Digest,
    /// The source that it came from.
    pub source: String,
    /// The input.
    pub input: String,
    /// The rule that could not judge.
    pub rule: Option<String>,
    /// The record's digest, where it was a record.
    pub digest: Option<Digest>,
    /// The record, or the bytes that could not be read as one.
    pub event: Vec<u8>,
}

impl Ledger {
    /// Returns gaps that are to be tried again, from a number on.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn gaps_to_retry(&self, from: i64, limit: usize) -> Result<Vec<GapToRetry>, LedgerError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT number, id, source, input, rule, digest, event FROM gap
                 WHERE retry = 1 AND number >= ?1 ORDER BY number LIMIT ?2",
            )?;
            query.query_map(params![from, limit], to_retry)?.collect()
        })
        .await
    }

    /// Asks for the open gaps of some rules to be tried again, as when the rules are mended.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk.
    pub async fn retry_gaps_of(&self, rules: Vec<String>) -> Result<usize, LedgerError> {
        self.write(move |connection| {
            let mut update = connection
                .prepare_cached("UPDATE gap SET retry = 1 WHERE rule = ?1 AND closed IS NULL AND retry = 0")?;
            rules.iter().try_fold(0, |sum, rule| Ok(sum + update.execute([rule])?))
        })
        .await
    }

    /// Writes down that gaps were tried again and are still open.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk.
    pub async fn still_open(&self, gaps: Vec<(i64, String)>) -> Result<(), LedgerError> {
        self.write(move |connection| {
            let mut update = connection.prepare_cached("UPDATE gap SET retry = 0, cause = ?2 WHERE number = ?1")?;
            gaps.iter().try_for_each(|(number, cause)| update.execute(params![number, cause]).map(|_| ()))
        })
        .await
    }

    /// Counts the open gaps.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn open_gaps(&self) -> Result<u64, LedgerError> {
        self.read(|connection| {
            connection.prepare_cached("SELECT count(*) FROM gap WHERE closed IS NULL")?.query_row([], |row| row.get(0))
        })
        .await
    }
}

impl Reader {
    /// Returns gaps in the order of their opening: the open ones, or all.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub fn gaps(&self, all: bool) -> Result<Vec<StoredGap>, LedgerError> {
        let mut query = self.connection.prepare(
            "SELECT number, source, input, record, rule, cause, opened, retry, closed FROM gap
             WHERE closed IS NULL OR ?1 ORDER BY number",
        )?;
        let rows = query.query_map([all], |row| {
            Ok(StoredGap {
                number: row.get(0)?,
                source: row.get(1)?,
                input: row.get(2)?,
                record: row.get(3)?,
                rule: row.get(4)?,
                cause: row.get(5)?,
                opened: instant(row.get(6)?),
                retry: row.get(7)?,
                closed: row.get::<_, Option<i64>>(8)?.map(instant),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Asks for open gaps to be tried again: those with the numbers, or all where there are none. The running service, or the next one, does it.
    /// Returns how many.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be written.
    pub fn retry_gaps(&self, numbers: &[i64]) -> Result<usize, LedgerError> {
        if numbers.is_empty() {
            return Ok(self.connection.execute("UPDATE gap SET retry = 1 WHERE closed IS NULL", [])?);
        }
        let mut update = self.connection.prepare("UPDATE gap SET retry = 1 WHERE number = ?1 AND closed IS NULL")?;
        numbers.iter().try_fold(0, |sum, number| Ok(sum + update.execute([number])?))
    }
}

fn to_retry(row: &Row<'_>) -> rusqlite::Result<GapToRetry> {
    let event: Vec<u8> = row.get(6)?;
    let event = zstd::stream::decode_all(event.as_slice())
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Blob, Box::new(error)))?;
    Ok(GapToRetry {
        number: row.get(0)?,
        id: Digest::from_bytes(row.get(1)?),
        source: row.get(2)?,
        input: row.get(3)?,
        rule: row.get(4)?,
        digest: row.get::<_, Option<[u8; 32]>>(5)?.map(Digest::from_bytes),
        event,
    })
}
