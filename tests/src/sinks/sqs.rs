//! The sink `sqs` against moto, and what the other tests read queues with.

use std::collections::BTreeSet;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use orgwatch_host::finding::Finding;

use super::stand_in::{Server, with_credentials};
use super::{assert_taken, deliveries, sink};

/// A queue of moto's, with its URL and its ARN.
pub(super) struct Queue {
    client: Client,
    pub(super) url: String,
    pub(super) arn: String,
}

impl Queue {
    pub(super) async fn make(moto: &Server, name: &str) -> Self {
        let client = Client::new(&moto.aws().load().await);
        let mut request = client.create_queue().queue_name(name);
        if name.ends_with("fifo") {
            request = request.attributes(QueueAttributeName::FifoQueue, "true");
        }
        let made = request.send().await.expect("the queue is made");
        let url = made.queue_url().expect("it has a URL").to_owned();
        let arn = format!("arn:aws:sqs:us-east-1:123456789012:{name}");
        Self { client, url, arn }
    }

    /// Takes all messages out of the queue.
    pub(super) async fn messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let request =
                request.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
            let received = request.send().await.expect("the queue is read");
            if received.messages().is_empty() {
                return messages;
            }
            for message in received.messages() {
                let handle = message.receipt_handle().expect("a message has a handle");
                let deleted = self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await;
                deleted.expect("the message is deleted");
                messages.push(message.clone());
            }
        }
    }
}

fn findings(messages: &[Message]) -> BTreeSet<String> {
    let parse =
        |message: &Message| serde_json::from_str::<Finding>(message.body().unwrap_or_default()).expect("a finding");
    messages.iter().map(|message| parse(message).id.to_string()).collect()
}

#[test]
fn a_queue_gets_every_finding_with_its_attributes() {
    with_credentials("sinks::sqs::a_queue_gets_every_finding_with_its_attributes", async {
        let moto = Server::moto();
        let queue = Queue::make(&moto, "findings").await;
        let text = format!(
            "kind = \"sqs\"\nname = \"q\"\nqueue = \"{}\"\naws = {{ region = \"us-east-1\", endpoint = \"{}\" }}",
            queue.url,
            moto.endpoint()
        );
        let mut sent = deliveries(10);
        sent[0].finding.title = "hostile \u{fffe}\u{ffff}\u{1b}[2J\u{0}\u{202e} title".to_owned();
        let receipts = sink(&text).await.send(&sent).await;
        assert_taken(&receipts, 10);
        let messages = queue.messages().await;
        let ids: BTreeSet<String> = sent.iter().map(|delivery| delivery.finding.id.to_string()).collect();
        assert_eq!((messages.len(), findings(&messages)), (10, ids));
        let attributes = messages[0].message_attributes().expect("a message has attributes");
        assert_eq!(attributes["severity"].string_value(), Some("high"));
        assert_eq!(attributes["rule"].string_value(), Some("org.account-departed"));
        assert_eq!(attributes["revision"].string_value(), Some("1"));
    });
}

#[test]
fn a_fifo_queue_gets_a_finding_once_and_its_update_as_another() {
    with_credentials("sinks::sqs::a_fifo_queue_gets_a_finding_once_and_its_update_as_another", async {
        let moto = Server::moto();
        let queue = Queue::make(&moto, "findings.fifo").await;
        let text = format!(
            "kind = \"sqs\"\nname = \"q\"\nqueue = \"{}\"\naws = {{ region = \"us-east-1\", endpoint = \"{}\" }}",
            queue.url,
            moto.endpoint()
        );
        let sink = sink(&text).await;
        let mut sent = deliveries(1);
        assert_taken(&sink.send(&sent).await, 1);
        assert_taken(&sink.send(&sent).await, 1);
        sent[0].revision = 2;
        assert_taken(&sink.send(&sent).await, 1);
        // The queue hands out no more of a group before what it handed out is deleted, which `messages` does.
        assert_eq!(queue.messages().await.len(), 2);
    });
}

#[test]
fn a_queue_that_is_not_there_is_tried_again() {
    with_credentials("sinks::sqs::a_queue_that_is_not_there_is_tried_again", async {
        let moto = Server::moto();
        let endpoint = moto.endpoint();
        let text = format!(
            "kind = \"sqs\"\nname = \"q\"\nqueue = \"{endpoint}/123456789012/none\"\naws = {{ region = \"us-east-1\", endpoint = \"{endpoint}\" }}"
        );
        let receipts = sink(&text).await.send(&deliveries(2)).await;
        for receipt in receipts {
            let orgwatch_host::sink::Receipt::Again { reason, .. } = receipt else { panic!("{receipt:?}") };
            assert!(reason.contains("QueueDoesNotExist") || reason.contains("NonExistentQueue"), "{reason}");
        }
    });
}
