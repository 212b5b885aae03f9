//! The chores of a running service, each on its own clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::ReadySink;
use crate::health::Condition;
use crate::intake::Intake;
use crate::ledger::Ledger;
use crate::sink::Stop;
use crate::source::Progress;

/// A late event is expected within this time: the watermark of a source stays so far behind.
const LATENESS: Duration = Duration::from_mins(15);

/// How often what is wrong is filed, where no batch has taken it along.
const REPORTS: Duration = Duration::from_secs(1);

/// How often the gauges are set.
const GAUGES: Duration = Duration::from_secs(5);

/// How often the ledger is asked for gaps that somebody wants tried again.
const GAPS: Duration = Duration::from_secs(2);

/// How often groups are looked for whose period is over.
const GROUPS: Duration = Duration::from_secs(1);

/// How often the ledger forgets what is old.
const FORGET: Duration = Duration::from_hours(1);

/// How often records are judged for good whose time has come.
const SETTLE: Duration = Duration::from_secs(1);

/// How many rounds of settling pass before old notes are forgotten again.
const ROUNDS: u32 = 60;

/// How often a sign of life is given.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// A source as those see it who watch it.
#[derive(Clone)]
pub(super) struct WatchedSource {
    pub(super) name: String,
    pub(super) quiet_after: Option<Duration>,
    pub(super) since: Timestamp,
    pub(super) progress: Arc<Progress>,
}

/// Files what is wrong.
pub(super) async fn reports(intake: Arc<Intake>) {
    let mut clock = ticks(REPORTS);
    loop {
        clock.tick().await;
        intake.file_reports().await;
    }
}

/// Sets what is measured now and then, and tells of sources that have gone quiet.
pub(super) async fn gauges(intake: Arc<Intake>, sources: Vec<WatchedSource>) {
    let mut clock = ticks(GAUGES);
    loop {
        clock.tick().await;
        let now = Timestamp::now();
        for source in &sources {
            source.look(&intake, now);
        }
        intake.look_at_exceptions(now);
        if let Ok(open) = intake.ledger().open_gaps().await {
            intake.metrics().gaps(open);
        }
        if let Ok(depths) = intake.ledger().queue_depths().await {
            for depth in depths {
                intake.metrics().queue(&depth.sink, depth.owed, depth.dead);
            }
        }
    }
}

impl WatchedSource {
    fn look(&self, intake: &Intake, now: Timestamp) {
        let age = |time: Timestamp| now.duration_since(time).as_secs_f64();
        let newest = self.progress.newest().map(age);
        let complete = self.progress.complete_until().map(|time| age(time) + LATENESS.as_secs_f64());
        intake.metrics().source(&self.name, newest, complete);
        let Some(quiet_after) = self.quiet_after else { return };
        let quiet_for = now.duration_since(self.progress.brought().unwrap_or(self.since));
        if Duration::try_from(quiet_for).is_ok_and(|quiet_for| quiet_for >= quiet_after) {
            let detail = format!("it has brought no record for {}", crate::config::Span(quiet_after));
            intake.health().raise(Condition::SourceQuiet, &self.name, detail, now);
        } else {
            intake.health().well(Condition::SourceQuiet, &self.name, now);
        }
    }
}

/// Tries gaps again that somebody has asked for.
pub(super) async fn gaps(intake: Arc<Intake>, stop: watch::Receiver<Stop>) {
    let mut clock = ticks(GAPS);
    loop {
        clock.tick().await;
        match intake.retry_gaps(&stop).await {
            Ok((0, 0)) => {}
            Ok((closed, open)) => tracing::info!(closed, open, "tried gaps again"),
            Err(error) => tracing::error!("failed to try gaps again: {error}"),
        }
    }
}

/// Judges for good what rules that look back have to judge, behind the watermark.
pub(super) async fn settling(intake: Arc<Intake>, sources: Vec<WatchedSource>, stop: watch::Receiver<Stop>) {
    if let Err(error) = intake.judge_left_over(&stop).await {
        tracing::error!("failed to judge what the last run left: {error}");
    }
    let mut clock = ticks(SETTLE);
    let mut round = 0;
    loop {
        clock.tick().await;
        let Some(watermark) = watermark(&sources) else { continue };
        match intake.settle(watermark, &stop).await {
            Ok(0) => {}
            Ok(records) => tracing::debug!(records, "judged for good"),
            Err(error) => tracing::error!("failed to judge for good: {error}"),
        }
        if round == 0
            && let Err(error) = intake.forget_notes(watermark).await
        {
            tracing::error!("failed to forget old notes: {error}");
        }
        round = (round + 1) % ROUNDS;
    }
}

/// Returns the time before which every source has brought everything, with an allowance for what comes late. Nothing as long as one of them has
/// brought nothing at all.
fn watermark(sources: &[WatchedSource]) -> Option<Timestamp> {
    let complete = sources.iter().map(|source| source.progress.complete_until());
    let complete = complete.reduce(|one, other| one.zip(other).map(|(one, other)| one.min(other))).flatten()?;
    complete.checked_sub(LATENESS).ok()
}

/// Tells what was held of groups whose period is over.
pub(super) async fn groups(intake: Arc<Intake>) {
    let mut clock = ticks(GROUPS);
    loop {
        clock.tick().await;
        if let Err(error) = intake.end_groups(false).await {
            tracing::error!("failed to tell what was held, trying again: {error}");
        }
    }
}

/// Forgets what is old.
pub(super) async fn retention(ledger: Ledger, retention: Duration) {
    let mut clock = ticks(FORGET);
    loop {
        clock.tick().await;
        match ledger.forget(retention, Timestamp::now()).await {
            Ok(forgotten) if forgotten == crate::ledger::Forgotten::default() => {}
            Ok(forgotten) => tracing::info!(findings = forgotten.findings, gaps = forgotten.gaps, "forgot what is old"),
            Err(error) => tracing::error!("failed to forget what is old: {error}"),
        }
    }
}

/// Gives a sign of life through every sink that can, as long as events are judged and written down.
pub(super) async fn heartbeats(intake: Arc<Intake>, sinks: Vec<ReadySink>) {
    let mut clock = ticks(HEARTBEAT);
    loop {
        clock.tick().await;
        let stopped = [Condition::DiskFull, Condition::SourceStuck];
        if intake.health().wrong().iter().any(|(condition, ..)| stopped.contains(condition)) {
            continue;
        }
        for sink in &sinks {
            if let Err(reason) = sink.sink.heartbeat().await {
                tracing::warn!(sink = sink.name, "no sign of life given: {reason}");
            }
        }
    }
}

/// A clock that does not hurry after it was held up.
fn ticks(period: Duration) -> tokio::time::Interval {
    let mut clock = interval(period);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock
}
