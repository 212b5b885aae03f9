//! `check`: what it finds in rules with planted faults, how it says so, and its exit codes.

use orgwatch_rules_sdk::{Matches, Metadata};
use serde_json::{Value, json};

use crate::sandbox::handmade::Handmade;
use crate::support::{Ran, Run, pack};

/// A rule that nothing is wrong with but, perhaps, what it asks for.
fn asking(id: &str, patterns: &[Value]) -> Metadata {
    let parts = ["What it does", "Why it matters", "What it misses", "What to do"];
    let parts = parts.map(|part| format!("## {part}\n\nIt is one of the rules that a test has made by hand.\n"));
    let settings = json!({ "type": "object", "additionalProperties": false, "properties": {} });
    let description = format!("Reports what a test is about.\n\n{}", parts.join("\n"));
    let mut metadata = Metadata::new(&description, "1.0.0", settings);
    metadata.id.push_str(id);
    metadata.title.push_str("Something happened");
    metadata.attack = vec!["T1562.008".to_owned()];
    metadata.references = vec!["https://docs.aws.amazon.com/".to_owned()];
    metadata.false_positives = vec!["It was meant".to_owned()];
    metadata.matches = Matches::Patterns(patterns.to_vec());
    metadata
}

fn component(metadata: Metadata) -> Vec<u8> {
    Handmade::of(metadata).build()
}

/// A check of a rule that asks for this, as `rule.wasm`.
fn check(pattern: Value, arguments: &[&str]) -> Run {
    let run = Run::new(["check", "rule.wasm"].iter().chain(arguments));
    run.file("rule.wasm", component(asking("team.rule", &[pattern])))
}

/// What a check says to a person: its remarks, then its messages. No line is wider than 80 columns.
fn said(ran: &Ran) -> String {
    let said = format!("exit {}\n{}{}", ran.code, ran.stdout, ran.stderr);
    for line in said.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    // The catalogue is brought up to date more often than this test.
    let date = orgwatch_host::catalogue::Catalogue::embedded().date();
    said.replace(date, "DATE")
}

/// A literal that published rules wait for and no event has, under the source that they name; then what was meant.
struct Dead {
    source: &'static str,
    name: &'static str,
    code: &'static str,
    meant: &'static str,
}

const fn dead(source: &'static str, name: &'static str, code: &'static str, meant: &'static str) -> Dead {
    Dead { source, name, code, meant }
}

/// Literals of rule sets that are in use, each of which has kept a rule silent.
const DEAD: [Dead; 8] = [
    dead("organizations", "DescribeOrgnanizationalUnit", "event-name-unknown", "`DescribeOrganizationalUnit`"),
    dead("ec2", "ReplaceIamInstanceProfile", "event-name-unknown", "`ReplaceIamInstanceProfileAssociation`"),
    dead("organizations", "CreateOrganizationUnit", "event-name-unknown", "`CreateOrganizationalUnit`"),
    dead("organizations", "DeleteOrganizationUnit", "event-name-unknown", "`DeleteOrganizationalUnit`"),
    dead(
        "elasticache",
        "AuthorizeCacheSecurityGroupEgress",
        "event-name-unknown",
        "`AuthorizeCacheSecurityGroupIngress`",
    ),
    dead("elasticache", "RevokeCacheSecurityGroupEgress", "event-name-unknown", "`RevokeCacheSecurityGroupIngress`"),
    dead("iam", "PutAccountPasswordPolicy", "event-name-unknown", "`UpdateAccountPasswordPolicy`"),
    dead("s3", "ListAllMyBuckets", "event-name-unknown", "`ListBuckets`"),
];

#[test]
fn literals_that_have_silenced_published_rules_are_found() {
    let mut run = Run::new(["check", "rules", "--output", "json"]);
    for (number, Dead { source, name, .. }) in DEAD.iter().enumerate() {
        let pattern = json!({ "eventSource": [format!("{source}.amazonaws.com")], "eventName": [name] });
        let rule = component(asking(&format!("dead.rule-{number}"), &[pattern]));
        run = run.file(&format!("rules/rule_{number}.wasm"), rule);
    }
    let ran = run.run();
    let remarks = ran.findings();
    assert_eq!((ran.code, remarks.len()), (1, DEAD.len()), "{}\n{}", ran.stdout, ran.stderr);
    for (number, (Dead { name, code, meant, .. }, remark)) in DEAD.iter().zip(&remarks).enumerate() {
        assert_eq!(remark["rule"], format!("dead.rule-{number}"));
        assert_eq!((&remark["code"], &remark["severity"]), (&json!(code), &json!("error")), "{name}");
        assert_eq!(remark["place"], "matches[0].eventName[0]");
        let text = |field: &str| remark[field].as_str().unwrap_or_default().to_owned();
        assert!(text("message").contains(name), "{remark}");
        assert!(text("hint").contains(meant), "{remark}");
    }
}

#[test]
fn the_same_literals_are_found_where_the_rule_names_no_source() {
    for Dead { name, meant, .. } in &DEAD {
        let remarks = check(json!({ "eventName": [name] }), &["--output", "json"]).run().findings();
        assert_eq!(remarks.len(), 1, "{name}");
        assert!(remarks[0]["hint"].as_str().is_some_and(|hint| hint.contains(meant)), "{}", remarks[0]);
    }
}

#[test]
fn a_dead_name_is_told_with_its_place_and_what_may_be_meant() {
    let pattern = json!({ "eventSource": ["organizations.amazonaws.com"], "eventName": ["CloseAccount", "DescribeOrgnanizationalUnit"] });
    insta::assert_snapshot!(said(&check(pattern, &["--output", "text"]).run()), @r#"
    exit 1
    team.rule (rule.wasm)
      error[event-name-unknown] matches[0].eventName[1]
        no event of organizations.amazonaws.com is called
        `DescribeOrgnanizationalUnit`
        hint: did you mean `DescribeOrganizationalUnit`?
    checked 1 rule by AWS's names of DATE: 1 error, 0 warnings
    "#);
}

#[test]
fn remarks_of_every_kind_are_told_in_lines_that_fit() {
    let mut metadata = asking(
        "everything-is-wrong",
        &[
            json!({ "eventSource": ["organizations.amazonaws.com"], "eventName": ["StopLogging", { "anything-but": ["CloseAcount"] }] }),
            json!({ "eventSource": ["organisations.amazonaws.com"], "eventName": [{ "prefix": "Obliterate" }] }),
            json!({ "eventSource": ["organizations.amazonaws.com"], "eventName": ["MoveAccount"], "requestParameters": { "accountID": ["111122223333"] } }),
            json!({ "eventName": "MoveAccount" }),
        ],
    );
    metadata.title =
        "what a very long title this is, which nobody who gets an alert on a telephone will ever read to its end."
            .to_owned();
    metadata.description = "Too little.".to_owned();
    metadata.attack = vec!["T15".to_owned(), "T1234".to_owned()];
    metadata.references = vec!["a document".to_owned()];
    metadata.false_positives.clear();
    metadata.runbook = Some("runbooks/everything.md".to_owned());
    metadata.tables = vec!["Accounts".to_owned()];
    metadata.settings = json!({ "type": "object", "properties": { "limit": { "type": "integer" } } });
    let run = Run::new(["check", "rule.wasm", "--output", "text"]).file("rule.wasm", component(metadata));
    insta::assert_snapshot!(said(&run.run()), @r#"
    exit 1
    everything-is-wrong (rule.wasm)
      warning[id-without-namespace] id
        the id `everything-is-wrong` is in no namespace
        hint: put a word of your own before it, such as `team.`: two packs with one
              id cannot run together
      warning[title-form] title
        the title does not begin with a capital letter
      warning[title-form] title
        the title ends with a full stop
      warning[title-form] title
        the title has 104 characters, more than 80
      warning[description-parts] description
        the description has not its four parts; its headings are: none
        hint: give the doc comment these headings, in this order: What it does, Why
              it matters, What it misses, What to do
      warning[false-positives-missing] false_positives
        it is not said when a finding is no reason to worry
        hint: name such cases in false_positives
      error[table-name-malformed] tables[0]
        no table can be called `Accounts`
        hint: the name of a table is made of lower-case letters, digits, `-` and `_`
      error[technique-malformed] attack[0]
        `T15` is not written like a technique of ATT&CK
        hint: write it like T1666 or T1136.003
      warning[technique-unknown] attack[1]
        `T1234` is not among the techniques that are known to be seen in CloudTrail
        hint: look it up at https://attack.mitre.org/matrices/enterprise/cloud/
      warning[reference-malformed] references[0]
        `a document` is neither an https address nor a control
        hint: write a control with its §, such as CIS AWS Foundations 3.0.0 §4.15
      error[runbook-malformed] runbook
        the runbook `runbooks/everything.md` is no https address
        hint: whoever gets a finding opens it from there
      error[settings-open] settings
        a setting that is misspelt would be passed over without a word
        hint: put #[serde(deny_unknown_fields)] on the settings
      warning[setting-undocumented] settings.limit
        the setting `limit` is not explained in a sentence
        hint: write a doc comment on its field
      error[event-name-elsewhere] matches[0].eventName[0]
        `StopLogging` is an event of cloudtrail.amazonaws.com, not of
        organizations.amazonaws.com
        hint: correct the name or the eventSource beside it
      warning[excluded-unknown] matches[0].eventName[1]
        `CloseAcount` is excluded, and no event of organizations.amazonaws.com is
        called so
        hint: did you mean `CloseAccount`?
      error[event-source-unknown] matches[1].eventSource[0]
        CloudTrail records no events under the source `organisations.amazonaws.com`
        hint: did you mean `organizations.amazonaws.com`?
      error[event-name-unknown] matches[1].eventName[0]
        no name of an event fulfils {"prefix":"Obliterate"}
      warning[field-impossible] matches[2].requestParameters.accountID
        no record of these events has a field `requestParameters.accountID`
        hint: did you mean `requestParameters.accountId`?
      error[pattern-malformed] matches[3]
        a string where an array of alternatives or an object of fields belongs at
        eventName; put the value in square brackets
    checked 1 rule by AWS's names of DATE: 8 errors, 11 warnings
    "#);
}

#[test]
fn as_json_a_remark_is_one_object() {
    let ran = check(json!({ "eventName": ["StopLoging"] }), &[]).run();
    let [remark] = &ran.findings()[..] else { panic!("{}", ran.stdout) };
    insta::assert_snapshot!(format!("{remark:#}"), @r#"
    {
      "code": "event-name-unknown",
      "hint": "did you mean `StopLogging`?",
      "message": "no event is called `StopLoging`",
      "path": "rule.wasm",
      "place": "matches[0].eventName[0]",
      "rule": "team.rule",
      "severity": "error"
    }
    "#);
}

#[test]
fn event_text_in_a_rule_reaches_no_terminal() {
    let ran = check(json!({ "eventName": ["Stop\u{1b}[31mLogging"] }), &["--output", "text"]).run();
    assert!(!ran.stdout.contains('\u{1b}') && ran.stdout.contains("\\u{1b}"), "{}", ran.stdout);
}

#[test]
fn warnings_fail_only_where_they_are_denied() {
    let pattern = || json!({ "eventName": [{ "anything-but": ["StopLoging"] }] });
    assert_eq!(check(pattern(), &[]).run().code, 0);
    assert_eq!(check(pattern(), &["--deny-warnings"]).run().code, 1);
    let sound = json!({ "eventName": ["StopLogging"] });
    let ran = check(sound, &["--deny-warnings"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}

#[test]
fn what_is_no_rule_or_cannot_be_loaded_is_told_and_the_others_are_checked() {
    let dead = component(asking("team.dead", &[json!({ "eventName": ["StopLoging"] })]));
    let trap = pack("tests/guests").join("dist/load_panics.wasm");
    let run = Run::new(["check", "rules", "--output", "text"]);
    let ran = run.file("rules/a.wasm", "hello").file("rules/b.wasm", dead).link("rules/c.wasm", trap).run();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let errors: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("rules/a.wasm") && errors[1].contains("rules/c.wasm"), "{errors:?}");
    assert!(ran.stdout.contains("error[event-name-unknown]"), "{}", ran.stdout);
}

#[test]
fn a_rule_that_refuses_its_default_settings_is_told_and_a_generic_one_has_none() {
    let guest = pack("tests/guests").join("dist/refuses_settings.wasm");
    let ran = Run::new(["check", "guest.wasm"]).link("guest.wasm", guest).run();
    let remarks = ran.findings();
    let refused = remarks.iter().find(|remark| remark["code"] == "default-settings-refused").expect(&ran.stdout);
    assert_eq!(refused["message"], "the rule refuses to run with its default settings: no settings are ever right");
    assert_eq!(ran.code, 1);
    let generic = Run::new(["check", "generic", "--deny-warnings"]).link("generic", pack("rules/generic")).run();
    assert_eq!((generic.code, generic.stdout.as_str()), (0, ""), "{}", generic.stderr);
}

#[test]
fn two_rules_with_one_id_are_told() {
    let rule = || component(asking("team.twice", &[json!({ "eventName": ["StopLogging"] })]));
    let run = Run::new(["check", "rules", "rules"]).file("rules/a.wasm", rule()).file("rules/b.wasm", rule());
    let ran = run.run();
    let codes: Vec<Value> = ran.findings().iter().map(|remark| remark["code"].clone()).collect();
    assert!(codes.iter().all(|code| code == "id-repeated") && !codes.is_empty(), "{}", ran.stdout);
    assert!(ran.stdout.contains("the rule in `rules/a.wasm` has the same id"), "{}", ran.stdout);
}

const PACK: &str = r#"
schema_version = 1
id = "team/pack"
version = "1.0.0"
title = "A pack"
description = "A pack for a test."
license = "MIT"
"#;

/// A check of a pack with a rule that asks for an event which the catalogue does not have.
fn check_pack(known_names: &str) -> Ran {
    let pattern = json!({ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["ArchiveTrail"] });
    let run = Run::new(["check", "pack", "--deny-warnings"]).file("pack/pack.toml", format!("{PACK}\n{known_names}"));
    run.file("pack/dist/rule.wasm", component(asking("team.rule", &[pattern]))).run()
}

#[test]
fn a_pack_can_say_that_a_name_is_right() {
    assert_eq!(check_pack("").findings()[0]["code"], "event-name-unknown");
    let known =
        "[[known_names]]\nsource = \"cloudtrail.amazonaws.com\"\nname = \"ArchiveTrail\"\nreason = \"announced\"\n";
    let ran = check_pack(known);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let needless = check_pack(&format!("{known}{}", known.replace("ArchiveTrail", "StopLogging")));
    let remarks = needless.findings();
    assert_eq!((needless.code, remarks.len()), (1, 1), "{}", needless.stdout);
    assert_eq!((&remarks[0]["code"], &remarks[0]["rule"]), (&json!("known-name-needless"), &json!("team/pack")));
    let without_reason = check_pack(&known.replace("reason = \"announced\"\n", ""));
    assert_eq!(without_reason.code, 2, "{}", without_reason.stderr);
}

#[test]
fn a_pack_that_is_not_built_is_told_how_to_build_it() {
    let ran = Run::new(["check", "pack"]).file("pack/pack.toml", PACK).run();
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r#"
    error: the pack `pack` has not been built
    hint: add --build, or run `orgwatch-host build pack` first
    "#);
    let nothing = Run::new(["check"]).run();
    assert_eq!(nothing.code, 3, "{}", nothing.stderr);
}

#[test]
fn a_check_can_build_first() {
    let folder = pack("examples/first-rule");
    let ran = Run::new(["check", "--build", "--deny-warnings", "first-rule"]).link("first-rule", folder).run();
    assert!(ran.stderr.contains("first-rule is up to date (1 rule)"), "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}
