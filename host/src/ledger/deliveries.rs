//! What each sink is owed, most severe first, and what became of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Ledger, LedgerError, Reader, instant, millis};
use crate::finding::Finding;
use crate::sink::Delivery;

/// A sink, as the ledger knows it. It keeps its number for as long as it keeps its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SinkNumber(pub(super) i64);

/// A delivery that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// The finding's place in the ledger.
    pub place: i64,
    /// How often it was tried before.
    pub attempts: u32,
    /// Since when it is owed.
    pub since: Timestamp,
    /// What is to be sent.
    pub delivery: Delivery,
}

/// What became of a delivery, for [`Ledger::settle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The finding's place in the ledger.
    pub place: i64,
    /// The revision that was sent. A later one, filed meanwhile, stays owed.
    pub revision: u32,
    /// What became of it.
    pub settlement: Settlement,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The sink has it.
    Taken,
    /// It is to be tried again.
    Again {
        /// When, at the earliest.
        due: Timestamp,
        /// Why it was not taken.
        reason: String,
    },
    /// It is given up: a dead letter.
    Dead {
        /// Why.
        reason: String,
    },
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The sink's name.
    pub sink: String,
    /// Why it was given up.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it was owed.
    pub since: Timestamp,
    /// What was to be sent.
    pub finding: Finding,
}

/// How much waits for a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// The sink's name.
    pub sink: String,
    /// Deliveries that are owed.
    pub owed: u64,
    /// Dead letters.
    pub dead: u64,
}

impl Ledger {
    /// Returns the numbers of sinks by their names.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be written.
    pub async fn sinks(&self, names: Vec<String>) -> Result<Vec<SinkNumber>, LedgerError> {
        self.write(move |connection| {
            let mut numbers = Vec::with_capacity(names.len());
            for name in &names {
                connection.execute("INSERT OR IGNORE INTO sink (name) VALUES (?1)", [name])?;
                let number =
                    connection.query_row("SELECT number FROM sink WHERE name = ?1", [name], |row| row.get(0))?;
                numbers.push(SinkNumber(number));
            }
            Ok(numbers)
        })
        .await
    }

    /// Returns up to `limit` deliveries that are due, most severe first and then in the order of filing.
    ///
    /// What is due later than `horizon` counts as due too: no wait is that long, so the clock has gone back since.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn due(
        &self,
        sink: SinkNumber,
        now: Timestamp,
        horizon: Timestamp,
        limit: usize,
    ) -> Result<Vec<Owed>, LedgerError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT seq, attempts, since, json, revision, filed, updated
                 FROM delivery JOIN finding ON seq = finding
                 WHERE sink = ?1 AND state = 0 AND (due <= ?2 OR due > ?3) ORDER BY rank, finding LIMIT ?4",
            )?;
            let rows = query.query_map(params![sink.0, millis(now), millis(horizon), limit], |row| {
                let delivery = Delivery {
                    finding: parse(row, 3)?,
                    revision: row.get(4)?,
                    filed: instant(row.get(5)?),
                    updated: instant(row.get(6)?),
                };
                Ok(Owed { place: row.get(0)?, attempts: row.get(1)?, since: instant(row.get(2)?), delivery })
            })?;
            rows.collect()
        })
        .await
    }

    /// Returns when the next delivery to a sink is due, where one is owed.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn next_due(&self, sink: SinkNumber) -> Result<Option<Timestamp>, LedgerError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached("SELECT min(due) FROM delivery WHERE sink = ?1 AND state = 0")?;
            let due: Option<i64> = query.query_row([sink.0], |row| row.get(0))?;
            Ok(due.map(instant))
        })
        .await
    }

    /// Writes down what became of deliveries.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk. What was sent is sent once more then.
    pub async fn settle(&self, sink: SinkNumber, settled: Vec<Settled>) -> Result<(), LedgerError> {
        self.write(move |connection| settled.iter().try_for_each(|settled| settle(connection, sink, settled))).await?;
        self.shared.settled.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Counts, of some findings, those that some sinks are still owed and those that were given up for them. One that is held is owed until its
    /// sink has the summary that tells of it.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn unsettled(&self, sinks: Vec<SinkNumber>, places: Vec<i64>) -> Result<(u64, u64), LedgerError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT state, sink FROM delivery WHERE finding = ?1 UNION ALL
                 SELECT iif(told, coalesce(state, 1), 0), held.sink FROM held JOIN grouping ON number = grouping
                 LEFT JOIN delivery ON delivery.finding = summary AND delivery.sink = held.sink WHERE held.finding = ?1",
            )?;
            let (mut owed, mut dead) = (0, 0);
            for place in &places {
                let mut rows = query.query([place])?;
                while let Some(row) = rows.next()? {
                    match row.get::<_, i64>(0)? {
                        _ if !sinks.contains(&SinkNumber(row.get(1)?)) => {}
                        0 => owed += 1,
                        2 => dead += 1,
                        _ => {}
                    }
                }
            }
            Ok((owed, dead))
        })
        .await
    }

    /// Gives up what is owed to any other than these sinks: nobody would ever send it. Returns how much, sink by sink.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk.
    pub async fn give_up_others(&self, sinks: Vec<SinkNumber>) -> Result<Vec<(String, u64)>, LedgerError> {
        let depths = self.queue_depths().await?;
        self.write(move |connection| {
            let mut given_up = Vec::new();
            for depth in depths.into_iter().filter(|depth| depth.owed > 0) {
                let number: i64 =
                    connection.query_row("SELECT number FROM sink WHERE name = ?1", [&depth.sink], |row| row.get(0))?;
                if sinks.contains(&SinkNumber(number)) {
                    continue;
                }
                connection.execute(
                    "UPDATE delivery SET state = 2, reason = 'the sink is no longer configured' WHERE sink = ?1 AND state = 0",
                    [number],
                )?;
                given_up.push((depth.sink, depth.owed));
            }
            Ok(given_up)
        })
        .await
    }

    /// Owes dead letters of some findings to some sinks again.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk.
    pub async fn revive(&self, sinks: Vec<SinkNumber>, places: Vec<i64>, now: Timestamp) -> Result<(), LedgerError> {
        let now = millis(now);
        self.write(move |connection| {
            let mut update = connection.prepare_cached(
                "UPDATE delivery SET state = 0, attempts = 0, since = ?3, due = ?3 WHERE sink = ?1 AND state = 2 AND finding IN (
                     ?2, (SELECT summary FROM held JOIN grouping ON number = grouping WHERE finding = ?2 AND held.sink = ?1))",
            )?;
            for place in &places {
                for sink in &sinks {
                    update.execute(params![sink.0, place, now])?;
                }
            }
            Ok(())
        })
        .await?;
        self.shared.owed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Returns how much waits for each sink that the ledger knows, configured or not.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn queue_depths(&self) -> Result<Vec<QueueDepth>, LedgerError> {
        self.read(queue_depths).await
    }
}

impl Reader {
    /// Returns how much waits for each sink.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub fn queue_depths(&self) -> Result<Vec<QueueDepth>, LedgerError> {
        Ok(queue_depths(&self.connection)?)
    }

    /// Returns the dead letters, of one sink or of all, in the order of filing.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub fn dead_letters(&self, sink: Option<&str>) -> Result<Vec<DeadLetter>, LedgerError> {
        let mut query = self.connection.prepare(
            "SELECT name, delivery.reason, attempts, since, json FROM delivery
             JOIN sink ON number = sink JOIN finding ON seq = finding
             WHERE state = 2 AND (?1 IS NULL OR name = ?1) ORDER BY finding, name",
        )?;
        let rows = query.query_map([sink], |row| {
            Ok(DeadLetter {
                sink: row.get(0)?,
                reason: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                attempts: row.get(2)?,
                since: instant(row.get(3)?),
                finding: parse(row, 4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Owes dead letters again, of one sink or of all. The running service, or the next one, sends them. Returns how many.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be written.
    pub fn retry_dead_letters(&self, sink: Option<&str>, now: Timestamp) -> Result<usize, LedgerError> {
        Ok(self.connection.execute(
            "UPDATE delivery SET state = 0, attempts = 0, since = ?2, due = ?2
             WHERE state = 2 AND (?1 IS NULL OR sink = (SELECT number FROM sink WHERE name = ?1))",
            params![sink, millis(now)],
        )?)
    }
}

fn settle(connection: &Connection, sink: SinkNumber, settled: &Settled) -> rusqlite::Result<()> {
    let revision: Option<u32> = connection
        .prepare_cached("SELECT revision FROM finding WHERE seq = ?1")?
        .query_row([settled.place], |row| row.get(0))
        .optional()?;
    if revision != Some(settled.revision) {
        return Ok(());
    }
    let (state, due, reason) = match &settled.settlement {
        Settlement::Taken => (1, None, None),
        Settlement::Again { due, reason } => (0, Some(millis(*due)), Some(reason)),
        Settlement::Dead { reason } => (2, None, Some(reason)),
    };
    connection
        .prepare_cached(
            "UPDATE delivery SET state = ?3, due = coalesce(?4, due), reason = ?5, attempts = attempts + 1
             WHERE sink = ?1 AND finding = ?2 AND state = 0",
        )?
        .execute(params![sink.0, settled.place, state, due, reason])?;
    Ok(())
}

fn queue_depths(connection: &Connection) -> rusqlite::Result<Vec<QueueDepth>> {
    let mut query = connection.prepare_cached(
        "SELECT name, (SELECT count(*) FROM delivery WHERE sink = number AND state = 0),
                (SELECT count(*) FROM delivery WHERE sink = number AND state = 2)
         FROM sink ORDER BY name",
    )?;
    let rows = query.query_map([], |row| Ok(QueueDepth { sink: row.get(0)?, owed: row.get(1)?, dead: row.get(2)? }))?;
    rows.collect()
}

/// Reads the finding in a column.
pub(super) fn parse(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Finding> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}
