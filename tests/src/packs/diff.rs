//! `pack diff`: what an upgrade changes, and the doors that it must not let through.

mod doors;

use serde_json::{Value, json};

use crate::support::{Ran, Run, pack};

/// A bucket that is deleted by a role's session.
const DELETED: &str = r#"{
  "eventVersion": "1.11",
  "userIdentity": {
    "type": "AssumedRole",
    "principalId": "AROACKCEVSQ6C2EXAMPLE:anaya",
    "arn": "arn:aws:sts::111122223333:assumed-role/Storage/anaya",
    "accountId": "111122223333"
  },
  "eventTime": "2026-11-01T10:00:00Z",
  "eventSource": "s3.amazonaws.com",
  "eventName": "DeleteBucket",
  "awsRegion": "us-east-1",
  "sourceIPAddress": "192.0.2.44",
  "userAgent": "aws-cli/2.31.0",
  "requestParameters": { "bucketName": "audit-log", "Host": "audit-log.s3.us-east-1.amazonaws.com" },
  "responseElements": null,
  "additionalEventData": { "bytesTransferredIn": 0, "bytesTransferredOut": 243 },
  "eventID": "5d1f0c3a-0000-4000-8000-000000000001",
  "readOnly": false,
  "eventType": "AwsApiCall",
  "managementEvent": true,
  "recipientAccountId": "111122223333",
  "eventCategory": "Management"
}"#;

/// The case of the rule in each pack.
const CASE: &str = "events/rule/fires_deleted.json";

/// The event with something changed.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut record = serde_json::from_str(DELETED).expect("it is JSON");
    change(&mut record);
    record.to_string()
}

/// The manifest of a version.
fn manifest(version: &str) -> String {
    format!(
        "schema_version = 1\nid = \"tests/upgrade\"\nversion = \"{version}\"\ntitle = \"Buckets\"\ndescription = \"Of a test.\"\nlicense = \"MIT\"\n"
    )
}

/// Runs `pack diff old new` on packs of one rule each, with a case that fires, and further arguments.
fn between(old: &str, new: &str, arguments: &[&str]) -> Run {
    let run = Run::new([&["pack", "diff", "old", "new"], arguments].concat());
    let run = run.file("old/pack.toml", manifest("1.0.0")).file("new/pack.toml", manifest("1.1.0"));
    let run = run.file("old/dist/rule.wasm", version(old)).file("new/dist/rule.wasm", version(new));
    run.file(&format!("old/{CASE}"), DELETED).file(&format!("new/{CASE}"), DELETED)
}

/// A version of the rule, built.
fn version(name: &str) -> Vec<u8> {
    std::fs::read(pack("tests/upgrade").join(format!("dist/{name}.wasm"))).expect("the version is built")
}

/// What is shown to a person, without what differs from one compiler of rules to the next.
fn shown(ran: &Ran) -> String {
    let masked =
        |word: &str| if word.starts_with(|first: char| first.is_ascii_digit()) { "N" } else { word }.to_owned();
    let mut out = String::new();
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        if ["size", "fuel", "literals"].iter().any(|name| line.trim_start().starts_with(name)) {
            out += "  ";
            out += &line.split_whitespace().map(masked).collect::<Vec<_>>().join(" ");
        } else {
            out += line;
        }
        out.push('\n');
    }
    out
}

/// The lines of JSON that have this member.
fn lines(ran: &Ran, member: &str) -> Vec<Value> {
    ran.findings().iter().filter_map(|line| line.get(member).cloned()).collect()
}

#[test]
fn an_honest_upgrade_is_told_on_one_screen() {
    let ran = between("old", "honest", &["-o", "text"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(ran.stdout.lines().count() <= 30, "{}", ran.stdout);
    insta::assert_snapshot!(shown(&ran));
}

#[test]
fn the_same_pack_again_changes_nothing() {
    let ran = between("old", "old", &["-o", "text"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout, @r"
    tests/upgrade@1.0.0 → tests/upgrade@1.1.0

    rules: 1 as before
    findings: 0 lost, 0 changed, 0 new
    ");
}

#[test]
fn a_rule_that_is_removed_loses_what_it_found() {
    let run = between("old", "old_count", &["-o", "text"]);
    let ran = run.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(shown(&ran));
}

#[test]
fn a_finding_that_only_the_given_events_show_is_lost() {
    let opened = changed(|record| record["eventName"] = json!("DeleteBucketPolicy"));
    assert_eq!(between("honest", "old", &[]).run().code, 0, "the test cases lose nothing");
    let ran = between("honest", "old", &["events.json"]).file("events.json", opened).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let lost: Vec<Value> =
        lines(&ran, "difference").into_iter().filter(|difference| difference["kind"] == "lost").collect();
    assert_eq!(lost.len(), 1, "{}", ran.stdout);
    assert_eq!((&lost[0]["case"], &lost[0]["event"]["name"]), (&json!("the events"), &json!("DeleteBucketPolicy")));
    assert_eq!(lost[0]["old"]["severity"], "high");
    assert_eq!(lost[0]["new"], Value::Null);
}

#[test]
fn the_given_events_are_judged_with_the_settings_that_the_rules_have_here() {
    let elsewhere = changed(|record| record["sourceIPAddress"] = json!("198.51.100.7"));
    let config = "[rule.\"upgrade.bucket-deleted\"]\nsettings.expected = [\"198.51.100.7\"]\n";
    let kinds = |config: &str| {
        let run = between("honest", "stumbles", &["events.json", "--config", "here.toml"]);
        let ran = run.file("events.json", &elsewhere).file("here.toml", config).run();
        let kinds: Vec<Value> = lines(&ran, "difference")
            .iter()
            .map(|difference| json!([difference["kind"], difference["case"]]))
            .collect();
        (ran.code, kinds)
    };
    // The new version takes no settings at all: with them it does not run, and nothing would be found here any more.
    let (code, told) = kinds(config);
    assert_eq!((code, told), (1, vec![json!(["changed", "fires_deleted.json"]), json!(["gap", "the events"])]));
    let (code, told) = kinds("");
    assert_eq!((code, told), (0, vec![json!(["changed", "fires_deleted.json"]), json!(["changed", "the events"])]));
    let (code, told) = kinds("[rule.\"upgrade.bucket-deleted\"]\nsettings.expected = [\"203.0.113.1\"]\n");
    assert_eq!((code, told), (1, vec![json!(["changed", "fires_deleted.json"]), json!(["lost", "the events"])]));
}

#[test]
fn a_gap_where_a_finding_was_is_a_finding_lost_and_says_why() {
    let without = changed(|record| record["additionalEventData"] = Value::Null);
    let case = "old/events/rule/fires_without.json";
    let ran = between("old", "stumbles", &["-o", "text"]).file(case, &without).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(shown(&ran));
    let ran = between("stumbles", "old", &[]).file(case, &without).run();
    let kinds: Vec<Value> = lines(&ran, "difference").iter().map(|difference| difference["kind"].clone()).collect();
    assert_eq!((ran.code, kinds), (0, vec![json!("added")]));
}

#[test]
fn the_json_has_an_object_for_the_packs_each_rule_and_each_difference() {
    let ran = between("old", "honest", &[]).run();
    assert_eq!(ran.code, 0);
    let mut objects = ran.findings();
    // What differs from one compiler of rules to the next.
    objects[1]["digest"] = json!("…");
    objects[1]["fuel"] = json!("…");
    objects[1]["literals"]["tried"] = json!("…");
    objects[1]["literals"]["changed_events"] = json!("…");
    for change in objects[1]["changes"].as_array_mut().expect("there are changes") {
        if change["what"] == "size" {
            (change["old"], change["new"]) = (json!("…"), json!("…"));
        }
    }
    insta::assert_json_snapshot!(objects);
}

#[test]
fn what_a_pack_and_an_event_say_does_nothing_to_the_terminal() {
    const HOSTILE: &str = "\u{1b}[2J\u{202e}\nfindings: 0 lost";
    let manifest = manifest("1.1.0").replace("Buckets", "\\u001b[2J\\u202e\\nfindings: 0 lost");
    let hostile = changed(|record| {
        record["requestParameters"]["bucketName"] = json!(HOSTILE);
        record["eventID"] = json!(HOSTILE);
        record["eventTime"] = json!(HOSTILE);
    });
    for output in ["text", "json"] {
        let run = between("old", "old_count", &["-o", output]).file("new/pack.toml", &manifest);
        let ran = run.file("old/events/rule/fires_hostile.json", &hostile).run();
        assert_eq!(ran.code, 1);
        let harm = ran.stdout.chars().find(|&letter| letter == '\u{1b}' || letter == '\u{202e}');
        assert_eq!(harm, None, "{}", ran.stdout);
        let alone = ran.stdout.lines().filter(|line| line.starts_with("findings: 0 lost")).count();
        assert_eq!(alone, 0, "{}", ran.stdout);
        assert!(ran.stdout.contains("findings: 0 lost"), "{}", ran.stdout);
    }
}

#[test]
fn what_cannot_be_compared_is_told_with_the_way_out() {
    let ran = Run::new(["pack", "diff", "nowhere", "new"]).file("new/pack.toml", manifest("1.0.0")).run();
    insta::assert_snapshot!(ran.told(), @r"
    exit 4
    error: failed to read `nowhere`: No such file or directory (os error 2)
    ");
    let run = Run::new(["pack", "diff", "old", "old"]).file("old/pack.toml", manifest("1.0.0"));
    insta::assert_snapshot!(run.run().told(), @r"
    exit 2
    error: the pack `old` has not been built
    hint: add --build, or run `orgwatch-host build old` first
    ");
    let ran = between("old", "old", &[]).file("new/dist/twice.wasm", version("old")).run();
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    error: two rules of `new` have the id `upgrade.bucket-deleted`
    ");
    let ran = between("old", "old", &[]).file("new/dist/broken.wasm", "no rule").run();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("new/dist/broken.wasm is not loaded"), "{}", ran.stderr);
    assert_eq!(between("old", "old", &["missing.json"]).run().code, 4);
}

#[test]
fn packs_that_are_no_versions_of_each_other_are_told_apart() {
    let other = manifest("0.9.0").replace("tests/upgrade", "tests/other");
    let ran = between("old", "old", &["-o", "text"]).file("new/pack.toml", other).run();
    assert!(ran.stdout.contains("! these are two packs, and not two versions of one"), "{}", ran.stdout);
    let ran = between("old", "old", &["-o", "text"]).file("new/pack.toml", manifest("1.0.0")).run();
    assert!(ran.stdout.contains("! the new version is not higher than the old one"), "{}", ran.stdout);
}

#[test]
fn the_help_tells_what_is_compared_and_what_is_not_found() {
    let ran = Run::new(["pack", "diff", "--help"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
}
