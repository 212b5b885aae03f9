//! Writing down what a batch gave.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use rusqlite::{Connection, OptionalExtension, params};

use super::grouping::hold;
use super::{Ledger, LedgerError, SinkNumber, millis};
use crate::digest::Digest;
use crate::finding::Finding;
use crate::state::Change;
use crate::tuning::Group;

/// What a batch gave: everything in it goes to disk in one transaction, or nothing of it.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The source that the batch came from.
    pub source: String,
    /// Findings.
    pub findings: Vec<Filing>,
    /// What could not be judged.
    pub gaps: Vec<OpenGap>,
    /// Gaps, by id, that are closed since what they are about has now been judged.
    pub closed: Vec<Digest>,
    /// How far the source has come.
    pub checkpoint: Option<Checkpoint>,
    /// What changes for rules that look back.
    pub state: Change,
    /// True where it may use the room that is kept for what is owed: what the service has to say of itself, such as that there is no room.
    pub urgent: bool,
}

/// A finding with the sinks that it is owed to.
#[derive(Clone, Debug)]
pub struct Filing {
    /// The finding.
    pub finding: Finding,
    /// The sinks.
    pub sinks: Vec<SinkNumber>,
    /// True where a finding with this id that says something else is an older form of this one. Otherwise the one that came first stays: the
    /// same record judged again, perhaps by a newer version of its rule, is no news.
    pub update: bool,
    /// True where it was made behind the watermark, when everything that was on its way had arrived: its event is not late for that.
    pub settled: bool,
    /// The sinks at which it belongs to a group, and may be held.
    pub grouped: Vec<(SinkNumber, Group)>,
    /// Why it is owed to nobody, where tuning says so.
    pub withheld: Option<Kept>,
}

/// Why tuning keeps a finding from every sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// In words.
    pub reason: String,
    /// The exception, by its id, where it is one.
    pub exception: Option<String>,
}

impl Filing {
    /// Makes the filing of a finding that is owed to some sinks at once.
    pub const fn at_once(finding: Finding, sinks: Vec<SinkNumber>) -> Self {
        Self { finding, sinks, update: false, settled: false, grouped: Vec::new(), withheld: None }
    }

    fn has_sinks(&self) -> bool {
        !(self.sinks.is_empty() && self.grouped.is_empty())
    }
}

/// Something that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenGap {
    /// What makes it the same gap when it comes again: the rule and the record.
    pub id: Digest,
    /// The input that it was read from.
    pub input: String,
    /// The item's number in the input.
    pub record: u64,
    /// Its place in bytes.
    pub position: u64,
    /// The rule that could not judge; nothing where no rule could.
    pub rule: Option<String>,
    /// Why not, in words.
    pub cause: String,
    /// The record's digest, where it is a record. With it a finding of a later try has the same id.
    pub digest: Option<Digest>,
    /// The record, or the bytes that could not be read as one.
    pub event: Vec<u8>,
}

/// How far a source has come, in its own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What of the source it is about, such as a region.
    pub key: String,
    /// How far it has come there.
    pub value: String,
}

impl Checkpoint {
    /// The source and the key under which the watermark of rules that look back stands, in RFC 3339.
    pub const WATERMARK: (&str, &str) = ("orgwatch", "watermark");
}

/// What a commit came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The severities of the findings that the ledger did not have yet, or not in this form, and that tuning lets pass.
    pub new_findings: Vec<Severity>,
    /// Of those that it did not have yet, the ones that tuning keeps from every sink: the rule, and the exception where it is one.
    pub withheld: Vec<(String, Option<String>)>,
    /// Of those, how often one was held at a sink, by rule.
    pub held: Vec<String>,
    /// Gaps that it did not have yet.
    pub new_gaps: u64,
    /// The places of all findings of the commit in the ledger, old ones too.
    pub places: Vec<i64>,
}

impl Ledger {
    /// Writes down what a batch gave. When this returns it is on disk, and the sinks know of it.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk. [`LedgerError::Full`] and [`LedgerError::Locked`] may pass; the same commit can be tried again.
    pub async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, LedgerError> {
        if !commit.urgent {
            self.check_room().await?;
        }
        let committed = self.write(move |connection| write(connection, &commit, millis(now))).await?;
        if !committed.new_findings.is_empty() {
            self.shared.owed.send_modify(|count| *count += 1);
        }
        Ok(committed)
    }

    /// Returns a source's checkpoint.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn checkpoint(&self, source: &str, key: &str) -> Result<Option<String>, LedgerError> {
        let (source, key) = (source.to_owned(), key.to_owned());
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT value FROM checkpoint WHERE source = ?1 AND key = ?2")?
                .query_row(params![source, key], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Writes down which rules are active from now on, as a JSON text. Returns which were before.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk.
    pub async fn activate(&self, rules: String, now: Timestamp) -> Result<Option<String>, LedgerError> {
        let at = millis(now);
        self.write(move |connection| {
            let before: Option<String> = connection
                .query_row("SELECT rules FROM activation ORDER BY at DESC LIMIT 1", [], |row| row.get(0))
                .optional()?;
            if before.as_deref() != Some(&rules) {
                // Later than the one before even where the clock has gone back: the latest row is the one in force.
                connection.execute(
                    "INSERT INTO activation (at, rules)
                     VALUES (max(?1, coalesce((SELECT max(at) + 1 FROM activation), ?1)), ?2)",
                    params![at, rules],
                )?;
            }
            Ok(before)
        })
        .await
    }
}

fn write(connection: &Connection, commit: &Commit, now: i64) -> rusqlite::Result<Committed> {
    let mut committed = Committed::default();
    // Two findings of one commit with one id are one finding: the second is a copy of the first.
    let mut places = BTreeMap::new();
    for filing in &commit.findings {
        let place = if let Some(&place) = places.get(&filing.finding.id) {
            place
        } else {
            let (place, filed) = file(connection, filing, now)?;
            let rule = || filing.finding.rule.id.clone();
            match (&filing.withheld, filed) {
                (_, Filed::Known) => {}
                (Some(kept), Filed::New { .. }) => committed.withheld.push((rule(), kept.exception.clone())),
                (None, Filed::New { held }) => {
                    committed.new_findings.push(filing.finding.severity);
                    committed.held.extend((0..held).map(|_| rule()));
                }
            }
            places.insert(filing.finding.id, place);
            place
        };
        committed.places.push(place);
    }
    for gap in &commit.gaps {
        committed.new_gaps += open(connection, &commit.source, gap, now)?;
    }
    for id in &commit.closed {
        connection
            .prepare_cached("UPDATE gap SET closed = ?2, retry = 0 WHERE id = ?1 AND closed IS NULL")?
            .execute(params![id.as_bytes(), now])?;
    }
    commit.state.write(connection)?;
    if let Some(Checkpoint { key, value }) = &commit.checkpoint {
        connection
            .prepare_cached("INSERT OR REPLACE INTO checkpoint (source, key, value, updated) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![commit.source, key, value, now])?;
    }
    Ok(committed)
}

/// What filing a finding came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filed {
    /// The ledger knew it already.
    Known,
    /// It is new, or says something new.
    New {
        /// The sinks at which it is held.
        held: usize,
    },
}

/// Files a finding. Returns its place, and what that came to.
pub(super) fn file(connection: &Connection, filing: &Filing, now: i64) -> rusqlite::Result<(i64, Filed)> {
    let finding = &filing.finding;
    let json = serde_json::to_string(finding).expect("a finding is plain data");
    let known: Option<(i64, String)> = connection
        .prepare_cached("SELECT seq, json FROM finding WHERE id = ?1")?
        .query_row([finding.id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let severity = finding.severity as i64;
    let place = match known {
        None => {
            let event_time = finding.event.time.as_deref().and_then(|time| time.parse().ok()).map(millis);
            let watermark = if filing.settled { None } else { watermark(connection)? };
            let late = event_time.zip(watermark).is_some_and(|(time, watermark)| time < watermark);
            connection
                .prepare_cached(
                    "INSERT INTO finding (id, rule, severity, account, event_time, filed, updated, json, suppressed, exception, late)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    finding.id.as_bytes(),
                    finding.rule.id,
                    severity,
                    finding.event.account,
                    event_time,
                    now,
                    json,
                    filing.withheld.as_ref().map(|kept| &kept.reason),
                    filing.withheld.as_ref().and_then(|kept| kept.exception.as_ref()),
                    late
                ])?;
            connection.last_insert_rowid()
        }
        Some((place, old)) if filing.update && old != json => {
            // A receiver tells an update by its later time, so it is later even where the clock has gone back.
            connection
                .prepare_cached(
                    "UPDATE finding SET json = ?2, severity = ?3, revision = revision + 1, updated = max(?4, updated + 1)
                     WHERE seq = ?1",
                )?
                .execute(params![place, json, severity, now])?;
            place
        }
        // Nobody was told of it, as when a replay found it first: those who are to be told now are owed it.
        Some((place, _)) if filing.has_sinks() && is_owed_to_nobody(connection, place)? => place,
        Some((place, _)) => return Ok((place, Filed::Known)),
    };
    if filing.has_sinks() {
        // Tuning lets pass what it kept back before.
        connection
            .prepare_cached(
                "UPDATE finding SET suppressed = NULL, exception = NULL WHERE seq = ?1 AND suppressed IS NOT NULL",
            )?
            .execute([place])?;
    }
    let mut sinks = filing.sinks.clone();
    for (sink, group) in &filing.grouped {
        if !hold(connection, *sink, place, filing, group, now)? {
            sinks.push(*sink);
        }
    }
    let held = filing.sinks.len() + filing.grouped.len() - sinks.len();
    for SinkNumber(sink) in &sinks {
        connection
            .prepare_cached(
                "INSERT INTO delivery (sink, finding, rank, since, due) VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT (sink, finding) DO UPDATE
                 SET state = 0, rank = excluded.rank, attempts = 0, since = excluded.since, due = excluded.due, reason = NULL",
            )?
            .execute(params![sink, place, -severity, now])?;
    }
    Ok((place, Filed::New { held }))
}

fn is_owed_to_nobody(connection: &Connection, place: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT NOT EXISTS (SELECT 1 FROM delivery WHERE finding = ?1)
             AND NOT EXISTS (SELECT 1 FROM held WHERE finding = ?1)",
        )?
        .query_row([place], |row| row.get(0))
}

/// Returns the watermark that was written down last: what happened before it had been judged for good by then.
fn watermark(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM checkpoint WHERE source = ?1 AND key = ?2")?
        .query_row(params![Checkpoint::WATERMARK.0, Checkpoint::WATERMARK.1], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()).map(millis))
}

/// Opens a gap. Returns 1 where it is new, or was closed, else 0.
fn open(connection: &Connection, source: &str, gap: &OpenGap, now: i64) -> rusqlite::Result<u64> {
    let event = zstd::bulk::compress(&gap.event, 3).expect("zstd takes any bytes");
    let changed = connection
        .prepare_cached(
            "INSERT INTO gap (id, source, input, record, position, rule, cause, digest, event, opened)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET cause = excluded.cause, opened = excluded.opened, closed = NULL
             WHERE closed IS NOT NULL",
        )?
        .execute(params![
            gap.id.as_bytes(),
            source,
            gap.input,
            gap.record,
            gap.position,
            gap.rule,
            gap.cause,
            gap.digest.as_ref().map(Digest::as_bytes),
            event,
            now
        ])?;
    Ok(changed as u64)
}
