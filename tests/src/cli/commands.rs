//! The subcommands: `rules`, `inspect`, `build`, and what `run` does beside judging.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use super::{judge, run};
use crate::records::{account_left, file, policy_attached};
use crate::support::{Run, pack, root};

const PATTERN_RULE: &str = r#"
[rule."team.policy-attached"]
use = "pattern"
severity = "low"
settings.title = "A policy was attached"
settings.patterns = [{ eventName = ["AttachPolicy"] }]
"#;

#[test]
fn rules_list_shows_the_rules_that_would_run() {
    let run = run(&["rules", "list", "--rules", "rules", "--output", "text"]).file("orgwatch.toml", PATTERN_RULE);
    let ran = run.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout, @r#"
    cis.organizations-changes            1.0.0    medium         AWS Organizations was changed
    org.account-departed                 1.0.0    high           An account departed from the organization
    org.unexpected-join                  1.0.0    high           An unexpected account joined the organization
    team.policy-attached (uses pattern)  1.2.0    low            A record matched a pattern
    pattern  generic: runs where the configuration says `use = "pattern"`
    "#);
}

#[test]
fn rules_without_more_words_lists_them_too() {
    let listed = run(&["rules", "list", "--rules", "rules"]).run();
    assert_eq!(run(&["rules", "--rules", "rules"]).run().stdout, listed.stdout);
}

#[test]
fn rules_list_as_json_says_everything_about_a_rule() {
    let ran = run(&["rules", "list", "--rules", "rules"]).file("orgwatch.toml", PATTERN_RULE).run();
    let mut rules = ran.findings();
    let ids: Vec<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    let expected = ["cis.organizations-changes", "org.account-departed", "org.unexpected-join", "team.policy-attached"];
    assert_eq!(ids, expected, "{}", ran.stderr);
    let rule = &mut rules[3];
    assert!(rule["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
    rule["digest"] = Value::Null;
    insta::assert_snapshot!(format!("{rule:#}"), @r#"
    {
      "attack": [],
      "component": "pattern",
      "digest": null,
      "id": "team.policy-attached",
      "matches": {
        "patterns": []
      },
      "pack": "orgwatch/generic@0.1.0",
      "path": "rules/generic/dist/pattern.wasm",
      "references": [
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"
      ],
      "settings": {
        "patterns": [
          {
            "eventName": [
              "AttachPolicy"
            ]
          }
        ],
        "title": "A policy was attached"
      },
      "severity": "low",
      "status": "test",
      "title": "A record matched a pattern",
      "version": "1.2.0"
    }
    "#);
}

#[test]
fn inspect_shows_what_a_component_is_and_may_do() {
    let ran = run(&["inspect", "rules/aws-organizations/dist/account_departed.wasm", "--output", "text"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let stable = ran.stdout.lines().filter(|line| !line.starts_with("digest ") && !line.starts_with("size "));
    insta::assert_snapshot!("inspect", stable.collect::<Vec<_>>().join("\n"));
}

#[test]
fn inspect_as_json_has_the_metadata_as_it_stands_in_the_component() {
    let ran = run(&["inspect", "rules/generic/dist/pattern.wasm"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let shown: Value = serde_json::from_str(&ran.stdout).expect("one object");
    assert_eq!(shown["metadata"]["id"], "pattern");
    assert_eq!(shown["metadata"]["generic"], true);
    assert_eq!(shown["metadata"]["interface"], orgwatch_rules_sdk::INTERFACE);
    let file = pack("rules").join("generic/dist/pattern.wasm");
    assert_eq!(shown["size"], fs::metadata(file).expect("the pack is built").len());
    let imports = shown["imports"].as_array().expect("a list");
    assert!(imports.iter().all(|import| import.as_str().is_some_and(|import| import.starts_with("orgwatch:rule/"))));
}

/// When the components of a built pack were written.
fn written(pack: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let entries = fs::read_dir(pack.join("dist")).expect("the pack is built");
    let files = entries.map(|entry| entry.expect("the folder can be read").path());
    let components = files.filter(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    components
        .map(|path| (path.clone(), fs::metadata(path).and_then(|file| file.modified()).expect("a time")))
        .collect()
}

#[test]
fn a_second_build_builds_nothing_and_says_so() {
    let pack = pack("rules/aws-organizations");
    let before = written(&pack);
    let ran = Run::new(["build", "rules"]).with_all_rules().run();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let rules = format!("rules/aws-organizations is up to date ({} rules)\n", before.len());
    assert!(ran.stderr.contains(&rules), "{}", ran.stderr);
    assert!(ran.stderr.contains("rules/generic is up to date (1 rule)\n"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("\nbuilt "), "{}", ran.stderr);
    assert_eq!(before, written(&pack));
}

#[test]
fn a_run_can_build_first() {
    let pack = pack("rules/aws-organizations");
    let before = written(&pack);
    let events = file(&[policy_attached(1), account_left(2)]);
    let ran = Run::new(["--rules", "rules", "--build", "events"]).with_all_rules().file("events", events).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.findings().iter().any(|finding| finding["rule"]["id"] == "org.account-departed"), "{}", ran.stdout);
    let rules = format!("rules/aws-organizations is up to date ({} rules)\n", before.len());
    assert!(ran.stderr.contains(&rules), "{}", ran.stderr);
    assert_eq!(before, written(&pack));
}

#[test]
fn the_first_rule_of_an_outside_author_is_built_and_fires() {
    let record = include_str!("../../../rules/generic/events/pattern/fires_trail_stopped.json");
    let run = run(&["--rules", "first-rule", "-"]).link("first-rule", pack("examples/first-rule")).input(record);
    let ran = run.run();
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
    assert_eq!(ran.findings()[0]["rule"]["pack"], "example/first-rule@0.1.0");
    assert!(root().join("examples/first-rule/pack.toml").is_file());
}

#[test]
fn a_dry_run_loads_the_rules_and_judges_nothing() {
    let ran = judge(&["--dry-run", "missing"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (4, "3 rules would judge 1 input\n"), "{}", ran.stderr);
    let refused = judge(&["--dry-run"]).file("orgwatch.toml", "[rule.\"org.unexpected-join\".settings]\nx = 1\n").run();
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}

#[test]
fn a_reader_that_is_gone_is_no_failure_of_any_command() {
    let commands: [&[&str]; 4] = [
        &["completions", "bash"],
        &["rules", "--rules", "rules"],
        &["inspect", "rules/generic/dist/pattern.wasm"],
        &["--rules", "rules", "events"],
    ];
    for command in commands {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (child, _folder) = run(command).stdout(writer.into()).spawn();
        let output = child.wait_with_output().expect("the host ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), told.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn run_may_be_said_or_left_out() {
    let said = run(&["run", "--rules", "rules", "events"]).run();
    assert_eq!((said.code, said.stdout), (0, judge(&[]).run().stdout));
}
