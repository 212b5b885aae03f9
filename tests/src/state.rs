//! Rules that look back at earlier events: what they find does not depend on the order in which events arrive.
//!
//! The guest `looks_back` asks in every way there is. It says on each event what it sees, on the first event of an actor that it is the first, and
//! once an hour that an actor was in many accounts.

mod order;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::live::{Live, eventually};
use crate::records::lines;
use crate::service::{Place, beside};
use crate::support::{Ran, Run, pack};

/// A call of an actor in an account, so many minutes after the hour. The minute is its id.
fn call(minute: u32, actor: &str, account: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "eventTime": format!("2026-11-01T{:02}:{:02}:00Z", 10 + minute / 60, minute % 60),
        "eventSource": "organizations.amazonaws.com",
        "eventName": "LeaveOrganization",
        "eventID": format!("{minute:03}"),
        "userIdentity": { "arn": actor },
        "recipientAccountId": account,
    })
}

const GUEST: &str = "dist/looks_back.wasm";
const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "777788889999", "123456789012"];

fn replay(records: &[Value], settings: &str) -> Ran {
    let run = Run::new(["--rules", "rule.wasm", "events.json"]).link("rule.wasm", pack("tests/guests").join(GUEST));
    let tables = "[[table]]\nname = \"accounts\"\npath = \"accounts.csv\"\nkey = \"account\"\n";
    run.file("events.json", lines(records))
        .file("accounts.csv", "account,name\n444455556666,Payments\n")
        .file("orgwatch.toml", format!("{tables}[rule.\"guest.looks-back\".settings]\n{settings}"))
        .run()
}

/// The findings with a key, by the ids of their events.
fn of_key(ran: &Ran, key: &str) -> Vec<(String, Value)> {
    let findings = ran.findings().into_iter().filter(|finding| finding["key"] == key);
    findings
        .map(|finding| (finding["event"]["id"].as_str().expect("an id").to_owned(), finding["details"].clone()))
        .collect()
}

#[test]
fn an_event_sees_what_came_before_it_and_not_what_came_after_in_whatever_order_they_arrive() {
    let [a, b] = ["arn:a", "arn:b"];
    let mut records = vec![
        call(0, a, ACCOUNTS[0]),
        call(1, a, ACCOUNTS[1]),
        call(2, b, ACCOUNTS[2]),
        call(3, a, ACCOUNTS[2]),
        // The same action again, as another account got it.
        call(3, a, ACCOUNTS[3]),
        // An hour and a minute after the first.
        call(61, a, ACCOUNTS[0]),
    ];
    records.reverse();
    let ran = replay(&records, "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let each = of_key(&ran, "each");
    let seen: Vec<(&str, u64, u64)> = each
        .iter()
        .map(|(id, details)| (id.as_str(), details["actions"].as_u64().unwrap(), details["values"].as_u64().unwrap()))
        .collect();
    assert_eq!((seen[0], seen[1], seen[2]), (("000", 1, 1), ("001", 2, 2), ("002", 1, 1)));
    // Which copy of one action is the first is decided by its digest, and each sees those up to itself.
    assert_eq!((seen[3], seen[4]), (("003", 3, 3), ("003", 3, 4)));
    assert_eq!(seen[5], ("061", 3, 4));
    assert_eq!(each[1].1["account"], "Payments");
    assert!(each[0].1["account"].is_null());
    assert_eq!(each[1].1["latest"], json!(["2026-11-01T10:01:00Z", "2026-11-01T10:00:00Z"]));
    assert_eq!(each[1].1["earliest"], json!(["\"111122223333\"", "\"444455556666\""]));
    let first: Vec<String> = of_key(&ran, "first").into_iter().map(|(id, _)| id).collect();
    assert_eq!(first, ["000", "002"]);
}

#[test]
fn tuning_is_asked_about_the_form_that_a_finding_has_in_the_end() {
    let records: Vec<Value> = (0..5)
        .map(|minute| call(minute, "arn:a", &format!("{:012}", 100_000_000_000_u64 + u64::from(minute))))
        .collect();
    let excepted = |condition: &str| {
        let exception = format!(
            "[[exception]]\nrule = \"guest.*\"\nwhen = {condition}\nowner = \"a\"\nreason = \"b\"\nexpires = \"2027-01-01\"\n"
        );
        let ran = replay(&records, &exception);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        (of_key(&ran, "many arn:a").len(), of_key(&ran, "each").len(), ran.stderr.contains(", 1 excepted, "))
    };
    // The last record of the period gives it its form.
    let many = |account: &str| {
        excepted(&format!(
            "{{ finding = {{ key = [{{ prefix = \"many\" }}] }}, event = {{ recipientAccountId = [\"{account}\"] }} }}"
        ))
    };
    assert_eq!(many("100000000004"), (0, 5, true));
    assert_eq!(many("100000000003"), (1, 5, false));
    assert_eq!(excepted("{ finding = { details = { actions = [2] } } }"), (1, 4, true));
    let observed = replay(&records, "[rule.\"guest.*\"]\nobserve = true\n");
    assert_eq!(observed.stdout, "");
    assert!(observed.stderr.contains("; 0 findings, 7 observed, 0 gaps"), "{}", observed.stderr);
}

#[test]
fn many_in_a_period_are_one_finding_in_the_form_of_the_latest() {
    let records: Vec<Value> = (0..40)
        .map(|minute| call(minute, "arn:a", &format!("{:012}", 100_000_000_000_u64 + u64::from(minute))))
        .collect();
    let ran = replay(&records, "");
    let many = of_key(&ran, "many arn:a");
    assert_eq!(many, [("039".to_owned(), json!({ "values": 40 }))]);
    let fewer = replay(&records[..10], "");
    let id =
        |ran: &Ran| ran.findings().into_iter().find(|finding| finding["key"] == "many arn:a").unwrap()["id"].clone();
    assert_eq!(id(&ran), id(&fewer), "it is the same finding whichever record gave it its form");
}

#[test]
fn a_rule_that_looks_back_too_far_or_too_early_is_told_of() {
    let records = [call(0, "arn:a", ACCOUNTS[0])];
    for (settings, fault) in [
        ("keep = 60\n", "it looked back further than the time that its `keep` returned"),
        (
            "early = true\n",
            "it looked back at earlier events, which only `evaluate` of a rule with a `state_version` can",
        ),
    ] {
        let ran = replay(&records, settings);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("guest.looks-back could not judge it: {fault}")), "{}", ran.stderr);
    }
    let ran = replay(&records, "keep = 31622401\n");
    let told =
        "the rule guest.looks-back is not loaded: it would keep what it notes for 31622401 s, more than 31622400 s";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn live_it_fires_at_once_waits_with_what_could_be_taken_back_and_settles_behind_the_watermark() {
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let guest = pack("tests/guests").join(GUEST);
    let tables = format!("[telemetry]\n{}{}", place.sink(), place.source());
    let live = Live::start_rules(folder, &guest, &tables);
    let ago = |minutes: i64, account: usize| {
        let mut record = call(u32::try_from(minutes).unwrap(), "arn:now", ACCOUNTS[account]);
        record["eventTime"] = json!((Timestamp::now() - SignedDuration::from_mins(minutes)).to_string());
        record
    };
    place.bring("a.json", lines(&[ago(1, 2), ago(2, 1)]));
    eventually("the events are judged at once", || keys(&place.lines()).len() >= 2);
    assert_eq!(keys(&place.lines()), ["each", "each"], "whether something is the first of its kind is not known yet");
    place.bring("b.json", lines(&[ago(3, 0)]));
    eventually("a late one makes them many", || keys(&place.lines()).contains(&"many arn:now".to_owned()));
    place.bring("c.json", lines(&[call(0, "arn:then", ACCOUNTS[0])]));
    eventually("what is long ago settles", || keys(&place.lines()).contains(&"first".to_owned()));
    // What comes when its time has been judged for good already is marked, and nothing else.
    place.bring("d.json", lines(&[call(5, "arn:then", ACCOUNTS[1])]));
    let listed = || beside(&live.state(), &["findings", "list", "--output", "json"]).stdout;
    let is_late = |finding: &Value| {
        let id = finding["id"].as_str().expect("an id");
        let shown = beside(&live.state(), &["findings", "show", id, "--output", "json"]);
        let shown: Value = serde_json::from_str(&shown.stdout).expect("a finding is shown");
        shown["late"].as_bool().expect("late or not")
    };
    let of = |actor: &str, time: &str| -> Vec<Value> {
        let findings = listed().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
        let of = |finding: &Value| {
            finding["event"]["actor"] == actor && finding["event"]["time"].as_str().is_some_and(|at| at.ends_with(time))
        };
        findings.into_iter().filter(of).collect()
    };
    eventually("what comes late is there", || !of("arn:then", "T10:05:00Z").is_empty());
    assert!(of("arn:then", "T10:05:00Z").iter().any(is_late));
    assert!(of("arn:now", "Z").len() >= 4 && !of("arn:now", "Z").iter().any(is_late));
    let firsts: Vec<String> = place.lines().into_iter().filter(|line| line.contains("\"key\":\"first\"")).collect();
    assert!(firsts.iter().all(|line| line.contains("arn:then")), "{firsts:?}");
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
}

fn keys(lines: &[String]) -> Vec<String> {
    let key =
        |line: &String| serde_json::from_str::<Value>(line).expect("JSON")["key"].as_str().expect("a key").to_owned();
    lines.iter().map(key).collect()
}
