//! The ledger's tables, and how an older ledger becomes one of today.

use std::cmp::Ordering;

use rusqlite::Connection;

use super::{LedgerError, grouping};

/// Each step takes the schema from the version that is its place in this list to the next. A step that has been released never changes.
const STEPS: [&str; 4] = [FIRST, crate::state::SCHEMA, grouping::TABLES, LATE];

/// Whether the event of a finding came after the watermark had passed it.
const LATE: &str = "ALTER TABLE finding ADD COLUMN late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1))";

const FIRST: &str = r"
    -- What rules found, and what the service has to say of itself. `seq` is the order of filing.
    CREATE TABLE finding (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL UNIQUE,
        rule TEXT NOT NULL,
        severity INTEGER NOT NULL,
        account TEXT,
        event_time INTEGER,
        filed INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        revision INTEGER NOT NULL DEFAULT 1,
        -- Why tuning keeps it from every sink; nothing where it does not.
        suppressed TEXT,
        json TEXT NOT NULL
    ) STRICT;
    CREATE INDEX finding_by_age ON finding (filed);

    CREATE TABLE sink (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

    -- What each sink is owed (state 0), has taken (1), and was given up on (2). `rank` puts the most severe first.
    CREATE TABLE delivery (
        sink INTEGER NOT NULL REFERENCES sink,
        finding INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE,
        state INTEGER NOT NULL DEFAULT 0,
        rank INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        since INTEGER NOT NULL,
        due INTEGER NOT NULL,
        reason TEXT,
        PRIMARY KEY (sink, finding)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_owed ON delivery (sink, rank, finding) WHERE state = 0;
    CREATE INDEX delivery_dead ON delivery (sink, finding) WHERE state = 2;
    CREATE INDEX delivery_by_finding ON delivery (finding, state);

    -- What could not be judged, with the event itself, compressed with zstd.
    CREATE TABLE gap (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL UNIQUE,
        source TEXT NOT NULL,
        input TEXT NOT NULL,
        record INTEGER NOT NULL,
        position INTEGER NOT NULL,
        rule TEXT,
        cause TEXT NOT NULL,
        digest BLOB,
        event BLOB NOT NULL,
        opened INTEGER NOT NULL,
        retry INTEGER NOT NULL DEFAULT 0,
        closed INTEGER
    ) STRICT;
    CREATE INDEX gap_open ON gap (number) WHERE closed IS NULL;
    CREATE INDEX gap_retry ON gap (number) WHERE retry = 1;

    CREATE TABLE checkpoint (
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        updated INTEGER NOT NULL,
        PRIMARY KEY (source, key)
    ) STRICT, WITHOUT ROWID;

    -- Which rules with which settings were active from when.
    CREATE TABLE activation (at INTEGER PRIMARY KEY, rules TEXT NOT NULL) STRICT;
";

/// Makes sure that a ledger is one of today, without touching it: a host of another version may be running on it.
///
/// # Errors
///
/// Fails when it is not.
pub(super) fn check(connection: &Connection) -> Result<(), LedgerError> {
    let found: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = STEPS.len();
    match found.cmp(&known) {
        Ordering::Less => Err(LedgerError::Older { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(LedgerError::Newer { found, known }),
    }
}

/// Brings a ledger up to date, in one transaction.
///
/// # Errors
///
/// Fails when the ledger was made by a newer version of the program, or cannot be written.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), LedgerError> {
    let version: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > STEPS.len() {
        return Err(LedgerError::Newer { found: version, known: STEPS.len() });
    }
    let transaction = connection.transaction()?;
    for step in &STEPS[version..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", STEPS.len())?;
    transaction.commit()?;
    Ok(())
}
