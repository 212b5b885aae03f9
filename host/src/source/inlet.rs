//! A source's way into the program: batches go in, and come back when they are on disk.

use std::io::Read;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::health::Condition;
use crate::intake::Intake;
use crate::ledger::LedgerError;
use crate::sink::Stop;

/// Records that came together: the body of an object, of a message, of a page of answers.
pub struct Batch {
    /// The input's name, for places and messages: `s3://bucket/key`, `sqs://queue/message-id`, a path. Never part of a finding.
    pub input: Arc<str>,
    /// What is to be decoded.
    pub body: Body,
    /// A checkpoint to write in the same transaction, as key and value. The next run of the source reads it with [`Inlet::checkpoint`].
    pub checkpoint: Option<(String, String)>,
    /// The account that the records should have been delivered to, where the input's name says one.
    pub account: Option<String>,
}

/// The bytes of a batch, in any shape and compression that [`decode`](super::decode) reads.
pub enum Body {
    /// In memory.
    Bytes(Bytes),
    /// To be read, on a thread where that may block.
    Reader(Box<dyn Read + Send>),
}

/// What a batch held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Records read.
    pub records: u64,
    /// Items that are known to hold no record.
    pub skipped: u64,
    /// Items that could not be read. Each is a gap now.
    pub unreadable: u64,
    /// Findings that the ledger did not have yet.
    pub findings: u64,
    /// The latest event time.
    pub newest: Option<Timestamp>,
}

/// Why a batch was not taken. It must not be acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum InletError {
    /// The body could not be read to its end.
    #[error("failed to read `{input}`")]
    Read {
        /// The input's name.
        input: Arc<str>,
        /// Why not.
        source: std::io::Error,
    },
    /// The ledger could not write it down, or be read.
    #[error(transparent)]
    Ledger(LedgerError),
    /// The service is stopping. The batch must be left with the service that it came from.
    #[error("the service stops before the batch is on disk")]
    Stopping,
    /// A sink gave up on findings of the batch, which must not be acknowledged before every sink has them.
    #[error("a sink did not take the findings of the batch")]
    NotDelivered,
}

/// A source's way into the program.
pub struct Inlet {
    source: Arc<str>,
    intake: Arc<Intake>,
    progress: Arc<Progress>,
    stop: watch::Receiver<Stop>,
}

/// How far a source has come, for those who watch it.
#[derive(Debug, Default)]
pub struct Progress {
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When the last batch with a record was taken.
    brought: Option<Timestamp>,
    /// The latest event time, not counting the future.
    newest: Option<Timestamp>,
    /// When the source last had brought everything that there was.
    caught_up: Option<Timestamp>,
}

impl Progress {
    /// Returns when the source last brought a record.
    pub fn brought(&self) -> Option<Timestamp> {
        self.state().brought
    }

    /// Returns the latest event time.
    pub fn newest(&self) -> Option<Timestamp> {
        self.state().newest
    }

    /// Returns the time up to which everything has probably been seen, before any allowance for late events: the latest event, or the time when
    /// the source last was empty.
    pub fn complete_until(&self) -> Option<Timestamp> {
        let state = self.state();
        state.newest.max(state.caught_up)
    }

    fn state(&self) -> State {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inlet {
    /// Opens a way in for a source.
    pub fn new(source: &str, intake: Arc<Intake>, progress: Arc<Progress>, stop: watch::Receiver<Stop>) -> Self {
        Self { source: source.into(), intake, progress, stop }
    }

    /// Returns the source's name in the configuration.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Decodes and judges a batch and writes down what comes of it, with its checkpoint, in one transaction. Returns when that is on disk, or,
    /// with `ack = "sinks"`, when every sink has taken the findings. Only then may the batch be acknowledged.
    ///
    /// May be called for several batches at once: how many are decoded at a time is bounded, and the rest waits here. A batch that was taken
    /// before gives the same findings again, which the ledger knows already.
    ///
    /// # Errors
    ///
    /// Fails when the body cannot be read, when the ledger cannot write it down, and when the service stops before it is.
    pub async fn take(&self, batch: Batch) -> Result<Taken, InletError> {
        let taken = self.intake.take(&self.source, batch, self.stop.clone()).await?;
        let mut state = self.progress.lock();
        if taken.records > 0 {
            state.brought = Some(Timestamp::now());
        }
        state.newest = state.newest.max(taken.newest);
        Ok(taken)
    }

    /// Returns the value of a checkpoint that a batch of this source was taken with.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn checkpoint(&self, key: &str) -> Result<Option<String>, InletError> {
        self.intake.ledger().checkpoint(&self.source, key).await.map_err(InletError::Ledger)
    }

    /// Says that something is wrong with the source. It is told once, and again only after it was [`well`](Self::well).
    pub fn raise(&self, condition: Condition, detail: impl Into<String>) {
        self.intake.health().raise(condition, &self.source, detail, Timestamp::now());
    }

    /// Says that it is no longer wrong.
    pub fn well(&self, condition: Condition) {
        self.intake.health().well(condition, &self.source, Timestamp::now());
    }

    /// Says that the source has brought everything that there was at this time: the watermark of a quiet source follows it.
    pub fn caught_up(&self, at: Timestamp) {
        let mut state = self.progress.lock();
        state.caught_up = state.caught_up.max(Some(at));
    }

    /// Says how old the oldest thing is that still waits in the service, in seconds.
    pub fn oldest_waiting(&self, seconds: u64) {
        #[expect(clippy::cast_precision_loss, reason = "ages are small")]
        self.intake.metrics().oldest_waiting(&self.source, seconds as f64);
    }

    /// Counts calls that the service throttled, and that are made again.
    pub fn throttled(&self, calls: u64) {
        self.intake.metrics().throttled(&self.source, calls);
    }

    /// Counts objects that were passed over because they hold no records.
    pub fn skipped(&self, objects: u64) {
        self.intake.metrics().skipped(&self.source, objects);
    }

    /// Tells whether the service stops.
    pub fn stopping(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Returns when the service stops: for `select!` beside a wait.
    pub async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // A service that is gone has stopped, too.
        let _ = stop.wait_for(|stop| *stop != Stop::No).await;
    }
}
