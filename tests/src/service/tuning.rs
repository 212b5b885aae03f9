//! Tuning live: recorded, listed, counted, taken while the service runs, and over when it says so.

use std::fs;

use serde_json::Value;

use super::{Place, beside};
use crate::live::{Live, eventually};
use crate::records::{account_left, lines, policy_attached, policy_detached};
use crate::support::Run;

/// Two rules of the project, whatever others it has.
const TWO: &str = r#"
[rule."*"]
enabled = false
[rule."cis.organizations-changes"]
enabled = true
[rule."org.account-departed"]
enabled = true
"#;

/// An exception for what one role attaches.
fn exception(expires: &str) -> String {
    let when = r#"{ event = { eventName = ["AttachPolicy"], userIdentity = { sessionContext = { sessionIssuer = { arn = ["arn:aws:iam::111122223333:role/OrgAdmin"] } } } } }"#;
    format!(
        "[[exception]]\nrule = \"cis.*\"\nwhen = {when}\nowner = \"platform\"\nreason = \"OrgAdmin does\"\nexpires = \"{expires}\"\n"
    )
}

fn listed(live: &Live, arguments: &[&str]) -> Vec<Value> {
    let ran = beside(&live.state(), &[&["findings", "list", "--output", "json"], arguments].concat());
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[test]
fn what_an_exception_keeps_back_is_in_the_ledger_with_the_reason_and_counted() {
    let place = Place::new();
    let configuration = format!("{TWO}{}{}", exception("2999-12-31"), place.sink());
    place.bring("a.json", lines(&[policy_attached(1), policy_attached(2), account_left(3)]));
    let live = place.start(&configuration);
    eventually("the other finding arrives", || place.lines().len() == 1);
    assert!(place.lines()[0].contains("444400000003"));
    let suppressed = listed(&live, &["--suppressed"]);
    let reasons: Vec<&Value> = suppressed.iter().map(|line| &line["suppressed"]).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].as_str().is_some_and(|reason| reason.ends_with(" of platform: OrgAdmin does")), "{reasons:?}");
    assert_eq!(listed(&live, &[]).len(), 1);
    let id = suppressed[0]["finding"]["id"].as_str().expect("a finding has an id");
    let shown = beside(&live.state(), &["findings", "show", id, "--output", "text"]).stdout;
    assert!(shown.contains("delivered to nobody: exception "), "{shown}");

    let folder = live.kill();
    let state = folder.path().join("state");
    let exceptions = |configuration: &str| {
        let run = Run::new(["exceptions", "list", "--output", "json", "--state-dir"]).argument(&state);
        let ran = run.file("orgwatch.toml", configuration).run();
        let lines = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
        lines.collect::<Vec<_>>()
    };
    let known = exceptions(&exception("2999-12-31"));
    assert_eq!((known.len(), &known[0]["findings"], &known[0]["expired"]), (1, &2.into(), &false.into()));
    let prolonged = exceptions(&exception("2026-01-01"));
    assert_eq!((&prolonged[0]["id"], &prolonged[0]["expired"]), (&known[0]["id"], &true.into()));
    let gone = exceptions("");
    assert_eq!((&gone[0]["configured"], &gone[0]["findings"]), (&false.into(), &2.into()));
}

#[test]
fn an_exception_that_is_over_is_told_and_what_it_was_for_is_delivered() {
    let place = Place::new();
    place.bring("a.json", lines(&[policy_attached(1)]));
    let live = place.start(&format!("{TWO}{}{}", exception("2026-10-01"), place.sink()));
    let has = |text: &str| place.lines().iter().any(|line| line.contains(text));
    eventually("the finding arrives", || has("AttachPolicy"));
    eventually("it is told", || has("\"orgwatch.exception-expired\"") && has("platform answers for it: OrgAdmin does"));
    assert!(live.told().contains("expired on 2026-10-01"), "{}", live.told());
}

#[test]
fn tuning_is_taken_while_the_service_runs_and_what_cannot_work_is_not() {
    let place = Place::new();
    let state = place.folder.path().join("state");
    let configuration = |tuning: &str| {
        format!("{TWO}{tuning}\n{}{}[telemetry]\nlisten = \"127.0.0.1:0\"\n", place.sink(), place.source())
    };
    let run = Run::new(["--rules", "rules", "--state-dir"]).argument(&state).with_rules();
    let (mut service, folder) = run.file("orgwatch.toml", configuration("")).spawn();
    let configure = |tuning: &str| {
        fs::write(folder.path().join("orgwatch.toml"), configuration(tuning)).expect("it can be written");
    };
    let mut number = 0;
    let mut bring = || {
        number += 1;
        place.bring(&format!("{number}.json"), lines(&[policy_attached(number)]));
        number
    };
    let suppressed =
        || beside(&state, &["findings", "list", "--suppressed", "--output", "json"]).stdout.lines().count();
    bring();
    eventually("the rule finds", || place.lines().len() == 1);
    configure("[rule.\"cis.*\"]\nobserve = true\n");
    eventually("what is found is recorded only", || {
        bring();
        suppressed() > 0
    });
    let delivered = place.lines().len();
    configure("[[exception]]\nrule = \"cis.*\"\n");
    eventually("what cannot work is told", || place.lines().iter().any(|line| line.contains("reload-failed")));
    bring();
    let before = suppressed();
    bring();
    eventually("the last good set goes on", || suppressed() > before);
    let others = place.lines().iter().filter(|line| !line.contains("reload-failed")).count();
    assert_eq!(others, delivered);
    configure("");
    eventually("the rule is delivered again", || {
        bring();
        place.lines().iter().filter(|line| line.contains("AttachPolicy")).count() > delivered
    });
    service.kill().expect("it can be killed");
    service.wait().expect("it is a child");
}

/// A route that groups what `cis.*` finds, and another for the rest.
fn grouped(group: &str) -> String {
    format!(
        "[[route]]\nrules = [\"cis.*\"]\nsinks = [\"file\"]\ngroup = {group}\n[[route]]\nrules = [\"org.*\", \"orgwatch.*\"]\nsinks = [\"file\"]\n"
    )
}

#[test]
fn a_group_is_one_finding_at_once_and_one_summary_across_a_restart() {
    let place = Place::new();
    let records: Vec<Value> = (1..=20).map(policy_attached).collect();
    place.bring("a.json", lines(&records));
    let configuration = format!("{TWO}{}{}", place.sink(), grouped("{ by = \"actor\", period = \"15s\" }"));
    let live = place.start(&configuration);
    eventually("the first arrives", || place.lines().len() == 1);
    eventually("the rest is held", || listed(&live, &["--grouped"]).len() == 19);
    assert_eq!(listed(&live, &[]).len(), 20);
    let folder = live.kill();
    let live = Live::start_in(folder, &format!("{configuration}{}", place.source()));
    // A graver one is not held.
    place.bring("b.json", lines(&[policy_detached(30)]));
    eventually("the graver one arrives", || place.lines().iter().any(|line| line.contains("DetachPolicy")));
    eventually("the summary arrives", || place.lines().iter().any(|line| line.contains("\"orgwatch.grouped\"")));
    let lines = place.lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let summary: Value = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("a finding is JSON"))
        .find(|finding| finding["rule"]["id"] == "orgwatch.grouped")
        .expect("there is a summary");
    assert_eq!((&summary["details"]["findings"], &summary["details"]["actions"]), (&19.into(), &19.into()));
    assert_eq!(summary["details"]["rule"], "cis.organizations-changes");
    assert_eq!(summary["severity"], "medium");
    drop(live);
}

#[test]
fn routes_are_taken_while_the_service_runs_over_the_sinks_that_it_has() {
    let place = Place::new();
    let state = place.folder.path().join("state");
    let configuration = |routes: &str| {
        format!("{TWO}{routes}\n{}{}[telemetry]\nlisten = \"127.0.0.1:0\"\n", place.sink(), place.source())
    };
    let run = Run::new(["--rules", "rules", "--state-dir"]).argument(&state).with_rules();
    let (mut service, folder) = run.file("orgwatch.toml", configuration("")).spawn();
    let configure = |routes: &str| {
        fs::write(folder.path().join("orgwatch.toml"), configuration(routes)).expect("it can be written");
    };
    let held = || beside(&state, &["findings", "list", "--grouped", "--output", "json"]).stdout.lines().count();
    let mut number = 0;
    let mut bring = || {
        number += 1;
        place.bring(&format!("{number}.json"), lines(&[policy_attached(number)]));
    };
    bring();
    eventually("the rule finds", || place.lines().len() == 1);
    configure(&grouped("{ by = \"rule\", period = \"1d\" }"));
    eventually("findings are held", || {
        bring();
        held() > 0
    });
    configure("[[route]]\nsinks = [\"elsewhere\"]\n");
    eventually("a route to a sink that is not there is told", || {
        place.lines().iter().any(|line| line.contains("reload-failed") && line.contains("elsewhere"))
    });
    let before = held();
    eventually("the last good routes go on", || {
        bring();
        held() > before
    });
    service.kill().expect("it can be killed");
    service.wait().expect("it is a child");
}

#[test]
fn where_the_sinks_acknowledge_a_batch_waits_for_its_summary() {
    let place = Place::new();
    let records: Vec<Value> = (1..=5).map(policy_attached).collect();
    let configuration =
        format!("{TWO}[state]\nack = \"sinks\"\n{}{}", place.sink(), grouped("{ by = \"rule\", period = \"1d\" }"));
    let live = place.start(&configuration);
    place.bring("a.json", lines(&records));
    eventually("the summary arrives, not a day later", || {
        place.lines().iter().any(|line| line.contains("4 more findings of cis.organizations-changes after the first"))
    });
    // The source goes on: the batch is acknowledged.
    place.bring("b.json", lines(&[account_left(9)]));
    eventually("the next batch is judged", || place.lines().iter().any(|line| line.contains("444400000009")));
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

#[test]
fn a_replay_that_delivers_holds_nothing_back_at_its_end() {
    let place = Place::new();
    let records: Vec<Value> = (1..=6).map(policy_attached).collect();
    let configuration = format!("{TWO}{}{}", place.sink(), grouped("{ by = \"session\", period = \"1h\", cap = 1 }"));
    let ran = Run::new(["--rules", "rules", "--deliver", "events"])
        .with_rules()
        .file("orgwatch.toml", configuration)
        .file("events", lines(&records))
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // What is printed is not grouped: there is no delivery in it.
    assert_eq!(ran.stdout.lines().count(), records.len());
    let lines = place.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(
        lines[1].contains("5 more findings of cis.organizations-changes with the session arn:aws:sts::"),
        "{lines:#?}"
    );
}

const ONE: &str = "[rule.\"*\"]\nenabled = false\n[rule.\"cis.organizations-changes\"]\nenabled = true\n";

#[test]
fn a_dangerous_exception_is_told_by_config_check() {
    let configuration = format!(
        "{ONE}{}{}[[exception]]\nrule = \"gone.*\"\nwhen = {{ event = {{ userAgent = [\"terraform\"] }} }}\nowner = \"anaya\"\nreason = \"b\"\nexpires = \"2999-01-01\"\n",
        exception("2026-10-01"),
        "[rule.\"other.*\"]\nobserve = true\n"
    );
    let run = Run::new(["config", "check", "--rules", "rules"]).with_rules();
    let ran = run.file("orgwatch.toml", configuration).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr, @r#"
    warning: [[exception]] number 2, for `gone.*`, fits no rule that runs
    hint: `orgwatch-host rules list` shows the ids
    warning: [rule."other.*"] fits no rule that runs
    hint: `orgwatch-host rules list` shows the ids
    warning: [[exception]] number 1, for `cis.*`, expired on 2026-10-01: what it was for is delivered again
    hint: have platform say whether it is still in order, and set a new date or take it out
    warning: [[exception]] number 2, for `gone.*`, rests on what the caller of the API chooses: event.userAgent
    hint: add what AWS says of the caller, such as event.userIdentity.sessionContext.sessionIssuer.arn
    "#);
}
