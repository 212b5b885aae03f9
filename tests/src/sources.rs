//! The sources, from outside: the whole program live against servers that stand for AWS.

mod cloudtrail;
mod directory;
mod distant;
mod faults;
mod s3;
mod sqs;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::live::Live;
use crate::servers::{Amazon, Recorder};

/// The key of a file that a trail wrote.
fn key(prefix: &str, account: &str, day: &str, name: &str) -> String {
    let date = day.replace('/', "");
    format!(
        "{prefix}AWSLogs/{account}/CloudTrail/us-east-1/{day}/{account}_CloudTrail_us-east-1_{date}T0955Z_{name}.json.gz"
    )
}

/// Waits for findings of the rules on exactly these records, and returns what came beside them about the service itself.
fn expect(live: &Live, records: &[&Value]) -> Vec<Value> {
    let mut missing: BTreeSet<&str> = records.iter().filter_map(|record| record["eventID"].as_str()).collect();
    let mut others = Vec::new();
    while !missing.is_empty() {
        let finding = live.finding();
        if finding["rule"]["id"].as_str().is_some_and(|rule| rule.starts_with("orgwatch.")) {
            others.push(finding);
            continue;
        }
        let id = finding["event"]["id"].as_str().unwrap_or_default().to_owned();
        assert!(missing.remove(id.as_str()), "nobody expected {finding}");
    }
    others
}

/// Shows the messages at once that the program has given back to a queue since the last time. Returns how many they were.
fn hurry(amazon: &Amazon, recorder: &Recorder, queue: &str) -> usize {
    let hidden = recorder.take().into_iter().filter(|call| call.operation.ends_with("ChangeMessageVisibility"));
    // What is worked on is hidden for the visibility of the configuration, which is shorter than any wait after a failure.
    let given_back = hidden.filter(|call| call.request["VisibilityTimeout"].as_u64() >= Some(30));
    let receipts: Vec<String> =
        given_back.filter_map(|call| call.request["ReceiptHandle"].as_str().map(str::to_owned)).collect();
    for receipt in &receipts {
        amazon.show(queue, receipt);
    }
    receipts.len()
}

/// Waits for the finding that tells that a trouble is over.
fn over(live: &Live, id: &str, before: &[Value]) {
    let ends = |finding: &Value| finding["title"].as_str().is_some_and(|title| title.starts_with("Over: "));
    if before.iter().any(|finding| finding["rule"]["id"] == id && ends(finding)) {
        return;
    }
    while !ends(&condition(live, id, Vec::new())) {}
}

/// Waits for the finding that tells of something about the service itself.
fn condition(live: &Live, id: &str, before: Vec<Value>) -> Value {
    let is = |finding: &Value| finding["rule"]["id"] == id;
    if let Some(finding) = before.into_iter().find(is) {
        return finding;
    }
    loop {
        let finding = live.finding();
        if is(&finding) {
            return finding;
        }
    }
}
