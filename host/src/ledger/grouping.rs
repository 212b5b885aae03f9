//! Groups of findings at a sink: which are delivered at once, which are held, and what is told of those at the end.
//!
//! A group is a row, so it outlives the process. It opens with a finding that is delivered, and lasts for its period. What comes within it is
//! held, unless it is more serious than all that was delivered of the group. When the period is over one summary, a finding like any other,
//! is owed to the sink. The cap of a rule is a group of its own at each sink, which counts what is delivered.
//!
//! All of this happens on the thread that writes, within the transaction that files the findings.

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::filing::{Filing, file};
use super::{Ledger, LedgerError, SinkNumber, instant, millis};
use crate::digest::Digest;
use crate::tuning::{Group, Grouped};

/// What makes the cap's own group, in place of what findings have in common.
const CAP: &str = "cap";

/// Ids that a summary gives; `findings list --grouped` has all.
const IDS: usize = 10;

/// A group that begins later than this after now was begun by a clock that has gone back since, and is over.
const AHEAD: i64 = 60_000;

/// The step of the schema that brings exceptions and groups.
pub(super) const TABLES: &str = r"
    -- The exception that keeps a finding from every sink, by its id.
    ALTER TABLE finding ADD COLUMN exception TEXT;
    CREATE INDEX finding_by_exception ON finding (exception) WHERE exception IS NOT NULL;
    CREATE INDEX finding_suppressed ON finding (seq) WHERE suppressed IS NOT NULL;

    -- Findings of a rule that belong together at a sink, for a period; with `by` = 'cap', all that are delivered of the rule.
    CREATE TABLE grouping (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        sink INTEGER NOT NULL REFERENCES sink,
        rule TEXT NOT NULL,
        by TEXT NOT NULL,
        value TEXT NOT NULL,
        began INTEGER NOT NULL,
        ends INTEGER NOT NULL,
        -- The highest that was delivered.
        severity INTEGER NOT NULL,
        delivered INTEGER NOT NULL DEFAULT 1,
        told INTEGER NOT NULL DEFAULT 0,
        -- The finding that tells of what was held.
        summary INTEGER REFERENCES finding ON DELETE SET NULL
    ) STRICT;
    CREATE INDEX grouping_open ON grouping (sink, rule, by, value) WHERE told = 0;
    CREATE INDEX grouping_ends ON grouping (ends) WHERE told = 0;
    CREATE INDEX grouping_summary ON grouping (summary) WHERE summary IS NOT NULL;

    -- What was held, and in which group.
    CREATE TABLE held (
        sink INTEGER NOT NULL,
        finding INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE,
        grouping INTEGER NOT NULL REFERENCES grouping ON DELETE CASCADE,
        PRIMARY KEY (finding, sink)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX held_by_grouping ON held (grouping);
";

/// A group that has not ended.
struct Open {
    number: i64,
    severity: i64,
    delivered: u32,
}

/// Decides whether a finding is held at a sink, and notes it either way.
pub(super) fn hold(
    connection: &Connection,
    SinkNumber(sink): SinkNumber,
    place: i64,
    filing: &Filing,
    group: &Group,
    now: i64,
) -> rusqlite::Result<bool> {
    let delivered: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM delivery WHERE sink = ?1 AND finding = ?2)")?
        .query_row([sink, place], |row| row.get(0))?;
    if delivered {
        // A new form of what the sink knows already.
        return Ok(false);
    }
    let rule = filing.finding.rule.id.as_str();
    let severity = filing.finding.severity as i64;
    let of_group = open(connection, sink, rule, group.by, &group.value, now)?;
    let of_cap = match group.cap {
        Some(_) => open(connection, sink, rule, CAP, "", now)?,
        None => None,
    };
    let holder = match (&of_group, &of_cap) {
        (Some(open), _) if severity <= open.severity => Some(open.number),
        (None, Some(open)) if group.cap.is_some_and(|cap| open.delivered >= cap) && severity <= open.severity => {
            Some(open.number)
        }
        _ => None,
    };
    if let Some(holder) = holder {
        connection
            .prepare_cached(
                "INSERT INTO held (sink, finding, grouping) VALUES (?1, ?2, ?3)
                 ON CONFLICT (finding, sink) DO UPDATE SET grouping = excluded.grouping",
            )?
            .execute([sink, place, holder])?;
        return Ok(true);
    }
    connection.prepare_cached("DELETE FROM held WHERE sink = ?1 AND finding = ?2")?.execute([sink, place])?;
    let ends = now.saturating_add(i64::try_from(group.period.as_millis()).unwrap_or(i64::MAX));
    let note = |by: &str, value: &str, known: Option<Open>| {
        match known {
        Some(known) => connection
            .prepare_cached(
                "UPDATE grouping SET severity = max(severity, ?2), delivered = delivered + 1 WHERE number = ?1",
            )?
            .execute([known.number, severity]),
        None => connection
            .prepare_cached(
                "INSERT INTO grouping (sink, rule, by, value, began, ends, severity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![sink, rule, by, value, now, ends, severity]),
    }
    };
    note(group.by, &group.value, of_group)?;
    if group.cap.is_some() {
        note(CAP, "", of_cap)?;
    }
    Ok(false)
}

/// Finds the group that lasts just now.
fn open(
    connection: &Connection,
    sink: i64,
    rule: &str,
    by: &str,
    value: &str,
    now: i64,
) -> rusqlite::Result<Option<Open>> {
    connection
        .prepare_cached(
            "SELECT number, severity, delivered FROM grouping
             WHERE sink = ?1 AND rule = ?2 AND by = ?3 AND value = ?4 AND told = 0 AND ends > ?5 AND began <= ?5 + ?6
             ORDER BY number DESC LIMIT 1",
        )?
        .query_row(params![sink, rule, by, value, now, AHEAD], |row| {
            Ok(Open { number: row.get(0)?, severity: row.get(1)?, delivered: row.get(2)? })
        })
        .optional()
}

impl Ledger {
    /// Ends the groups whose period is over, or all of them, and owes a summary to the sink of each of which something was held. Returns the
    /// severities of the summaries.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk. The groups go on then, and are ended another time.
    pub async fn end_groups(&self, all: bool, now: Timestamp) -> Result<Vec<Severity>, LedgerError> {
        let at = millis(now);
        let any = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM grouping WHERE told = 0 AND (?1 OR ends <= ?2 OR began > ?2 + ?3))",
                )?
                .query_row(params![all, at, AHEAD], |row| row.get(0))
        };
        if !self.read(any).await? {
            return Ok(Vec::new());
        }
        let told = self.write(move |connection| end(connection, all, at)).await?;
        self.shared.settled.send_modify(|count| *count += 1);
        if !told.is_empty() {
            self.shared.owed.send_modify(|count| *count += 1);
        }
        Ok(told)
    }
}

fn end(connection: &Connection, all: bool, now: i64) -> rusqlite::Result<Vec<Severity>> {
    // Of most groups nothing was held: there is nothing to tell.
    connection.execute(
        "DELETE FROM grouping WHERE told = 0 AND (?1 OR ends <= ?2 OR began > ?2 + ?3)
         AND NOT EXISTS (SELECT 1 FROM held WHERE grouping = number)",
        params![all, now, AHEAD],
    )?;
    let mut select = connection.prepare_cached(
        "SELECT grouping.number, sink, name, rule, by, value, began, min(ends, max(?2, began)) FROM grouping
         JOIN sink ON sink.number = grouping.sink
         WHERE told = 0 AND (?1 OR ends <= ?2 OR began > ?2 + ?3) ORDER BY 1",
    )?;
    let ended = select.query_map(params![all, now, AHEAD], |row| {
        let sink: i64 = row.get(1)?;
        Ok((SinkNumber(sink), grouped(connection, row)?))
    })?;
    let ended: Vec<(SinkNumber, Grouped)> = ended.collect::<Result<_, _>>()?;
    let mut told = Vec::with_capacity(ended.len());
    for (sink, grouped) in ended {
        told.push(grouped.severity);
        let number = grouped.number;
        let filing = Filing::at_once(grouped.summary(), vec![sink]);
        let (summary, _) = file(connection, &filing, now)?;
        connection
            .prepare_cached("UPDATE grouping SET told = 1, summary = ?2 WHERE number = ?1")?
            .execute([number, summary])?;
    }
    Ok(told)
}

/// Counts what was held of a group.
fn grouped(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Grouped> {
    let number: i64 = row.get(0)?;
    let (findings, actions, severity): (u64, u64, usize) = connection
        .prepare_cached(
            "SELECT count(*), count(DISTINCT json ->> '$.event.action'), max(severity)
             FROM held JOIN finding ON seq = finding WHERE grouping = ?1",
        )?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut select = connection.prepare_cached(
        "SELECT id FROM held JOIN finding ON seq = finding WHERE grouping = ?1 ORDER BY seq LIMIT ?2",
    )?;
    let ids = select.query_map(params![number, IDS], |row| Ok(Digest::from_bytes(row.get(0)?)))?;
    Ok(Grouped {
        number,
        sink: row.get(2)?,
        rule: row.get(3)?,
        by: row.get(4)?,
        value: row.get(5)?,
        began: instant(row.get(6)?),
        ended: instant(row.get(7)?),
        findings,
        actions,
        severity: Severity::ALL.get(severity).copied().unwrap_or(Severity::Critical),
        ids: ids.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests;
