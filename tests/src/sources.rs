//! The sources, from outside: the whole program live against servers that stand for AWS.

mod cloudtrail;
mod directory;
mod s3;
mod sqs;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::live::Live;

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
