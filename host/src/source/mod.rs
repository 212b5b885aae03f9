//! Where records come from.
//!
//! A source brings batches to its [`Inlet`] and acknowledges each to the service that it came from only after [`Inlet::take`] has returned:
//! by then what the batch gave is on disk. A source that fails is started again by the service; one that is told to stop finishes what it
//! has in hand.

mod answer;
mod cloudtrail;
pub mod decode;
mod directory;
pub mod files;
mod inlet;
mod key;
mod object;
mod s3;
mod sqs;
mod trouble;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cloudtrail::CloudTrailConfig;
pub use self::decode::{Position, Unreadable, UnreadableReason};
pub use self::directory::DirectoryConfig;
pub use self::inlet::{Batch, Body, Inlet, InletError, Progress, Taken};
pub use self::s3::{S3Config, inputs as s3_inputs};
pub use self::sqs::{AllowedBucket, SqsConfig};
use crate::aws::AwsConfig;
use crate::config::Span;

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
pub enum SourceConfig {
    /// The messages of a queue, and the files that they name.
    Sqs(SqsConfig),
    /// The files of a trail's bucket.
    S3(S3Config),
    /// CloudTrail's event history.
    CloudTrail(CloudTrailConfig),
    /// The files of a folder.
    Directory(DirectoryConfig),
}

impl SourceConfig {
    /// Returns the source that runs where none is configured: CloudTrail's event history where Organizations events are.
    pub fn ambient() -> Option<Self> {
        Some(Self::CloudTrail(CloudTrailConfig::default()))
    }

    /// Returns the source's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Sqs(SqsConfig { name, .. })
            | Self::S3(S3Config { name, .. })
            | Self::CloudTrail(CloudTrailConfig { name, .. })
            | Self::Directory(DirectoryConfig { name, .. }) => name,
        }
    }

    /// Returns how the source reaches AWS, where it does.
    pub fn aws(&self) -> Option<&AwsConfig> {
        match self {
            Self::Sqs(SqsConfig { aws, .. })
            | Self::S3(S3Config { aws, .. })
            | Self::CloudTrail(CloudTrailConfig { aws, .. }) => Some(aws),
            Self::Directory(_) => None,
        }
    }

    /// Returns after how long a silence is told.
    pub fn quiet_after(&self) -> Option<Span> {
        match self {
            Self::Sqs(SqsConfig { quiet_after, .. })
            | Self::S3(S3Config { quiet_after, .. })
            | Self::CloudTrail(CloudTrailConfig { quiet_after, .. })
            | Self::Directory(DirectoryConfig { quiet_after, .. }) => *quiet_after,
        }
    }

    /// Makes the source. No service is called yet.
    ///
    /// # Errors
    ///
    /// Fails where the configuration cannot work.
    pub async fn build(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(match self {
            Self::Sqs(config) => Box::new(config.build().await?),
            Self::S3(config) => Box::new(config.build().await?),
            Self::CloudTrail(config) => Box::new(config.build().await?),
            Self::Directory(config) => Box::new(config.build()?),
        })
    }
}
