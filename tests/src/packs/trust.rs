//! The trust policy at work: what a grant does to rules that run, and what the configuration says of it.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use orgwatch_host::event::Event;
use orgwatch_host::health::Health;
use orgwatch_host::intake::{Ack, Intake};
use orgwatch_host::judge::{Judge, Verdicts};
use orgwatch_host::ledger::{FindingQuery, Ledger, Reader, Room};
use orgwatch_host::pack::signature::PrivateKey;
use orgwatch_host::route::{Router, Routes};
use orgwatch_host::rule::{Instance, Rule, RuleFile, load};
use orgwatch_host::sandbox::{Compiler, Component, Engine, Limits};
use orgwatch_host::service::Loaded;
use orgwatch_host::sink::Stop;
use orgwatch_host::source::{Batch, Body, Place as Position};
use orgwatch_host::table::Tables;
use orgwatch_host::telemetry::Metrics;
use orgwatch_host::trust::{Grant, Wants};
use orgwatch_rules_sdk::Severity;
use orgwatch_rules_sdk::json::Document;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::live::{Live, eventually};
use crate::records::{account_left, lines, policy_attached};
use crate::service::Place;
use crate::support::{Ran, Run, cache, host, pack};

/// A rule of the project under a grant, or under none.
struct Granted {
    file: &'static str,
    id: &'static str,
    settings: Value,
    severity: Option<Severity>,
    grant: Option<Grant>,
}

const DEPARTED: &str = "rules/aws-organizations/dist/account_departed.wasm";
const CHANGES: &str = "rules/cis-aws-foundations/dist/organizations_changes.wasm";
const PATTERN: &str = "rules/generic/dist/pattern.wasm";

fn component(file: &str) -> Component {
    let bytes = fs::read(pack(file)).expect("the rule is built");
    Component::check(bytes, &Limits::default()).expect("it is a rule")
}

/// A rule under its own id, with its own settings.
fn granted(file: &'static str, id: &'static str, grant: Option<Grant>) -> Granted {
    Granted { file, id, settings: json!({}), severity: None, grant }
}

/// The rule `team.left`, which says that an account that left is critical.
fn critical(grant: Option<Grant>) -> Granted {
    let settings = json!({
        "title": "left", "severity": "critical", "patterns": [{ "eventName": ["AccountDepartedOrganization"] }],
    });
    Granted { settings, ..granted(PATTERN, "team.left", grant) }
}

/// Loads rules as a run does.
fn rules(granted: Vec<Granted>) -> Vec<Rule> {
    let limits = Limits::default();
    let (mut files, mut instances) = (Vec::new(), Vec::new());
    for (file, rule) in granted.into_iter().enumerate() {
        let component = Ok(component(rule.file));
        files.push(RuleFile { path: pack(rule.file), pack: None, grant: rule.grant.map(Arc::new), component });
        let settings = rule.settings.as_object().cloned().unwrap_or_default();
        instances.push(Instance { id: rule.id.to_owned(), file, settings, severity: rule.severity });
    }
    let compiler = Compiler::new(host(), Some(&cache()), limits.clone());
    let engine = Engine::for_evaluation(2, limits).expect("the engine starts");
    let rules = load(&files, &instances, &compiler, &engine, &Arc::default(), 2);
    for rule in &rules {
        let fault = rule.judge.as_ref().err().map(ToString::to_string);
        assert_eq!(fault, None, "{} loads", rule.id);
    }
    rules
}

fn records() -> Vec<Value> {
    vec![policy_attached(1), account_left(2)]
}

/// What rules make of the records.
fn judged(granted: Vec<Granted>) -> Verdicts {
    let judge = Judge::new(rules(granted));
    let event = |record: &Value| Event::new(Document::parse(record.to_string()).expect("JSON"), Position::default());
    let asked: Vec<_> = records().iter().filter_map(|record| judge.ask(event(record))).collect();
    let mut all = Verdicts::default();
    judge.judge(&asked, |verdicts| {
        for verdicts in verdicts {
            all.findings.extend(verdicts.findings);
            all.gaps.extend(verdicts.gaps);
            all.fuel.extend(verdicts.fuel);
        }
    });
    all
}

#[test]
fn a_rule_gives_no_severity_above_its_grant_and_the_operator_stands_above_both() {
    let severity = |rule: Granted| judged(vec![rule]).findings[0].severity;
    let up_to = |max_severity| Some(Grant { max_severity: Some(max_severity), ..Grant::default() });
    assert_eq!(severity(critical(None)), Severity::Critical);
    assert_eq!(severity(critical(Some(Grant::default()))), Severity::Critical);
    assert_eq!(severity(critical(up_to(Severity::Medium))), Severity::Medium);
    let by_operator = Granted { severity: Some(Severity::High), ..critical(up_to(Severity::Medium)) };
    assert_eq!(severity(by_operator), Severity::High);
}

#[test]
fn a_rule_gets_no_more_fuel_than_it_is_granted_and_the_others_do_not_notice() {
    let with = |max_fuel| Some(Grant { max_fuel: Some(max_fuel), ..Grant::default() });
    let both = |grant| vec![granted(DEPARTED, "org.account-departed", grant), critical(None)];
    let free = judged(both(None));
    assert_eq!((free.findings.len(), free.gaps.len()), (2, 0));
    let used = free.fuel.iter().find(|(rule, _)| *rule == 0).expect("the rule ran").1;
    // What it needs is enough, what is beyond the limits is no more than the limits, and neither shows.
    for enough in [used, u64::MAX] {
        let verdicts = judged(both(with(enough)));
        assert_eq!((verdicts.findings, verdicts.fuel), (free.findings.clone(), free.fuel.clone()), "{enough}");
    }
    // It is counted in blocks of instructions: what is a little too little may do.
    let verdicts = judged(both(with(used / 2)));
    assert_eq!(verdicts.findings.iter().map(|finding| &*finding.rule.id).collect::<Vec<_>>(), ["team.left"]);
    let causes: Vec<String> = verdicts.gaps.iter().map(|gap| gap.cause.to_string()).collect();
    let cause = format!("org.account-departed could not judge it: it ran out of fuel ({} units)", used / 2);
    assert_eq!(causes, [cause]);
}

#[test]
fn a_rule_that_looks_back_notes_with_no_more_fuel_than_it_is_granted() {
    let settings = json!({
        "title": "left", "patterns": [{ "eventName": ["AccountDepartedOrganization"] }],
        "count": 2,
    });
    let grant = Some(Grant { max_fuel: Some(100), ..Grant::default() });
    let verdicts = judged(vec![Granted { settings, ..granted(PATTERN, "team.left", grant) }]);
    let causes: Vec<String> = verdicts.gaps.iter().map(|gap| gap.cause.to_string()).collect();
    assert_eq!(causes, ["team.left could not judge it: it ran out of fuel (100 units)"]);
}

/// What was made of the records, live.
struct Taken {
    /// The findings of rules, as JSON.
    findings: Vec<String>,
    /// What the service had to say of itself, by id.
    own: Vec<String>,
    /// How many findings of either kind the sinks `soc` and `pager` are owed.
    owed: [u64; 2],
}

/// Takes the records live, with routes that lead everything to both sinks.
async fn taken(judge: Judge) -> Taken {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ledger = Ledger::open(folder.path(), Room { reserve: 0, limit: None }).expect("the ledger works");
    let names = ["soc", "pager"];
    let numbers = ledger.sinks(names.map(str::to_owned).to_vec()).await.expect("the ledger works");
    let everywhere = Routes::new(&[], &names).expect("there is nothing to be wrong");
    let router = Router::new(everywhere.granted_to(judge.rules()), numbers);
    let (health, metrics) = (Arc::new(Health::default()), Arc::new(Metrics::default()));
    let intake = Arc::new(Intake::new(judge, ledger, router, health, metrics, Ack::Ledger, 1));
    let body = Body::Bytes(Bytes::from(lines(&records())));
    let batch = Batch { input: Arc::from("records"), body, checkpoint: None, account: None };
    let (_stopping, stop) = watch::channel(Stop::No);
    intake.take("records", batch, stop).await.expect("the ledger works");
    intake.file_reports().await;
    let depths = intake.ledger().queue_depths().await.expect("the ledger works");
    let owed = names.map(|name| depths.iter().find(|depth| depth.sink == name).map_or(0, |depth| depth.owed));
    intake.ledger().close().await;
    let stored = Reader::open(folder.path()).expect("the ledger works").findings(&FindingQuery::default());
    let (mut findings, mut own) = (Vec::new(), Vec::new());
    for stored in stored.expect("the ledger works") {
        let rule = &stored.finding.rule.id;
        if rule.starts_with("orgwatch.") {
            own.push(rule.clone());
        } else {
            findings.push(serde_json::to_string(&stored.finding).expect("plain data"));
        }
    }
    findings.sort();
    Taken { findings, own, owed }
}

#[tokio::test]
async fn findings_reach_the_sinks_of_their_grant_and_trouble_with_the_rule_reaches_all() {
    let only =
        |sinks: &[&str]| Grant { sinks: Some(sinks.iter().map(|&sink| sink.to_owned()).collect()), ..Grant::default() };
    let two = async |grant: Option<Grant>| {
        let rules = rules(vec![granted(DEPARTED, "org.account-departed", grant), granted(CHANGES, "cis.x", None)]);
        let taken = taken(Judge::new(rules)).await;
        (taken.findings.len(), taken.own, taken.owed)
    };
    let own = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
    assert_eq!(two(None).await, (2, own(&[]), [2, 2]));
    assert_eq!(two(Some(only(&["soc"]))).await, (2, own(&[]), [2, 1]));
    assert_eq!(two(Some(only(&["pager", "soc"]))).await, (2, own(&[]), [2, 2]));
    // A finding that may reach nobody is there, and that it goes nowhere is told to all.
    assert_eq!(two(Some(only(&[]))).await, (2, own(&["orgwatch.unrouted"]), [2, 2]));
    // A rule that fails has no say in who hears of that.
    let starved = Grant { max_fuel: Some(100), ..only(&["soc"]) };
    assert_eq!(two(Some(starved)).await, (1, own(&["orgwatch.rule-fault"]), [2, 2]));
}

#[tokio::test]
async fn under_a_grant_the_service_finds_what_a_replay_finds() {
    let under = || {
        let sinks = Some(vec!["soc".to_owned()]);
        let grant = Grant { max_severity: Some(Severity::Low), max_fuel: Some(1_000_000), sinks, ..Grant::default() };
        vec![critical(Some(grant.clone())), granted(DEPARTED, "org.account-departed", Some(grant))]
    };
    let mut replayed: Vec<String> =
        judged(under()).findings.iter().map(|finding| serde_json::to_string(finding).expect("plain data")).collect();
    replayed.sort();
    assert_eq!(replayed.len(), 2);
    assert!(replayed.iter().all(|finding| finding.contains("\"severity\":\"low\"")), "{replayed:?}");
    assert_eq!(taken(Judge::new(rules(under()))).await.findings, replayed);
}

#[test]
fn with_another_grant_another_rule_is_active() {
    let activation = |grant: Option<Grant>| {
        let rules = rules(vec![granted(DEPARTED, "org.account-departed", grant)]);
        Loaded::new(rules, Vec::new(), true, &Tables::default(), Arc::default(), Routes::default()).activation
    };
    let with = |max_fuel| Some(Grant { max_fuel: Some(max_fuel), ..Grant::default() });
    assert_eq!(activation(with(1_000)), activation(with(1_000)));
    assert_ne!(activation(with(1_000)), activation(with(2_000)));
    assert_ne!(activation(with(1_000)), activation(None));
    assert!(!activation(None).contains("grant"), "{}", activation(None));
}

#[test]
fn a_key_that_changes_under_a_running_service_has_everything_judged_again() {
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = folder.path().join("acme.pub");
    PrivateKey::generate().expect("a new key").public().write(&key).expect("the key can be written");
    let trust = format!(
        "[trust]\nlocal = \"allow\"\n[[trust.publisher]]\nname = \"acme\"\nrules = [\"acme.*\"]\nkey = [{{ file = \"{}\" }}]\n",
        key.display()
    );
    let live = Live::start(&format!("{}{}{trust}", place.source(), place.sink()));
    eventually("the service works", || live.told().contains("started"));
    fs::write(&key, "no key any more").expect("the folder can be written to");
    eventually("the broken key is told", || !place.findings_of("orgwatch.reload-failed").is_empty());
    let (code, told, _folder) = live.stop();
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("is not a key that can be used here: it is not one key in PEM"), "{told}");
}

#[test]
fn what_a_rule_wants_is_taken_from_its_component() {
    let looks_back = component("rules/aws-organizations/dist/denied_burst.wasm");
    assert!(Wants::of(&looks_back, None).state);
    let departed = component(DEPARTED);
    let wants = Wants::of(&departed, Some(7));
    let metadata = departed.metadata();
    let expected = Wants {
        rule: "org.account-departed",
        severity: Severity::High,
        state: false,
        tables: &metadata.tables,
        fuel: Some(7),
    };
    assert_eq!(wants, expected);
    assert!(!metadata.tables.is_empty(), "the test is about a rule that reads tables");
}

/// A run with the shipped rules, the configuration, a public key `acme.pub` and the events.
fn run(arguments: &[&str], rules: &str, configuration: &str) -> Ran {
    let key = PrivateKey::generate().expect("a new key").public().to_pem();
    Run::new([arguments, &["--rules", rules]].concat())
        .with_rules()
        .file("orgwatch.toml", configuration)
        .file("keys/acme.pub", key)
        .file("events", lines(&records()))
        .run()
}

/// An entry of a publisher, with what else is to stand in it.
fn publisher(more: &str) -> String {
    format!(
        "[[trust.publisher]]\nname = \"acme\"\nrules = [\"acme.*\"]\nkey = [{{ file = \"keys/acme.pub\" }}]\n{more}\n"
    )
}

#[test]
fn rules_that_nobody_signed_run_as_the_configuration_says() {
    let found = |ran: &Ran| (ran.code, ran.findings().len());
    for (configuration, told) in [("", false), ("[trust]\nlocal = \"allow\"", false), ("[trust]", true)] {
        let ran = run(&["events"], "rules", configuration);
        assert_eq!(found(&ran), (0, 2), "{configuration}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("warning: the rules in `rules` are not signed"), told, "{}", ran.stderr);
    }
    let ran = run(&["events"], "rules", "[trust]\nlocal = \"refuse\"");
    insta::assert_snapshot!(ran.told(), @r#"
    exit 2
    error: the rules of `rules` are not loaded: `rules` is a folder or file of this machine that nobody signed, and [trust] refuses those
    hint: pack and sign it, or set `local` in [trust] to "warn"
    "#);
    assert_eq!(found(&ran), (2, 0));
}

#[test]
fn a_configuration_that_trusts_what_is_not_there_is_told() {
    let mut told = String::new();
    for more in [
        "required = 1",
        "sinks = [\"soc\"]",
        "tables = [\"accounts\"]",
        "required = 2",
        "max_severity = \"huge\"",
        "severity = \"high\"",
    ] {
        let configuration = format!("[trust]\nlocal = \"allow\"\n{}", publisher(more));
        let ran = run(&["config", "check"], "rules/generic", &configuration);
        // Writing to a String cannot fail.
        let _ = writeln!(told, "# {more}\n{}", ran.told());
    }
    let missing = publisher("").replace("acme.pub", "other.pub");
    let _ =
        writeln!(told, "# a key that is not there\n{}", run(&["config", "check"], "rules/generic", &missing).told());
    insta::assert_snapshot!(told, @r#"
    # required = 1
    exit 0

    # sinks = ["soc"]
    exit 3
    error: [[trust.publisher]] `acme` names the sink `soc`, which is not there
    hint: the sinks are stdout

    # tables = ["accounts"]
    exit 0
    warning: [[trust.publisher]] `acme` may read the table `accounts`, which is not configured
    hint: add a [[table]] with that name, or take it out of `tables` there

    # required = 2
    exit 3
    error: `required` of [[trust.publisher]] `acme` is 2, and the number of its keys 1
    hint: `required` is from 1 to the number of its keys

    # max_severity = "huge"
    exit 3
    error: failed to understand the configuration `orgwatch.toml`: TOML parse error at line 7, column 16
      |
    7 | max_severity = "huge"
      |                ^^^^^^
    unknown variant `huge`, expected one of `informational`, `low`, `medium`, `high`, `critical`

    # severity = "high"
    exit 3
    error: failed to understand the configuration `orgwatch.toml`: TOML parse error at line 7, column 1
      |
    7 | severity = "high"
      | ^^^^^^^^
    unknown field `severity`, expected one of `name`, `key`, `required`, `rules`, `state`, `tables`, `max_severity`, `max_fuel`, `sinks`, `allow_rollback`

    # a key that is not there
    exit 3
    error: [[trust.publisher]] `acme` has a key that cannot be used: failed to read the key `keys/other.pub`: No such file or directory (os error 2)
    "#);
}

#[test]
fn a_sink_that_is_not_there_stops_a_start_as_it_stops_the_check() {
    let configuration = publisher("sinks = [\"soc\"]");
    for arguments in [["--dry-run"].as_slice(), &["--deliver", "events"]] {
        let sink = "[[sink]]\nkind = \"file\"\nname = \"log\"\npath = \"findings.ndjson\"\n";
        let ran = run(arguments, "rules", &format!("{configuration}{sink}"));
        assert_eq!(ran.code, 3, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("`acme` names the sink `soc`, which is not there"), "{}", ran.stderr);
    }
}

#[test]
fn the_configuration_shows_whom_it_trusts() {
    let key = PrivateKey::generate().expect("a new key").public().to_pem();
    let ran = Run::new(["config", "show"])
        .file("orgwatch.toml", publisher("max_severity = \"high\""))
        .file("keys/acme.pub", key)
        .run();
    let shown: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("trust")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    trust.local = "warn"                              # default
    trust.publisher[0].allow_rollback = false         # default
    trust.publisher[0].key[0].expires = not set       # default
    trust.publisher[0].key[0].file = "keys/acme.pub"  # file
    trust.publisher[0].max_fuel = not set             # default
    trust.publisher[0].max_severity = "high"          # file
    trust.publisher[0].name = "acme"                  # file
    trust.publisher[0].required = 1                   # default
    trust.publisher[0].rules = ["acme.*"]             # file
    trust.publisher[0].sinks = not set                # default
    trust.publisher[0].state = false                  # default
    trust.publisher[0].tables = []                    # default
    "#);
    let without = Run::new(["config", "show"]).run();
    assert!(without.stdout.lines().any(|line| line.starts_with("trust = not set ")), "{}", without.stdout);
}
