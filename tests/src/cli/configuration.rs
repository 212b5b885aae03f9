//! `orgwatch.toml` and the environment: what they can say, and which of them counts.

use serde_json::{Value, json};

use super::{judge, run};
use crate::support::{Ran, Run};

fn rules_of(ran: &Ran) -> Vec<Value> {
    ran.findings().iter().map(|finding| finding["rule"]["id"].clone()).collect()
}

fn severities(ran: &Ran) -> Vec<Value> {
    ran.findings().iter().map(|finding| finding["severity"].clone()).collect()
}

/// At three in the morning: a new rule, without a compiler.
#[test]
fn a_few_lines_of_configuration_make_a_new_rule() {
    let ran = judge(&["new"])
        .file("new", include_str!("../../../rules/generic/events/pattern/fires_trail_stopped.json"))
        .file(
            "orgwatch.toml",
            r#"
            [rule."team.trail-stopped"]
            use = "pattern"
            severity = "critical"

            [rule."team.trail-stopped".settings]
            title = "{eventName} of {/requestParameters/name} by {/userIdentity/arn}"
            patterns = [{ eventSource = ["cloudtrail.amazonaws.com"], eventName = ["StopLogging", "DeleteTrail"] }]
            description = "Call Anaya."
            "#,
        )
        .run();
    assert_eq!((ran.code, ran.findings().len()), (0, 3), "{}", ran.stderr);
    let finding = &ran.findings()[2];
    assert_eq!(finding["rule"]["id"], "team.trail-stopped");
    assert_eq!(finding["rule"]["component"], "pattern");
    assert_eq!(finding["rule"]["pack"], "orgwatch/generic@0.1.0");
    assert_eq!(finding["severity"], "critical");
    let caller = "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya";
    assert_eq!(finding["title"], format!("StopLogging of organization-trail by {caller}"));
    assert_eq!(finding["details"], json!({ "description": "Call Anaya." }));
}

#[test]
fn one_component_makes_many_rules() {
    let rules = ["one", "two", "three"].map(|name| {
        let patterns = "settings.patterns = [{ eventName = [\"AttachPolicy\"] }]";
        format!("[rule.\"team.{name}\"]\nuse = \"pattern\"\nsettings.title = \"{name}\"\n{patterns}\n")
    });
    let ran = judge(&[]).file("orgwatch.toml", rules.concat()).run();
    let expected = ["cis.organizations-changes", "team.one", "team.three", "team.two", "org.account-departed"];
    assert_eq!(rules_of(&ran), expected, "{}", ran.stderr);
}

#[test]
fn a_rule_can_be_switched_off_regraded_and_given_settings() {
    let off = judge(&[]).file("orgwatch.toml", "[rule.\"cis.organizations-changes\"]\nenabled = false\n").run();
    assert_eq!((off.code, rules_of(&off)), (0, vec![json!("org.account-departed")]), "{}", off.stderr);
    let graded = judge(&[]).file("orgwatch.toml", "[rule.\"org.account-departed\"]\nseverity = \"low\"\n").run();
    assert_eq!((graded.code, severities(&graded)), (0, vec![json!("medium"), json!("low")]), "{}", graded.stderr);
    let settings = "[rule.\"org.account-departed\".settings]\nexpected_left = [\"444400000002\"]\n";
    let expected = judge(&[]).file("orgwatch.toml", settings).run();
    let changes = vec![json!("cis.organizations-changes")];
    assert_eq!((expected.code, rules_of(&expected)), (0, changes), "{}", expected.stderr);
}

#[test]
fn settings_show_in_a_findings_reference_and_not_in_its_id() {
    let plain = judge(&[]).run().findings().remove(0);
    let settings = "[rule.\"cis.organizations-changes\".settings]\nall_writes = true\n";
    let set = judge(&[]).file("orgwatch.toml", settings).run().findings().remove(0);
    assert_eq!(plain["id"], set["id"]);
    assert_ne!(plain["rule"]["settings"], set["rule"]["settings"]);
}

#[test]
fn the_configuration_names_rules_relative_to_itself() {
    let run = run(&["--config", "deep/orgwatch.toml", "events"]);
    let ran = run
        .file(
            "deep/orgwatch.toml",
            "[[rules]]\npath = \"../rules/generic\"\n[[rules]]\npath = \"../rules/aws-organizations\"\n",
        )
        .run();
    assert_eq!((ran.code, rules_of(&ran)), (0, vec![json!("org.account-departed")]), "{}", ran.stderr);
}

#[test]
fn limits_are_taken_from_the_configuration() {
    let ran = judge(&[]).file("orgwatch.toml", "[limits]\nfuel = 100\n").run();
    assert_eq!((ran.code, ran.findings().len()), (2, 0));
    insta::assert_snapshot!(ran.told(), @r"
    exit 2
    gap: events, record 1 at byte 12: cis.organizations-changes could not judge it: it ran out of fuel (100 units)
    gap: events, record 2 at byte 1044: org.account-departed could not judge it: it ran out of fuel (100 units)
    read 2 records in 1 input; 3 rules judged 2 of them in 2 evaluations; 0 findings, 2 gaps
    ");
}

#[test]
fn a_flag_counts_over_the_environment_and_the_environment_over_the_file() {
    let configuration = "[[rules]]\npath = \"rules/aws-organizations\"\n";
    let by_file = || run(&["events"]).file("orgwatch.toml", configuration);
    let by_flag = || run(&["--rules", "rules/generic", "events"]).file("orgwatch.toml", configuration);
    assert_eq!(rules_of(&by_file().run()), ["org.account-departed"]);
    assert_eq!(
        rules_of(&by_file().env("ORGWATCH_RULES", "rules/cis-aws-foundations").run()),
        ["cis.organizations-changes"]
    );
    assert_eq!(rules_of(&by_flag().env("ORGWATCH_RULES", "rules/cis-aws-foundations").run()), [""; 0]);
}

#[test]
fn every_environment_variable_is_heard() {
    let with = |name: &str, value: &str| judge(&[]).env(name, value);
    assert_eq!(with("ORGWATCH_FAIL_ON", "high").run().code, 1);
    assert!(with("ORGWATCH_OUTPUT", "text").run().stdout.starts_with("MEDIUM "));
    assert_eq!(with("ORGWATCH_JOBS", "1").run().code, 0);
    let configured = with("ORGWATCH_CONFIG", "other.toml").file("other.toml", "unknown = 1");
    assert_eq!(configured.run().code, 3);
    let run = with("ORGWATCH_CACHE_DIR", "cache");
    let cache = run.folder().join("cache");
    let (child, folder) = run.spawn();
    child.wait_with_output().expect("the host ends");
    assert!(cache.is_dir(), "compiled rules are kept where the variable says");
    drop(folder);
    let several = run_with_two_packs_in_the_environment();
    assert_eq!(rules_of(&several), ["cis.organizations-changes", "org.account-departed"]);
}

fn run_with_two_packs_in_the_environment() -> Ran {
    run(&["events"]).env("ORGWATCH_RULES", "rules/aws-organizations:rules/cis-aws-foundations").run()
}

#[test]
fn a_value_in_the_environment_that_cannot_be_understood_stops_the_start() {
    for (name, value) in [
        ("ORGWATCH_FAIL_ON", "bad"),
        ("ORGWATCH_OUTPUT", "yaml"),
        ("ORGWATCH_JOBS", "many"),
        ("ORGWATCH_LOG_LEVEL", "loud"),
    ] {
        let ran = judge(&[]).env(name, value).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{name}");
        assert!(ran.stderr.contains(value), "{name}: {}", ran.stderr);
    }
}

#[test]
fn without_a_configuration_nothing_is_needed_but_rules_and_events() {
    let events = crate::records::file(&[crate::records::policy_attached(1)]);
    let ran = Run::new(["--rules", "rules", "-"]).with_rules().input(events).run();
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
}
