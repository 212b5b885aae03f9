//! The index against a full scan: what a run finds is what judging every pattern on every record finds.
//!
//! A pre-filter that is wrong drops findings silently and no other test sees it. So rules of all kinds of patterns are judged by the whole
//! program, and by a loop over patterns and records that knows no index and reads the records with another JSON reader.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use orgwatch_host::index::Pattern;
use orgwatch_rules_sdk::json::Document;
use serde_json::{Value, json};

use super::replay;
use crate::records::policy_detached;

/// Patterns that the index can look up by name, by source or not at all, and those between.
const PATTERNS: [&str; 18] = [
    r#"{"eventSource":["organizations.amazonaws.com"],"eventName":["DetachPolicy","AttachPolicy"]}"#,
    r#"{"eventName":["DetachPolicy"]}"#,
    r#"{"eventSource":["organizations.amazonaws.com"]}"#,
    r#"{"eventSource":["iam.amazonaws.com"],"eventName":["DetachPolicy"]}"#,
    r#"{"eventName":[{"prefix":"Detach"}]}"#,
    r#"{"eventName":[{"suffix":"Policy"},"CreateUser"]}"#,
    r#"{"eventName":[{"equals-ignore-case":"detachpolicy"}]}"#,
    r#"{"eventName":[{"anything-but":["CreateUser"]}]}"#,
    r#"{"eventName":[{"wildcard":"*ach*licy"}]}"#,
    r#"{"eventName":[{"exists":false}]}"#,
    r#"{"eventName":[null]}"#,
    r#"{"eventName":["A\u0022quoted\\name","Zürich","tab\there",""]}"#,
    r#"{"$or":[{"eventName":["CreateUser"]},{"eventSource":["organizations.amazonaws.com"]}]}"#,
    r#"{"$or":[{"eventName":["CreateUser"]},{"userIdentity":{"type":["Root"]}}]}"#,
    r#"{"eventSource":["organizations.amazonaws.com"],"errorCode":[{"exists":true}]}"#,
    r#"{"sourceIPAddress":[{"cidr":"192.0.2.0/24"}],"eventName":["DetachPolicy","CreateUser"]}"#,
    r#"{"requestParameters":{"eventName":["DetachPolicy"]}}"#,
    r#"{"requestParameters":{"size":[{"numeric":[">",10]}]},"eventSource":["iam.amazonaws.com"]}"#,
];

/// What stands for the name and the source in the records.
fn values() -> Vec<Value> {
    vec![
        json!("DetachPolicy"),
        json!("AttachPolicy"),
        json!("CreateUser"),
        json!("detachpolicy"),
        json!("DetachPolicy "),
        json!("DetachPolicy\u{0}"),
        json!("A\"quoted\\name"),
        json!("Zürich"),
        json!("tab\there"),
        json!(""),
        json!(null),
        json!(7),
        json!(true),
        json!(["CreateUser", "DetachPolicy"]),
        json!([]),
        json!({ "eventName": "DetachPolicy" }),
    ]
}

/// Records with every value as their name, and some more differences.
fn records() -> Vec<Value> {
    let mut records = Vec::new();
    for source in
        [json!("organizations.amazonaws.com"), json!("iam.amazonaws.com"), json!(["iam.amazonaws.com"]), json!(null)]
    {
        for name in values() {
            let mut record = policy_detached(0);
            record["eventName"] = name;
            record["eventSource"] = source.clone();
            records.push(record);
        }
    }
    let mut nameless = policy_detached(0);
    nameless.as_object_mut().expect("a record is an object").remove("eventName");
    let mut nested = policy_detached(0);
    nested["eventName"] = json!("CreateUser");
    nested["requestParameters"] = json!({ "eventName": "DetachPolicy", "eventSource": "organizations.amazonaws.com" });
    let mut sized = policy_detached(0);
    sized["eventSource"] = json!("iam.amazonaws.com");
    sized["requestParameters"] = json!({ "size": 10.5 });
    let mut root = policy_detached(0);
    root["userIdentity"]["type"] = json!("Root");
    root["errorCode"] = json!("AccessDenied");
    records.extend([nameless, nested, sized, root]);
    for (number, record) in records.iter_mut().enumerate() {
        record["eventID"] = json!(format!("record-{number}"));
    }
    records
}

/// A way to write a record down.
type Writing = fn(&Value) -> String;

/// Ways to write the same record: each has once made some pre-filter miss.
const WRITINGS: [(&str, Writing); 6] = [
    ("plain", |record| record.to_string()),
    ("indented", |record| serde_json::to_string_pretty(record).expect("plain data")),
    ("every character escaped", |record| write(record, "", true, false)),
    ("odd white space", |record| write(record, " \r\n\t ", false, false)),
    ("keys backwards", |record| write(record, "", false, true)),
    ("keys twice, the last one counts", |record| {
        let decoys = ["CreateUser", "DetachPolicy"].map(|decoy| {
            format!(
                r#""eventName":"{decoy}","eventSource":"organizations.amazonaws.com","event\u004eame":["{decoy}"],"#
            )
        });
        // A key that comes only as a decoy would count, so a record without a name has no decoys.
        if record.get("eventName").is_none() {
            return record.to_string();
        }
        record.to_string().replacen('{', &format!("{{{}", decoys.concat()), 1)
    }),
];

/// Writes JSON with white space between all tokens, all strings as escapes, or the keys in reverse order.
fn write(value: &Value, space: &str, escaped: bool, backwards: bool) -> String {
    let string = |text: &str| {
        if !escaped {
            return json!(text).to_string();
        }
        let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        format!("\"{}\"", units.concat())
    };
    let comma = format!("{space},{space}");
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| write(item, space, escaped, backwards)).collect();
            format!("[{space}{}{space}]", items.join(&comma))
        }
        Value::Object(fields) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}{space}:{space}{}", string(key), write(value, space, escaped, backwards))
            };
            let mut members: Vec<String> = fields.iter().map(member).collect();
            if backwards {
                members.reverse();
            }
            format!("{{{space}{}{space}}}", members.join(&comma))
        }
        other => other.to_string(),
    }
}

/// What is found: the rule, and the record's id.
type Found = BTreeSet<(String, String)>;

/// Judges every pattern on every record.
fn full_scan(texts: &[String]) -> Found {
    let patterns = PATTERNS.map(|text| Pattern::parse(text).expect(text));
    let mut found = Found::new();
    for text in texts {
        let record: Value = serde_json::from_str(text).expect("a record is JSON");
        let plain = Document::parse(record.to_string()).expect("a record is JSON");
        for (rule, pattern) in patterns.iter().enumerate() {
            if pattern.matches(plain.root()) {
                found.insert((format!("oracle.{rule:02}"), record["eventID"].as_str().expect("text").to_owned()));
            }
        }
    }
    found
}

fn configuration() -> String {
    let mut text = String::new();
    for (rule, pattern) in PATTERNS.iter().enumerate() {
        let _ = writeln!(text, "[rule.\"oracle.{rule:02}\"]\nuse = \"pattern\"\nsettings.title = \"found\"");
        let _ = writeln!(text, "settings.patterns = ['''{pattern}''']");
    }
    text
}

fn run(texts: &[String]) -> Found {
    let ran = replay(&["events"]).file("events", texts.join("\n")).file("orgwatch.toml", configuration()).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let findings = ran.findings();
    let found: Found =
        findings.iter().map(|finding| (text(&finding["rule"]["id"]), text(&finding["event"]["id"]))).collect();
    found.into_iter().filter(|(rule, _)| rule.starts_with("oracle.")).collect()
}

#[test]
fn a_run_finds_what_judging_every_pattern_on_every_record_finds() {
    let records = records();
    for (name, writing) in WRITINGS {
        let texts: Vec<String> = records.iter().map(writing).collect();
        let expected = full_scan(&texts);
        let rules: BTreeSet<&str> = expected.iter().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules.len(), PATTERNS.len(), "each pattern has to match something, or it tests nothing");
        let found = run(&texts);
        let missed: Vec<_> = expected.difference(&found).collect();
        let wrong: Vec<_> = found.difference(&expected).collect();
        assert!(missed.is_empty() && wrong.is_empty(), "{name}: missed {missed:?}, wrongly found {wrong:?}");
    }
}

#[test]
fn how_a_record_is_written_changes_nothing_about_what_is_found() {
    let records = records();
    let expected = full_scan(&records.iter().map(Value::to_string).collect::<Vec<_>>());
    for (name, writing) in WRITINGS {
        let texts: Vec<String> = records.iter().map(writing).collect();
        assert_eq!(full_scan(&texts), expected, "{name}");
    }
}
