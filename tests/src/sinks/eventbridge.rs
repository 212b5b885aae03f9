//! The sink `eventbridge` against moto: a bus with a rule that passes the events on to a queue.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Target;
use orgwatch_host::finding::Finding;
use orgwatch_host::sink::Receipt;
use serde_json::Value;

use super::sqs::Queue;
use super::stand_in::{Server, with_credentials};
use super::{assert_taken, deliveries, sink};

#[test]
fn a_bus_gets_findings_that_its_rules_can_match_once_it_exists() {
    with_credentials("sinks::eventbridge::a_bus_gets_findings_that_its_rules_can_match_once_it_exists", async {
        let moto = Server::moto();
        let endpoint = moto.endpoint();
        let text = format!(
            "kind = \"eventbridge\"\nname = \"b\"\nbus = \"security\"\naws = {{ region = \"us-east-1\", endpoint = \"{endpoint}\" }}"
        );
        let sink = sink(&text).await;
        let sent = deliveries(10);
        let Receipt::Again { reason, .. } = &sink.send(&sent).await[0] else { panic!("there is no bus yet") };
        assert!(reason.contains("the event bus `security` answered ResourceNotFoundException"), "{reason}");

        let client = Client::new(&moto.aws().load().await);
        let queue = Queue::make(&moto, "events").await;
        client.create_event_bus().name("security").send().await.expect("the bus is made");
        let pattern = r#"{"source": ["orgwatch"], "detail-type": ["Finding"], "detail": {"severity": ["high"]}}"#;
        let rule = client.put_rule().name("all").event_bus_name("security").event_pattern(pattern);
        rule.send().await.expect("the rule is made");
        let target = Target::builder().id("queue").arn(&queue.arn).build().expect("a target");
        let targets = client.put_targets().rule("all").event_bus_name("security").targets(target);
        targets.send().await.expect("the target is set");

        assert_taken(&sink.send(&sent).await, 10);
        let messages = queue.messages().await;
        assert_eq!(messages.len(), 10);
        let event: Value = serde_json::from_str(messages[0].body().expect("a body")).expect("JSON");
        assert_eq!(event["time"].as_str().map(|time| &time[..19]), Some("2026-11-01T10:00:00"));
        assert_eq!(event["resources"][0], "arn:aws:iam::111122223333:user/jo");
        assert_eq!(event["detail"]["revision"], 1);
        let finding: Finding = serde_json::from_value(event["detail"].clone()).expect("a finding");
        assert!(sent.iter().any(|delivery| delivery.finding == finding));
    });
}
