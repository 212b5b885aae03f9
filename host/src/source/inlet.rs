//! A source's way into the program: batches go in, and come back when they are on disk.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::health::Condition;

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
    /// The ledger could not write it down, or the service is stopping. The batch must be left with the service that it came from.
    #[error("the batch is not on disk: {0}")]
    NotCommitted(String),
}

/// A source's way into the program.
pub struct Inlet {}

impl Inlet {
    /// Returns the source's name in the configuration.
    pub fn source(&self) -> &str {
        todo!()
    }

    /// Decodes and judges a batch and writes down what comes of it, with its checkpoint, in one transaction. Returns when that is on disk, or,
    /// with `ack = "sinks"`, when every sink has taken the findings. Only then may the batch be acknowledged.
    ///
    /// May be called for several batches at once: how many are decoded at a time is bounded, and the rest waits here. A batch that was taken
    /// before gives the same findings again, which the ledger knows already.
    pub async fn take(&self, _batch: Batch) -> Result<Taken, InletError> {
        todo!()
    }

    /// Returns the value of a checkpoint that a batch of this source was taken with.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read.
    pub async fn checkpoint(&self, _key: &str) -> Result<Option<String>, InletError> {
        todo!()
    }

    /// Says that something is wrong with the source. It is told once, and again only after it was [`well`](Self::well).
    pub fn raise(&self, _condition: Condition, _detail: impl Into<String>) {
        todo!()
    }

    /// Says that it is no longer wrong.
    pub fn well(&self, _condition: Condition) {
        todo!()
    }

    /// Says that the source has brought everything that there was at this time: the watermark of a quiet source follows it.
    pub fn caught_up(&self, _at: Timestamp) {
        todo!()
    }

    /// Says how old the oldest thing is that still waits in the service, in seconds.
    pub fn oldest_waiting(&self, _seconds: u64) {
        todo!()
    }

    /// Tells whether the service stops.
    pub fn stopping(&self) -> bool {
        todo!()
    }

    /// Returns when the service stops: for `select!` beside a wait.
    pub async fn stopped(&self) {
        todo!()
    }
}
