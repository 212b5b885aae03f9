//! A sink's queue: takes from the ledger what is due, most severe first, hands it to the sink, and writes down what became of it.
//!
//! Each sink has a queue of its own, so a dead one delays no other. A sink that takes nothing is asked less and less often, with what is most
//! severe; one that takes again is asked at once for everything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::Instrument as _;

use super::{Delivery, Receipt, RetryConfig, Sink};
use crate::health::{Condition, Health, Occurrence};
use crate::ledger::{Ledger, LedgerError, Owed, Settled, Settlement, SinkNumber};
use crate::telemetry::Metrics;

/// How long one call of a sink may take before it counts as failed. Sinks bound their own time; this is the backstop.
const LONGEST_CALL: Duration = Duration::from_mins(2);

/// How often the queue looks for what has become due by somebody else's hand, such as a retried dead letter.
const LOOK: Duration = Duration::from_secs(2);

/// How many failures in a row make a sink one that is stuck.
const STUCK_AFTER: u32 = 5;

/// One sink with its queue.
pub struct Queue {
    /// The sink's name.
    pub name: String,
    /// Its number in the ledger.
    pub number: SinkNumber,
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// When deliveries are tried again, and when no more.
    pub retry: RetryConfig,
    /// Where the deliveries stand.
    pub ledger: Ledger,
    /// What is told of a sink that fails.
    pub health: Arc<Health>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Deliveries that are with the sink just now, and how the sink has been doing.
struct Running {
    calls: JoinSet<(Vec<Owed>, Vec<Receipt>)>,
    places: BTreeSet<i64>,
    /// Calls in a row of which nothing was taken.
    failures: u32,
    /// Nothing is sent before this time.
    pause_until: Option<Instant>,
    /// When the rate allows the next delivery.
    next_at: Instant,
}

impl Queue {
    /// Delivers until the service stops, and then what is still due, for as long as the service allows.
    pub async fn run(self, mut stop: watch::Receiver<Stop>) {
        let mut owed = self.ledger.owed_changes();
        let mut running = Running {
            calls: JoinSet::new(),
            places: BTreeSet::new(),
            failures: 0,
            pause_until: None,
            next_at: Instant::now(),
        };
        loop {
            owed.mark_unchanged();
            let stopping = *stop.borrow_and_update();
            if stopping == Stop::Now {
                return;
            }
            let started = match self.start(&mut running).await {
                Ok(started) => started,
                Err(error) => {
                    tracing::error!(sink = self.name, "failed to read what is due: {error}");
                    sleep(LOOK).await;
                    continue;
                }
            };
            if stopping == Stop::Drain && !started && running.calls.is_empty() {
                return;
            }
            let wake = self.wake_at(&running).await;
            tokio::select! {
                Some(call) = running.calls.join_next() => self.finish(call, &mut running).await,
                _ = owed.changed(), if !self.is_held_back(&running) => {}
                _ = stop.changed() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    fn is_held_back(&self, running: &Running) -> bool {
        let now = Instant::now();
        running.pause_until.is_some_and(|until| until > now)
            || running.next_at > now
            || running.calls.len() >= usize::from(self.retry.concurrency.max(1))
    }

    /// Starts calls of the sink for what is due. Returns true where there was something to send now.
    async fn start(&self, running: &mut Running) -> Result<bool, LedgerError> {
        let mut started = false;
        while !self.is_held_back(running) {
            // A sink that has failed gets one call to show that it works again.
            if running.failures > 0 && !running.calls.is_empty() {
                break;
            }
            let batch = self.sink.batch().max(1);
            let now = Timestamp::now();
            let horizon = now.saturating_add(self.retry.longest.0 * 2).unwrap_or(Timestamp::MAX);
            let mut due = self.ledger.due(self.number, now, horizon, batch + running.places.len()).await?;
            due.retain(|owed| !running.places.contains(&owed.place));
            due.truncate(batch);
            if due.is_empty() {
                break;
            }
            started = true;
            if let Some(rate) = self.retry.rate_per_second.filter(|rate| *rate > 0.0) {
                let number = u32::try_from(due.len()).unwrap_or(u32::MAX);
                let spacing = Duration::try_from_secs_f64(f64::from(number) / rate).unwrap_or(self.retry.longest.0);
                running.next_at = running.next_at.max(Instant::now()) + spacing;
            }
            running.places.extend(due.iter().map(|owed| owed.place));
            let sink = Arc::clone(&self.sink);
            let span = tracing::info_span!("delivery", sink = self.name, findings = due.len());
            running.calls.spawn(async move {
                let deliveries: Vec<Delivery> = due.iter().map(|owed| owed.delivery.clone()).collect();
                let receipts = match timeout(LONGEST_CALL, sink.send(&deliveries).instrument(span)).await {
                    Ok(receipts) => receipts,
                    Err(_) => vec![Receipt::again("the sink took too long"); due.len()],
                };
                (due, receipts)
            });
        }
        Ok(started)
    }

    /// Returns when to look again, if nothing happens before.
    async fn wake_at(&self, running: &Running) -> Instant {
        let now = Instant::now();
        let held = running.pause_until.unwrap_or(now).max(running.next_at);
        if held > now {
            return held;
        }
        let due = self.ledger.next_due(self.number).await.ok().flatten();
        let until_due = due.map(|due| due.duration_since(Timestamp::now()));
        let until_due = until_due.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or(LOOK);
        now + until_due.clamp(Duration::from_millis(20), LOOK)
    }

    /// Writes down what became of a call's deliveries.
    async fn finish(&self, call: Result<(Vec<Owed>, Vec<Receipt>), tokio::task::JoinError>, running: &mut Running) {
        let Ok((owed, mut receipts)) = call else {
            // Which deliveries it was about is lost with the task: none is marked as being under way any more.
            running.places.clear();
            running.calls.abort_all();
            tracing::error!(sink = self.name, "the sink panicked");
            running.failures += 1;
            running.pause_until = Some(Instant::now() + backoff(&self.retry, running.failures));
            return;
        };
        receipts.resize(owed.len(), Receipt::again("the sink said nothing of it"));
        let now = Timestamp::now();
        let any_taken = receipts.iter().any(|receipt| !matches!(receipt, Receipt::Again { .. }));
        let mut settled = Vec::with_capacity(owed.len());
        let mut pause = None;
        for (owed, receipt) in owed.iter().zip(receipts) {
            let settlement = self.settlement(owed, receipt, now, &mut pause);
            settled.push(Settled { place: owed.place, revision: owed.delivery.revision, settlement });
        }
        for place in owed.iter().map(|owed| owed.place) {
            running.places.remove(&place);
        }
        self.judge_sink(any_taken, &settled, pause, running);
        // What cannot be written down is sent again: receivers know the finding by its id.
        if let Err(error) = self.ledger.settle(self.number, settled).await {
            tracing::error!(sink = self.name, "failed to write down what was delivered: {error}");
            running.pause_until = Some(Instant::now() + self.retry.first.0);
        }
    }

    fn settlement(&self, owed: &Owed, receipt: Receipt, now: Timestamp, pause: &mut Option<Duration>) -> Settlement {
        match receipt {
            Receipt::Taken => {
                self.metrics.delivered(&self.name, &owed.delivery, now);
                Settlement::Taken
            }
            Receipt::Refused { reason } => {
                self.gave_up(owed, &reason, now);
                Settlement::Dead { reason }
            }
            Receipt::Again { reason, after } => {
                self.metrics.delivery_failed(&self.name);
                *pause = (*pause).max(after);
                let waited = now.duration_since(owed.since);
                if Duration::try_from(waited).is_ok_and(|waited| waited >= self.retry.give_up_after.0) {
                    let reason = format!("not taken for {}: {reason}", self.retry.give_up_after);
                    self.gave_up(owed, &reason, now);
                    return Settlement::Dead { reason };
                }
                let wait =
                    after.unwrap_or_default().max(backoff(&self.retry, owed.attempts + 1)).min(self.retry.longest.0);
                Settlement::Again { due: now.saturating_add(wait).unwrap_or(Timestamp::MAX), reason }
            }
        }
    }

    /// Slows down for a sink that takes nothing, and tells of one that keeps on.
    fn judge_sink(&self, any_taken: bool, settled: &[Settled], pause: Option<Duration>, running: &mut Running) {
        let now = Timestamp::now();
        if any_taken {
            running.failures = 0;
            running.pause_until = pause.map(|pause| Instant::now() + pause.min(self.retry.longest.0));
            self.health.well(Condition::SinkStuck, &self.name, now);
            return;
        }
        running.failures = running.failures.saturating_add(1);
        let pause = pause.unwrap_or_default().max(backoff(&self.retry, running.failures)).min(self.retry.longest.0);
        running.pause_until = Some(Instant::now() + pause);
        let reason = settled.iter().find_map(|settled| match &settled.settlement {
            Settlement::Again { reason, .. } | Settlement::Dead { reason } => Some(reason.as_str()),
            Settlement::Taken => None,
        });
        let reason = reason.unwrap_or("no reason given");
        tracing::warn!(sink = self.name, failures = running.failures, "not delivered, trying again: {reason}");
        if running.failures >= STUCK_AFTER {
            self.health.raise(Condition::SinkStuck, &self.name, reason, now);
        }
    }

    fn gave_up(&self, owed: &Owed, reason: &str, now: Timestamp) {
        let finding = &owed.delivery.finding;
        self.metrics.delivery_given_up(&self.name);
        tracing::error!(sink = self.name, finding = %finding.id, rule = finding.rule.id, "gave up: {reason}");
        // A sink that cannot take what tells of its own failure must not make more of it.
        if finding.rule.id == Condition::SinkGaveUp.id() {
            return;
        }
        let occurrence = Occurrence {
            detail: reason.to_owned(),
            severity: Condition::SinkGaveUp.severity().max(finding.severity),
            event: None,
            rule: None,
        };
        self.health.occur(Condition::SinkGaveUp, &self.name, occurrence, now);
    }
}

/// Returns the wait after so many failures: doubled each time, and half of it left to chance, so that many hosts do not knock together.
fn backoff(retry: &RetryConfig, failures: u32) -> Duration {
    let doubled = retry.first.0.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(20)));
    let wait = doubled.min(retry.longest.0);
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// How a part of the service should stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// It should not.
    #[default]
    No,
    /// It should finish what is at hand.
    Drain,
    /// At once: the time for finishing is over.
    Now,
}

#[cfg(test)]
mod tests;
