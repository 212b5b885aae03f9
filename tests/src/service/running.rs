//! What a running service says of itself, and a replay that delivers.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Place, ids};
use crate::live::{Live, eventually};
use crate::records;
use crate::servers::{Hook, Manner, free_port};
use crate::support::Run;

#[test]
fn it_says_that_it_is_alive_and_ready_and_what_it_has_counted() {
    let place = Place::new();
    place.bring("a.json", records::lines(&[records::account_left(1), records::organization_described(2)]));
    let live = place.start(&place.sink());
    eventually("the finding is there", || place.lines().len() == 1);
    assert_eq!(live.ask("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(live.ask("/readyz"), (200, "ready\n".to_owned()));
    let counted = |line: &str| live.ask("/metrics").1.lines().any(|found| found == line);
    for line in [
        "orgwatch_records_total{source=\"folder\"} 2",
        "orgwatch_evaluations_total{rule=\"org.account-departed\"} 1",
        "orgwatch_findings_total{severity=\"high\"} 1",
        "orgwatch_deliveries_total{sink=\"file\",outcome=\"taken\"} 1",
    ] {
        eventually(line, || counted(line));
    }
}

#[test]
fn an_event_of_the_future_and_two_records_with_one_id_are_told_once_each_and_judged_all_the_same() {
    let place = Place::new();
    let mut future = records::account_left(1);
    let time = Timestamp::now() + SignedDuration::from_hours(48);
    future["eventTime"] = json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let [first, mut forged] = [records::account_left(2), records::account_left(3)];
    forged["eventID"] = first["eventID"].clone();
    place.bring("a.json", records::lines(&[future, first, forged]));
    let live = place.start(&place.sink());
    eventually("five findings come", || place.lines().len() >= 5);
    let findings: Vec<Value> = place.lines().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |rule: &str| findings.iter().filter(|finding| finding["rule"]["id"] == rule).count();
    assert_eq!((of("org.account-departed"), of("orgwatch.future-event"), of("orgwatch.two-bodies")), (3, 1, 1));
    assert_eq!(live.stop().0, 0);
}

#[test]
fn a_replay_delivers_only_where_it_is_asked_to() {
    let place = Place::new();
    let hook = Hook::start(|_| Manner::after(Duration::ZERO));
    let configuration = place.hook("hook", hook.url(), "");
    let replay = |more: &[&str]| {
        let run = Run::new([&["--rules", "rules", "events"], more].concat()).with_rules();
        run.file("events", records::lines(&[records::account_left(1)])).file("orgwatch.toml", &configuration).run()
    };
    let printed = replay(&[]);
    assert_eq!((printed.code, printed.findings().len(), hook.taken().len()), (0, 1, 0), "{}", printed.stderr);
    let delivered = replay(&["--deliver"]);
    assert_eq!((delivered.code, &delivered.stdout), (0, &printed.stdout), "{}", delivered.stderr);
    assert_eq!(hook.taken().iter().map(|sent| sent["finding"].clone()).collect::<Vec<_>>(), printed.findings());
}

#[test]
fn a_replay_to_a_dead_sink_ends_with_a_hint_and_a_service_on_its_ledger_delivers_what_is_owed() {
    let place = Place::new();
    let state = place.folder.path().join("state");
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/hook");
    let configuration = place.hook("hook", &url, "retry = { first = \"100ms\", longest = \"1s\" }");
    let run = Run::new(["--rules", "rules", "events", "--deliver", "--state-dir"]).argument(&state).with_rules();
    let records = records::lines(&[records::account_left(1), records::account_left(2)]);
    let ran = run.file("events", records).file("orgwatch.toml", &configuration).run();
    assert_eq!((ran.code, ran.findings().len()), (4, 2), "{}", ran.stderr);
    // What tells of the sink is owed to it as well, where no route leads elsewhere.
    assert!(ran.stderr.contains(" deliveries were not taken\nhint: with --state-dir they stay owed"), "{}", ran.stderr);

    let hook = Hook::start_at(port, |_| Manner::status(200));
    let configuration = format!("{configuration}{}", place.source());
    let live = Live::start_in(place.folder, &configuration);
    eventually("the service delivers them", || ids(&ran.findings()).is_subset(&ids(&hook.taken())));
    assert_eq!(live.stop().0, 0);
}

#[test]
fn a_replay_that_a_sink_gives_up_on_ends_with_a_hint() {
    let place = Place::new();
    let hook = Hook::start(|_| Manner::status(400));
    let run = Run::new(["--rules", "rules", "events", "--deliver"]).with_rules();
    let run = run.file("events", records::lines(&[records::account_left(1)]));
    let ran = run.file("orgwatch.toml", place.hook("hook", hook.url(), "")).run();
    assert_eq!((ran.code, ran.findings().len()), (4, 1), "{}", ran.stderr);
    assert!(ran.stderr.contains(" were given up\nhint: `dead-letters list` says why"), "{}", ran.stderr);
}

#[test]
fn a_source_that_brings_nothing_for_too_long_is_told_and_is_well_again_when_it_brings_something() {
    let place = Place::new();
    let live = Live::start(&format!("{}{}quiet_after = \"2s\"\n", place.sink(), place.source()));
    let told = || place.told_of("orgwatch.source-quiet", "folder");
    eventually("it is told", || told() == ["The source folder has gone quiet"]);
    assert!(live.ask("/readyz").1.contains("it has brought no record for 2s"));
    let mut number = 0;
    eventually("it is over", || {
        number += 1;
        place.bring(&format!("{number}.json"), records::lines(&[records::organization_described(number)]));
        told().len() > 1
    });
    assert_eq!(told()[1], "Over: The source folder has gone quiet");
}

#[test]
fn a_sink_that_hangs_does_not_hold_the_stop_for_longer_than_the_bound() {
    let place = Place::new();
    let hook = Hook::start(|_| Manner::after(Duration::from_mins(5)));
    place.bring("a.json", records::lines(&[records::account_left(1)]));
    let live = place.start(&place.hook("hook", hook.url(), ""));
    eventually("the hook is called", || !hook.take_sent().is_empty());
    let asked = Instant::now();
    let (code, told, _) = live.stop();
    assert_eq!(code, 0, "{told}");
    assert!(asked.elapsed() < Duration::from_secs(40), "it took {:?}", asked.elapsed());
}
