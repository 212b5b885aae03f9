//! The source `sqs`: messages of a queue that hold records, or name files of records in S3.
//!
//! EventBridge brings single records within seconds; S3 and CloudTrail say that a file was written, directly or through SNS. `message.rs` tells
//! them apart, `allowed.rs` decides what may be read, `handle.rs` does what one message asks for. No more messages are received than are
//! worked on, each stays hidden from other receivers while it is, and is deleted when everything in it is on disk. What fails is given back
//! and comes again; what can never be read is a gap, and is left to the queue's redrive policy.

mod allowed;
mod handle;
mod message;
mod queue;
mod receive;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::allowed::Allowed;
pub use self::allowed::AllowedBucket;
use self::queue::Queue;
use super::SourceError;
use super::object::{self, OBJECT_MIB, Objects};
use super::trouble::Troubles;
use crate::aws::AwsConfig;
use crate::config::Span;

/// The configuration of a source `sqs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqsConfig {
    /// The source's name, for messages and metrics.
    pub name: String,
    /// The queue's URL, such as `https://sqs.us-east-1.amazonaws.com/111122223333/orgwatch`.
    pub queue_url: String,
    /// How the queue is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// How the buckets are reached, where it is not as the queue: the trail's bucket usually belongs to another account.
    #[serde(default)]
    pub objects: Option<AwsConfig>,
    /// The buckets that a message may name. Whatever else one names is not read and reported. Without any, only messages that hold records
    /// themselves are of use.
    #[serde(default)]
    pub buckets: Vec<AllowedBucket>,
    /// The id of the organization whose trail writes the files, such as `o-a1b2c3d4e5`. A file of another one, or of none, is not read.
    #[serde(default)]
    pub organization: Option<String>,
    /// The accounts whose files are read. Without any, those of all accounts.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Messages that are worked on at a time: 1 to 1000, 256 by default.
    #[serde(default = "concurrency")]
    pub concurrency: u16,
    /// How long a message stays hidden from other receivers when this one dies: 10 seconds to 12 hours, 2 minutes by default. It is extended
    /// while work goes on.
    #[serde(default = "visibility")]
    pub visibility: Span,
    /// The largest file that is read, in MiB as it lies in the bucket: 256 by default.
    #[serde(default = "object_mib")]
    pub object_mib: u32,
    /// A source that brings no event for so long is reported. Without it a quiet source is no news.
    #[serde(default)]
    pub quiet_after: Option<Span>,
}

fn concurrency() -> u16 {
    256
}

fn visibility() -> Span {
    Span::seconds(120)
}

fn object_mib() -> u32 {
    OBJECT_MIB
}

/// Brings the messages of a queue.
pub(super) struct Sqs {
    queue: Queue,
    objects: Objects,
    allowed: Allowed,
    concurrency: usize,
    troubles: Troubles,
}

impl SqsConfig {
    pub(super) async fn build(&self) -> Result<Sqs, SourceError> {
        let allowed = Allowed::new(&self.buckets, self.organization.as_ref(), &self.accounts)?;
        let Self { queue_url, concurrency, visibility: Span(visibility), object_mib, .. } = self;
        if !queue_url.starts_with("https://") && !queue_url.starts_with("http://") {
            return Err(SourceError(format!(
                "`{queue_url}` is not the URL of a queue\nhint: aws sqs get-queue-url --queue-name NAME tells it"
            )));
        }
        if !(1..=1000).contains(concurrency) {
            return Err(SourceError(format!("`concurrency` is {concurrency} and must be from 1 to 1000")));
        }
        if !(Duration::from_secs(10)..=Duration::from_hours(12)).contains(visibility) {
            return Err(SourceError(format!("`visibility` is {} and must be from 10s to 12h", self.visibility)));
        }
        if *object_mib == 0 {
            return Err(SourceError("`object_mib` is 0: no file could be read".to_owned()));
        }
        let client = aws_sdk_sqs::Client::new(&self.aws.load().await);
        let objects = object::client(self.objects.as_ref().unwrap_or(&self.aws)).await;
        Ok(Sqs {
            queue: Queue { client, url: queue_url.clone(), visibility: *visibility },
            objects: Objects::new(objects, *object_mib),
            allowed,
            concurrency: usize::from(*concurrency),
            troubles: Troubles::default(),
        })
    }
}
