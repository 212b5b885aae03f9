//! The sink `sns`: findings as messages of an SNS topic, for mail and for everything else that subscribes to one.

mod message;

use std::ops::Range;

use async_trait::async_trait;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::message::{MOST_BYTES, Message};
use super::answer::Call;
use super::fit::is_fifo;
use super::round::{Most, Round};
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError, arn};
use crate::aws::AwsConfig;

/// What SNS takes in one call.
const MOST: Most = Most { entries: 10, bytes: MOST_BYTES };

/// The configuration of a sink `sns`. It needs the permission `sns:Publish` on the topic, and for an encrypted topic `kms:GenerateDataKey*` and
/// `kms:Decrypt` on its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnsConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The topic's ARN. Its region is used, since a topic takes messages only there. A name that ends with `.fifo` is a FIFO topic: messages are
    /// grouped by rule, and the deduplication id is that of the finding and its revision.
    pub topic: String,
    /// The form of the messages.
    #[serde(default)]
    pub message: MessageForm,
    /// How AWS is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

/// The form of a topic's messages. All of them have a subject for mail, and are shortened where they exceed the 256 KiB that SNS takes.
///
/// `text` is the default because most topics that an alarm went to before have people behind them, and the attributes, by which subscriptions filter,
/// serve machines too. `per-protocol` serves both best, but SNS drops the attributes of such messages, so that no filter policy on attributes
/// would let them through: it has to be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageForm {
    /// Readable text, with message attributes.
    #[default]
    Text,
    /// The finding as JSON, with message attributes.
    Json,
    /// Readable text for mail, one line for SMS, JSON for every other protocol; without message attributes.
    PerProtocol,
}

/// Publishes findings to a topic.
pub(super) struct Sns {
    client: Client,
    topic: String,
    form: MessageForm,
    call: Call,
}

impl SnsConfig {
    pub(super) async fn build(&self) -> Result<Sns, SinkError> {
        let topic = arn::parse(&self.topic, "sns")?;
        let aws = arn::in_region(&self.aws, &topic, &self.topic)?;
        Ok(Sns {
            client: Client::new(&aws.load().await),
            topic: self.topic.clone(),
            form: self.message,
            call: Call { permission: "sns:Publish", target: self.topic.clone() },
        })
    }
}

#[async_trait]
impl Sink for Sns {
    fn batch(&self) -> usize {
        MOST.entries
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let fifo = is_fifo(&self.topic);
        let messages: Vec<Message> = deliveries.iter().map(|delivery| Message::of(delivery, self.form, fifo)).collect();
        let sizes: Vec<usize> = messages.iter().map(Message::size).collect();
        let mut round = Round::new(&sizes, MOST);
        while let Some(range) = round.next() {
            self.publish(&messages, range, &mut round).await;
        }
        round.receipts()
    }
}

impl Sns {
    async fn publish(&self, messages: &[Message], range: Range<usize>, round: &mut Round) {
        let mut request = self.client.publish_batch().topic_arn(&self.topic);
        for index in range.clone() {
            match entry(index, &messages[index]) {
                Ok(entry) => request = request.publish_batch_request_entries(entry),
                Err(error) => return round.failed(range, &Receipt::refused(error.to_string())),
            }
        }
        match request.send().await {
            Ok(output) => {
                for index in output.successful().iter().filter_map(|taken| taken.id()?.parse().ok()) {
                    round.settle(index, Receipt::Taken);
                }
                for failed in output.failed() {
                    if let Ok(index) = failed.id().parse() {
                        round.settle(index, self.call.answered(failed.code(), failed.message(), None));
                    }
                }
            }
            Err(error) => round.failed(range, &self.call.failed(&error)),
        }
    }
}

/// Makes the entry of a batch; its id is the message's place.
fn entry(index: usize, message: &Message) -> Result<PublishBatchRequestEntry, BuildError> {
    let mut entry =
        PublishBatchRequestEntry::builder().id(index.to_string()).subject(&message.subject).message(&message.body);
    if message.per_protocol {
        entry = entry.message_structure("json");
    }
    for (name, (kind, value)) in &message.attributes {
        let value = MessageAttributeValue::builder().data_type(*kind).string_value(value).build()?;
        entry = entry.message_attributes(*name, value);
    }
    if let Some((group, deduplication)) = &message.fifo {
        entry = entry.message_group_id(group).message_deduplication_id(deduplication);
    }
    entry.build()
}
