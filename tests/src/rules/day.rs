//! A day of an organization with 200 accounts: the story that `examples/day/README.md` tells, with the findings that it lists.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, Run, root};

/// The accounts that Control Tower makes on that day.
const VENDED: [&str; 3] = ["100000000201", "100000000202", "100000000203"];

/// What the findings are listed by, the worst first.
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "informational"];

/// All rules on the day, with the configuration of its organization or without any.
fn judge(configured: bool) -> Ran {
    let run = Run::new(["--rules", "rules", "day/records.ndjson.gz"]).with_all_rules();
    let run = run.link("day", root().join("examples/day"));
    let run = if configured { run.argument("--config").argument("day/orgwatch.toml") } else { run };
    let ran = run.run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran
}

fn text<'f>(finding: &'f Value, pointer: &str) -> &'f str {
    finding.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} is no text: {finding:#}"))
}

/// The findings one by one, a line each.
fn list(findings: &[Value]) -> String {
    let mut lines = String::new();
    for finding in findings {
        let [severity, rule, title, key] =
            ["/severity", "/rule/id", "/title", "/key"].map(|pointer| text(finding, pointer));
        let _ = writeln!(lines, "{severity:<13} {rule}: {title} [{key}]");
    }
    lines
}

/// How many findings there are of each severity, rule and operation.
fn counts(findings: &[Value]) -> String {
    let mut counts: BTreeMap<(usize, &str, &str), u64> = BTreeMap::new();
    for finding in findings {
        let severity = text(finding, "/severity");
        let rank = SEVERITIES.iter().position(|known| *known == severity).expect("a severity is one of five");
        *counts.entry((rank, text(finding, "/rule/id"), text(finding, "/event/name"))).or_default() += 1;
    }
    let mut lines = String::new();
    for ((rank, rule, operation), count) in counts {
        let _ = writeln!(lines, "{:<13} {count:>3} {rule} {operation}", SEVERITIES[rank]);
    }
    lines
}

/// The fenced blocks of plain text in a document.
fn blocks(document: &str) -> Vec<String> {
    let parts = document.split("```text\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_day_gives_the_findings_that_its_readme_lists_and_no_others() {
    let [configured, bare] = [true, false].map(judge);
    let listed = list(&configured.findings());
    let counted = counts(&bare.findings());

    let mut story = format!("with the configuration:\n{listed}\n");
    for line in configured.stderr.lines().filter(|line| line.starts_with("kept back: ")) {
        let _ = writeln!(story, "{line}");
    }
    let _ = writeln!(story, "\nwithout:\n{counted}");
    insta::assert_snapshot!("a-day", story);

    let readme = fs::read_to_string(root().join("examples/day/README.md")).expect("the example has a README");
    assert_eq!(blocks(&readme), [listed, counted], "examples/day/README.md lists other findings than the rules give");
}

#[test]
fn an_account_that_is_vended_as_configured_rings_no_alarm() {
    let [configured, bare] = [true, false].map(|configured| judge(configured).stdout);
    for account in VENDED {
        assert!(bare.contains(account), "without the configuration nobody would hear of {account}");
        assert!(!configured.contains(account), "{account} is vended as configured and rings");
    }
}

#[test]
fn the_incident_of_the_day_is_told_from_its_first_step_to_its_last() {
    let mut steps: Vec<(String, String)> = Vec::new();
    for finding in judge(true).findings() {
        let time = text(&finding, "/event/time");
        if ("2026-11-03T13:00:00Z".."2026-11-03T13:30:00Z").contains(&time) {
            steps.push((time.to_owned(), text(&finding, "/rule/id").to_owned()));
        }
    }
    steps.sort();
    let rules: Vec<&str> = steps.iter().map(|(_, rule)| rule.as_str()).collect();
    let told = [
        "org.leave-attempt",
        "org.policy-detached",
        "org.delegated-administrator-registered",
        "org.leave-attempt",
        "org.account-departed",
    ];
    assert_eq!(rules, told);
}

#[test]
fn the_records_of_the_day_are_those_that_its_script_writes() {
    let script = root().join("examples/day/make_day.py");
    let ran = Command::new("python3").arg(script).arg("--check").output().expect("Python 3 runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
