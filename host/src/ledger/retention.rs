//! How long things are kept, and how much room they may take.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::{Ledger, LedgerError, millis};

/// How many findings one step of forgetting removes: short writes leave room between them for those that are owed.
const STEP: usize = 2_000;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Findings.
    pub findings: usize,
    /// Closed gaps.
    pub gaps: usize,
}

impl Ledger {
    /// Removes findings that are older than the retention and owed to nobody, and gaps that were closed before it. Open gaps and dead letters
    /// stay, whatever their age: they are work that somebody has to do.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be written.
    pub async fn forget(&self, retention: Duration, now: Timestamp) -> Result<Forgotten, LedgerError> {
        let before = millis(now.checked_sub(retention).unwrap_or(Timestamp::MIN));
        let mut forgotten = Forgotten::default();
        loop {
            let step = self
                .write(move |connection| {
                    let findings = connection.execute(
                        "DELETE FROM finding WHERE seq IN (
                             SELECT seq FROM finding WHERE filed < ?1
                             AND NOT EXISTS (SELECT 1 FROM delivery WHERE finding = seq AND state <> 1)
                             AND NOT EXISTS (SELECT 1 FROM held JOIN grouping ON number = grouping WHERE finding = seq AND told = 0)
                             LIMIT ?2)",
                        params![before, STEP],
                    )?;
                    connection.execute(
                        "DELETE FROM grouping WHERE told = 1 AND NOT EXISTS (SELECT 1 FROM held WHERE grouping = number)",
                        [],
                    )?;
                    let gaps = connection.execute("DELETE FROM gap WHERE closed < ?1", [before])?;
                    Ok(Forgotten { findings, gaps })
                })
                .await?;
            forgotten.findings += step.findings;
            forgotten.gaps += step.gaps;
            if step.findings < STEP {
                return Ok(forgotten);
            }
        }
    }

    /// Fails where new findings would take the room that settling what is owed needs.
    pub(super) async fn check_room(&self) -> Result<(), LedgerError> {
        let room = self.shared.room;
        if room.reserve == 0 {
            return Ok(());
        }
        if let Ok(disk) = rustix::fs::statvfs(&self.shared.folder)
            && disk.f_bavail.saturating_mul(disk.f_frsize) < room.reserve
        {
            return Err(LedgerError::Full);
        }
        let Some(limit) = room.limit else { return Ok(()) };
        let used = self
            .read(|connection| {
                let pages: u64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
                let free: u64 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
                let size: u64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
                Ok((pages - free.min(pages)) * size)
            })
            .await?;
        if used.saturating_add(room.reserve) > limit { Err(LedgerError::Full) } else { Ok(()) }
    }
}
