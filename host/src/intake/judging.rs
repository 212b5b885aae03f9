//! Judging one batch: from its bytes to what goes into the ledger. Runs on a thread where it may take its time.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Intake;
use crate::digest::Digest;
use crate::event::{self, Event};
use crate::gap::{Gap, GapCause};
use crate::health::{Condition, Occurrence};
use crate::judge::{Asked, Judge, Verdicts};
use crate::ledger::{Commit, OpenGap};
use crate::redact;
use crate::sandbox::LogLevel;
use crate::sink::Stop;
use crate::source::decode::{Buffers, DecodeLimits, Decoded, Decoder, Glance};
use crate::source::{Batch, Body, InletError, Place, Taken};
use crate::state;

/// How many events that rules ask for are judged at a time.
const TOGETHER: usize = 256;

/// Findings and gaps of one batch that are held in memory before they are written down ahead of its end.
const HELD: usize = 2_000;

/// An event that is dated further ahead than this is dated in the future: clocks of AWS services do not differ by as much.
const FUTURE: Duration = Duration::from_mins(5);

/// How many event ids are remembered to tell two records with one id, in each of two generations.
const IDS: usize = 100_000;

/// Which record came with which event id, lately. Forgets the oldest half when it is full, and everything when the program ends.
#[derive(Debug, Default)]
pub struct Seen {
    young: BTreeMap<String, Digest>,
    old: BTreeMap<String, Digest>,
}

impl Seen {
    /// Notes a record. Returns true where another record came with its event id before.
    pub fn note(&mut self, id: &str, digest: Digest) -> bool {
        let known = self.young.get(id).or_else(|| self.old.get(id)).copied();
        if known.is_none() {
            if self.young.len() >= IDS {
                self.old = mem::take(&mut self.young);
            }
            self.young.insert(id.to_owned(), digest);
        }
        known.is_some_and(|known| known != digest)
    }
}

/// A batch at work.
pub(super) struct Judging {
    intake: Arc<Intake>,
    judge: Arc<Judge>,
    source: Arc<str>,
    input: Arc<str>,
    account: Option<String>,
    stop: watch::Receiver<Stop>,
    now: Timestamp,
    asked: Vec<Asked>,
    judged: Judged,
}

/// What a batch gave.
#[derive(Default)]
pub(super) struct Judged {
    /// What is to be written down with the batch's checkpoint.
    pub(super) commit: Commit,
    /// What the batch held.
    pub(super) taken: Taken,
    /// The records that rules which look back have yet to judge, by rule and place.
    pub(super) remembered: Vec<(Arc<str>, state::Place)>,
    /// The places of findings that were written down ahead.
    pub(super) places: Vec<i64>,
}

impl Judging {
    pub(super) fn new(intake: Arc<Intake>, source: &str, batch: &Batch, stop: watch::Receiver<Stop>) -> Self {
        let judge = intake.judge();
        let commit = Commit { source: source.to_owned(), ..Commit::default() };
        Self {
            judge,
            source: source.into(),
            input: Arc::clone(&batch.input),
            account: batch.account.clone(),
            stop,
            now: Timestamp::now(),
            asked: Vec::new(),
            judged: Judged { commit, ..Judged::default() },
            intake,
        }
    }

    /// Judges everything in the body.
    pub(super) fn run(mut self, body: Body) -> Result<Judged, InletError> {
        match body {
            Body::Bytes(bytes) => self.decode(Cursor::new(bytes))?,
            Body::Reader(reader) => self.decode(reader)?,
        }
        self.judge();
        Ok(self.judged)
    }

    fn decode(&mut self, input: impl Read) -> Result<(), InletError> {
        let judge = Arc::clone(&self.judge);
        let mut decoder = Decoder::skimming(input, DecodeLimits::default(), judge.skim(), Buffers::default());
        let failed = |source| InletError::Read { input: Arc::clone(&self.input), source };
        let mut next = decoder.next().map_err(failed)?;
        while let Some(decoded) = next {
            match decoded {
                Decoded::Record(record) => {
                    let place = Place { input: Arc::clone(&self.input), position: record.position };
                    self.record(Event::new(record.document, place));
                }
                Decoded::Unasked if self.is_usual(decoder.glance()) => self.judged.taken.records += 1,
                Decoded::Unasked => {
                    // There is something to tell of it, for which it has to be read.
                    if let Some(record) = decoder.unasked_record() {
                        let place = Place { input: Arc::clone(&self.input), position: record.position };
                        self.record(Event::new(record.document, place));
                    }
                }
                Decoded::Skipped(_) => self.judged.taken.skipped += 1,
                Decoded::Unreadable(unreadable) => {
                    self.judged.taken.unreadable += 1;
                    let place = Place { input: Arc::clone(&self.input), position: unreadable.position };
                    self.gap(&Gap { place, cause: GapCause::Unreadable(Box::new(unreadable)), record: None });
                }
            }
            if self.asked.len() >= TOGETHER {
                self.judge();
            }
            let commit = &self.judged.commit;
            if commit.findings.len() + commit.gaps.len() + commit.state.remembered.len() >= HELD {
                self.commit_ahead()?;
            }
            next = decoder.next().map_err(|source| InletError::Read { input: Arc::clone(&self.input), source })?;
        }
        Ok(())
    }

    /// Writes down what there is so far of a large batch. It is acknowledged with the rest only.
    fn commit_ahead(&mut self) -> Result<(), InletError> {
        let empty = Commit { source: self.source.to_string(), ..Commit::default() };
        let commit = mem::replace(&mut self.judged.commit, empty);
        let committed = Handle::current().block_on(self.intake.commit(commit, &self.stop))?;
        self.judged.taken.findings += committed.new_findings.len() as u64;
        self.judged.places.extend(committed.places);
        Ok(())
    }

    /// Takes what is known of a record that no rule asks for. Returns false where it is dated in the future or is another account's.
    fn is_usual(&mut self, glance: Glance<'_>) -> bool {
        let time = glance.time.and_then(|time| event::time(&time));
        let other = |account: &str| self.account.as_ref().is_some_and(|expected| account != *expected);
        if time.is_some_and(|time| self.is_future(time)) || glance.account.as_deref().is_some_and(other) {
            return false;
        }
        self.judged.taken.newest = self.judged.taken.newest.max(time);
        true
    }

    fn is_future(&self, time: Timestamp) -> bool {
        time.duration_since(self.now) > FUTURE.try_into().unwrap_or_default()
    }

    fn record(&mut self, event: Event) {
        self.judged.taken.records += 1;
        match event.time() {
            Some(time) if self.is_future(time) => {
                self.occur(Condition::FutureEvent, format!("it is dated {time}"), &event);
            }
            Some(time) => self.judged.taken.newest = self.judged.taken.newest.max(Some(time)),
            None => {}
        }
        if let Some(expected) = &self.account
            && let Some(account) = event.text("/recipientAccountId")
            && account != *expected
        {
            self.occur(Condition::AccountMismatch, format!("{} holds a record of {account}", self.input), &event);
        }
        if let Some(asked) = self.judge.ask(event) {
            let event = asked.event();
            if let Some(id) = event.id()
                && self.intake.seen.lock().unwrap_or_else(PoisonError::into_inner).note(&id, event.digest())
            {
                self.occur(Condition::TwoBodies, format!("the event id is {id}"), event);
            }
            self.asked.push(asked);
        }
    }

    fn occur(&self, condition: Condition, detail: String, event: &Event) {
        let event = Some(crate::finding::EventReference::of(event));
        let occurrence = Occurrence { detail, severity: condition.severity(), event, rule: None };
        self.intake.health.occur(condition, &self.source, occurrence, self.now);
    }

    /// Judges what is asked for so far.
    fn judge(&mut self) {
        let asked = mem::take(&mut self.asked);
        let judge = Arc::clone(&self.judge);
        judge.judge(&asked, |verdicts| verdicts.into_iter().for_each(|verdicts| self.take(verdicts)));
    }

    fn take(&mut self, verdicts: Verdicts) {
        let remembered = self.intake.take_verdicts(&self.judge, &mut self.judged.commit, verdicts, self.now);
        self.judged.remembered.extend(remembered);
    }

    fn gap(&mut self, gap: &Gap) {
        self.intake.gap_occurred(&self.source, &self.judge, gap, self.now);
        self.judged.commit.gaps.push(open_gap(gap, self.judge.redacts()));
    }
}

impl Intake {
    /// Takes what judging gave into a commit, and tells of it. Returns the records that rules which look back have yet to judge, by rule and place.
    pub(super) fn take_verdicts(
        &self,
        judge: &Judge,
        commit: &mut Commit,
        verdicts: Verdicts,
        now: Timestamp,
    ) -> Vec<(Arc<str>, state::Place)> {
        self.tell_beside_findings(judge, commit, &verdicts, now);
        commit.findings.extend(verdicts.findings.into_iter().map(|finding| self.filing(finding, now)));
        commit.findings.extend(verdicts.withheld.into_iter().map(Self::withheld_filing));
        let source = commit.source.as_str().into();
        let waiting = verdicts.remembered.into_iter().map(|remembered| remembered.waiting(&source));
        let first = commit.state.remembered.len();
        commit.state.remembered.extend(waiting);
        commit.state.remembered[first..].iter().map(|waiting| (Arc::clone(&waiting.rule), waiting.at)).collect()
    }

    /// Tells of what judging gave beside findings, and takes its gaps into a commit.
    pub(super) fn tell_beside_findings(&self, judge: &Judge, commit: &mut Commit, verdicts: &Verdicts, now: Timestamp) {
        self.metrics.judged(verdicts, judge.rules());
        self.expired(&verdicts.expired, now);
        for (rule, level, message) in &verdicts.log {
            log(rule, *level, message);
        }
        for gap in &verdicts.gaps {
            self.gap_occurred(&commit.source, judge, gap, now);
            commit.gaps.push(open_gap(gap, judge.redacts()));
        }
    }

    /// Tells of a gap: at the severity and on the route of the rule that it is about.
    pub(super) fn gap_occurred(&self, source: &str, judge: &Judge, gap: &Gap, now: Timestamp) {
        let detail = gap.cause.to_string();
        let Some(rule) = gap.cause.rule() else {
            let detail = format!("{}: {detail}", gap.place.input);
            let severity = Condition::Unreadable.severity();
            let occurrence = Occurrence { detail, severity, event: None, rule: None };
            self.health.occur(Condition::Unreadable, source, occurrence, now);
            return;
        };
        let severity = judge.rules().iter().find(|known| known.id == rule).map(|rule| rule.defaults.worst());
        let occurrence = Occurrence {
            detail,
            severity: severity.unwrap_or(Condition::RuleFault.severity()),
            event: gap.cause.event().cloned(),
            rule: Some(rule.to_owned()),
        };
        self.health.occur(Condition::RuleFault, rule, occurrence, now);
    }
}

impl Intake {
    /// Writes down what was judged outside the intake, as in a replay.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk.
    pub async fn keep(
        &self,
        source: &str,
        verdicts: &Verdicts,
        stop: &watch::Receiver<Stop>,
    ) -> Result<(), InletError> {
        let now = Timestamp::now();
        let mut commit = Commit { source: source.to_owned(), ..Commit::default() };
        self.tell_beside_findings(&self.judge(), &mut commit, verdicts, now);
        commit.findings.extend(verdicts.findings.iter().map(|finding| self.filing(finding.clone(), now)));
        commit.findings.extend(verdicts.withheld.iter().cloned().map(Self::withheld_filing));
        self.commit(commit, stop).await.map(drop)
    }
}

/// Returns a gap as the ledger keeps it: without the credentials in it, unless they are wanted.
fn open_gap(gap: &Gap, redacts: bool) -> OpenGap {
    let event = match (&gap.cause, &gap.record) {
        (GapCause::Unreadable(unreadable), _) if redacts => redact::bytes(&unreadable.bytes),
        (GapCause::Unreadable(unreadable), _) => unreadable.bytes.clone(),
        (_, Some(record)) if redacts => redact::record(record).into_bytes(),
        (_, Some(record)) => record.root().canonical().into(),
        (_, None) => Vec::new(),
    };
    OpenGap {
        id: gap.id(),
        input: gap.place.input.to_string(),
        record: gap.place.position.record,
        position: gap.place.position.offset,
        rule: gap.cause.rule().map(str::to_owned),
        cause: gap.cause.to_string(),
        digest: gap.cause.event().map(|event| event.digest),
        event,
    }
}

/// Passes on what a rule logged.
fn log(rule: &str, level: LogLevel, message: &str) {
    match level {
        LogLevel::Debug => tracing::debug!(rule, "{message}"),
        LogLevel::Info => tracing::info!(rule, "{message}"),
        LogLevel::Warn => tracing::warn!(rule, "{message}"),
        LogLevel::Error => tracing::error!(rule, "{message}"),
    }
}
