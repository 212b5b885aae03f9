//! Tuning, by itself: what it decides, and that it decides nothing else.

use std::fmt::Write as _;

use orgwatch_rules_sdk::Severity;
use orgwatch_rules_sdk::json::Document;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::encoding::tests::finding as plain_finding;
use crate::table::{Match, TableConfig};

const RULE: &str = "org.account-departed";

const RECORD: &str = r#"{"eventName":"AccountDepartedOrganization","userAgent":"terraform","userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/Vending"}}}}"#;

const BY_ROLE: &str = r#"
    [[exception]]
    rule = "org.*"
    when = { event = { userIdentity = { sessionContext = { sessionIssuer = { arn = ["arn:aws:iam::111122223333:role/Vending"] } } } } }
    owner = "platform"
    reason = "account vending cleans up"
    expires = 2026-11-30
"#;

fn tuning(text: &str) -> Result<Tuning, TuningError> {
    Tuning::new(&toml::from_str(text).unwrap(), &[RULE, "org.other"], &accounts())
}

fn accounts() -> Tables {
    let config = TableConfig {
        name: "accounts".into(),
        path: "accounts.csv".into(),
        key: "account".into(),
        r#match: Match::Exact,
    };
    let text = "account,ou\n111122223333,r-a1b2\n444455556666,ou-a1b2-prod0001\n777788889999,Sandboxes\n";
    let mut tables = Tables::default();
    tables.add(Table::parse(&config, text.as_bytes()).unwrap());
    tables
}

fn record() -> Document {
    Document::parse(RECORD).unwrap()
}

/// A finding about a member account, at a time.
fn finding(member: &str, time: &str) -> Finding {
    let mut finding = plain_finding();
    finding.details.insert("member_account".to_owned(), member.into());
    finding.event.time = Some(time.to_owned());
    finding
}

fn tune(tuning: &Tuning, finding: Finding) -> Tuned {
    tuning.tune(finding, Some(record().root()))
}

#[test]
fn an_exception_holds_for_what_it_says_until_its_last_day_by_the_events_time() {
    let tuning = tuning(BY_ROLE).unwrap();
    let excepted = |time: &str| tune(&tuning, finding("444455556666", time));
    let tuned = excepted("2026-11-30T23:59:59Z");
    let Some(Why::Excepted { id, owner, reason }) = &tuned.why else { panic!("{tuned:?}") };
    assert_eq!((owner.as_str(), reason.as_str()), ("platform", "account vending cleans up"));
    assert!(tuned.expired.is_empty());
    let over = excepted("2026-12-01T00:00:00Z");
    assert!(over.why.is_none());
    assert_eq!(over.expired.iter().map(|over| over.id()).collect::<Vec<_>>(), [id]);
    // Where nobody can say when it happened, it is told.
    assert!(excepted("yesterday").why.is_none());
    assert!(tuning.tune(finding("444455556666", "2026-11-01T00:00:00Z"), None).why.is_none());
}

#[test]
fn a_condition_may_rest_on_the_finding_and_the_event_together() {
    let text = |when: &str| {
        format!(
            "[[exception]]\nrule = \"{RULE}\"\nwhen = {when}\nowner = \"a\"\nreason = \"b\"\nexpires = \"2027-01-01\"\n"
        )
    };
    for (when, holds) in [
        (
            r#"{ finding = { key = ["444455556666"], severity = ["high"] }, event = { userAgent = ["terraform"] } }"#,
            true,
        ),
        (
            r#"{ finding = { key = ["444455556666"], severity = ["low"] }, event = { userAgent = ["terraform"] } }"#,
            false,
        ),
        (r#"{ finding = { details = { member_account = [{ prefix = "4444" }] } } }"#, true),
        (
            r#"{ finding = { event = { actor = [{ prefix = "arn:aws:sts::111122223333:assumed-role/OrgAdmin/" }] } } }"#,
            true,
        ),
        (r"{ event = { errorCode = [{ exists = true }] } }", false),
        (r#"{ "$or" = [{ finding = { key = ["x"] } }, { event = { userAgent = ["terraform"] } }] }"#, true),
    ] {
        let tuning = tuning(&text(when)).unwrap();
        let tuned = tune(&tuning, finding("444455556666", "2026-11-01T00:00:00Z"));
        assert_eq!(tuned.why.is_some(), holds, "{when}");
        assert!(tune(&tuning, Finding { rule: other(), ..finding("4", "2026-11-01T00:00:00Z") }).why.is_none());
    }
}

fn other() -> Arc<crate::finding::RuleReference> {
    let mut rule = (*plain_finding().rule).clone();
    rule.id = "org.other".to_owned();
    Arc::new(rule)
}

#[test]
fn what_an_observed_rule_finds_is_withheld_and_exceptions_are_tried_out_on_it() {
    let tuning = tuning(&format!("[rule.\"org.*\"]\nobserve = true\n{BY_ROLE}")).unwrap();
    assert!(matches!(tune(&tuning, finding("4", "2026-12-01T00:00:00Z")).why, Some(Why::Observed)));
    assert!(matches!(tune(&tuning, finding("4", "2026-11-01T00:00:00Z")).why, Some(Why::Excepted { .. })));
}

#[test]
fn a_severity_goes_by_the_account_that_the_finding_is_about_and_by_its_unit() {
    let text = r#"
        [rule."org.*"]
        severity_by = [
            { account = ["777788889999"], ou = ["ou-*"], severity = "critical" },
            { ou = ["ou-a1b2-prod*", "Production"], severity = "critical" },
            { ou = ["Sandboxes"], severity = "informational" },
            { account = ["111122223333"], severity = "medium" },
        ]
    "#;
    let tuning = tuning(text).unwrap();
    let severity = |member: &str| tune(&tuning, finding(member, "2026-11-01T00:00:00Z")).finding.severity;
    assert_eq!(severity("444455556666"), Severity::Critical);
    assert_eq!(severity("777788889999"), Severity::Informational);
    // Nobody knows this one: the rule decides.
    assert_eq!(severity("123456789012"), Severity::High);
    // The detail is no account: the other one counts, and without it the event's own.
    assert_eq!(severity("all of them"), Severity::Critical);
    let mut about_nobody = finding("all of them", "2026-11-01T00:00:00Z");
    about_nobody.details.remove("account");
    assert_eq!(tune(&tuning, about_nobody).finding.severity, Severity::Medium);
    assert!(tuning.warnings(Timestamp::UNIX_EPOCH).is_empty());
}

#[test]
fn an_exception_sees_the_severity_that_the_finding_has_in_the_end() {
    let text = r#"
        rule."org.*".severity_by = [{ ou = ["Sandboxes"], severity = "low" }]
        [[exception]]
        rule = "org.*"
        when = { finding = { severity = ["low"] } }
        owner = "a"
        reason = "b"
        expires = "2027-01-01"
    "#;
    let tuning = tuning(text).unwrap();
    assert!(tune(&tuning, finding("777788889999", "2026-11-01T00:00:00Z")).why.is_some());
    assert!(tune(&tuning, finding("444455556666", "2026-11-01T00:00:00Z")).why.is_none());
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let exception = |key: &str, value: &str| {
        let mut table: toml::Table = toml::from_str::<toml::Table>(BY_ROLE).unwrap();
        let value: toml::Table = toml::from_str(&format!("value = {value}")).unwrap();
        table["exception"][0].as_table_mut().unwrap().insert(key.to_owned(), value["value"].clone());
        tuning(&toml::to_string(&table).unwrap()).unwrap_err().to_string()
    };
    for (key, value, expected) in [
        ("when", "{}", "`when` is empty and would silence everything\nhint: [rule.\"org.*\"] with observe = true"),
        ("when", "{ userAgent = [\"x\"] }", "`when` has no field `userAgent`\nhint: begin with `finding` or `event`"),
        ("when", "{ event = { userAgent = \"x\" } }", "`when` is no event pattern: "),
        ("when", "{ event = {} }", "`when` is no event pattern: "),
        ("owner", "\" \"", "`owner` is empty"),
        ("reason", "\"\"", "`reason` is empty"),
        ("rule", "\"org.***\"", "`rule` is no pattern"),
    ] {
        let error = exception(key, value);
        assert!(error.starts_with("[[exception]] number 1, for `org.") && error.contains(expected), "{error}");
    }
    let twice = tuning(&format!("{BY_ROLE}{BY_ROLE}")).unwrap_err();
    assert_eq!(twice, TuningError::SameException { first: 1, second: 2 });
    let nothing = tuning("[rule.\"org.*\"]\nseverity_by = [{ severity = \"low\" }]").unwrap_err();
    assert_eq!(nothing, TuningError::SeverityByNothing("org.*".into()));
    let account =
        tuning("[rule.\"org.*\"]\nseverity_by = [{ account = [\"sandbox\"], severity = \"low\" }]").unwrap_err();
    assert!(matches!(account, TuningError::NotAnAccount { .. }));
    for missing in ["owner", "reason", "expires", "when", "rule"] {
        let mut table: toml::Table = toml::from_str::<toml::Table>(BY_ROLE).unwrap();
        table["exception"][0].as_table_mut().unwrap().remove(missing);
        let error = toml::from_str::<Config>(&toml::to_string(&table).unwrap()).unwrap_err().to_string();
        assert!(error.contains(&format!("missing field `{missing}`")), "{error}");
    }
}

#[test]
fn what_is_allowed_and_may_not_be_meant_is_told() {
    let text = r#"
        [rule."gone.*"]
        observe = true
        [rule."org.other"]
        severity_by = [{ ou = ["x"], severity = "low" }]
        [[exception]]
        rule = "org.gone"
        when = { event = { userAgent = ["terraform"] } }
        owner = "anaya"
        reason = "b"
        expires = "2026-11-01"
        [[exception]]
        rule = "org.*"
        when = { finding = { severity = ["low"] } }
        owner = "a"
        reason = "b"
        expires = "2026-11-30"
    "#;
    let config = toml::from_str(text).unwrap();
    let tuning = Tuning::new(&config, &[RULE, "org.other"], &Tables::default()).unwrap();
    let warnings = tuning.warnings("2026-11-02T00:00:00Z".parse().unwrap());
    let firsts: Vec<&str> = warnings.iter().filter_map(|warning| warning.lines().next()).collect();
    assert_eq!(
        firsts,
        [
            "[[exception]] number 1, for `org.gone`, fits no rule that runs",
            "[rule.\"gone.*\"] fits no rule that runs",
            "[[exception]] number 1, for `org.gone`, expired on 2026-11-01: what it was for is delivered again",
            "[[exception]] number 1, for `org.gone`, rests on what the caller of the API chooses: event.userAgent",
            "[[exception]] number 2, for `org.*`, holds whoever acts on whatever it is",
            "a severity_by asks for an ou, and no table says which account is in which",
        ]
    );
    assert!(warnings.iter().all(|warning| warning.contains("\nhint: ")));
}

#[test]
fn the_digest_changes_with_anything_that_tuning_is_made_of() {
    let digest = |text: &str| tuning(text).unwrap().digest();
    let base = digest(BY_ROLE);
    assert_eq!(base, digest(BY_ROLE));
    for other in [
        BY_ROLE.replace("2026-11-30", "2026-12-01"),
        BY_ROLE.replace("platform", "security"),
        BY_ROLE.replace("org.*", "org.account-*"),
        format!("{BY_ROLE}[rule.\"org.*\"]\nobserve = true\n"),
        format!("{BY_ROLE}[rule.\"org.*\"]\nseverity_by = [{{ ou = [\"x\"], severity = \"low\" }}]\n"),
        format!("{BY_ROLE}[[route]]\nsinks = [\"a\"]\ngroup = {{ by = \"rule\" }}\n"),
    ] {
        assert_ne!(digest(&other), base, "{other}");
    }
}

#[test]
fn a_record_that_is_nested_as_deep_as_may_be_excepts_nothing() {
    let depth = orgwatch_rules_sdk::json::MAX_DEPTH;
    let nested = format!("{{\"a\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let deep = Document::parse(nested).unwrap();
    let tuning = tuning(&BY_ROLE.replace("{ event", "{ finding = { key = [\"444455556666\"] } }#")).unwrap();
    let about = || finding("444455556666", "2026-11-01T00:00:00Z");
    assert!(tune(&tuning, about()).why.is_some());
    assert!(tuning.tune(about(), Some(deep.root())).why.is_none());
}

/// Exceptions that hold for some of the findings below.
const POOL: [&str; 5] = [
    r#"{ finding = { key = ["a"] } }"#,
    r#"{ finding = { severity = ["high", "critical"] } }"#,
    r#"{ event = { userAgent = ["terraform"] } }"#,
    r#"{ event = { userAgent = ["console"] } }"#,
    r#"{ finding = { key = [{ anything-but = "b" }] } }"#,
];

fn with(chosen: &[usize], observe: bool) -> Tuning {
    let mut text = format!(
        "[rule.\"org.*\"]\nobserve = {observe}\nseverity_by = [{{ ou = [\"Sandboxes\"], severity = \"low\" }}]\n"
    );
    for (place, &number) in chosen.iter().enumerate() {
        let expires = ["2026-10-31", "2026-11-30"][number % 2];
        let rule = ["org.*", RULE][place % 2];
        let _ = writeln!(text, "[[exception]]\nrule = \"{rule}\"\nwhen = {}\nowner = \"{place}\"", POOL[number]);
        let _ = writeln!(text, "reason = \"r\"\nexpires = \"{expires}\"");
    }
    tuning(&text).unwrap()
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let members = prop::sample::select(vec!["111122223333", "777788889999", "x"]);
    let times = prop::sample::select(vec!["2026-10-15T00:00:00Z", "2026-11-15T00:00:00Z", "2026-12-15T00:00:00Z"]);
    let keys = prop::sample::select(vec!["a", "b", "c"]);
    (members, times, keys).prop_map(|(member, time, key)| Finding { key: key.to_owned(), ..finding(member, time) })
}

fn shown(tuned: &Tuned) -> serde_json::Value {
    json!([tuned.finding, tuned.why.as_ref().map(Why::text), tuned.expired.len()])
}

proptest! {
    #[test]
    fn tuning_makes_no_finding_and_changes_none_but_in_its_severity(
        findings in prop::collection::vec(any_finding(), 1..8),
        chosen in prop::sample::subsequence((0..POOL.len()).collect::<Vec<_>>(), 0..=POOL.len()),
        observe: bool,
    ) {
        let tuning = with(&chosen, observe);
        let tuned: Vec<Tuned> = findings.iter().map(|finding| tune(&tuning, finding.clone())).collect();
        for (before, after) in findings.iter().zip(&tuned) {
            let graded = Finding { severity: after.finding.severity, ..before.clone() };
            prop_assert_eq!(&graded, &after.finding);
        }
        // The same, whatever comes before or after it.
        for (before, after) in findings.iter().zip(&tuned).rev() {
            prop_assert_eq!(shown(&tune(&tuning, before.clone())), shown(after));
        }
    }

    #[test]
    fn exceptions_only_ever_remove(
        finding in any_finding(),
        chosen in prop::sample::subsequence((0..POOL.len()).collect::<Vec<_>>(), 0..POOL.len()),
        more in 0..POOL.len(),
        observe: bool,
    ) {
        let before = tune(&with(&chosen, observe), finding.clone());
        let mut chosen = chosen;
        if !chosen.contains(&more) {
            chosen.push(more);
        }
        let after = tune(&with(&chosen, observe), finding.clone());
        prop_assert_eq!(&before.finding, &after.finding);
        prop_assert!(after.why.is_some() || before.why.is_none());
        let none = tune(&with(&[], observe), finding);
        prop_assert_eq!(none.why.is_some(), observe);
    }
}
