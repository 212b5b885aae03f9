//! A queue against sinks that behave badly. Times are short and real.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use orgwatch_rules_sdk::Severity;
use serde_json::Map;
use tempfile::TempDir;

use super::*;
use crate::config::Span;
use crate::digest::Digest;
use crate::finding::{EventReference, Finding, RuleReference};
use crate::ledger::{Commit, Filing, Room};

type Script = dyn Fn(usize, &[Delivery]) -> Vec<Receipt> + Send + Sync;

/// A sink that does as it is told, call by call, and remembers what it took.
struct Scripted {
    batch: usize,
    script: Box<Script>,
    calls: AtomicUsize,
    taken: Mutex<Vec<String>>,
}

#[async_trait]
impl Sink for Scripted {
    fn batch(&self) -> usize {
        self.batch
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let receipts = (self.script)(self.calls.fetch_add(1, Ordering::Relaxed), deliveries);
        let mut taken = self.taken.lock().unwrap();
        for (delivery, receipt) in deliveries.iter().zip(&receipts) {
            if *receipt == Receipt::Taken {
                taken.push(delivery.finding.title.clone());
            }
        }
        receipts
    }
}

fn scripted(
    batch: usize,
    script: impl Fn(usize, &[Delivery]) -> Vec<Receipt> + Send + Sync + 'static,
) -> Arc<Scripted> {
    Arc::new(Scripted { batch, script: Box::new(script), calls: AtomicUsize::new(0), taken: Mutex::default() })
}

/// A ledger with queues over some sinks.
struct Bench {
    ledger: Ledger,
    numbers: Vec<SinkNumber>,
    health: Arc<Health>,
    queues: JoinSet<()>,
    stop: watch::Sender<Stop>,
    _folder: TempDir,
}

impl Bench {
    /// Files some findings for all sinks and starts a queue for each.
    async fn start(sinks: &[Arc<Scripted>], retry: RetryConfig, findings: &[(&str, Severity)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path(), Room { reserve: 0, limit: None }).unwrap();
        let names = (0..sinks.len()).map(|place| format!("sink {place}")).collect();
        let numbers = ledger.sinks(names).await.unwrap();
        let filings =
            findings.iter().map(|&(title, severity)| Filing::at_once(finding(title, severity), numbers.clone()));
        let commit = Commit { source: "test".into(), findings: filings.collect(), ..Commit::default() };
        ledger.commit(commit, Timestamp::now()).await.unwrap();
        let (stop, stopping) = watch::channel(Stop::No);
        let health = Arc::new(Health::default());
        let mut queues = JoinSet::new();
        for (place, sink) in sinks.iter().enumerate() {
            let queue = Queue {
                name: format!("sink {place}"),
                number: numbers[place],
                sink: Arc::clone(sink) as Arc<dyn Sink>,
                retry,
                ledger: ledger.clone(),
                health: Arc::clone(&health),
                metrics: Arc::default(),
            };
            queues.spawn(queue.run(stopping.clone()));
        }
        Self { ledger, numbers, health, queues, stop, _folder: folder }
    }

    /// Waits until a sink is owed nothing.
    async fn settled(&self, sink: usize) {
        let name = format!("sink {sink}");
        for _ in 0..1_000 {
            let depths = self.ledger.queue_depths().await.unwrap();
            if depths.iter().any(|depth| depth.sink == name && depth.owed == 0) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} is still owed something");
    }

    async fn drain(mut self) {
        self.stop.send_replace(Stop::Drain);
        while self.queues.join_next().await.is_some() {}
    }
}

fn finding(title: &str, severity: Severity) -> Finding {
    let rule = RuleReference {
        id: "org.test".into(),
        component: "org.test".into(),
        version: "1.0.0".into(),
        digest: String::new(),
        settings: String::new(),
        pack: None,
    };
    let digest = Digest::of(title);
    Finding {
        id: digest,
        rule: Arc::new(rule),
        title: title.to_owned(),
        severity,
        key: String::new(),
        event: EventReference::none(digest, &Timestamp::now()),
        details: Map::new(),
        attack: Arc::default(),
        references: Arc::default(),
    }
}

fn hasty() -> RetryConfig {
    RetryConfig {
        first: Span(Duration::from_millis(5)),
        longest: Span(Duration::from_millis(40)),
        concurrency: 1,
        ..RetryConfig::default()
    }
}

fn take_all(_: usize, deliveries: &[Delivery]) -> Vec<Receipt> {
    vec![Receipt::Taken; deliveries.len()]
}

fn reported(health: &Health) -> Vec<(Condition, String)> {
    health.reports(Timestamp::now()).into_iter().map(|report| (report.condition, report.subject)).collect()
}

#[tokio::test]
async fn a_dead_sink_delays_no_other_and_is_told_once_and_recovers() {
    let dead = scripted(1, |call, deliveries| {
        if call < 8 { vec![Receipt::again("connection refused"); deliveries.len()] } else { take_all(call, deliveries) }
    });
    let sound = scripted(1, take_all);
    let bench = Bench::start(&[Arc::clone(&dead), Arc::clone(&sound)], hasty(), &[("a", Severity::Low)]).await;
    bench.settled(1).await;
    assert_eq!(*sound.taken.lock().unwrap(), ["a"]);
    bench.settled(0).await;
    assert_eq!((dead.calls.load(Ordering::Relaxed), dead.taken.lock().unwrap().len()), (9, 1));
    assert_eq!(reported(&bench.health), [(Condition::SinkStuck, "sink 0".to_owned())]);
    assert!(bench.health.wrong().is_empty(), "it works again");
}

#[tokio::test]
async fn of_half_a_batch_only_what_failed_is_sent_again() {
    let sink = scripted(4, |call, deliveries| {
        let receipt =
            |(place, _)| if call == 0 && place % 2 == 1 { Receipt::again("throttled") } else { Receipt::Taken };
        deliveries.iter().enumerate().map(receipt).collect()
    });
    let findings = ["a", "b", "c", "d"].map(|title| (title, Severity::Low));
    let bench = Bench::start(&[Arc::clone(&sink)], hasty(), &findings).await;
    bench.settled(0).await;
    assert_eq!(*sink.taken.lock().unwrap(), ["a", "c", "b", "d"]);
}

#[tokio::test]
async fn a_sink_that_says_too_little_is_asked_again() {
    let sink =
        scripted(3, |call, deliveries| if call == 0 { vec![Receipt::Taken] } else { take_all(call, deliveries) });
    let findings = ["a", "b", "c"].map(|title| (title, Severity::Low));
    let bench = Bench::start(&[Arc::clone(&sink)], hasty(), &findings).await;
    bench.settled(0).await;
    assert_eq!(*sink.taken.lock().unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn what_is_refused_or_not_taken_for_too_long_is_a_dead_letter_with_its_reason() {
    let sink = scripted(1, |_, deliveries| match deliveries[0].finding.title.as_str() {
        "refused" => vec![Receipt::refused("the message is malformed")],
        _ => vec![Receipt::again("timed out")],
    });
    let retry = RetryConfig { give_up_after: Span(Duration::from_millis(150)), ..hasty() };
    let findings = [("refused", Severity::Critical), ("slow", Severity::Low)];
    let bench = Bench::start(&[sink], retry, &findings).await;
    bench.settled(0).await;
    let depths = bench.ledger.queue_depths().await.unwrap();
    assert_eq!((depths[0].owed, depths[0].dead), (0, 2));
    let gave_up = bench.health.reports(Timestamp::now());
    let gave_up = gave_up.iter().find(|report| report.condition == Condition::SinkGaveUp).unwrap();
    assert_eq!(gave_up.finding.severity, Severity::Critical, "as serious as what was lost");
    assert_eq!(gave_up.finding.details["count"], 2);
}

#[tokio::test]
async fn the_most_severe_goes_first_even_when_it_comes_last() {
    let sink = scripted(1, |call, deliveries| {
        std::thread::sleep(Duration::from_millis(2));
        take_all(call, deliveries)
    });
    let low: Vec<String> = (0..300).map(|number| format!("low {number}")).collect();
    let low: Vec<(&str, Severity)> = low.iter().map(|title| (title.as_str(), Severity::Low)).collect();
    let bench = Bench::start(&[Arc::clone(&sink)], hasty(), &low).await;
    let critical = Filing::at_once(finding("critical", Severity::Critical), bench.numbers.clone());
    let commit = Commit { source: "test".into(), findings: vec![critical], ..Commit::default() };
    bench.ledger.commit(commit, Timestamp::now()).await.unwrap();
    bench.settled(0).await;
    let place = sink.taken.lock().unwrap().iter().position(|title| title == "critical").unwrap();
    assert!(place < 150, "it was number {place} of 301");
}

#[tokio::test]
async fn a_sink_that_panics_takes_nothing_else_with_it() {
    let sink = scripted(1, |call, deliveries| {
        assert!(call > 1, "a bug of the sink");
        take_all(call, deliveries)
    });
    let bench = Bench::start(&[Arc::clone(&sink)], hasty(), &[("a", Severity::Low)]).await;
    bench.settled(0).await;
    assert_eq!(*sink.taken.lock().unwrap(), ["a"]);
}

#[tokio::test]
async fn the_rate_is_kept() {
    let sink = scripted(1, take_all);
    let retry = RetryConfig { rate_per_second: Some(50.0), ..hasty() };
    let findings: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let findings: Vec<(&str, Severity)> = findings.iter().map(|title| (title.as_str(), Severity::Low)).collect();
    let started = Instant::now();
    let bench = Bench::start(&[sink], retry, &findings).await;
    bench.settled(0).await;
    assert!(started.elapsed() >= Duration::from_millis(360), "20 at 50 a second took {:?}", started.elapsed());
}

#[tokio::test]
async fn stopping_delivers_what_is_due_first() {
    let sink = scripted(2, take_all);
    let findings: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let findings: Vec<(&str, Severity)> = findings.iter().map(|title| (title.as_str(), Severity::Low)).collect();
    let bench = Bench::start(&[Arc::clone(&sink)], hasty(), &findings).await;
    bench.drain().await;
    assert_eq!(sink.taken.lock().unwrap().len(), 200);
}

#[test]
fn a_pause_doubles_up_to_the_longest_and_leaves_half_of_it_to_chance() {
    let retry = RetryConfig { first: Span::seconds(1), longest: Span::seconds(60), ..RetryConfig::default() };
    for (failures, longest) in [(1, 1), (2, 2), (3, 4), (7, 60), (1_000, 60)] {
        let pause = backoff(&retry, failures);
        let longest = Duration::from_secs(longest);
        assert!(pause >= longest / 2 && pause <= longest, "{failures} failures: {pause:?}");
    }
}
