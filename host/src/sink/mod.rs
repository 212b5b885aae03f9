//! Where findings go.
//!
//! A sink hands deliveries over to a service and says of each what became of it. It keeps nothing: what is to be sent stands in the ledger
//! until the service has taken it, and the queue (`queue.rs`) decides what is sent when, and when to give up.

mod answer;
mod arn;
mod cloudwatch;
mod eventbridge;
#[cfg(test)]
mod examples;
mod file;
mod fit;
mod queue;
mod round;
#[cfg(test)]
mod samples;
mod securityhub;
mod sns;
mod sqs;
mod stdout;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cloudwatch::{CloudWatchConfig, Time};
pub use self::eventbridge::EventBridgeConfig;
pub use self::file::FileConfig;
pub use self::queue::{Queue, Stop};
pub use self::securityhub::SecurityHubConfig;
pub use self::sns::{MessageForm, SnsConfig};
pub use self::sqs::SqsConfig;
pub use self::stdout::StdoutConfig;
pub use self::webhook::{Preset, WebhookConfig};
use crate::config::Span;
use crate::finding::Finding;

/// A finding on its way to a sink.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The finding, in its latest form.
    pub finding: Finding,
    /// 1 for a new finding, more for an update of it.
    pub revision: u32,
    /// When the ledger first took the finding.
    pub filed: Timestamp,
    /// When it took this revision: later than that of every revision before.
    pub updated: Timestamp,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The service has it.
    Taken,
    /// It should be tried again.
    Again {
        /// Why it was not taken, for the operator.
        reason: String,
        /// How long the service asks to wait. Without it the queue decides.
        after: Option<Duration>,
    },
    /// It will never be taken: trying again cannot help.
    Refused {
        /// Why not, for the operator.
        reason: String,
    },
}

impl Receipt {
    /// Makes a receipt for a delivery that should be tried again, whenever the queue thinks best.
    pub fn again(reason: impl Into<String>) -> Self {
        Self::Again { reason: reason.into(), after: None }
    }

    /// Makes a receipt for a delivery that will never be taken.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }
}

/// Hands findings over to a service.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Returns how many deliveries one call of [`send`](Self::send) takes at most.
    fn batch(&self) -> usize {
        1
    }

    /// Hands over some deliveries, most severe first, and returns a receipt for each, in their order. It bounds its own time; it may be called
    /// again before it has returned.
    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt>;

    /// Is called once a minute while the service is well, for sinks that keep a sign of life elsewhere.
    ///
    /// # Errors
    ///
    /// Fails when the sign could not be given, with the reason.
    async fn heartbeat(&self) -> Result<(), String> {
        Ok(())
    }
}

/// When a sink's deliveries are tried again, and when no more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// The wait before the second try. Each wait after it is twice as long, and each is shortened by chance.
    pub first: Span,
    /// The longest wait between two tries.
    pub longest: Span,
    /// A delivery that was not taken for so long is given up: a dead letter.
    pub give_up_after: Span,
    /// Deliveries a second at most.
    pub rate_per_second: Option<f64>,
    /// Calls that are under way at a time.
    pub concurrency: u16,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            first: Span::seconds(1),
            longest: Span::seconds(300),
            give_up_after: Span::seconds(3 * 86_400),
            rate_per_second: None,
            concurrency: 4,
        }
    }
}

/// Why a sink cannot be made of its configuration. It is found when the configuration is checked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// A sink of the configuration, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SinkConfig {
    /// Standard output.
    Stdout(StdoutConfig),
    /// A file.
    File(FileConfig),
    /// A topic of Amazon SNS.
    Sns(SnsConfig),
    /// A queue of Amazon SQS.
    Sqs(SqsConfig),
    /// A bus of Amazon EventBridge.
    #[serde(rename = "eventbridge")]
    EventBridge(EventBridgeConfig),
    /// AWS Security Hub.
    #[serde(rename = "securityhub")]
    SecurityHub(SecurityHubConfig),
    /// A metric of Amazon CloudWatch.
    #[serde(rename = "cloudwatch")]
    CloudWatch(CloudWatchConfig),
    /// HTTP requests.
    Webhook(WebhookConfig),
}

impl SinkConfig {
    /// Returns the sink that findings go to where none is configured.
    pub fn standard_output() -> Self {
        let retry = RetryConfig { concurrency: 1, ..RetryConfig::default() };
        Self::Stdout(StdoutConfig { name: "stdout".to_owned(), encoding: None, retry })
    }

    /// Returns the sink's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Stdout(StdoutConfig { name, .. })
            | Self::File(FileConfig { name, .. })
            | Self::Sns(SnsConfig { name, .. })
            | Self::Sqs(SqsConfig { name, .. })
            | Self::EventBridge(EventBridgeConfig { name, .. })
            | Self::SecurityHub(SecurityHubConfig { name, .. })
            | Self::CloudWatch(CloudWatchConfig { name, .. })
            | Self::Webhook(WebhookConfig { name, .. }) => name,
        }
    }

    /// Returns when deliveries are tried again.
    pub fn retry(&self) -> &RetryConfig {
        match self {
            Self::Stdout(StdoutConfig { retry, .. })
            | Self::File(FileConfig { retry, .. })
            | Self::Sns(SnsConfig { retry, .. })
            | Self::Sqs(SqsConfig { retry, .. })
            | Self::EventBridge(EventBridgeConfig { retry, .. })
            | Self::SecurityHub(SecurityHubConfig { retry, .. })
            | Self::CloudWatch(CloudWatchConfig { retry, .. })
            | Self::Webhook(WebhookConfig { retry, .. }) => retry,
        }
    }

    /// Makes the sink. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails where the configuration cannot work, such as a secret that is not there.
    pub async fn build(&self) -> Result<Box<dyn Sink>, SinkError> {
        Ok(match self {
            Self::Stdout(config) => Box::new(config.build()),
            Self::File(config) => Box::new(config.build()?),
            Self::Sns(config) => Box::new(config.build().await?),
            Self::Sqs(config) => Box::new(config.build().await?),
            Self::EventBridge(config) => Box::new(config.build().await?),
            Self::SecurityHub(config) => Box::new(config.build().await?),
            Self::CloudWatch(config) => Box::new(config.build().await?),
            Self::Webhook(config) => Box::new(config.build()?),
        })
    }
}
