//! `test`: the cases beside a rule, and what they do not show.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{DELETED, fits, with_pack};
use crate::support::{Run, pack};

/// What `test` says of the careless guest with more cases and arguments.
fn tested(arguments: &[&str], cases: &str) -> (i32, String) {
    let arguments: Vec<&str> = ["test", "pack", "-o", "text"].iter().chain(arguments).copied().collect();
    let ran = with_pack(&arguments, "careless").file("pack/events/careless/cases.toml", cases).run();
    assert_eq!(ran.stderr, "");
    fits(&ran.stdout);
    (ran.code, ran.stdout)
}

const CHECKED: &str = r#"
[[case]]
name = "the bucket is named"
event = "fires_deleted.json"
[[case.finding]]
title = "Bucket audit-log was deleted"
severity = "high"
key = "audit-log"
details = { bucket = "audit-log" }
"#;

#[test]
fn cases_that_are_as_expected_pass() {
    let (code, stdout) = tested(&[], CHECKED);
    assert_eq!(code, 0);
    insta::assert_snapshot!(stdout, @r"
    ok    guest.careless: 3 cases
    3 cases of 1 rule: 3 passed
    ");
}

#[test]
fn each_difference_is_shown_with_both_values() {
    let (code, stdout) = tested(
        &[],
        r#"
        [[case]]
        name = "the wrong words"
        event = "fires_deleted.json"
        [[case.finding]]
        title = "Bucket audit-log is gone"
        severity = "low"
        details = { bucket = "other", owner = "audit" }

        [[case]]
        name = "a failed call is no finding"
        event = "fires_deleted.json"
        change = { "/errorCode" = "AccessDenied" }
        quiet = true

        [[case]]
        name = "too many"
        event = "fires_deleted.json"
        findings = 2

        [[case]]
        name = "it takes any settings"
        event = "fires_deleted.json"
        settings = { expected = ["audit-log"] }
        quiet = true

        [[case]]
        name = "unknown settings are refused"
        event = "fires_deleted.json"
        settings = { expected = [] }
        refused = "unknown field `expected`"
        "#,
    );
    assert_eq!(code, 1);
    insta::assert_snapshot!(stdout);
}

#[test]
fn a_rule_has_to_be_shown_firing_and_staying_quiet() {
    let run = with_pack(&["test", "pack", "-o", "text"], "careless");
    std::fs::remove_file(run.folder().join("pack/events/careless/quiet_other.json")).expect("it is there");
    let ran = run.run();
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout, @r"
    FAIL  guest.careless: 1 case
          no case shows it staying quiet: add a fires_….json and a quiet_….json, or
          a cases.toml, to pack/events/careless
    1 case of 1 rule: 1 passed, 1 not shown both ways
    ");
}

#[test]
fn an_alternative_that_no_event_has_is_a_warning() {
    let component = pack("rules").join("aws-organizations");
    let test = ["test", "pack/dist/trail_weakened.wasm", "-o", "text"];
    let ran = Run::new(test).link("pack", &component).run();
    assert!(ran.stdout.contains("no event of a case has eventName"), "{}{}", ran.stdout, ran.stderr);
    fits(&ran.stdout);
    let some = Run::new(test.iter().chain(&["--filter", "fires_one_region"])).link("pack", &component).run();
    assert_eq!((some.code, some.stdout.lines().count()), (0, 2), "what the other cases show counts: {}", some.stdout);
}

#[test]
fn warnings_fail_only_where_they_are_denied() {
    assert_eq!(tested(&["--mutate"], CHECKED).0, 0);
    assert_eq!(tested(&["--mutate", "--deny-warnings"], CHECKED).0, 1);
}

#[test]
fn coverage_shows_what_the_events_had_and_what_never_varied() {
    let (code, stdout) = tested(&["--coverage"], "");
    assert_eq!(code, 0);
    insta::assert_snapshot!(stdout);
}

#[test]
fn mutation_finds_the_missing_error_check_and_the_wrong_letter_case() {
    let (code, stdout) = tested(&["--mutate"], CHECKED);
    assert_eq!(code, 0);
    let line = |text: &str| stdout.replace("\n        ", " ").contains(text);
    assert!(line(r#"/errorCode: no change of it makes a difference: "AccessDenied" added"#), "{stdout}");
    assert!(line("/userIdentity/type: no change of it makes a difference"), "{stdout}");
    assert!(!line("/requestParameters/bucketName"), "{stdout}");
    insta::assert_snapshot!(stdout);
}

#[test]
fn mutation_is_content_with_a_case_that_shows_the_failed_call() {
    let cases = CHECKED.to_owned()
        + "[[case]]\nname = \"reported although it failed\"\nevent = \"fires_deleted.json\"\nchange = { \"/errorCode\" = \"AccessDenied\" }\nfindings = 1\n";
    let (_, stdout) = tested(&["--mutate"], &cases);
    assert!(!stdout.contains("/errorCode"), "{stdout}");
}

#[test]
fn an_attack_finds_the_equality_that_letter_case_or_a_prefix_gets_around() {
    let (code, stdout) = tested(&["--attack"], CHECKED);
    assert_eq!(code, 0);
    insta::assert_snapshot!(stdout);
}

#[test]
fn results_are_written_as_junit_and_as_json() {
    let cases = "[[case]]\nname = \"x\"\nevent = \"fires_deleted.json\"\nquiet = true\n";
    let run =
        with_pack(&["test", "pack", "--junit", "out.xml"], "careless").file("pack/events/careless/cases.toml", cases);
    let path = run.folder().join("out.xml");
    let (mut child, folder) = run.spawn();
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("UTF-8")).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    let xml = std::fs::read_to_string(path).expect("it is written");
    drop(folder);
    let outcomes: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["outcome"].to_string())
        .collect();
    assert_eq!(outcomes, ["\"passed\"", "\"passed\"", "\"failed\""]);
    assert!(xml.contains(r#"<testsuite name="guest.careless" tests="3" "#), "{xml}");
    assert!(xml.contains("failures=\"1\"") && xml.contains("found high · Bucket audit-log was deleted"), "{xml}");
}

#[test]
fn what_cannot_be_tested_is_told_with_the_way_out() {
    let mut told = String::new();
    for (arguments, file, text) in [
        (vec!["test", "pack", "--filter", "nothing"], "pack/x", ""),
        (
            vec!["test", "pack"],
            "pack/events/careless/cases.toml",
            "[[case]]\nname = \"x\"\nevent = \"missing.json\"\nquiet = true\n",
        ),
        (
            vec!["test", "pack"],
            "pack/events/careless/cases.toml",
            "[[case]]\nname = \"x\"\nevnt = \"fires_deleted.json\"\n",
        ),
        (vec!["test", "pack"], "pack/events/careless/other.json", "{}"),
        (vec!["test", "pack"], "pack/events/careless/fires_x.json", "{"),
        (vec!["test", "careless.wasm"], "careless.wasm", "none"),
        (vec!["test", "missing"], "pack/x", ""),
    ] {
        let ran = with_pack(&arguments, "careless").file(file, text).run();
        let _ = writeln!(told, "$ {}\n{}{}", arguments.join(" "), ran.told(), ran.stdout);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_watch_tests_again_when_a_case_changes() {
    let run = with_pack(&["test", "pack", "--watch", "-o", "text"], "careless");
    let events = run.folder().join("pack/events/careless");
    let (mut child, folder) = run.stdout(Stdio::piped()).spawn();
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut until_sum = || loop {
        let line = lines.next().expect("it goes on").expect("UTF-8");
        if line.contains(" of 1 rule: ") {
            break line;
        }
    };
    assert_eq!(until_sum(), "2 cases of 1 rule: 2 passed");
    // Its own reading is no change: nothing more comes until something changes.
    std::thread::sleep(std::time::Duration::from_secs(1));
    std::fs::write(events.join("fires_other.json"), DELETED.replace("\"audit-log\"", "\"x\""))
        .expect("it can be written");
    assert_eq!(until_sum(), "3 cases of 1 rule: 2 passed, 1 failed");
    child.kill().expect("it can be killed");
    child.wait().expect("it is a child");
    drop(folder);
}

/// A pack of one guest with an event of its own that fires.
fn with_event(arguments: &[&str], guest: &str, event: &str) -> Run {
    let quiet = event.replace("\"eventName\": \"", "\"eventName\": \"Not");
    with_pack(arguments, guest)
        .file(&format!("pack/events/{guest}/fires_deleted.json"), event)
        .file(&format!("pack/events/{guest}/quiet_other.json"), quiet)
}

fn stopped() -> String {
    let parameters = r#"{ "bucketName": "audit-log", "Host": "audit-log.s3.us-east-1.amazonaws.com" }"#;
    let event = DELETED.replace(parameters, r#"{ "name": "main" }"#);
    event.replace("s3.amazonaws.com", "cloudtrail.amazonaws.com").replace("DeleteBucket", "StopLogging")
}

#[test]
fn a_field_that_no_record_can_have_is_a_warning() {
    let ran = with_event(&["test", "pack", "-o", "text"], "misreads", &stopped()).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    fits(&ran.stdout);
    insta::assert_snapshot!(ran.stdout, @r"
    ok    guest.misreads: 2 cases
          ! no record can have /requestParameters/Name, which is read; did you mean
            /requestParameters/name?
          ! no record can have /userIdentity/tpye, which is read; did you mean
            /userIdentity/type?
    2 cases of 1 rule: 2 passed; 2 warnings
    ");
}

fn deleted_policy() -> String {
    stopped()
        .replace("cloudtrail.amazonaws.com", "organizations.amazonaws.com")
        .replace("StopLogging", "DeletePolicy")
        .replace(r#"{ "name": "main" }"#, r#"{ "policyId": "p-examplepolicyid111" }"#)
}

#[test]
fn fuzzing_finds_the_panic_on_a_missing_field_and_shows_the_smallest_record() {
    let fuzz = |seed: &str| {
        let run =
            with_event(&["test", "pack", "--fuzz", "500", "--seed", seed, "-o", "text"], "trusting", &deleted_policy());
        let ran = run.run();
        assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
        fits(&ran.stdout);
        ran.stdout
    };
    let first = fuzz("7");
    assert_eq!(first, fuzz("7"), "the same seed gives the same records");
    assert!(first.contains(r#"{"eventName":"DeletePolicy","eventSource":"organizations.amazonaws.com"}"#), "{first}");
    insta::assert_snapshot!(first);
}

#[test]
fn the_shipped_rules_bear_whatever_comes_and_read_what_can_be_there() {
    for folder in ["aws-organizations", "cis-aws-foundations", "generic"] {
        let run = Run::new(["test", "pack", "--fuzz", "200", "-o", "text"]).link("pack", pack("rules").join(folder));
        let ran = run.run();
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        fits(&ran.stdout);
        assert!(
            !ran.stdout.contains("no record can have"),
            "a shipped rule reads what cannot be there: {}",
            ran.stdout
        );
    }
}

#[test]
fn an_event_is_read_as_a_run_reads_it() {
    // Quiet only because nobody could see the record in it, or there is none.
    let wrapped = format!("{{\"Records\": [{DELETED}]}}");
    let run = with_pack(&["test", "pack", "-o", "text"], "careless");
    let ran = run.file("pack/events/careless/quiet_wrapped.json", wrapped).run();
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("✗ quiet_wrapped.json"), "{}", ran.stdout);
    let mut told = String::new();
    for (name, content) in [("quiet_five.json", "5"), ("quiet_empty.ndjson", ""), ("settings.toml", "x = nan")] {
        let run = with_pack(&["test", "pack"], "careless").file(&format!("pack/events/careless/{name}"), content);
        told += &run.run().told();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_generic_rule_is_fuzzed_with_what_its_settings_ask_for() {
    let ran = Run::new(["test", "pack", "--fuzz", "50"]).link("pack", pack("rules").join("generic")).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let fuzzed = ran.findings().into_iter().find(|object| !object["fuzz"].is_null()).expect("the fuzzing is told");
    assert!(fuzzed["asked"].as_u64().is_some_and(|asked| asked > 10), "{fuzzed}");
}
