//! Sinks over real connections: what a service has afterwards, read back from the service, and what becomes of a batch of which it takes a part.

mod cloudwatch;
mod eventbridge;
mod partial;
mod securityhub;
mod sns;
mod sqs;
mod stand_in;

use orgwatch_host::digest::Digest;
use orgwatch_host::sink::{Delivery, Receipt, Sink, SinkConfig};
use serde_json::{Value, json};

/// Makes a sink of a piece of configuration, as the service does.
async fn sink(text: &str) -> Box<dyn Sink> {
    let config: SinkConfig = toml::from_str(text).expect("the configuration is understood");
    config.build().await.expect("the sink can be made")
}

/// A new finding with this title, which also makes its id.
fn delivery(title: &str) -> Delivery {
    let finding = json!({
        "id": Digest::of(title).to_string(),
        "rule": {
            "id": "org.account-departed", "component": "org.account-departed", "version": "1.0.0",
            "digest": Digest::of("component").tagged(), "settings": Digest::of("settings").tagged(), "pack": Value::Null,
        },
        "title": title, "severity": "high", "key": "444455556666",
        "event": {
            "id": "4f2f9c0e-0000-4000-8000-000000000001", "action": "4f2f9c0e-0000-4000-8000-000000000001",
            "digest": Digest::of(title).tagged(), "time": "2026-11-01T10:00:00Z",
            "source": "organizations.amazonaws.com", "name": "AccountDepartedOrganization",
            "account": "111122223333", "region": "us-east-1", "actor": "arn:aws:iam::111122223333:user/jo",
            "source_ip": "198.51.100.7", "error_code": Value::Null,
        },
        "details": { "account": "444455556666" }, "attack": ["T1531"], "references": [],
    });
    let time = "2026-11-01T10:05:00Z".parse().expect("a time");
    Delivery { finding: serde_json::from_value(finding).expect("a finding"), revision: 1, filed: time, updated: time }
}

/// So many deliveries with titles of their own.
fn deliveries(count: usize) -> Vec<Delivery> {
    (0..count).map(|number| delivery(&format!("Account {number} left the organization"))).collect()
}

/// Asserts that everything was taken.
#[track_caller]
fn assert_taken(receipts: &[Receipt], count: usize) {
    assert_eq!(receipts, vec![Receipt::Taken; count]);
}
