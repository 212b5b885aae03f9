//! Findings for those who look them up.

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use rusqlite::{Row, params};

use super::deliveries::parse;
use super::{LedgerError, Reader, instant, millis};
use crate::finding::Finding;

/// Which findings are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingQuery {
    /// Of this rule only.
    pub rule: Option<String>,
    /// Of this severity or above.
    pub severity: Option<Severity>,
    /// Filed from this time on.
    pub since: Option<Timestamp>,
    /// Those of this sort only.
    pub sort: Sort,
    /// At most so many, the latest ones.
    pub limit: Option<usize>,
}

/// Which findings, by what tuning made of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Those that are delivered, at once or in a summary.
    #[default]
    Delivered,
    /// Those that tuning keeps from every sink.
    Suppressed,
    /// Those that were held at a sink.
    Grouped,
}

/// How often an exception kept a finding from every sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionCount {
    /// The exception, by its id.
    pub exception: String,
    /// How many findings, as far as the ledger remembers.
    pub findings: u64,
    /// When the latest of them was filed.
    pub latest: Timestamp,
}

/// A finding in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFinding {
    /// The finding.
    pub finding: Finding,
    /// 1 for a new finding, more for an update of it.
    pub revision: u32,
    /// When it was filed.
    pub filed: Timestamp,
    /// When this revision was.
    pub updated: Timestamp,
    /// Why tuning keeps it from every sink; nothing where it does not.
    pub suppressed: Option<String>,
    /// True where its event came after the watermark had passed it: rules that look back had judged what happened then for good.
    pub late: bool,
    /// What became of it, sink by sink, in words.
    pub deliveries: Vec<(String, String)>,
}

impl Reader {
    /// Returns findings in the order of filing.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub fn findings(&self, query: &FindingQuery) -> Result<Vec<StoredFinding>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT seq, json, revision, filed, updated, suppressed, late FROM
                 (SELECT * FROM finding WHERE (?1 IS NULL OR rule = ?1) AND severity >= ?2 AND filed >= ?3
                  AND (suppressed IS NOT NULL) = ?5
                  AND (NOT ?6 OR EXISTS (SELECT 1 FROM held WHERE finding = seq))
                  ORDER BY seq DESC LIMIT ?4)
             ORDER BY seq",
        )?;
        let severity = query.severity.map_or(0, |severity| severity as i64);
        let since = query.since.map_or(i64::MIN, millis);
        let limit = query.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
        let [suppressed, grouped] = [Sort::Suppressed, Sort::Grouped].map(|sort| query.sort == sort);
        let parameters = params![query.rule, severity, since, limit, suppressed, grouped];
        let rows = select.query_map(parameters, |row| self.stored(row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the findings whose id begins with a text in hexadecimal, two at most.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub fn finding(&self, id: &str) -> Result<Vec<StoredFinding>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT seq, json, revision, filed, updated, suppressed, late FROM finding WHERE lower(hex(id)) LIKE ?1 || '%' ORDER BY seq LIMIT 2",
        )?;
        let rows = select.query_map([id.to_lowercase()], |row| self.stored(row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns how often each exception held, by its id.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub fn exception_counts(&self) -> Result<Vec<ExceptionCount>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT exception, count(*), max(filed) FROM finding WHERE exception IS NOT NULL GROUP BY exception ORDER BY exception",
        )?;
        let rows = select.query_map([], |row| {
            Ok(ExceptionCount { exception: row.get(0)?, findings: row.get(1)?, latest: instant(row.get(2)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn stored(&self, row: &Row<'_>) -> rusqlite::Result<StoredFinding> {
        let place: i64 = row.get(0)?;
        let mut select = self.connection.prepare_cached(
            "SELECT name, state, attempts, reason FROM delivery JOIN sink ON number = sink WHERE finding = ?1 ORDER BY name",
        )?;
        let deliveries = select.query_map([place], |row| {
            let (name, state, attempts): (String, i64, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let reason: Option<String> = row.get(3)?;
            let because = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let became = match state {
                0 if attempts == 0 => "owed".to_owned(),
                0 => format!("owed, tried {attempts} times{because}"),
                1 => "taken".to_owned(),
                _ => format!("given up after {attempts} tries{because}"),
            };
            Ok((name, became))
        })?;
        let mut deliveries: Vec<(String, String)> = deliveries.collect::<Result<_, _>>()?;
        let mut select = self.connection.prepare_cached(
            "SELECT name, by, told, lower(hex(id)) FROM held JOIN grouping ON grouping.number = grouping
             JOIN sink ON sink.number = held.sink LEFT JOIN finding ON seq = summary WHERE held.finding = ?1 ORDER BY name",
        )?;
        let held = select.query_map([place], |row| {
            let (name, by, told): (String, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let summary: String = row.get::<_, Option<String>>(3)?.unwrap_or_default();
            let became = match (by.as_str(), told) {
                ("cap", false) => "held beyond the cap of its rule".to_owned(),
                (by, false) => format!("held in a group by {by}"),
                (_, true) => format!("told in the summary {}", summary.get(..12).unwrap_or("that is forgotten")),
            };
            Ok((name, became))
        })?;
        deliveries.extend(held.collect::<Result<Vec<_>, _>>()?);
        Ok(StoredFinding {
            deliveries,
            suppressed: row.get(5)?,
            finding: parse(row, 1)?,
            revision: row.get(2)?,
            filed: instant(row.get(3)?),
            updated: instant(row.get(4)?),
            late: row.get(6)?,
        })
    }
}
