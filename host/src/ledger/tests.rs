//! The ledger, by itself: what it keeps, what it refuses, and what it forgets.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use serde_json::Map;

use super::*;
use crate::digest::Digest;
use crate::finding::{EventReference, Finding, RuleReference};

const ROOMY: Room = Room { reserve: 0, limit: None };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn finding(number: u32, severity: Severity) -> Finding {
    let rule = RuleReference {
        id: "org.test".into(),
        component: "org.test".into(),
        version: "1.0.0".into(),
        digest: String::new(),
        settings: String::new(),
        pack: None,
    };
    let digest = Digest::of(number.to_string());
    Finding {
        id: digest,
        rule: Arc::new(rule),
        title: format!("finding {number}"),
        severity,
        key: String::new(),
        event: EventReference::none(digest, &at(0)),
        details: Map::new(),
        attack: Arc::default(),
        references: Arc::default(),
    }
}

fn filing(finding: Finding, sinks: &[SinkNumber]) -> Filing {
    Filing::at_once(finding, sinks.to_vec())
}

fn commit(findings: Vec<Filing>) -> Commit {
    Commit { source: "test".into(), findings, ..Commit::default() }
}

fn gap(number: u32) -> OpenGap {
    OpenGap {
        id: Digest::of(format!("gap {number}")),
        input: "file".into(),
        record: 1,
        position: 0,
        rule: Some("org.test".into()),
        cause: "it panicked".into(),
        digest: Some(Digest::of("record")),
        event: br#"{"eventName":"X"}"#.to_vec(),
    }
}

async fn open(folder: &Path, sinks: &[&str]) -> (Ledger, Vec<SinkNumber>) {
    let ledger = Ledger::open(folder, ROOMY).unwrap();
    let numbers = ledger.sinks(sinks.iter().map(|name| (*name).to_owned()).collect()).await.unwrap();
    (ledger, numbers)
}

async fn due(ledger: &Ledger, sink: SinkNumber, now: Timestamp) -> Vec<Owed> {
    ledger.due(sink, now, now + Duration::from_mins(10), 1_000).await.unwrap()
}

fn taken(owed: &Owed) -> Settled {
    Settled { place: owed.place, revision: owed.delivery.revision, settlement: Settlement::Taken }
}

#[tokio::test]
async fn what_is_committed_is_there_after_a_restart_and_owed_under_the_same_sinks() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a", "b"]).await;
    let mut batch = commit(vec![filing(finding(1, Severity::High), &sinks[..1])]);
    batch.checkpoint = Some(Checkpoint { key: "us-east-1".into(), value: "12:00".into() });
    let committed = ledger.commit(batch, at(0)).await.unwrap();
    assert_eq!((committed.new_findings, committed.new_gaps), (vec![Severity::High], 0));
    drop(ledger);
    let (ledger, sinks) = open(folder.path(), &["b", "a"]).await;
    assert_eq!(due(&ledger, sinks[1], at(1)).await[0].delivery.finding, finding(1, Severity::High));
    assert!(due(&ledger, sinks[0], at(1)).await.is_empty());
    assert_eq!(ledger.checkpoint("test", "us-east-1").await.unwrap().as_deref(), Some("12:00"));
}

#[tokio::test]
async fn a_second_host_is_refused_and_told_who_runs_while_readers_are_welcome() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    ledger.commit(commit(vec![filing(finding(1, Severity::Low), &sinks)]), at(0)).await.unwrap();
    let error = Ledger::open(folder.path(), ROOMY).err().unwrap();
    assert!(
        matches!(&error, LedgerError::InUse { holder, .. } if *holder == std::process::id().to_string()),
        "{error}"
    );
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.findings(&FindingQuery::default()).unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_finding_again_is_no_news_and_an_update_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    let first = filing(finding(1, Severity::Low), &sinks);
    ledger.commit(commit(vec![first]), at(0)).await.unwrap();
    let mut again = finding(1, Severity::Low);
    again.title = "said by a newer version of the rule".into();
    let committed = ledger.commit(commit(vec![filing(again.clone(), &sinks)]), at(1)).await.unwrap();
    assert!(committed.new_findings.is_empty());
    let owed = due(&ledger, sinks[0], at(1)).await;
    assert_eq!(owed[0].delivery.finding.title, "finding 1");
    ledger.settle(sinks[0], vec![taken(&owed[0])]).await.unwrap();
    assert!(due(&ledger, sinks[0], at(1)).await.is_empty());
    let update = Filing { update: true, ..filing(again, &sinks) };
    // The clock has gone back: the update is later all the same.
    assert_eq!(ledger.commit(commit(vec![update]), at(-100)).await.unwrap().new_findings, [Severity::Low]);
    let update = due(&ledger, sinks[0], at(0)).await.remove(0).delivery;
    assert_eq!((update.revision, update.filed), (2, at(0)));
    assert!(update.updated > at(0));
}

#[tokio::test]
async fn an_update_that_comes_while_the_finding_is_sent_is_sent_too() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    ledger.commit(commit(vec![filing(finding(1, Severity::Low), &sinks)]), at(0)).await.unwrap();
    let sent = due(&ledger, sinks[0], at(0)).await.remove(0);
    let update = Filing { update: true, ..filing(finding(1, Severity::High), &sinks) };
    ledger.commit(commit(vec![update]), at(1)).await.unwrap();
    ledger.settle(sinks[0], vec![taken(&sent)]).await.unwrap();
    let owed = due(&ledger, sinks[0], at(1)).await;
    assert_eq!((owed[0].delivery.revision, owed[0].delivery.finding.severity), (2, Severity::High));
}

#[tokio::test]
async fn the_most_severe_comes_first_whatever_lies_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    let low = (0..100_000).map(|number| filing(finding(number, Severity::Low), &sinks)).collect();
    ledger.commit(commit(low), at(0)).await.unwrap();
    ledger.commit(commit(vec![filing(finding(500_000, Severity::Critical), &sinks)]), at(1)).await.unwrap();
    let owed = ledger.due(sinks[0], at(1), at(600), 3).await.unwrap();
    let titles: Vec<&str> = owed.iter().map(|owed| owed.delivery.finding.title.as_str()).collect();
    assert_eq!(titles, ["finding 500000", "finding 0", "finding 1"]);
}

#[tokio::test]
async fn a_wait_that_is_longer_than_any_means_that_the_clock_went_back() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    ledger.commit(commit(vec![filing(finding(1, Severity::Low), &sinks)]), at(86_400)).await.unwrap();
    // A day later, the clock is set right: the delivery is due now, not in a day.
    assert_eq!(ledger.due(sinks[0], at(0), at(600), 10).await.unwrap().len(), 1);
    let owed = due(&ledger, sinks[0], at(0)).await.remove(0);
    let settlement = Settlement::Again { due: at(300), reason: "throttled".into() };
    ledger.settle(sinks[0], vec![Settled { settlement, ..taken(&owed) }]).await.unwrap();
    assert!(ledger.due(sinks[0], at(10), at(610), 10).await.unwrap().is_empty());
    assert_eq!(ledger.next_due(sinks[0]).await.unwrap(), Some(at(300)));
}

#[tokio::test]
async fn a_full_disk_stops_new_findings_and_not_the_settling_of_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room { reserve: 256 << 10, limit: Some(1 << 20) };
    let ledger = Ledger::open(folder.path(), room).unwrap();
    let sinks = ledger.sinks(vec!["a".into()]).await.unwrap();
    let mut number = 0;
    let error = loop {
        let batch = (number..number + 50).map(|number| filing(finding(number, Severity::Low), &sinks)).collect();
        match ledger.commit(commit(batch), at(0)).await {
            Ok(_) => number += 50,
            Err(error) => break error,
        }
        assert!(number < 10_000, "the limit was never met");
    };
    assert!(matches!(error, LedgerError::Full) && error.passes(), "{error}");
    let owed = ledger.due(sinks[0], at(0), at(600), 10_000).await.unwrap();
    assert_eq!(owed.len(), number as usize, "everything that was acknowledged is there, and nothing else");
    ledger.settle(sinks[0], owed.iter().map(taken).collect()).await.unwrap();
    assert!(due(&ledger, sinks[0], at(0)).await.is_empty());
    // Forgetting makes room again.
    ledger.forget(Duration::from_secs(1), at(10)).await.unwrap();
    ledger.commit(commit(vec![filing(finding(99_999, Severity::Low), &sinks)]), at(11)).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_does_not_fit_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path(), Room { reserve: 0, limit: Some(512 << 10) }).unwrap();
    let sinks = ledger.sinks(vec!["a".into()]).await.unwrap();
    let mut batch: Vec<Filing> = (0..2_000).map(|number| filing(finding(number, Severity::Low), &sinks)).collect();
    let last = batch.split_off(1_999);
    assert!(matches!(ledger.commit(commit(batch), at(0)).await, Err(LedgerError::Full)));
    assert!(due(&ledger, sinks[0], at(0)).await.is_empty());
    ledger.commit(commit(last), at(0)).await.unwrap();
    assert_eq!(due(&ledger, sinks[0], at(0)).await.len(), 1);
}

#[test]
fn a_damaged_ledger_and_a_newer_one_are_told_apart_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    std::fs::write(&file, "this is no database, however long it may be".repeat(100)).unwrap();
    let error = Ledger::open(folder.path(), ROOMY).err().unwrap();
    assert!(matches!(&error, LedgerError::Damaged(_)) && !error.passes(), "{error:?}");
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Ledger::open(folder.path(), ROOMY), Err(LedgerError::Newer { found: 99, .. })));
    assert!(matches!(Reader::open(&folder.path().join("none")), Err(LedgerError::None(_))));
}

#[tokio::test]
async fn what_is_old_is_forgotten_unless_somebody_still_has_to_do_something() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    let mut batch = commit((0..4).map(|number| filing(finding(number, Severity::Low), &sinks)).collect());
    batch.findings[3].sinks.clear();
    batch.gaps = vec![gap(1), gap(2)];
    ledger.commit(batch, at(0)).await.unwrap();
    let owed = due(&ledger, sinks[0], at(0)).await;
    let dead = Settled { settlement: Settlement::Dead { reason: "refused".into() }, ..taken(&owed[1]) };
    ledger.settle(sinks[0], vec![taken(&owed[0]), dead]).await.unwrap();
    ledger.commit(Commit { closed: vec![gap(1).id], ..commit(Vec::new()) }, at(1)).await.unwrap();
    let forgotten = ledger.forget(Duration::from_mins(1), at(1_000)).await.unwrap();
    // The one that was taken and the one that nobody wants; not the owed one, nor the dead letter, nor the open gap.
    assert_eq!(forgotten, Forgotten { findings: 2, gaps: 1 });
    let reader = Reader::open(folder.path()).unwrap();
    let titles: Vec<String> =
        reader.findings(&FindingQuery::default()).unwrap().into_iter().map(|stored| stored.finding.title).collect();
    assert_eq!(titles, ["finding 1", "finding 2"]);
    assert_eq!(reader.gaps(true).unwrap().len(), 1);
    assert_eq!(reader.dead_letters(Some("a")).unwrap()[0].reason, "refused");
}

#[tokio::test]
async fn a_dead_letter_is_owed_again_when_somebody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, sinks) = open(folder.path(), &["a"]).await;
    let place = ledger.commit(commit(vec![filing(finding(1, Severity::Low), &sinks)]), at(0)).await.unwrap().places;
    let owed = due(&ledger, sinks[0], at(0)).await.remove(0);
    let dead = Settled { settlement: Settlement::Dead { reason: "refused".into() }, ..taken(&owed) };
    ledger.settle(sinks[0], vec![dead]).await.unwrap();
    assert_eq!(ledger.unsettled(sinks.clone(), place.clone()).await.unwrap(), (0, 1));
    let depths = ledger.queue_depths().await.unwrap();
    assert_eq!(depths, [QueueDepth { sink: "a".into(), owed: 0, dead: 1 }]);
    let reader = Reader::open(folder.path()).unwrap();
    assert_eq!(reader.retry_dead_letters(Some("b"), at(5)).unwrap(), 0);
    assert_eq!(reader.retry_dead_letters(Some("a"), at(5)).unwrap(), 1);
    assert_eq!(ledger.unsettled(sinks.clone(), place).await.unwrap(), (1, 0));
    let again = due(&ledger, sinks[0], at(5)).await.remove(0);
    assert_eq!((again.attempts, again.since), (0, at(5)));
}

#[tokio::test]
async fn a_gap_is_one_gap_however_often_it_comes_and_keeps_its_event() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open(folder.path(), &[]).await;
    let with_gap = || Commit { gaps: vec![gap(1)], ..commit(Vec::new()) };
    assert_eq!(ledger.commit(with_gap(), at(0)).await.unwrap().new_gaps, 1);
    assert_eq!(ledger.commit(with_gap(), at(1)).await.unwrap().new_gaps, 0);
    assert!(ledger.gaps_to_retry(0, 10).await.unwrap().is_empty());
    assert_eq!(Reader::open(folder.path()).unwrap().retry_gaps(&[]).unwrap(), 1);
    let retry = ledger.gaps_to_retry(0, 10).await.unwrap().remove(0);
    assert_eq!((retry.id, retry.event, retry.digest), (gap(1).id, gap(1).event, gap(1).digest));
    ledger.still_open(vec![(retry.number, "it panicked again".into())]).await.unwrap();
    assert!(ledger.gaps_to_retry(0, 10).await.unwrap().is_empty());
    assert_eq!(ledger.retry_gaps_of(vec!["org.other".into()]).await.unwrap(), 0);
    assert_eq!(ledger.retry_gaps_of(vec!["org.test".into()]).await.unwrap(), 1);
    ledger.commit(Commit { closed: vec![gap(1).id], ..commit(Vec::new()) }, at(2)).await.unwrap();
    assert_eq!(ledger.open_gaps().await.unwrap(), 0);
    // The same record fails again: the gap is open again.
    assert_eq!(ledger.commit(with_gap(), at(3)).await.unwrap().new_gaps, 1);
    assert_eq!(ledger.open_gaps().await.unwrap(), 1);
}

#[tokio::test]
async fn the_activation_log_keeps_each_change_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open(folder.path(), &[]).await;
    assert_eq!(ledger.activate("{}".into(), at(0)).await.unwrap(), None);
    assert_eq!(ledger.activate("{}".into(), at(1)).await.unwrap().as_deref(), Some("{}"));
    // Even with a clock that has gone back, the latest is the latest.
    assert_eq!(ledger.activate(r#"{"a":1}"#.into(), at(-50)).await.unwrap().as_deref(), Some("{}"));
    assert_eq!(ledger.activate("{}".into(), at(-50)).await.unwrap().as_deref(), Some(r#"{"a":1}"#));
}
