//! `explain`: why a rule found what it found, or did not.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use super::{DELETED, fits, with_pack};
use crate::support::{Run, root};

fn explained(run: Run) -> String {
    let ran = run.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    fits(&ran.stdout);
    without_fuel(&ran.stdout)
}

/// Takes out how much fuel was used: it differs from one compiler of rules to the next.
fn without_fuel(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = if line.starts_with("fuel ") { "fuel      … of 20,000,000 an evaluation" } else { line };
        out += line;
        out.push('\n');
    }
    out
}

/// The event of a shipped rule.
fn event(path: &str) -> PathBuf {
    root().join("rules/aws-organizations/events").join(path)
}

#[test]
fn a_finding_is_explained_by_what_the_rule_read() {
    let arguments = ["explain", "guest.careless", "event.json", "--rules", "pack", "-o", "text"];
    insta::assert_snapshot!(explained(with_pack(&arguments, "careless").file("event.json", DELETED)));
}

#[test]
fn a_miss_is_explained_by_the_part_of_the_pattern_that_failed() {
    let arguments = ["explain", "guest.careless", "-", "--rules", "pack", "-o", "text"];
    let other = DELETED.replace("DeleteBucket", "CreateBucket");
    insta::assert_snapshot!(explained(with_pack(&arguments, "careless").input(other)));
}

#[test]
fn a_miss_after_judging_says_so() {
    let arguments = ["explain", "pack/dist/careless.wasm", "-", "-o", "text"];
    let other = DELETED.replace("audit-log", "photos");
    let text = explained(with_pack(&arguments, "careless").input(other));
    assert!(text.contains("finds     nothing: the rule saw the event and returned no finding"), "{text}");
    assert!(text.contains("/requestParameters/bucketName → \"photos\""), "{text}");
}

#[test]
fn tuning_settings_and_tables_are_told() {
    let configuration = r#"
        [[table]]
        name = "accounts"
        path = "accounts.csv"
        key = "account"

        [rule."org.account-departed"]
        severity_by = [{ account = ["111122223333"], severity = "critical" }]

        [[exception]]
        rule = "org.account-departed"
        when = { finding = { key = ["444455556666"] } }
        owner = "anaya"
        reason = "It was sold."
        expires = "2027-01-01"
    "#;
    let run = Run::new(["explain", "org.account-departed", "event.json", "--rules", "rules", "-o", "text"])
        .with_rules()
        .link("event.json", event("account_departed/fires_removed.json"))
        .file("accounts.csv", "account,name\n444455556666,Payments\n")
        .file("orgwatch.toml", configuration);
    insta::assert_snapshot!(explained(run));
}

#[test]
fn a_rule_that_looks_back_is_explained_with_its_notes() {
    let story =
        std::fs::read_dir(event("mass_departure")).expect("it has stories").map(|entry| entry.expect("a file").path());
    let story = story.filter(|path| path.to_string_lossy().contains("/fires_")).min().expect("one fires");
    let run = Run::new(["explain", "org.mass-departure", "story.ndjson", "--rules", "rules", "-o", "text", "--found"])
        .with_all_rules()
        .link("story.ndjson", story);
    let text = explained(run);
    for part in ["notes ", "judges ", " in 3,600 s", "finds     CRITICAL"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_fault_is_explained_as_the_gap_that_it_is() {
    let run = with_pack(&["explain", "guest.panic", "-", "--rules", "pack", "-o", "text"], "panic").input(DELETED);
    let ran = run.run();
    assert_eq!(ran.code, 2);
    fits(&ran.stdout);
    insta::assert_snapshot!(without_fuel(&ran.stdout));
}

#[test]
fn the_json_has_every_look_with_its_answer() {
    let ran = with_pack(&["explain", "guest.careless", "-", "--rules", "pack"], "careless").input(DELETED).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut explanation = ran.findings().remove(0);
    let fuel = explanation["judged"]["fuel"].take();
    assert!(fuel.as_u64().is_some_and(|fuel| fuel > 1_000), "{fuel}");
    for place in ["digest", "settings"] {
        explanation["findings"][0]["finding"]["rule"][place].take();
    }
    insta::assert_snapshot!(format!("{explanation:#}"));
}

#[test]
fn a_record_that_comes_twice_is_found_twice_and_each_time_once() {
    let run = with_pack(&["explain", "guest.careless", "a.json", "b.json", "--rules", "pack"], "careless");
    let ran = run.file("a.json", DELETED).file("b.json", DELETED).run();
    let numbers: Vec<usize> =
        ran.findings().iter().map(|explained| explained["findings"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(numbers, [1, 1], "{}", ran.stdout);
}

#[test]
fn credentials_are_no_part_of_an_explanation() {
    const RULE: &str = r#"
        [rule."team.passwords"]
        use = "pattern"
        settings.title = "A password was set"
        settings.patterns = [{ requestParameters = { masterUserPassword = [{ exists = true }], password = [{ exists = true }] } }]
        settings.details = ["/requestParameters", "/requestParameters/password"]
    "#;
    let parameters = r#"{ "masterUserPassword": "SuperSecret-12345678", "password": "hunter2" }"#;
    let event =
        DELETED.replace(r#"{ "bucketName": "audit-log", "Host": "audit-log.s3.us-east-1.amazonaws.com" }"#, parameters);
    for form in ["text", "json"] {
        let run = Run::new(["explain", "team.passwords", "-", "--rules", "rules", "-o", form]).with_rules();
        let ran = run.file("orgwatch.toml", RULE).input(event.clone()).run();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains("[redacted]") && ran.stdout.contains("masterUserPassword"), "{}", ran.stdout);
        for secret in ["SuperSecret", "hunter2"] {
            assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
        }
    }
}

#[test]
fn what_cannot_be_explained_is_told() {
    let mut told = String::new();
    for arguments in [
        ["explain", "guest.carles", "event.json", "--rules", "pack"].as_slice(),
        &["explain", "guest.careless", "missing.json", "--rules", "pack"],
        &["explain", "guest.careless", "event.json", "--rules", "pack", "--event", "00000000-0000"],
        &[
            "explain",
            "guest.careless",
            "event.json",
            "--rules",
            "pack",
            "--found",
            "--event",
            "5d1f0c3a-0000-4000-8000-000000000001",
        ],
    ] {
        let event = DELETED.replace("audit-log", "photos");
        let ran = with_pack(arguments, "careless").file("event.json", event).run();
        let _ = writeln!(told, "$ {}\n{}{}", arguments[1..].join(" "), ran.told(), ran.stdout);
    }
    insta::assert_snapshot!(told);
}

/// What is found in some events, by `run` and by `explain`: each finding whole, and as often.
fn agree(events: &[PathBuf], configuration: &str) -> usize {
    let with = |first: &[&str]| {
        let mut run = Run::new(first).with_all_rules().file("orgwatch.toml", configuration);
        for (place, path) in events.iter().enumerate() {
            let name = format!("{place}_{}", path.file_name().expect("a file").to_string_lossy());
            run = run.link(&name, path).argument(name);
        }
        run.run()
    };
    let ran = with(&["run", "--rules", "rules"]);
    let explained = with(&["explain", "--rules", "rules", "*"]);
    let mut of_run: Vec<String> = ran.findings().iter().map(Value::to_string).collect();
    let mut of_explain = Vec::new();
    let mut pairs = 0;
    for explanation in explained.findings() {
        pairs += 1;
        let findings = explanation["findings"].as_array().expect("a list");
        assert!(findings.is_empty() || explanation["asked"] == true, "{explanation}");
        of_explain.extend(findings.iter().map(|explained| explained["finding"].to_string()));
        assert!(explanation["fault"].is_null(), "{explanation}");
    }
    of_run.sort();
    of_explain.sort();
    assert_eq!(of_run, of_explain);
    assert!(!of_run.is_empty());
    pairs
}

#[test]
fn explain_agrees_with_the_run_on_every_rule_and_event_of_the_packs() {
    let configuration = "[rule.\"team.stopped\"]\nuse = \"pattern\"\nsettings.title = \"Stopped\"\nsettings.patterns = [{ eventName = [\"StopLogging\"] }]\n";
    let mut pairs = 0;
    for pack in ["aws-organizations", "cis-aws-foundations", "generic"] {
        let mut events = Vec::new();
        for folder in std::fs::read_dir(root().join("rules").join(pack).join("events")).expect("it has events") {
            let folder = folder.expect("the folder can be read").path();
            let files = std::fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.expect("a file").path());
            events.extend(files.filter(|path| path.extension().is_some_and(|kind| kind == "json" || kind == "ndjson")));
        }
        events.sort();
        assert!(!events.is_empty());
        pairs += agree(&events, configuration);
    }
    pairs += agree(&[root().join("examples/events"), root().join("examples/day/records.ndjson.gz")], configuration);
    if let Some(folder) = std::env::var_os("ORGWATCH_TEST_RECORDS") {
        pairs += agree(&[folder.into()], configuration);
        println!("explain and run agree on {pairs} pairs of a rule and an event");
    }
    assert!(pairs > 20_000, "{pairs}");
}
