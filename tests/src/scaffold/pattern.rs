//! Rules out of patterns: what is written, and that it is equivalent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orgwatch_host::digest::Digest;
use orgwatch_host::scaffold::pattern::{Original, make_up};
use orgwatch_rules_sdk::json::Document;
use serde_json::json;

use super::{Outside, assert_narrow, assert_well_formed, host_in, ran, written};
use crate::cis::{filters, own_events};
use crate::support::{host, root};

/// Event patterns as teams have them, over EventBridge's envelope and over the record.
const EVENT_PATTERNS: [(&str, &str); 6] = [
    (
        "trail_touched",
        r#"{"source": ["aws.cloudtrail"], "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging", "DeleteTrail", {"prefix": "Update"}]}}"#,
    ),
    (
        "organization_touched",
        r#"{"source": ["aws.organizations"], "account": ["111122223333"], "region": ["us-east-1"],
            "detail": {"eventName": [{"anything-but": {"prefix": ["Describe", "List"]}}], "errorCode": [{"exists": false}]}}"#,
    ),
    (
        "root_or_denied",
        r#"{"$or": [{"userIdentity": {"type": ["Root"]}}, {"errorCode": [{"wildcard": "*Denied*"}]}, {"errorCode": ["Client.UnauthorizedOperation"]}]}"#,
    ),
    (
        "from_a_network",
        r#"{"sourceIPAddress": [{"cidr": "192.0.2.0/24"}], "userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": ["false"]}}}}"#,
    ),
    (
        "sign_in",
        r#"{"source": ["aws.signin"], "detail": {"additionalEventData": {"MFAUsed": [{"equals-ignore-case": "no"}, {"exists": false}]}}}"#,
    ),
    (
        "resource_named",
        r#"{"detail.resources.type": [{"suffix": "::Role"}], "detail": {"readOnly": [true, null, 5000000000, -0.5]}}"#,
    ),
];

/// The published metric filters that are built, beside all event patterns: those that are not a mere list of names.
const BUILT: [&str; 4] = ["4.1", "4.2", "4.3", "4.15"];

/// All patterns by the names of their rules.
fn patterns() -> BTreeMap<String, String> {
    let filters = filters().into_iter().map(|(control, text)| (format!("cis_{}", control.replace('.', "_")), text));
    let events = EVENT_PATTERNS.map(|(name, text)| (name.to_owned(), text.to_owned()));
    filters.chain(events).chain([("many_names".to_owned(), many_names())]).collect()
}

/// A pattern so long that the macros of a rule have to go deeper than usual.
fn many_names() -> String {
    let names = (0..150).map(|number| format!("Operation{number}"));
    let names: Vec<String> = names.chain(["DetachPolicy".to_owned()]).collect();
    json!({ "detail": { "eventName": names } }).to_string()
}

fn records() -> Vec<Document> {
    own_events().into_iter().map(|text| Document::parse(text).expect("a record is JSON")).collect()
}

#[test]
fn a_rule_is_written_from_an_event_pattern_and_given_events() {
    let outside = Outside::new();
    outside.file("trail-touched.json", EVENT_PATTERNS[0].1);
    let events = root().join("rules/generic/events");
    let events = events.to_string_lossy();
    let ran = outside.run(&["new", "my-rules", "--from-pattern", "trail-touched.json", "--events", &events]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_narrow(&ran.stdout);
    insta::assert_snapshot!("from-event-pattern", ran.stdout);
    let rule = fs::read_to_string(outside.path("my-rules/src/bin/trail_touched.rs")).expect("the rule is written");
    insta::assert_snapshot!("from-event-pattern-rule", rule);
    assert_well_formed(&outside.path("my-rules"));
}

#[test]
fn a_rule_is_written_from_a_metric_filter_with_records_made_up() {
    let outside = Outside::new();
    outside.file("filter.txt", &filters()["4.8"]);
    let ran = outside.run(&["new", "my-rules", "--rule", "bucket_opened", "--from-pattern", "filter.txt"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_narrow(&ran.stdout);
    insta::assert_snapshot!("from-metric-filter", ran.stdout);
    let rule = fs::read_to_string(outside.path("my-rules/src/bin/bucket_opened.rs")).expect("the rule is written");
    insta::assert_snapshot!("from-metric-filter-rule", rule);
    insta::assert_snapshot!("from-metric-filter-events", written(&outside.path("my-rules/events")));
    assert_well_formed(&outside.path("my-rules"));
}

#[test]
fn what_no_rule_can_be_made_of_is_refused_with_the_reason() {
    let outside = Outside::new();
    let mut told = String::new();
    for pattern in [
        "",
        "ERROR",
        "{}",
        r#"{"detail": {"eventName": "StopLogging"}}"#,
        r#"{"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]}"#,
        r#"{"source": ["shop.orders"]}"#,
        r#"{"source": ["aws.s3"], "resources": ["arn:aws:s3:::a"]}"#,
        r#"{"detail-type": ["AWS API Call via CloudTrail"]}"#,
        r#"{"source": ["aws.iam"], "detail": {"eventSource": ["sts.amazonaws.com"]}}"#,
        r#"{"eventName": ["A"], "$or": [{"eventName": ["B"]}, {"errorCode": ["C"]}]}"#,
        "{ $.eventName = }",
        "{ $.a = b && $.a = c }",
        "{ $.a = b && $.a.c = d && $.e = f }",
    ] {
        outside.file("pattern", pattern);
        let ran = outside.run(&["new", "my-rules", "--from-pattern", "pattern"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{pattern}");
        assert_narrow(&ran.stderr);
        let _ = writeln!(told, "{pattern}\n{}", ran.stderr);
    }
    let missing = outside.run(&["new", "my-rules", "--from-pattern", "missing"]);
    assert_eq!(missing.code, 4);
    let _ = writeln!(told, "{}", missing.stderr);
    outside.file("pattern", "{ $.eventName = A }");
    let events = outside.run(&["new", "my-rules", "--from-pattern", "pattern", "--events", "missing"]);
    assert_eq!(events.code, 4);
    let _ = write!(told, "{}", events.stderr);
    insta::assert_snapshot!("from-pattern-refused", told);
    assert!(!outside.path("my-rules").exists());
}

#[test]
fn every_pattern_and_the_rule_that_it_becomes_agree_on_every_event() {
    let records = records();
    for (name, text) in patterns() {
        let original = Original::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut many = 0;
        for record in &records {
            let verdict = original.matches(record);
            assert_eq!(original.rule_finds(record), verdict, "{name}: {}", record.text());
            many += usize::from(verdict);
        }
        assert!(many < records.len(), "{name} matches everything");
        make_up(&original).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A folder that stays, so that what was compiled for an earlier run serves again: the compiler is told the folder's name.
fn kept(name: &str) -> PathBuf {
    host().parent().expect("the program lies in a folder").join("test-scaffold").join(name)
}

#[test]
fn rules_out_of_patterns_build_pass_their_tests_and_give_the_verdict_of_the_original() {
    let (pack, target) = (kept("patterns"), kept("target"));
    let _ = fs::remove_dir_all(&pack);
    fs::create_dir_all(kept("")).expect("the folder can be made");
    let host_here = |arguments: &[&str]| {
        let mut command = host_in(&kept(""));
        command.args(arguments).env("CARGO_TARGET_DIR", &target).env("XDG_STATE_HOME", kept("state"));
        let ran = ran(command);
        assert_eq!(ran.code, 0, "{arguments:?}\n{}{}", ran.stdout, ran.stderr);
        ran
    };
    let chosen = |name: &String| {
        name == "many_names"
            || EVENT_PATTERNS.iter().any(|(known, _)| known == name)
            || BUILT.iter().any(|control| *name == format!("cis_{}", control.replace('.', "_")))
    };
    let patterns: BTreeMap<String, String> = patterns().into_iter().filter(|(name, _)| chosen(name)).collect();
    for (name, text) in &patterns {
        fs::write(kept("pattern"), text).expect("the file can be written");
        host_here(&["new", "patterns", "--rule", name, "--from-pattern", "pattern"]);
    }
    assert_well_formed(&pack);
    host_here(&["build", "patterns"]);
    assert_passes_its_tests(&pack, &target);

    let records = records();
    let texts: Vec<&str> = records.iter().map(Document::text).collect();
    fs::write(kept("records"), texts.join("\n")).expect("the file can be written");
    let mut found = BTreeSet::new();
    for finding in host_here(&["--rules", "patterns", "records"]).findings() {
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        found.insert((text(&finding["rule"]["id"]), text(&finding["event"]["digest"])));
    }
    let mut expected = BTreeSet::new();
    for (name, text) in &patterns {
        let original = Original::parse(text).expect("it is a pattern");
        let matched = records.iter().filter(|record| original.matches(record));
        let id = format!("patterns.{}", name.replace('_', "-"));
        let before = expected.len();
        expected.extend(matched.map(|record| (id.clone(), Digest::of(record.root().canonical()).tagged())));
        assert!(expected.len() > before, "{name} matches no event: that tests too little");
    }
    assert_eq!(found, expected);
}

fn assert_passes_its_tests(pack: &Path, target: &Path) {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet"]).current_dir(pack).env("CARGO_TARGET_DIR", target);
    let ran = ran(cargo);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}
