//! The same records give the same findings whatever they are wrapped in, and a record's identity holds in every case that real data has.

use serde_json::{Value, json};

use super::{ids, replay};
use crate::records::{
    account_left, envelopes, export_lines, file, gzip, lines, log_payload, looked_up, organization_described,
    policy_detached, zstd,
};
use crate::support::Ran;

fn records() -> Vec<Value> {
    vec![policy_detached(1), organization_described(2), account_left(3), policy_detached(4)]
}

/// Judges a text on its own.
fn judge(text: impl AsRef<[u8]>) -> Ran {
    replay(&["events"]).file("events", text).run()
}

#[test]
fn every_wrapping_gives_byte_identical_findings() {
    let records = records();
    let plain = judge(file(&records));
    assert_eq!((plain.code, plain.findings().len()), (0, 3), "{}", plain.stderr);
    let (first, rest) = records.split_at(2);
    let members = [gzip(lines(first)), gzip(""), gzip(lines(rest))].concat();
    let frames = [zstd(lines(first)), zstd(lines(rest))].concat();
    let pretty = serde_json::to_string_pretty(&json!({ "Records": records })).expect("plain data");
    let shapes: Vec<(&str, Vec<u8>)> = vec![
        ("a file, indented", pretty.into()),
        ("a file, gzip", gzip(file(&records))),
        ("lines, several members of gzip", members),
        ("a file, zstd", zstd(file(&records))),
        ("lines, several frames of zstd", frames),
        ("an array", json!(records).to_string().into()),
        ("one a line", lines(&records).into()),
        ("one a line, with the line ends of DOS", lines(&records).replace('\n', "\r\n").into()),
        ("EventBridge envelopes", envelopes(&records).into()),
        ("LookupEvents output", looked_up(&records).into()),
        ("a CloudWatch Logs payload", log_payload(&records).into()),
        ("lines of a CloudWatch Logs export", export_lines(&records).into()),
        ("lines of a CloudWatch Logs export, gzip", gzip(export_lines(&records))),
    ];
    for (name, text) in shapes {
        let ran = judge(text);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        assert_eq!(ran.stdout, plain.stdout, "{name}");
    }
}

#[test]
fn one_record_alone_is_an_input() {
    let ran = judge(policy_detached(1).to_string());
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
}

#[test]
fn the_name_of_a_file_says_nothing_about_its_content() {
    let plain = replay(&["events.gz"]).file("events.gz", file(&records())).run();
    let packed = replay(&["events.json"]).file("events.json", gzip(file(&records()))).run();
    assert_eq!((plain.code, packed.code), (0, 0), "{}{}", plain.stderr, packed.stderr);
    assert_eq!(plain.stdout, packed.stdout);
}

#[test]
fn a_record_written_in_another_way_is_the_same_record() {
    let record = policy_detached(1);
    let compact = record.to_string();
    let indented = serde_json::to_string_pretty(&record).expect("plain data");
    let escaped = compact.replace("DetachPolicy", "\\u0044etachPolicy").replace("us-east-1", "us\\u002deast-1");
    let repeated = compact.replacen('{', r#"{"eventName":"DescribeOrganization","awsRegion":null,"#, 1);
    let expected = judge(&compact).stdout;
    assert!(!expected.is_empty());
    for text in [indented, escaped, repeated] {
        assert_eq!(judge(&text).stdout, expected, "{text}");
    }
}

#[test]
fn the_same_record_twice_has_one_id() {
    let ran = judge(file(&[policy_detached(1), policy_detached(1)]));
    let ids = ids(&ran);
    assert_eq!(ids.len(), 2, "{}", ran.stderr);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn two_records_with_one_event_id_are_two_findings() {
    let mut forged = policy_detached(1);
    forged["requestParameters"]["policyId"] = json!("p-another1");
    let ran = judge(file(&[policy_detached(1), forged]));
    let findings = ran.findings();
    assert_eq!(findings.len(), 2, "{}", ran.stderr);
    assert_eq!(findings[0]["event"]["id"], findings[1]["event"]["id"]);
    assert_ne!(findings[0]["id"], findings[1]["id"]);
    assert_ne!(findings[0]["event"]["digest"], findings[1]["event"]["digest"]);
}

#[test]
fn records_with_one_digest_and_different_rules_have_different_ids() {
    let rule =
        "use = \"pattern\"\n[rule.\"NAME\".settings]\ntitle = \"t\"\npatterns = [{ eventName = [\"DetachPolicy\"] }]\n";
    let rules = ["team.one", "team.two"].map(|name| format!("[rule.\"{name}\"]\n{}", rule.replace("NAME", name)));
    let run = replay(&["events"]).file("events", file(&[policy_detached(1)]));
    let ran = run.file("orgwatch.toml", rules.concat()).run();
    let mut ids = ids(&ran);
    ids.dedup();
    assert_eq!(ids.len(), 3, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_record_without_an_id_is_named_by_its_digest() {
    for id in [None, Some(Value::Null), Some(json!("")), Some(json!(17))] {
        let mut record = policy_detached(1);
        match &id {
            Some(id) => record["eventID"] = id.clone(),
            None => drop(record.as_object_mut().expect("a record is an object").remove("eventID")),
        }
        let ran = judge(file(&[record]));
        let findings = ran.findings();
        assert_eq!((ran.code, findings.len()), (0, 1), "{id:?}: {}", ran.stderr);
        assert!(findings[0]["event"]["id"].is_null(), "{id:?}");
        assert_eq!(findings[0]["event"]["action"], findings[0]["event"]["digest"], "{id:?}");
    }
}

#[test]
fn the_action_is_shared_by_the_copies_of_one_call() {
    let mut delivered = policy_detached(1);
    delivered["sharedEventID"] = json!("5a5a5a5a-1111-4222-8333-444444444444");
    delivered["recipientAccountId"] = json!("444455556666");
    let mut corrected = policy_detached(2);
    corrected["addendum"] =
        json!({ "reason": "UPDATED_DATA", "originalEventID": "4e5f6071-8293-44a5-8617-000000000009" });
    let actions: Vec<Value> = judge(file(&[delivered, corrected]))
        .findings()
        .iter()
        .map(|finding| finding["event"]["action"].clone())
        .collect();
    assert_eq!(actions, ["5a5a5a5a-1111-4222-8333-444444444444", "4e5f6071-8293-44a5-8617-000000000009"]);
}

#[test]
fn fields_that_are_null_missing_odd_or_unknown_leave_a_record_to_be_judged() {
    let odd = [
        ("/eventTime", json!(null)),
        ("/eventTime", json!("eventTime")),
        ("/eventTime", json!("Oct 5, 2026, 2:02:10 PM")),
        ("/eventTime", json!(1_791_194_460)),
        ("/userIdentity", json!(null)),
        ("/userIdentity", json!("a string")),
        ("/userIdentity/type", json!([])),
        ("/recipientAccountId", json!(null)),
        ("/sourceIPAddress", json!({ "address": "192.0.2.44" })),
        ("/awsRegion", json!("")),
        ("/requestParameters", json!([[[null]]])),
        ("/responseElements", json!("not an object")),
        ("/errorCode", json!(null)),
        ("/aFieldOfNextYear", json!({ "with": ["anything", 1.5e300, null] })),
    ];
    for (path, value) in odd {
        let mut record = policy_detached(1);
        record["aFieldOfNextYear"] = json!("");
        record["errorCode"] = json!("");
        *record.pointer_mut(path).expect(path) = value.clone();
        let ran = judge(file(&[record]));
        assert_eq!((ran.code, ran.findings().len()), (0, 1), "{path} = {value}: {}{}", ran.stderr, ran.stdout);
    }
}

#[test]
fn a_time_that_is_none_is_shown_as_none() {
    let mut record = policy_detached(1);
    record["eventTime"] = json!("Oct 5, 2026, 2:02:10 PM");
    assert!(judge(file(&[record])).findings()[0]["event"]["time"].is_null());
}
