//! Every error that a user can make, with its words and its exit code. A message says what was being done, to what, and the way out.

use super::{judge, run};
use crate::records::{file, policy_attached};

const PACK: &str = r#"
schema_version = 1
id = "team/pack"
version = "1.0.0"
title = "A pack"
description = "A pack."
license = "MIT"
"#;

#[test]
fn no_rules_named() {
    insta::assert_snapshot!(run(&["events"]).run().told(), @r"
    exit 3
    error: no rules are named
    hint: name them with --rules PATH, or in orgwatch.toml
    ");
}

#[test]
fn rules_that_are_not_there() {
    insta::assert_snapshot!(run(&["--rules", "missing", "events"]).run().told(), @r"
    exit 2
    error: failed to read rules from `missing`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_folder_without_rules() {
    let run = run(&["--rules", "empty", "events"]).file("empty/README.md", "nothing here");
    insta::assert_snapshot!(run.run().told(), @r"
    exit 2
    error: there are no rules in `empty`
    hint: a rule is a .wasm file, a folder of those, or a pack (a folder with pack.toml, or what `pack build` made)
    ");
}

#[test]
fn a_pack_that_is_not_built() {
    let run = run(&["--rules", "pack", "events"]).file("pack/pack.toml", PACK);
    insta::assert_snapshot!(run.run().told(), @r"
    exit 2
    error: the pack `pack` has not been built
    hint: add --build, or run `orgwatch-host build pack` first
    ");
}

#[test]
fn a_pack_that_cannot_be_understood() {
    let run = run(&["--rules", "pack", "events"]).file("pack/pack.toml", PACK.replace("title", "titel"));
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 2
    error: failed to understand `pack/pack.toml`: TOML parse error at line 5, column 1
      |
    5 | titel = "A pack"
      | ^^^^^
    unknown field `titel`, expected one of `schema_version`, `id`, `version`, `title`, `description`, `authors`, `license`, `homepage`, `min_host_version`, `interface`, `changelog`, `known_names`
    "#);
}

#[test]
fn a_pack_without_a_crate_cannot_be_built() {
    let ran = run(&["build", "pack"]).file("pack/pack.toml", PACK).run();
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.ends_with("error: cargo could not build the pack `pack`; its own words stand above\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_folder_without_packs_cannot_be_built() {
    let run = run(&["build", "rule.wasm"]).file("rule.wasm", "");
    insta::assert_snapshot!(run.run().told(), @r"
    exit 3
    error: there is no pack in `rule.wasm`
    hint: a pack is a folder with pack.toml
    ");
}

/// A file that is no rule is told, and the rules beside it judge all the same.
#[test]
fn a_file_that_is_no_rule() {
    let ran = judge(&["--rules", "module.wasm"]).file("module.wasm", b"\0asm\x01\0\0\0").run();
    assert_eq!(ran.findings().len(), 2);
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    error: the rule module.wasm is not loaded: it is a WebAssembly module and not yet a component; `orgwatch-host build` makes one of it
    read 2 records in 1 input; 3 rules judged 2 of them in 2 evaluations; 2 findings (1 high, 1 medium), 0 gaps
    ");
    let ran = judge(&["--rules", "notes.wasm"]).file("notes.wasm", "not WebAssembly").run();
    assert_eq!((ran.code, ran.findings().len()), (2, 2));
    let told = "error: the rule notes.wasm is not loaded: it is not a WebAssembly component: ";
    assert!(ran.stderr.starts_with(told), "{}", ran.stderr);
}

#[test]
fn the_same_rule_named_twice_is_one_rule() {
    let ran = judge(&["--rules", "rules/cis-aws-foundations"]).run();
    assert_eq!((ran.code, ran.findings().len()), (0, 2), "{}", ran.stderr);
}

#[test]
fn a_configuration_that_is_not_there() {
    insta::assert_snapshot!(judge(&["--config", "missing.toml"]).run().told(), @r"
    exit 3
    error: failed to read the configuration `missing.toml`: No such file or directory (os error 2)
    ");
}

#[test]
fn an_unknown_key_in_the_configuration() {
    let run = judge(&[]).file("orgwatch.toml", "[rule.\"org.account-departed\"]\nserverity = \"low\"\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: failed to understand the configuration `orgwatch.toml`: TOML parse error at line 2, column 1
      |
    2 | serverity = "low"
      | ^^^^^^^^^
    unknown field `serverity`, expected one of `enabled`, `observe`, `use`, `severity`, `severity_by`, `settings`
    "#);
}

#[test]
fn a_value_of_the_configuration_that_cannot_be_understood() {
    let run = judge(&[]).file("orgwatch.toml", "[limits]\nfuel = \"lots\"\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: failed to understand the configuration `orgwatch.toml`: TOML parse error at line 2, column 8
      |
    2 | fuel = "lots"
      |        ^^^^^^
    invalid type: string "lots", expected u64
    "#);
}

#[test]
fn a_configuration_that_is_not_toml() {
    let run = judge(&[]).file("orgwatch.toml", "rules: [rules]\n");
    insta::assert_snapshot!(run.run().told(), @r"
    exit 3
    error: failed to understand the configuration `orgwatch.toml`: TOML parse error at line 1, column 8
      |
    1 | rules: [rules]
      |        ^
    key with no value, expected `=`
    ");
}

#[test]
fn an_unknown_rule_in_the_configuration() {
    let run = judge(&[]).file("orgwatch.toml", "[rule.\"org.account-departs\"]\nenabled = false\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: [rule."org.account-departs"] names no rule that is there
    hint: the rules are cis.organizations-changes, org.account-departed, org.unexpected-join, pattern; `use` makes a new rule of a component
    "#);
}

#[test]
fn a_generic_component_given_settings_as_if_it_were_a_rule() {
    let run = judge(&[]).file("orgwatch.toml", "[rule.pattern.settings]\ntitle = \"t\"\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: [rule.pattern] is generic: it is nothing until a rule uses it
    hint: give the rule an id of its own, with `use = "pattern"`
    "#);
}

#[test]
fn an_unknown_component() {
    let run = judge(&[]).file("orgwatch.toml", "[rule.\"team.mine\"]\nuse = \"patern\"\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: [rule."team.mine"] uses `patern`, which is not there
    hint: the components are cis.organizations-changes, org.account-departed, org.unexpected-join, pattern
    "#);
}

#[test]
fn an_id_that_is_taken() {
    let run = judge(&[]).file("orgwatch.toml", "[rule.\"org.account-departed\"]\nuse = \"pattern\"\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: [rule."org.account-departed"] uses `pattern`, but there is a component with the rule's own id
    hint: choose another id
    "#);
}

#[test]
fn an_id_that_is_none() {
    let run = judge(&[]).file("orgwatch.toml", "[rule.\"Team Rule\"]\nuse = \"pattern\"\n");
    insta::assert_snapshot!(run.run().told(), @r#"
    exit 3
    error: [rule."Team Rule"] is not a rule's id
    hint: an id is lower-case words joined by `-`, in namespaces joined by `.`
    "#);
}

#[test]
fn two_rules_with_one_id() {
    let other = crate::support::pack("rules").join("generic/dist/pattern.wasm");
    let mut component = std::fs::read(other).expect("the pack is built");
    // An empty custom section more: another component with the same metadata.
    component.extend([0, 2, 1, b'x']);
    let run = judge(&["--rules", "copy.wasm"]).file("copy.wasm", component);
    insta::assert_snapshot!(run.run().told(), @r"
    exit 3
    error: `rules/generic/dist/pattern.wasm` and `copy.wasm` are both the rule `pattern`
    hint: name one of them only
    ");
}

/// The rule is told and runs no more; its events are gaps; the others judge.
#[test]
fn settings_that_a_rule_refuses() {
    let configuration = "[rule.\"org.account-departed\".settings]\nexpected = [\"444455556666\"]\n";
    let ran = judge(&[]).file("orgwatch.toml", configuration).run();
    assert_eq!(ran.findings().len(), 1);
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    error: the rule org.account-departed is not loaded: it refuses its settings: unknown field `expected`, expected one of `expected_left`, `expected_removed`, `expected_cleaned`
    gap: events, record 2 at byte 1044: org.account-departed could not judge it, since it is not loaded
    read 2 records in 1 input; 2 rules judged 2 of them in 1 evaluation; 1 finding (1 medium), 1 gap
    ");
}

#[test]
fn settings_that_make_no_pattern() {
    for (settings, words) in [
        ("title = \"t\"", "`patterns` and `metric_filter` are missing: list at least one EventBridge pattern"),
        ("patterns = [{ eventName = [\"X\"] }]", "`title` is missing"),
        ("title = \"t\"\npatterns = [{ detail = { eventName = [\"X\"] } }]", "without the envelope"),
        ("title = \"t\"\npatterns = [{ eventName = \"X\" }]", "it asks for events with a pattern that is none"),
        (
            "title = \"t\"\npatterns = [{ eventName = [{ prefx = \"X\" }] }]",
            "it asks for events with a pattern that is none",
        ),
    ] {
        let configuration =
            format!("[rule.\"team.mine\"]\nuse = \"pattern\"\n[rule.\"team.mine\".settings]\n{settings}\n");
        let ran = judge(&[]).file("orgwatch.toml", configuration).run();
        assert_eq!((ran.code, ran.findings().len()), (2, 2), "{settings}: {}", ran.stderr);
        let told = "error: the rule team.mine is not loaded: ";
        assert!(ran.stderr.contains(told) && ran.stderr.contains(words), "{settings}: {}", ran.stderr);
    }
}

#[test]
fn an_unknown_severity() {
    insta::assert_snapshot!(judge(&["--fail-on", "bad"]).run().told(), @r"
    exit 3
    error: invalid value 'bad' for '--fail-on <SEVERITY>': the severities are informational, low, medium, high and critical

    For more information, try '--help'.
    ");
}

#[test]
fn a_time_that_is_none() {
    insta::assert_snapshot!(judge(&["--since", "yesterday"]).run().told(), @r"
    exit 3
    error: invalid value 'yesterday' for '--since <TIME>': give a time such as 2026-11-01T00:00:00Z, or a span such as 24h or 7d

    For more information, try '--help'.
    ");
}

#[test]
fn a_range_of_times_that_is_empty() {
    let run = judge(&["--since", "2026-10-06T00:00:00Z", "--until", "2026-10-05T00:00:00Z"]);
    insta::assert_snapshot!(run.run().told(), @r"
    exit 3
    error: no event lies between --since (2026-10-06T00:00:00Z) and --until (2026-10-05T00:00:00Z)
    ");
}

#[test]
fn an_unknown_form_of_output() {
    insta::assert_snapshot!(judge(&["--output", "yaml"]).run().told(), @r"
    exit 3
    error: invalid value 'yaml' for '--output <FORMAT>'
      [possible values: text, json, ocsf, asff]

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_argument() {
    insta::assert_snapshot!(judge(&["--rulez", "x"]).run().told(), @r"
    exit 3
    error: unexpected argument '--rulez' found

      tip: a similar argument exists: '--rules'

    Usage: orgwatch-host --rules <PATH> <EVENTS>...

    For more information, try '--help'.
    ");
}

#[test]
fn no_job_at_all() {
    insta::assert_snapshot!(judge(&["--jobs", "0"]).run().told(), @r"
    exit 3
    error: invalid value '0' for '--jobs <N>': 0 is not in 1..=256

    For more information, try '--help'.
    ");
}

#[test]
fn inspecting_what_is_no_rule() {
    let ran = run(&["inspect", "events"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.starts_with("error: `events` is no rule: it is not a WebAssembly component: "),
        "{}",
        ran.stderr
    );
    insta::assert_snapshot!(run(&["inspect", "missing.wasm"]).run().told(), @r"
    exit 4
    error: failed to read `missing.wasm`: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(run(&["inspect", "rules"]).run().told(), @r"
    exit 4
    error: failed to read `rules`: Is a directory (os error 21)
    ");
}

#[test]
fn of_several_exit_codes_the_gravest_counts() {
    let broken = || judge(&["--fail-on", "high", "broken"]).file("broken", "not JSON");
    assert_eq!(judge(&["--fail-on", "high"]).run().code, 1);
    assert_eq!(broken().run().code, 2, "a gap over what one asked to fail on");
    assert_eq!(judge(&["--fail-on", "high", "missing"]).run().code, 4, "input over findings");
    let run = judge(&["--fail-on", "high", "broken", "missing"]).file("broken", "not JSON");
    assert_eq!(run.run().code, 4, "input over gaps");
    let run = broken().file("orgwatch.toml", "unknown = 1");
    assert_eq!(run.run().code, 3, "configuration over everything");
}

#[test]
fn fail_on_counts_findings_of_a_severity_and_above() {
    let events = file(&[policy_attached(1)]);
    for (severity, code) in [("informational", 1), ("low", 1), ("medium", 1), ("high", 0), ("critical", 0)] {
        let ran = judge(&["--fail-on", severity]).file("events", &events).run();
        assert_eq!((ran.code, ran.findings().len()), (code, 1), "{severity}");
    }
}
