//! Judging by rules that look back: what to note of a record, and its judgement among everything that was noted.

use std::mem;
use std::sync::Arc;

use orgwatch_rules_sdk::Finding as Report;
use orgwatch_rules_sdk::json::Document;

use super::{Judge, Traced, Verdicts};
use crate::digest::Digest;
use crate::event::Event;
use crate::finding::{EventReference, Finding};
use crate::gap::{Gap, GapCause};
use crate::redact::{self, Secrets};
use crate::rule::Rule;
use crate::sandbox::Noting;
use crate::state::{NoteRow, Notes, Place, View, Waiting};
use crate::tuning::Why;

/// A record that a rule which looks back asked for, with what it noted of it.
#[derive(Debug)]
pub struct Remembered {
    rule: Arc<str>,
    version: u32,
    notes: Vec<NoteRow>,
    at: Place,
    action: String,
    input: Arc<str>,
    record: Arc<Document>,
    redacts: bool,
}

/// A finding of a rule that looks back.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The finding.
    pub finding: Finding,
    /// Why it is delivered to nobody; nothing where it is delivered.
    pub why: Option<Why>,
    /// For a finding that stands for a period, the first millisecond after it.
    pub ends: Option<i64>,
    /// True where an event on its way could take it back.
    pub waits: bool,
}

impl Remembered {
    /// Makes the row that waits to be judged for good.
    pub fn waiting(self, source: &Arc<str>) -> Waiting {
        let record = if self.redacts { redact::record(&self.record) } else { self.record.root().canonical() };
        Waiting {
            event: Waiting::pack(&record),
            rule: self.rule,
            version: self.version,
            notes: self.notes,
            at: self.at,
            action: self.action,
            source: Arc::clone(source),
            input: self.input,
        }
    }
}

impl Judge {
    /// Has a rule that looks back judge a record among what was noted. The verdicts hold its gap, its log and its fuel; nothing where there is no
    /// such rule, or it does not look back any more.
    pub fn look_back(&self, rule: &str, event: &Event, notes: &Arc<Notes>) -> Option<(Vec<Standing>, Verdicts)> {
        let place = self.rules.iter().position(|known| known.id == rule)?;
        let rule = &self.rules[place];
        let version = rule.state_version?;
        let mut verdicts = Verdicts::default();
        let mut evaluation = rule.judge.as_ref().ok().map(|loaded| {
            let at = Place::of(event);
            let keep = loaded.keep().unwrap_or_default();
            let view = View::new(Arc::clone(notes), rule.id.as_str().into(), version, at, event.action(), keep);
            loaded.evaluate(Arc::clone(event.document()), Some(view))
        });
        verdicts.fuel.extend(evaluation.as_ref().map(|evaluation| (place, evaluation.fuel)));
        verdicts.traces.extend(evaluation.as_mut().and_then(|evaluation| {
            let (trace, fuel, log) = (evaluation.trace.take()?, evaluation.fuel, evaluation.log.clone());
            Some(Traced { rule: place, event: event.digest(), noting: false, fuel, log, trace })
        }));
        let secrets = self.redacts.then(|| Secrets::of(event.document()));
        let reports = match evaluation.as_ref().map(|evaluation| &evaluation.outcome) {
            Some(Ok(reports)) => reports.as_slice(),
            _ => &[],
        };
        // Of the key as the rule gave it: the finding is the same one whether credentials are taken out of it or not.
        let of_report = |report: &Report| {
            let period = report.period().map(|seconds| Period::around(Place::of(event).time, seconds));
            (period, period.map(|period| period.id(&rule.id, report.key())), report.waits())
        };
        let periods: Vec<_> = reports.iter().map(of_report).collect();
        verdicts.add(event, rule, evaluation, || EventReference::of(event), || secrets.as_ref());
        let findings = mem::take(&mut verdicts.findings);
        let mut standings = Vec::with_capacity(findings.len());
        for (finding, (period, id, waits)) in findings.into_iter().zip(periods) {
            let finding = Finding { id: id.unwrap_or(finding.id), ..finding };
            let tuned = verdicts.tune_one(finding, event, &self.tuning);
            let ends = period.map(|period| period.ends);
            standings.push(Standing { finding: tuned.finding, why: tuned.why, ends, waits });
        }
        Some((standings, verdicts))
    }
}

/// A stretch of time that one finding of a key stands for. Periods of one length follow one another since 1970.
#[derive(Clone, Copy)]
struct Period {
    starts: i64,
    ends: i64,
}

impl Period {
    /// Returns the period of so many seconds around an instant in milliseconds.
    fn around(instant: i64, seconds: u64) -> Self {
        let length = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000).max(1);
        let starts = instant.div_euclid(length).saturating_mul(length);
        Self { starts, ends: starts.saturating_add(length) }
    }

    /// Returns the id of the finding of a key: the same whichever record of the period it comes of.
    fn id(&self, rule: &str, key: &str) -> Digest {
        let [starts, ends] = [self.starts.to_be_bytes(), self.ends.to_be_bytes()];
        Digest::of_parts([rule.as_bytes(), b"period".as_slice(), &starts, &ends, key.as_bytes()])
    }
}

impl Verdicts {
    /// Adds what a rule which looks back noted of an event.
    pub(super) fn note<'a>(
        &mut self,
        event: &Event,
        rule: &Rule,
        noting: Noting,
        redacts: bool,
        secrets: impl Fn() -> Option<&'a Secrets>,
    ) {
        self.evaluations += 1;
        for (level, message) in noting.log {
            self.log.push((rule.id.clone(), level, redacted(&secrets, message)));
        }
        match noting.outcome {
            Ok(notes) => {
                let row = |note: orgwatch_rules_sdk::Note| {
                    let (series, key, value) = note.into_parts();
                    NoteRow { series, key, value: value.to_string() }
                };
                self.remembered.push(Remembered {
                    rule: rule.id.as_str().into(),
                    version: rule.state_version.unwrap_or_default(),
                    notes: notes.into_iter().map(row).collect(),
                    at: Place::of(event),
                    action: event.action(),
                    input: Arc::clone(&event.place().input),
                    record: Arc::clone(event.document()),
                    redacts,
                });
            }
            Err(fault) => {
                let fault = match secrets() {
                    Some(secrets) => fault.redacted(secrets),
                    None => fault,
                };
                let event_reference = Box::new(EventReference::of(event));
                let cause = GapCause::Fault { rule: rule.id.clone(), fault, event: event_reference };
                let record = Some(Arc::clone(event.document()));
                self.gaps.push(Gap { place: event.place().clone(), cause, record });
            }
        }
    }
}

/// Takes the record's secrets out of what a rule logged.
pub(super) fn redacted<'a>(secrets: &impl Fn() -> Option<&'a Secrets>, message: String) -> String {
    match secrets() {
        Some(secrets) => secrets.redact_cut(&message),
        None => message,
    }
}
