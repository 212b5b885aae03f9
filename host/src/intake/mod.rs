//! The intake: takes a batch from a source, judges it, and returns when what it gave is in the ledger.

mod judging;
mod retry;
mod settling;
mod tuning;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use self::judging::Judging;
pub use self::judging::Seen;
use crate::health::{Condition, Health, Report};
use crate::judge::Judge;
use crate::ledger::{Checkpoint, Commit, Committed, Filing, Ledger, LedgerError};
use crate::route::Router;
use crate::sink::Stop;
use crate::source::{Batch, InletError, Taken};
use crate::telemetry::Metrics;

/// The first wait before a commit is tried again for which there was no room; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// When a batch is acknowledged to its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ack {
    /// When the ledger has it on disk.
    #[default]
    Ledger,
    /// When every sink has taken its findings: for disks that do not last.
    Sinks,
}

/// What every source's batches pass through.
pub struct Intake {
    judge: RwLock<Arc<Judge>>,
    ledger: Ledger,
    router: RwLock<Arc<Router>>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    ack: Ack,
    /// One permit for each batch that is decoded and judged at a time.
    workers: Semaphore,
    seen: Mutex<Seen>,
    /// The failure of the ledger that does not pass.
    broken: watch::Sender<Option<LedgerError>>,
}

impl Intake {
    /// Puts an intake together. At most `workers` batches are judged at a time.
    pub fn new(
        judge: impl Into<Arc<Judge>>,
        ledger: Ledger,
        router: Router,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
        ack: Ack,
        workers: usize,
    ) -> Self {
        Self {
            judge: RwLock::new(judge.into()),
            ledger,
            router: RwLock::new(Arc::new(router)),
            health,
            metrics,
            ack,
            workers: Semaphore::new(workers.max(1)),
            seen: Mutex::default(),
            broken: watch::Sender::new(None),
        }
    }

    /// Returns the rules that judge just now.
    pub fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has other rules judge from now on. Batches that are being judged stay with the ones before.
    pub fn replace_judge(&self, judge: Judge) {
        *self.judge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
    }

    /// Returns the ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns what is known of the service's health.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Returns the counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns a signal of the ledger's failing for good: the service cannot go on then.
    pub fn broken(&self) -> watch::Receiver<Option<LedgerError>> {
        self.broken.subscribe()
    }

    /// Takes a batch: see [`Inlet::take`](crate::source::Inlet::take).
    ///
    /// # Errors
    ///
    /// Fails when the body cannot be read, when the ledger fails in a way that does not pass, and when the service stops first.
    pub async fn take(
        self: &Arc<Self>,
        source: &str,
        batch: Batch,
        stop: watch::Receiver<Stop>,
    ) -> Result<Taken, InletError> {
        let span = tracing::info_span!("batch", source, input = &*batch.input);
        self.take_one(source, batch, stop).instrument(span).await
    }

    async fn take_one(
        self: &Arc<Self>,
        source: &str,
        batch: Batch,
        stop: watch::Receiver<Stop>,
    ) -> Result<Taken, InletError> {
        let arrived = Instant::now();
        let permit = self.workers.acquire().await.map_err(|_| InletError::Stopping)?;
        let input = Arc::clone(&batch.input);
        let checkpoint = batch.checkpoint.clone().map(|(key, value)| Checkpoint { key, value });
        let judging = Judging::new(Arc::clone(self), source, &batch, stop.clone());
        let judged = tokio::task::spawn_blocking(move || judging.run(batch.body)).await;
        drop(permit);
        let mut judged = match judged {
            Ok(judged) => judged?,
            Err(panic) => {
                // A bug of the program's own: the source keeps the batch, and the service says so.
                return Err(InletError::Read { input, source: std::io::Error::other(panic) });
            }
        };
        judged.commit.checkpoint = checkpoint;
        let mut taken = judged.taken;
        let committed = self.commit(judged.commit, &stop).await?;
        judged.places.extend(&committed.places);
        judged.places.extend(self.judge_early(judged.remembered, &stop).await?);
        taken.findings += committed.new_findings.len() as u64;
        self.metrics.committed(arrived.elapsed().as_secs_f64());
        self.metrics.records(source, taken.records);
        if self.ack == Ack::Sinks {
            self.wait_for_sinks(judged.places, stop).await?;
        }
        Ok(taken)
    }

    /// Writes down what a batch gave, together with what there is to be said of the service. Waits as long as the ledger has no room.
    async fn commit(&self, mut commit: Commit, stop: &watch::Receiver<Stop>) -> Result<Committed, InletError> {
        let mut wait = FIRST_WAIT;
        loop {
            let now = Timestamp::now();
            let reports = self.health.reports(now);
            let own = commit.findings.len();
            commit.findings.extend(reports.iter().map(|report| self.report_filing(report)));
            // Kept until it is on disk: what could not be written is written again.
            let attempt = commit.clone();
            match self.ledger.commit(attempt, now).await {
                Ok(mut committed) => {
                    committed.places.truncate(own);
                    self.health.well(Condition::DiskFull, "ledger", now);
                    self.count(&committed);
                    return Ok(committed);
                }
                Err(error) => {
                    commit.findings.truncate(own);
                    self.health.restore(&reports);
                    if !error.passes() {
                        self.broken.send_replace(Some(error.clone()));
                        return Err(InletError::Ledger(error));
                    }
                    self.out_of_room(&error, now);
                }
            }
            if *stop.borrow() != Stop::No {
                return Err(InletError::Stopping);
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn out_of_room(&self, error: &LedgerError, now: Timestamp) {
        let reason = error.to_string();
        let reason = reason.lines().next().unwrap_or_default();
        self.health.raise(Condition::DiskFull, "ledger", format!("the intake waits: {reason}"), now);
    }

    /// Files what there is to be said of the service, when no batch has taken it along.
    pub async fn file_reports(&self) {
        let now = Timestamp::now();
        let reports = self.health.reports(now);
        if reports.is_empty() {
            return;
        }
        let findings = reports.iter().map(|report| self.report_filing(report)).collect();
        let commit = Commit { source: "orgwatch".to_owned(), findings, urgent: true, ..Commit::default() };
        if let Err(error) = self.ledger.commit(commit, now).await {
            tracing::error!("failed to file what is wrong with the service: {error}");
            self.health.restore(&reports);
            if !error.passes() {
                self.broken.send_replace(Some(error));
            }
        }
    }

    fn report_filing(&self, report: &Report) -> Filing {
        let router = self.router();
        let sinks = router.queues(&report.finding, report.rule.as_deref());
        if sinks.is_empty() && router.delivers() && report.condition != Condition::Unrouted {
            let detail = "what the service has to say of itself goes nowhere";
            self.health.raise(Condition::Unrouted, report.condition.id(), detail, Timestamp::now());
        }
        Filing { update: true, ..Filing::at_once(report.finding.clone(), sinks) }
    }

    /// Returns when no sink is owed any of the findings any more.
    async fn wait_for_sinks(&self, places: Vec<i64>, mut stop: watch::Receiver<Stop>) -> Result<(), InletError> {
        if places.is_empty() {
            return Ok(());
        }
        let mut settled = self.ledger.settled_changes();
        let sinks = self.router().sinks();
        let (_, dead) = self.ledger.unsettled(sinks.clone(), places.clone()).await.map_err(InletError::Ledger)?;
        if dead > 0 {
            // The batch has come again because a sink gave up on it before.
            self.ledger.revive(sinks.clone(), places.clone(), Timestamp::now()).await.map_err(InletError::Ledger)?;
        }
        loop {
            settled.mark_unchanged();
            match self.ledger.unsettled(sinks.clone(), places.clone()).await.map_err(InletError::Ledger)? {
                (0, 0) => return Ok(()),
                (0, _) => return Err(InletError::NotDelivered),
                _ => {}
            }
            tokio::select! {
                _ = settled.changed() => {}
                stopped = stop.wait_for(|stop| *stop == Stop::Now) => {
                    drop(stopped);
                    return Err(InletError::Stopping);
                }
            }
        }
    }
}
