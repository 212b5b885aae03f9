//! The state of a replay: a temporary database, gone with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::{Change, Forming, Notes, SCHEMA, StateError, Waiting, forget};
use crate::judge::{Judge, Standing, Verdicts};

/// How many records are judged at a time.
const TOGETHER: usize = 256;

/// How many records are remembered before a rule's oldest notes are forgotten again.
const FORGET_AFTER: u64 = 50_000;

/// What rules that look back noted in a replay, and the records that they have yet to judge. All of them are judged at the end of the input, when
/// everything has arrived.
pub struct Temporary {
    notes: Arc<Notes>,
    remembered: AtomicU64,
}

impl Temporary {
    /// Makes an empty one, in a file that has no name and goes away by itself; a small one never reaches the disk.
    ///
    /// # Errors
    ///
    /// Fails when the system has no place for temporary files.
    pub fn open() -> Result<Self, StateError> {
        let connection = Connection::open("")?;
        // A replay that is interrupted is made again.
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.execute_batch(SCHEMA)?;
        Ok(Self { notes: Arc::new(Notes::new(connection)), remembered: AtomicU64::new(0) })
    }

    /// Takes records that rules which look back asked for. Returns the rules that noted more than is kept.
    ///
    /// # Errors
    ///
    /// Fails when there is no room for them.
    pub fn remember(&self, judge: &Judge, remembered: Vec<Waiting>) -> Result<Vec<String>, StateError> {
        let number = remembered.len() as u64;
        self.write(&Change { remembered, ..Change::default() })?;
        let before = self.remembered.fetch_add(number, Ordering::Relaxed);
        let mut beyond = Vec::new();
        if before / FORGET_AFTER != (before + number) / FORGET_AFTER {
            for rule in judge.rules() {
                let (Some(_), Some(version)) = (rule.keep(), rule.state_version) else { continue };
                let forgotten = self.notes.with(|connection| forget(connection, &rule.id, version, i64::MIN))?;
                beyond.extend((forgotten > 0).then(|| rule.id.clone()));
            }
        }
        Ok(beyond)
    }

    /// Judges everything for good, in the order of the records, and hands over what came of it: findings, then those of periods.
    ///
    /// # Errors
    ///
    /// Fails when what was noted cannot be read.
    pub fn settle(&self, judge: &Judge, mut take: impl FnMut(Verdicts)) -> Result<(), StateError> {
        loop {
            let due = self.notes.due(i64::MAX, TOGETHER)?;
            if due.is_empty() {
                break;
            }
            let mut change = Change::default();
            for taken in due {
                let judged = taken.event.as_ref().and_then(|event| judge.look_back(&taken.rule, event, &self.notes));
                change.settled.push((taken.rule, taken.at.digest));
                let Some((standings, mut verdicts)) = judged else { continue };
                for standing in standings {
                    let Standing { finding, why, ends, .. } = standing;
                    match ends {
                        Some(ends) => change.forming.push(Forming { finding, why, ends, at: taken.at }),
                        None => verdicts.add_tuned(finding, why),
                    }
                }
                take(verdicts);
            }
            self.write(&change)?;
        }
        let mut verdicts = Verdicts::default();
        for Forming { finding, why, .. } in self.notes.formed(i64::MAX)? {
            verdicts.add_tuned(finding, why);
        }
        take(verdicts);
        Ok(())
    }

    fn write(&self, change: &Change) -> Result<(), StateError> {
        self.notes.with(|connection| {
            connection.execute_batch("BEGIN")?;
            change.write(connection)?;
            connection.execute_batch("COMMIT")
        })
    }
}
