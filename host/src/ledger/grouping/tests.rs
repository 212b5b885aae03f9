//! Groups: what is delivered at once, what is held, and that all of it is told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Map;
use tokio::runtime::Builder;

use super::*;
use crate::finding::{EventReference, Finding, RuleReference};
use crate::ledger::{Commit, FindingQuery, Reader, Room, Settled, Settlement, Sort};

const PERIOD: Duration = Duration::from_hours(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

/// A finding of a rule, about a key, by an action.
fn finding(number: u32, rule: &str, key: &str, severity: Severity) -> Finding {
    let rule = RuleReference {
        id: rule.into(),
        component: rule.into(),
        version: "1.0.0".into(),
        digest: String::new(),
        settings: String::new(),
        pack: None,
    };
    let digest = Digest::of(number.to_string());
    let event = EventReference { action: format!("action {}", number / 2), ..EventReference::none(digest, &at(0)) };
    Finding {
        id: digest,
        rule: Arc::new(rule),
        title: format!("finding {number}"),
        severity,
        key: key.into(),
        event,
        details: Map::new(),
        attack: Arc::default(),
        references: Arc::default(),
    }
}

fn group(finding: &Finding, cap: Option<u32>) -> Group {
    Group { by: "key", value: finding.key.clone(), period: PERIOD, cap }
}

async fn open(folder: &Path) -> (Ledger, SinkNumber) {
    let ledger = Ledger::open(folder, Room { reserve: 0, limit: None }).unwrap();
    let sink = ledger.sinks(vec!["a".into()]).await.unwrap()[0];
    (ledger, sink)
}

async fn file_one(ledger: &Ledger, sink: SinkNumber, finding: Finding, cap: Option<u32>, now: i64) -> i64 {
    let grouped = vec![(sink, group(&finding, cap))];
    let filing = Filing { grouped, ..Filing::at_once(finding, Vec::new()) };
    let commit = Commit { source: "test".into(), findings: vec![filing], ..Commit::default() };
    ledger.commit(commit, at(now)).await.unwrap().places[0]
}

/// The titles of what is owed, in the order of filing.
async fn owed(ledger: &Ledger, sink: SinkNumber) -> Vec<String> {
    let mut owed = ledger.due(sink, at(1_000_000), at(2_000_000), 10_000).await.unwrap();
    owed.sort_by_key(|owed| owed.place);
    owed.into_iter().map(|owed| owed.delivery.finding.title).collect()
}

#[tokio::test]
async fn the_first_of_a_group_goes_at_once_and_the_rest_in_one_summary_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    for number in 0..6 {
        file_one(&ledger, sink, finding(number, "org.x", "a", Severity::Medium), None, i64::from(number)).await;
    }
    file_one(&ledger, sink, finding(10, "org.x", "b", Severity::Medium), None, 6).await;
    file_one(&ledger, sink, finding(12, "org.y", "a", Severity::Medium), None, 7).await;
    assert_eq!(owed(&ledger, sink).await, ["finding 0", "finding 10", "finding 12"]);
    assert_eq!(ledger.end_groups(false, at(3_599)).await.unwrap(), []);
    drop(ledger);
    // A restart changes nothing.
    let (ledger, sink) = open(folder.path()).await;
    assert_eq!(ledger.end_groups(false, at(3_600)).await.unwrap(), [Severity::Medium]);
    assert_eq!(ledger.end_groups(false, at(3_700)).await.unwrap(), []);
    let titles = owed(&ledger, sink).await;
    assert_eq!(titles[3..], ["5 more findings of org.x with the key a, about 3 actions"]);
    let reader = Reader::open(folder.path()).unwrap();
    let query = FindingQuery { sort: Sort::Grouped, ..FindingQuery::default() };
    let held = reader.findings(&query).unwrap();
    assert_eq!(held.len(), 5);
    assert!(held[0].deliveries[0].1.starts_with("told in the summary "), "{held:?}");
    // Another period, another first.
    file_one(&ledger, sink, finding(20, "org.x", "a", Severity::Medium), None, 3_700).await;
    assert_eq!(owed(&ledger, sink).await[4..], ["finding 20"]);
}

#[tokio::test]
async fn what_is_more_serious_than_all_before_goes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    let severities =
        [Severity::Low, Severity::Low, Severity::High, Severity::Medium, Severity::High, Severity::Critical];
    for (number, severity) in (0..).zip(severities) {
        file_one(&ledger, sink, finding(number, "org.x", "a", severity), Some(1), i64::from(number)).await;
    }
    assert_eq!(owed(&ledger, sink).await, ["finding 0", "finding 2", "finding 5"]);
    assert_eq!(ledger.end_groups(false, at(4_000)).await.unwrap(), [Severity::High]);
}

#[tokio::test]
async fn a_cap_holds_what_is_beyond_it_and_says_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    for number in 0..10 {
        let key = format!("key {number}");
        file_one(&ledger, sink, finding(number, "org.x", &key, Severity::Medium), Some(3), i64::from(number)).await;
    }
    assert_eq!(owed(&ledger, sink).await, ["finding 0", "finding 1", "finding 2"]);
    file_one(&ledger, sink, finding(11, "org.x", "key 11", Severity::High), Some(3), 11).await;
    assert_eq!(owed(&ledger, sink).await[3..], ["finding 11"]);
    ledger.end_groups(false, at(4_000)).await.unwrap();
    assert_eq!(owed(&ledger, sink).await[4..], ["7 more findings of org.x beyond its cap, about 4 actions"]);
}

#[tokio::test]
async fn a_copy_of_what_is_held_is_no_news_and_a_graver_form_of_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    for number in [0, 1, 1, 0] {
        file_one(&ledger, sink, finding(number, "org.x", "a", Severity::Low), None, 0).await;
    }
    assert_eq!(owed(&ledger, sink).await, ["finding 0"]);
    let graver = finding(1, "org.x", "a", Severity::High);
    let grouped = vec![(sink, group(&graver, None))];
    let filing = Filing { grouped, update: true, ..Filing::at_once(graver, Vec::new()) };
    let commit = Commit { source: "test".into(), findings: vec![filing], ..Commit::default() };
    ledger.commit(commit, at(1)).await.unwrap();
    assert_eq!(owed(&ledger, sink).await, ["finding 0", "finding 1"]);
    // Nothing is held any more, so there is nothing to tell.
    assert_eq!(ledger.end_groups(true, at(2)).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_held_is_owed_until_its_summary_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    file_one(&ledger, sink, finding(0, "org.x", "a", Severity::Low), None, 0).await;
    let place = file_one(&ledger, sink, finding(1, "org.x", "a", Severity::Low), None, 0).await;
    let unsettled = || ledger.unsettled(vec![sink], vec![place]);
    assert_eq!(unsettled().await.unwrap(), (1, 0));
    ledger.end_groups(false, at(4_000)).await.unwrap();
    assert_eq!(unsettled().await.unwrap(), (1, 0));
    let settle = async |settlement: Settlement| {
        let owed = ledger.due(sink, at(9_000), at(99_000), 10).await.unwrap();
        let settled = owed
            .iter()
            .map(|owed| Settled { place: owed.place, revision: 1, settlement: settlement.clone() })
            .collect();
        ledger.settle(sink, settled).await.unwrap();
    };
    settle(Settlement::Dead { reason: "refused".into() }).await;
    assert_eq!(unsettled().await.unwrap(), (0, 1));
    ledger.revive(vec![sink], vec![place], at(4_001)).await.unwrap();
    assert_eq!(unsettled().await.unwrap(), (1, 0));
    settle(Settlement::Taken).await;
    assert_eq!(unsettled().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn what_is_held_is_not_forgotten_before_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    for number in 0..3 {
        file_one(&ledger, sink, finding(number, "org.x", "a", Severity::Low), None, 0).await;
    }
    let forgotten = ledger.forget(Duration::from_secs(1), at(100)).await.unwrap();
    assert_eq!(forgotten.findings, 0);
    ledger.end_groups(true, at(100)).await.unwrap();
    let forgotten = ledger.forget(Duration::from_secs(1), at(101)).await.unwrap();
    assert_eq!(forgotten.findings, 2);
    assert_eq!(owed(&ledger, sink).await.len(), 2);
}

#[tokio::test]
async fn a_clock_that_goes_back_ends_the_groups_of_the_future() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sink) = open(folder.path()).await;
    for number in 0..2 {
        file_one(&ledger, sink, finding(number, "org.x", "a", Severity::Low), None, 86_400).await;
    }
    file_one(&ledger, sink, finding(2, "org.x", "a", Severity::Low), None, 0).await;
    assert_eq!(ledger.end_groups(false, at(1)).await.unwrap(), [Severity::Low]);
    assert_eq!(owed(&ledger, sink).await.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever comes when: each finding is delivered or told of, and none is held that is more serious than all that was delivered.
    #[test]
    fn nothing_is_lost_in_a_group(
        list in prop::collection::vec((0..2_u8, 0..3_u8, 0..5_usize, 0..3_000_i64), 1..25),
        cap in prop::option::of(1..4_u32),
    ) {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (ledger, sink) = open(folder.path()).await;
            let mut now = 0;
            for (number, (rule, key, severity, wait)) in (0..).zip(&list) {
                now += wait;
                ledger.end_groups(false, at(now)).await.unwrap();
                let finding = finding(number, &format!("org.{rule}"), &format!("{key}"), Severity::ALL[*severity]);
                file_one(&ledger, sink, finding, cap, now).await;
            }
            ledger.end_groups(true, at(now)).await.unwrap();
            let owed = ledger.due(sink, at(1_000_000), at(2_000_000), 10_000).await.unwrap();
            let (summaries, delivered): (Vec<_>, Vec<_>) =
                owed.iter().map(|owed| &owed.delivery.finding).partition(|finding| finding.rule.id == "orgwatch.grouped");
            let told: u64 = summaries.iter().map(|summary| summary.details["findings"].as_u64().unwrap()).sum();
            prop_assert_eq!(delivered.len() as u64 + told, list.len() as u64);
            let worst = list.iter().map(|(_, _, severity, _)| Severity::ALL[*severity]).max();
            prop_assert!(delivered.iter().map(|finding| finding.severity).max() == worst);
            Ok(())
        })?;
    }
}
