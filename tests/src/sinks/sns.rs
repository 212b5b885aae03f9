//! The sink `sns` against moto: a topic with a queue that subscribes to it.

use aws_sdk_sns::Client;
use orgwatch_host::finding::Finding;
use serde_json::Value;

use super::sqs::Queue;
use super::stand_in::{Server, with_credentials};
use super::{assert_taken, deliveries, sink};

/// Makes a topic and a queue that gets its messages, of those alone that a filter policy lets through.
async fn topic(moto: &Server, name: &str, filter: Option<&str>) -> (String, Queue) {
    let client = Client::new(&moto.aws().load().await);
    let queue = Queue::make(moto, name).await;
    let mut request = client.create_topic().name(name);
    if name.ends_with("fifo") {
        request = request.attributes("FifoTopic", "true");
    }
    let topic = request.send().await.expect("the topic is made").topic_arn().expect("it has an ARN").to_owned();
    let mut subscription = client.subscribe().topic_arn(&topic).protocol("sqs").endpoint(&queue.arn);
    if let Some(filter) = filter {
        subscription = subscription.attributes("FilterPolicy", filter);
    }
    subscription.send().await.expect("the queue subscribes");
    (topic, queue)
}

async fn publish(moto: &Server, topic: &str, message: &str, sent: &[orgwatch_host::sink::Delivery]) {
    let endpoint = moto.endpoint();
    let text = format!(
        "kind = \"sns\"\nname = \"t\"\ntopic = \"{topic}\"\nmessage = \"{message}\"\naws = {{ endpoint = \"{endpoint}\" }}"
    );
    assert_taken(&sink(&text).await.send(sent).await, sent.len());
}

/// What SNS wraps around a message for a queue.
fn envelopes(messages: &[aws_sdk_sqs::types::Message]) -> Vec<Value> {
    messages.iter().map(|message| serde_json::from_str(message.body().unwrap_or_default()).expect("JSON")).collect()
}

#[test]
fn a_topic_gets_readable_messages_with_attributes() {
    with_credentials("sinks::sns::a_topic_gets_readable_messages_with_attributes", async {
        let moto = Server::moto();
        let (topic, queue) = topic(&moto, "alerts", Some(r#"{"severity": ["high"]}"#)).await;
        publish(&moto, &topic, "text", &deliveries(10)).await;
        let envelopes = envelopes(&queue.messages().await);
        assert_eq!(envelopes.len(), 10);
        for envelope in envelopes {
            let subject = envelope["Subject"].as_str().expect("a subject");
            assert!(subject.starts_with("[HIGH] Account ") && subject.ends_with(" (111122223333)"), "{subject}");
            assert!(envelope["Message"].as_str().is_some_and(|text| text.starts_with("HIGH      Account ")));
            assert_eq!(envelope["MessageAttributes"]["event_name"]["Value"], "AccountDepartedOrganization");
        }
    });
}

#[test]
fn a_filter_policy_keeps_out_what_it_does_not_name() {
    with_credentials("sinks::sns::a_filter_policy_keeps_out_what_it_does_not_name", async {
        let moto = Server::moto();
        let (topic, queue) = topic(&moto, "critical", Some(r#"{"severity": ["critical"]}"#)).await;
        publish(&moto, &topic, "json", &deliveries(2)).await;
        assert!(queue.messages().await.is_empty());
    });
}

#[test]
fn machines_get_json() {
    with_credentials("sinks::sns::machines_get_json", async {
        let moto = Server::moto();
        let (topic, queue) = topic(&moto, "machines", None).await;
        let sent = deliveries(1);
        for form in ["json", "per-protocol"] {
            publish(&moto, &topic, form, &sent).await;
            let envelopes = envelopes(&queue.messages().await);
            let text = envelopes[0]["Message"].as_str().expect("a message");
            let finding: Finding = serde_json::from_str(text).unwrap_or_else(|error| panic!("{form}: {error}: {text}"));
            assert_eq!(finding, sent[0].finding);
        }
    });
}

#[test]
fn a_fifo_topic_passes_a_finding_on_once() {
    with_credentials("sinks::sns::a_fifo_topic_passes_a_finding_on_once", async {
        let moto = Server::moto();
        let (topic, queue) = topic(&moto, "alerts.fifo", None).await;
        publish(&moto, &topic, "text", &deliveries(2)).await;
        publish(&moto, &topic, "text", &deliveries(2)).await;
        assert_eq!(queue.messages().await.len(), 2);
    });
}
