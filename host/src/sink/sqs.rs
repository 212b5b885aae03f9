//! The sink `sqs`: findings as messages of an SQS queue, for programs.

use std::ops::Range;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::Call;
use super::fit::{allowed_json, attribute, group, is_fifo, within};
use super::round::{Most, Round};
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError};
use crate::aws::AwsConfig;
use crate::encoding::harmless_json;

/// What SQS takes in one call. One message may be as large as all together: 1 MiB.
const MOST: Most = Most { entries: 10, bytes: 1_048_576 };

/// Room beside the body for what is not counted exactly.
const SLACK: usize = 1_024;

/// The configuration of a sink `sqs`. It needs the permission `sqs:SendMessage` on the queue, and for an encrypted queue `kms:GenerateDataKey` and
/// `kms:Decrypt` on its key.
///
/// A message's body is the finding as JSON. Its attributes are `severity`, `rule` and `revision`: an update of a finding has the same id and a
/// higher revision. A finding that exceeds the 1 MiB that SQS takes is sent without its details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqsConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The queue's URL. Its region is used where it is AWS's own and `aws.region` is not set. A name that ends with `.fifo` is a FIFO queue:
    /// messages are grouped by rule, and the deduplication id is that of the finding and its revision.
    pub queue: String,
    /// How AWS is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

/// Sends findings to a queue.
pub(super) struct Sqs {
    client: Client,
    queue: String,
    call: Call,
}

impl SqsConfig {
    pub(super) async fn build(&self) -> Result<Sqs, SinkError> {
        let wrong = || SinkError(format!("`{}` is not the URL of a queue", self.queue));
        let url = Url::parse(&self.queue).map_err(|_| wrong())?;
        let host = url.host_str().filter(|_| matches!(url.scheme(), "https" | "http")).ok_or_else(wrong)?;
        let mut aws = self.aws.clone();
        match (&aws.region, region(host)) {
            (Some(set), Some(named)) if set != named => {
                let message = format!("`{}` is in the region {named}, and `aws.region` is {set}", self.queue);
                return Err(SinkError(message));
            }
            (None, Some(named)) => aws.region = Some(named.to_owned()),
            _ => {}
        }
        let config = aws.load().await;
        if config.region().is_none() {
            return Err(SinkError(format!("`{}` does not tell its region: set `aws.region`", self.queue)));
        }
        let call = Call { permission: "sqs:SendMessage", target: self.queue.clone() };
        Ok(Sqs { client: Client::new(&config), queue: self.queue.clone(), call })
    }
}

/// Returns the region in the name of one of AWS's own hosts, `sqs.REGION.amazonaws.com` or that of a VPC endpoint.
fn region(host: &str) -> Option<&str> {
    host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let mut labels = host.split('.').skip_while(|label| !matches!(*label, "sqs" | "sqs-fips"));
    labels.next()?;
    labels.next().filter(|label| label.contains('-'))
}

struct Message {
    body: String,
    attributes: Vec<(&'static str, &'static str, String)>,
    fifo: Option<(String, String)>,
}

impl Message {
    fn of(delivery: &Delivery, fifo: bool) -> Self {
        let finding = &delivery.finding;
        let mut attributes = vec![
            ("severity", "String", finding.severity.name().to_owned()),
            ("revision", "Number", delivery.revision.to_string()),
        ];
        if let Some(rule) = attribute(&finding.rule.id, 256) {
            attributes.push(("rule", "String", rule));
        }
        let body = within(finding, MOST.bytes - SLACK, |finding| allowed_json(&harmless_json(finding)));
        let fifo = fifo.then(|| (group(finding), format!("{}-{}", finding.id, delivery.revision)));
        Self { body, attributes, fifo }
    }

    fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, kind, value)| name.len() + kind.len() + value.len());
        self.body.len() + attributes.sum::<usize>()
    }

    /// Makes the entry of a batch; its id is the message's place.
    fn entry(&self, index: usize) -> Result<SendMessageBatchRequestEntry, BuildError> {
        let mut entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(&self.body);
        for (name, kind, value) in &self.attributes {
            let value = MessageAttributeValue::builder().data_type(*kind).string_value(value).build()?;
            entry = entry.message_attributes(*name, value);
        }
        if let Some((group, deduplication)) = &self.fifo {
            entry = entry.message_group_id(group).message_deduplication_id(deduplication);
        }
        entry.build()
    }
}

#[async_trait]
impl Sink for Sqs {
    fn batch(&self) -> usize {
        MOST.entries
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let fifo = is_fifo(&self.queue);
        let messages: Vec<Message> = deliveries.iter().map(|delivery| Message::of(delivery, fifo)).collect();
        let sizes: Vec<usize> = messages.iter().map(Message::size).collect();
        let mut round = Round::new(&sizes, MOST);
        while let Some(range) = round.next() {
            self.send_batch(&messages, range, &mut round).await;
        }
        round.receipts()
    }
}

impl Sqs {
    async fn send_batch(&self, messages: &[Message], range: Range<usize>, round: &mut Round) {
        let mut request = self.client.send_message_batch().queue_url(&self.queue);
        for index in range.clone() {
            match messages[index].entry(index) {
                Ok(entry) => request = request.entries(entry),
                Err(error) => return round.failed(range, &Receipt::refused(error.to_string())),
            }
        }
        match request.send().await {
            Ok(output) => {
                for index in output.successful().iter().filter_map(|taken| taken.id().parse().ok()) {
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

#[cfg(test)]
mod tests {
    use super::super::samples::delivery;
    use super::*;
    use crate::finding::Finding;

    #[test]
    fn the_region_is_read_from_the_hosts_of_aws_alone() {
        assert_eq!(region("sqs.us-east-1.amazonaws.com"), Some("us-east-1"));
        assert_eq!(region("sqs-fips.us-gov-west-1.amazonaws.com"), Some("us-gov-west-1"));
        assert_eq!(region("sqs.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        assert_eq!(region("vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com"), Some("eu-west-1"));
        assert_eq!(region("queue.amazonaws.com"), None);
        assert_eq!(region("127.0.0.1"), None);
        assert_eq!(region("sqs.us-east-1.example.com"), None);
    }

    #[test]
    fn a_message_is_the_finding_and_holds_only_what_sqs_takes() {
        let mut delivery = delivery("Account left \u{fffe} the \u{0} organization");
        delivery.revision = 2;
        let message = Message::of(&delivery, true);
        assert_eq!(serde_json::from_str::<Finding>(&message.body).unwrap(), delivery.finding);
        assert!(message.body.is_ascii() && !message.body.contains('\u{0}'));
        assert!(message.attributes.contains(&("revision", "Number", "2".to_owned())));
        assert_eq!(message.fifo.unwrap().1, format!("{}-2", delivery.finding.id));
    }

    #[test]
    fn a_message_is_never_larger_than_a_queue_takes() {
        let mut delivery = delivery("x");
        delivery.finding.details.insert("policy".to_owned(), "\"".repeat(600_000).into());
        assert!(Message::of(&delivery, false).size() <= MOST.bytes);
    }
}
