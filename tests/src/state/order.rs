//! The property: what is found for good is the same for any order of arrival, any batches, any number of workers, and across restarts.

use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use jiff::Timestamp;
use orgwatch_host::event::Event;
use orgwatch_host::health::Health;
use orgwatch_host::intake::{Ack, Intake};
use orgwatch_host::judge::Judge;
use orgwatch_host::ledger::{FindingQuery, Ledger, Reader, Room};
use orgwatch_host::route::Router;
use orgwatch_host::rule::{Instance, RuleFile, load};
use orgwatch_host::sandbox::{Compiler, Component, Engine, Limits};
use orgwatch_host::sink::Stop;
use orgwatch_host::source::{Batch, Body, Place};
use orgwatch_host::state::Temporary;
use orgwatch_host::telemetry::Metrics;
use orgwatch_rules_sdk::json::Document;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use super::{ACCOUNTS, GUEST};
use crate::records::lines;
use crate::support::{host, pack};

/// How many random stories are told, each in three ways.
const STORIES: u64 = 1_000;

#[test]
fn what_is_found_for_good_depends_on_the_set_of_events_alone() {
    let judge = Arc::new(judge());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut many = 0;
    for seed in 0..STORIES {
        let mut random = fastrand::Rng::with_seed(seed);
        let story = story(&mut random);
        let expected = replayed(&judge, std::slice::from_ref(&story));
        many += expected.iter().filter(|finding| finding.contains("\"key\":\"many ")).count();
        let batches = shuffled(&story, &mut random);
        assert_same(&replayed(&judge, &batches), &expected, &format!("replayed in another order, seed {seed}"));
        let live = runtime.block_on(live(&judge, &batches, &mut random));
        assert_same(&live, &expected, &format!("live, seed {seed}"));
    }
    assert!(many > 500, "the stories are about something: {many}");
}

fn assert_same(found: &[String], expected: &[String], how: &str) {
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|finding| !other.contains(finding)).cloned().collect()
    };
    assert!(found == expected, "{how}: too many {:#?}, too few {:#?}", only(found, expected), only(expected, found));
}

fn judge() -> Judge {
    let limits = Limits::default();
    let path = pack("tests/guests").join(GUEST);
    let component = Component::check(std::fs::read(&path).expect("the guest is built"), &limits);
    let files = [RuleFile { path, pack: None, grant: None, component }];
    let settings: Map<String, Value> = serde_json::from_value(json!({ "many": 3, "within": 1800 })).expect("an object");
    let instance = Instance { id: "guest.looks-back".to_owned(), file: 0, settings, severity: None };
    let compiler = Compiler::new(host(), None, limits.clone());
    let engine = Engine::for_evaluation(4, limits).expect("the engine starts");
    Judge::new(load(&files, &[instance], &compiler, &engine, &Arc::default(), 1))
}

/// Some calls of two actors within two hours: several at one time, and several copies of one action.
fn story(random: &mut fastrand::Rng) -> Vec<Value> {
    let call = |number: usize, random: &mut fastrand::Rng| {
        let minute = 5 * random.u32(0..24);
        json!({
            "eventVersion": "1.11",
            "eventTime": format!("2026-11-01T{:02}:{:02}:00Z", 10 + minute / 60, minute % 60),
            "eventSource": "organizations.amazonaws.com",
            "eventName": "LeaveOrganization",
            "eventID": format!("{}", random.usize(0..=number)),
            "userIdentity": { "arn": format!("arn:{}", random.alphabetic().is_ascii_lowercase()) },
            "recipientAccountId": ACCOUNTS[random.usize(0..ACCOUNTS.len())],
        })
    };
    (0..random.usize(1..16)).map(|number| call(number, random)).collect()
}

/// The story in another order, in batches, with some of it told twice.
fn shuffled(story: &[Value], random: &mut fastrand::Rng) -> Vec<Vec<Value>> {
    let mut records = story.to_vec();
    records.extend(random.choose_multiple(story, story.len() / 4).into_iter().cloned());
    random.shuffle(&mut records);
    let mut batches = Vec::new();
    while !records.is_empty() {
        batches.push(records.split_off(records.len() - random.usize(1..=records.len())));
    }
    batches
}

/// Replays batches, each on a thread of its own.
fn replayed(judge: &Judge, batches: &[Vec<Value>]) -> Vec<String> {
    let state = Temporary::open().expect("there is room");
    thread::scope(|scope| {
        for batch in batches {
            scope.spawn(|| {
                let event =
                    |record: &Value| Event::new(Document::parse(record.to_string()).expect("JSON"), Place::default());
                let asked: Vec<_> = batch.iter().filter_map(|record| judge.ask(event(record))).collect();
                judge.judge(&asked, |verdicts| {
                    for verdicts in verdicts {
                        assert!(verdicts.gaps.is_empty(), "{:?}", verdicts.gaps);
                        let remembered = verdicts.remembered.into_iter().map(|it| it.waiting(&Arc::from("")));
                        assert!(state.remember(judge, remembered.collect()).expect("there is room").is_empty());
                    }
                });
            });
        }
    });
    let mut found = Vec::new();
    state
        .settle(judge, |verdicts| {
            found.extend(verdicts.findings.iter().map(|finding| serde_json::to_string(finding).expect("plain data")));
        })
        .expect("the notes can be read");
    found.sort();
    found.dedup();
    found
}

/// Takes the batches live, settles now and then as far as everything has arrived, and starts anew now and then.
async fn live(judge: &Arc<Judge>, batches: &[Vec<Value>], random: &mut fastrand::Rng) -> Vec<String> {
    // In memory where that is possible: this is about order, and not about the disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder");
    let (_stopping, stop) = watch::channel(Stop::No);
    let mut intake = intake(judge, &folder);
    for (number, batch) in batches.iter().enumerate() {
        let body = Body::Bytes(Bytes::from(lines(batch)));
        let batch = Batch { input: Arc::from("story"), body, checkpoint: None, account: None };
        let taken = intake.take("story", batch, stop.clone()).await.expect("the ledger works");
        assert_eq!(taken.unreadable, 0);
        if random.bool() {
            let time =
                |record: &Value| record["eventTime"].as_str().expect("a text").parse::<Timestamp>().expect("a time");
            let yet_to_come = batches[number + 1..].iter().flatten().map(time).min();
            let end = "2026-11-02T00:00:00Z".parse().expect("a time");
            intake.settle(yet_to_come.unwrap_or(end), &stop).await.expect("the ledger works");
        }
        if random.u8(0..4) == 0 {
            intake.ledger().close().await;
            drop(intake);
            intake = self::intake(judge, &folder);
            intake.judge_left_over(&stop).await.expect("the ledger works");
        }
    }
    intake.settle("2026-11-03T00:00:00Z".parse().expect("a time"), &stop).await.expect("the ledger works");
    intake.ledger().close().await;
    let stored = Reader::open(folder.path()).expect("the ledger works").findings(&FindingQuery::default());
    let mut found: Vec<String> = stored
        .expect("the ledger works")
        .iter()
        .map(|stored| serde_json::to_string(&stored.finding).expect("plain data"))
        .collect();
    found.retain(|finding| !finding.contains("\"id\":\"orgwatch."));
    found.sort();
    found
}

fn intake(judge: &Arc<Judge>, folder: &TempDir) -> Arc<Intake> {
    let ledger = Ledger::open(folder.path(), Room { reserve: 0, limit: None }).expect("the ledger works");
    let (health, metrics) = (Arc::new(Health::default()), Arc::new(Metrics::default()));
    Arc::new(Intake::new(Arc::clone(judge), ledger, Router::default(), health, metrics, Ack::Ledger, 2))
}
