//! Where records come from.
//!
//! A source brings batches to its [`Inlet`] and acknowledges each to the service that it came from only after [`Inlet::take`] has returned:
//! by then what the batch gave is on disk. A source that fails is started again by the service; one that is told to stop finishes what it
//! has in hand.

pub mod decode;
pub mod files;
mod inlet;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Span;

pub use decode::{Position, Unreadable, UnreadableReason};
pub use inlet::{Batch, Body, Inlet, InletError, Progress, Taken};

/// Where a record stands: an input and a position in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The input's name: a file's path, or `-` for standard input.
    pub input: Arc<str>,
    /// The position in the input's unpacked text.
    pub position: Position,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { record, offset } = self.position;
        write!(formatter, "{}, record {record} at byte {offset}", self.input)
    }
}

/// Brings batches of records.
#[async_trait]
pub trait Source: Send + Sync {
    /// Brings batches until the inlet says that the service stops, and returns when everything in hand is acknowledged or given back.
    ///
    /// # Errors
    ///
    /// Fails when it cannot go on. The service reports that and runs it again after a while; what is not acknowledged comes again.
    async fn run(&self, inlet: &Inlet) -> Result<(), SourceError>;
}

/// Why a source cannot go on: a text for the operator that says what was being done, to what, and what the service answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// A source of the configuration, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SourceConfig {}

impl SourceConfig {
    /// Returns the source that runs where none is configured: CloudTrail's event history where Organizations events are.
    pub fn ambient() -> Option<Self> {
        None
    }

    /// Returns the source's name.
    pub fn name(&self) -> &str {
        match *self {}
    }

    /// Returns after how long a silence is told.
    pub fn quiet_after(&self) -> Option<Span> {
        match *self {}
    }

    /// Makes the source. Nothing is read yet.
    ///
    /// # Errors
    ///
    /// Fails where the configuration cannot work.
    pub async fn build(&self) -> Result<Box<dyn Source>, SourceError> {
        match *self {}
    }
}
