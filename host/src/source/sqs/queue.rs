//! The calls to a queue.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName};
use jiff::Timestamp;
use tokio::time::sleep;

use crate::source::answer::Answer;

/// What SQS takes and gives in one call at most.
pub(super) const BATCH: usize = 10;

/// How long a call waits for a message. More SQS does not offer, and less asks more often for nothing.
const LONG_POLL: i32 = 20;

/// How often the deletion of a message is tried. One that is not deleted comes again, which costs time and nothing else.
const DELETIONS: u32 = 3;

/// A queue.
pub(super) struct Queue {
    pub(super) client: Client,
    pub(super) url: String,
    /// How long a message that was received stays hidden from other receivers.
    pub(super) visibility: Duration,
}

/// A message that was received.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    pub(super) id: String,
    /// What names this reception of it.
    pub(super) receipt: String,
    pub(super) body: String,
    /// When it was sent.
    pub(super) sent: Option<Timestamp>,
    /// How often it was received, this time included.
    pub(super) count: u32,
}

/// What a queue says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    /// It moves messages that were received too often to another queue.
    pub(super) redrives: bool,
    /// How many messages it holds, roughly, received ones included.
    pub(super) messages: u64,
}

impl Queue {
    /// Returns the queue's name.
    pub(super) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    pub(super) async fn attributes(&self) -> Result<Attributes, Answer> {
        let names = [
            QueueAttributeName::RedrivePolicy,
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let call = self.client.get_queue_attributes().queue_url(&self.url).set_attribute_names(Some(names.to_vec()));
        let answer = call.send().await.map_err(|error| Answer::of(&error))?;
        let attribute = |name: &QueueAttributeName| answer.attributes().and_then(|attributes| attributes.get(name));
        let counts = names[1..].iter().filter_map(|name| attribute(name)?.parse::<u64>().ok());
        let redrives = attribute(&QueueAttributeName::RedrivePolicy).is_some_and(|policy| !policy.is_empty());
        Ok(Attributes { redrives, messages: counts.sum() })
    }

    /// Waits for messages.
    pub(super) async fn receive(&self, most: usize) -> Result<Vec<Received>, Answer> {
        let call = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(most.min(BATCH)).unwrap_or(1))
            .wait_time_seconds(LONG_POLL)
            .visibility_timeout(seconds(self.visibility))
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = call.send().await.map_err(|error| Answer::of(&error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(received).collect())
    }

    /// Sets how long a message that was received stays hidden from now on.
    pub(super) async fn hide(&self, receipt: &str, time: Duration) -> Result<(), Answer> {
        let call = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        call.visibility_timeout(seconds(time)).send().await.map(drop).map_err(|error| Answer::of(&error))
    }

    /// Deletes up to ten messages by their receipts. Those that fail are tried again.
    pub(super) async fn delete(&self, receipts: Vec<String>) -> Result<(), String> {
        let mut left = receipts;
        let mut reason = String::new();
        for attempt in 0..DELETIONS {
            if attempt > 0 {
                sleep(Duration::from_millis(200 << attempt)).await;
            }
            let entry = |(number, receipt): (usize, &String)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(receipt);
                entry.build().ok()
            };
            let entries: Vec<_> = left.iter().enumerate().filter_map(entry).collect();
            let call = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            match call.send().await {
                Ok(answer) => {
                    let Some(failed) = answer.failed.first() else { return Ok(()) };
                    reason = format!("{}: {}", failed.code, failed.message.as_deref().unwrap_or_default());
                    let numbers: Vec<usize> =
                        answer.failed.iter().filter_map(|failed| failed.id.parse().ok()).collect();
                    left = numbers.iter().filter_map(|&number| left.get(number).cloned()).collect();
                }
                Err(error) => reason = Answer::of(&error).text,
            }
        }
        Err(format!("failed to delete {} messages of {}: {reason}", left.len(), self.url))
    }
}

fn received(message: Message) -> Received {
    let attribute = |name: &MessageSystemAttributeName| message.attributes.as_ref()?.get(name).cloned();
    let sent = attribute(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    let count = attribute(&MessageSystemAttributeName::ApproximateReceiveCount).and_then(|text| text.parse().ok());
    Received {
        sent: sent.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
        count: count.unwrap_or(1),
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
