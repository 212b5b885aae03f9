//! What tuning makes of the findings of a replay, and what is told of those that are not written.

use serde_json::{Value, json};

use crate::records::{account_left, lines, policy_attached, policy_detached};
use crate::support::{Ran, Run};

/// Two rules of the project, whatever others it has.
const TWO: &str = r#"
[rule."*"]
enabled = false
[rule."cis.organizations-changes"]
enabled = true
[rule."org.account-departed"]
enabled = true
"#;

const OURS: &str = r#"
[[exception]]
rule = "cis.*"
when = { event = { userIdentity = { sessionContext = { sessionIssuer = { arn = ["arn:aws:iam::111122223333:role/OrgAdmin"] } } }, eventName = ["AttachPolicy"] } }
owner = "platform"
reason = "OrgAdmin attaches policies"
expires = "2026-10-05T10:02:30Z"
"#;

/// Replays four policies attached, a minute apart, one detached and an account that left.
fn replayed(configuration: &str, arguments: &[&str]) -> Ran {
    let mut records: Vec<Value> = (1..=4).map(policy_attached).collect();
    records.extend([policy_detached(5), account_left(6)]);
    Run::new([&["--rules", "rules", "events"], arguments].concat())
        .with_rules()
        .file("orgwatch.toml", format!("{TWO}{configuration}"))
        .file("accounts.csv", "account,ou\n444400000006,ou-ex1a-sandbox1\n111122223333,r-ex1a\n")
        .file("events", lines(&records))
        .run()
}

fn names(ran: &Ran) -> Vec<Value> {
    ran.findings().iter().map(|finding| finding["event"]["name"].clone()).collect()
}

#[test]
fn an_exception_keeps_findings_back_until_it_is_over_and_the_summary_says_so() {
    let ran = replayed(OURS, &[]);
    assert_eq!(names(&ran), ["AttachPolicy", "AttachPolicy", "DetachPolicy", "AccountDepartedOrganization"]);
    insta::assert_snapshot!(ran.told(), @r"
    exit 0
    kept back: 2 findings by exception 515637703ee9 of platform: OrgAdmin attaches policies
    expired: 2 findings would be kept back by exception 515637703ee9 of platform: OrgAdmin attaches policies, which expired on 2026-10-05T10:02:30Z
    read 6 records in 1 input; 2 rules judged 6 of them in 6 evaluations; 4 findings (2 high, 2 medium), 2 excepted, 0 gaps
    ");
}

#[test]
fn what_an_observed_rule_finds_is_counted_and_written_when_asked_for() {
    let observe = "[rule.\"cis.*\"]\nobserve = true\n";
    let ran = replayed(observe, &["--fail-on", "low"]);
    assert_eq!((ran.code, names(&ran)), (1, vec![json!("AccountDepartedOrganization")]), "{}", ran.stderr);
    assert!(ran.stderr.contains("; 1 finding (1 high), 5 observed, 0 gaps; "), "{}", ran.stderr);
    let all = replayed(observe, &["--observed"]);
    assert_eq!(all.findings().len(), 6, "{}", all.stderr);
    assert_eq!(all.stdout.lines().count(), replayed("", &[]).stdout.lines().count());
    let none = replayed("[rule.\"*.*\"]\nobserve = true\n", &["--fail-on", "informational"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""), "{}", none.stderr);
}

#[test]
fn a_severity_goes_by_the_member_account_and_its_organizational_unit() {
    let configuration = r#"
        [[table]]
        name = "accounts"
        path = "accounts.csv"
        key = "account"
        [rule."*.*"]
        severity_by = [{ ou = ["ou-ex1a-sandbox*"], severity = "low" }, { account = ["111122223333"], severity = "critical" }]
    "#;
    let ran = replayed(configuration, &[]);
    let severities: Vec<Value> = ran.findings().iter().map(|finding| finding["severity"].clone()).collect();
    assert_eq!(severities, ["critical", "critical", "critical", "critical", "critical", "low"], "{}", ran.stderr);
}

#[test]
fn findings_are_the_same_ones_whatever_tuning_makes_of_the_others() {
    let plain = replayed("", &[]);
    for configuration in [OURS, "[rule.\"cis.*\"]\nobserve = true\n"] {
        let tuned = replayed(configuration, &[]);
        let known: Vec<&str> = plain.stdout.lines().collect();
        assert!(tuned.stdout.lines().count() < known.len());
        assert!(tuned.stdout.lines().all(|line| known.contains(&line)), "{configuration}");
    }
}

#[test]
fn what_cannot_work_is_wrong_usage_and_says_where_it_stands() {
    let without_owner = OURS.replace("owner = \"platform\"\n", "");
    let no_pattern = OURS.replace("[\"AttachPolicy\"]", "\"AttachPolicy\"");
    let no_time = OURS.replace("2026-10-05T10:02:30Z", "some day");
    let settings = "[rule.\"org.*\"]\nsettings.x = 1\n";
    for (configuration, expected) in [
        (without_owner.as_str(), "missing field `owner`"),
        (&no_pattern, "error: [[exception]] number 1, for `cis.*`: `when` is no event pattern: "),
        (&no_time, "`some day` is no time: write a date such as 2027-03-31"),
        (settings, "error: [rule.\"org.*\"] is for several rules, and gives them settings or a component\nhint: "),
    ] {
        let ran = replayed(configuration, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}
