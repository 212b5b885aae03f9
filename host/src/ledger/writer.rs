//! The thread that writes. Everything that is written to the ledger passes through it, and what waits at one time goes to disk together.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use super::{LedgerError, connect};

/// How many writes share one transaction. A transaction costs one wait for the disk, however many they are.
const TOGETHER: usize = 256;

/// How many writes may wait. The next one waits outside: this is the back-pressure of the whole intake.
const WAITING: usize = 256;

/// Tells the caller of a write how it went, once the transaction is on disk, or is not.
type Tell = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>;

/// A write: runs inside a transaction, where one could be begun, and returns how its caller is told.
type Write = Box<dyn FnOnce(Option<&Connection>) -> Tell + Send>;

/// What the thread is asked to do.
enum Job {
    Write(Write),
    /// To end. Answered when the connection is closed.
    Close(oneshot::Sender<()>),
}

/// The way to the thread that writes. The thread ends when it is closed, or every copy of this is gone and everything is written.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: Sender<Job>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Self {
        let (jobs, waiting) = channel(WAITING);
        thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || serve(connection, waiting))
            .expect("the system has room for one more thread");
        Self { jobs }
    }

    /// Writes, and returns when it is on disk. A write that fails leaves nothing behind, and takes no other with it.
    ///
    /// # Errors
    ///
    /// Fails when the write fails, or the transaction does.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let write: Write = Box::new(move |connection| {
            let result = connection.map(|connection| in_savepoint(connection, write));
            Box::new(move |committed: Result<(), Arc<rusqlite::Error>>| {
                let result = match (result, committed) {
                    (Some(Ok(value)), Ok(())) => Ok(value),
                    (Some(Err(error)), _) => Err(LedgerError::from(error)),
                    (_, Err(error)) => Err(LedgerError::of_shared(error)),
                    (None, Ok(())) => Err(LedgerError::Closed),
                };
                // A caller that is gone has left what it wanted written to chance.
                let _ = reply.send(result);
            })
        });
        self.jobs.send(Job::Write(write)).await.map_err(|_| LedgerError::Closed)?;
        answer.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Writes what waits and ends. What is asked afterwards fails. Returns when the connection is closed.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(reply)).await.is_ok() {
            // An answer that does not come means that the thread has ended already.
            let _ = closed.await;
        }
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT write")?;
    match write(connection) {
        Ok(value) => connection.execute_batch("RELEASE write").map(|()| value),
        Err(error) => {
            // Where the whole transaction has been rolled back already, as on a full disk, the savepoint is gone.
            let _ = connection.execute_batch("ROLLBACK TO write; RELEASE write");
            Err(error)
        }
    }
}

fn serve(connection: Connection, mut waiting: Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        let mut writes = Vec::new();
        let closing = loop {
            match next {
                Some(Job::Write(write)) => writes.push(write),
                Some(Job::Close(reply)) => break Some(reply),
                None => break None,
            }
            next = if writes.len() < TOGETHER { waiting.try_recv().ok() } else { None };
        };
        together(&connection, writes);
        if let Some(reply) = closing {
            drop(connection);
            let _ = reply.send(());
            return;
        }
    }
}

/// Runs writes in one transaction, and tells their callers how it went.
fn together(connection: &Connection, writes: Vec<Write>) {
    if writes.is_empty() {
        return;
    }
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    // Without a transaction around it each write would wait for the lock anew, and one that gets it would be on disk though its caller hears that
    // it is not.
    let inside = begun.is_ok().then_some(connection);
    let tells: Vec<Tell> = writes.into_iter().map(|write| write(inside)).collect();
    let committed = begun.and_then(|()| connection.execute_batch("COMMIT")).map_err(Arc::new);
    if committed.is_err() && !connection.is_autocommit() {
        // Nothing more can be done about a failure to undo; the next BEGIN will fail and say so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for tell in tells {
        tell(committed.clone());
    }
}

/// Opens the connection that writes.
pub(super) fn connection(file: &Path) -> Result<Connection, LedgerError> {
    let connection = connect(file, false)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn nothing_is_written_when_no_transaction_can_be_begun() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.sqlite");
        let ours = connection(&file).unwrap();
        ours.busy_timeout(Duration::ZERO).unwrap();
        ours.execute_batch("CREATE TABLE noted (number)").unwrap();
        let other = connection(&file).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let writer = Writer::start(ours);
        // The lock goes when the transaction could not be begun, and before anything could be written outside of one.
        let written = writer.write(move |connection| {
            other.execute_batch("COMMIT")?;
            connection.execute("INSERT INTO noted VALUES (1)", [])
        });
        assert!(matches!(written.await, Err(LedgerError::Locked)));
        writer.write(|connection| connection.execute("INSERT INTO noted VALUES (2)", [])).await.unwrap();
        let noted: i64 =
            connect(&file, true).unwrap().query_row("SELECT sum(number) FROM noted", [], |row| row.get(0)).unwrap();
        assert_eq!(noted, 2);
    }
}
