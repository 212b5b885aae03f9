//! Judging a batch of events: the one engine behind replay and everything else that evaluates.

mod look_back;
mod traced;

use std::cell::OnceCell;
use std::sync::Arc;

use orgwatch_rules_sdk::Severity;

pub use self::look_back::{Remembered, Standing};
pub use self::traced::Traced;
use crate::digest::Digest;
use crate::event::Event;
use crate::finding::{EventReference, Finding};
use crate::gap::{Gap, GapCause};
use crate::index::Index;
use crate::redact::Secrets;
use crate::rule::Rule;
use crate::sandbox::{Evaluation, LogLevel, Noting};
use crate::source::decode::Skim;
use crate::tuning::{Exception, Tuned, Tuning, Why};

/// What the rules may return for events that are judged together, in bytes of JSON. In memory, findings take up to twelve times that.
const TOGETHER: usize = 4 << 20;

/// How many evaluations are made together at most, unless one event asks for more: each takes some hundred bytes even where it finds nothing.
const EVALUATIONS_TOGETHER: usize = 16_384;

/// The loaded rules and the index over what they ask for.
pub struct Judge {
    rules: Vec<Rule>,
    index: Index,
    skim: Option<Skim>,
    redacts: bool,
    tuning: Arc<Tuning>,
}

/// An event that at least one rule asks for.
pub struct Asked {
    event: Event,
    rules: Vec<usize>,
}

/// What judging gave, one event or several. For every event and every rule that asked for it there is an evaluation or a gap.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// The findings that are to be delivered, in the order of the events and of the rules.
    pub findings: Vec<Finding>,
    /// The findings that tuning keeps from being delivered.
    pub withheld: Vec<Withheld>,
    /// Exceptions that would have held for a finding, had they not been over: one for each such finding.
    pub expired: Vec<Arc<Exception>>,
    /// Findings that tuning graded anew, with the severity that they had before.
    pub regraded: Vec<(Digest, Severity)>,
    /// What could not be judged.
    pub gaps: Vec<Gap>,
    /// What rules that look back want noted, and with it the records that they have yet to judge.
    pub remembered: Vec<Remembered>,
    /// How often a rule ran.
    pub evaluations: u64,
    /// The fuel that each evaluation used, with the place of its rule in [`Judge::rules`].
    pub fuel: Vec<(usize, u64)>,
    /// What the rules looked at, where that is recorded.
    pub traces: Vec<Traced>,
    /// What the rules logged, each with the rule's id.
    pub log: Vec<(String, LogLevel, String)>,
}

impl Judge {
    /// Takes the rules of a run. Credentials in records are kept out of what comes of them.
    pub fn new(rules: Vec<Rule>) -> Self {
        let index = Index::new(&rules);
        let skim = index.sieve().map(Skim::new);
        Self { rules, index, skim, redacts: true, tuning: Arc::default() }
    }

    /// Sets whether credentials in records are kept out of findings, faults and what rules log.
    #[must_use]
    pub fn redacting(mut self, redacts: bool) -> Self {
        self.redacts = redacts;
        self
    }

    /// Sets what is made of the findings.
    #[must_use]
    pub fn tuned(mut self, tuning: Arc<Tuning>) -> Self {
        self.tuning = tuning;
        self
    }

    /// Sets that what the rules look at is recorded: for tools that explain a verdict, which stays the same.
    #[must_use]
    pub fn recording(mut self) -> Self {
        for rule in self.rules.iter_mut().filter_map(|rule| rule.judge.as_mut().ok()) {
            rule.record(true);
        }
        self
    }

    /// Returns what is made of the findings.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Tells whether credentials are kept out of what is found and of what is kept of gaps.
    pub const fn redacts(&self) -> bool {
        self.redacts
    }

    /// Returns the rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns what records are to be skimmed for, so that those need not be parsed that no rule can ask for; nothing where one rule asks for all.
    pub const fn skim(&self) -> Option<&Skim> {
        self.skim.as_ref()
    }

    /// Keeps an event that a rule asks for; nothing where no rule does.
    pub fn ask(&self, event: Event) -> Option<Asked> {
        let rules = self.index.rules(event.document().root());
        (!rules.is_empty()).then_some(Asked { event, rules })
    }

    /// Judges a batch and hands over the verdicts, one for each event in their order, some at a time. Evaluates rule by rule, since an instance is
    /// cheapest where the one before it was of the same rule; but where the rules have so much to say or to do that it should not all be held at
    /// once, the batch is judged in parts. The verdicts are the same.
    pub fn judge(&self, batch: &[Asked], mut take: impl FnMut(Vec<Verdicts>)) {
        let mut rest = batch;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(fitting(rest, EVALUATIONS_TOGETHER));
            self.judge_part(part, &mut take);
            rest = later;
        }
    }

    fn judge_part(&self, part: &[Asked], take: &mut impl FnMut(Vec<Verdicts>)) {
        if let Some(verdicts) = self.judge_together(part) {
            take(verdicts);
        } else {
            let (left, right) = part.split_at(part.len() / 2);
            self.judge_part(left, take);
            self.judge_part(right, take);
        }
    }

    /// Has one rule judge one event, whether it asks for it or not: how a gap is tried again. Nothing where there is no such rule.
    pub fn judge_again(&self, rule: &str, event: Event) -> Option<Verdicts> {
        let rule = self.rules.iter().position(|known| known.id == rule)?;
        self.judge_together(&[Asked { event, rules: vec![rule] }])?.pop()
    }

    /// Judges some events at once; gives up on more than one where the findings become too large.
    fn judge_together(&self, batch: &[Asked]) -> Option<Vec<Verdicts>> {
        let mut order: Vec<(usize, usize)> = batch
            .iter()
            .enumerate()
            .flat_map(|(event, asked)| asked.rules.iter().map(move |&rule| (rule, event)))
            .collect();
        order.sort_unstable();
        let mut output = 0;
        let mut judged = Vec::with_capacity(order.len());
        for (rule, event) in order {
            let loaded = self.rules[rule].judge.as_ref().ok();
            let document = || Arc::clone(batch[event].event.document());
            let ran = loaded.map(|loaded| match loaded.keep() {
                None => Ran::Evaluated(loaded.evaluate(document(), None)),
                Some(_) => Ran::Noted(loaded.note(document())),
            });
            if let Some(Ran::Evaluated(evaluation)) = &ran {
                output += evaluation.output;
            }
            if output > TOGETHER && batch.len() > 1 {
                return None;
            }
            judged.push((event, rule, ran));
        }
        judged.sort_by_key(|&(event, rule, _)| (event, rule));
        let mut judged = judged.into_iter().peekable();
        let verdicts = batch.iter().enumerate().map(|(place, asked)| {
            let of_event = std::iter::from_fn(|| judged.next_if(|&(event, ..)| event == place));
            self.verdicts(&asked.event, of_event.map(|(_, rule, ran)| (rule, ran)))
        });
        Some(verdicts.collect())
    }

    /// Makes the verdicts on an event of what rules did with it.
    fn verdicts(&self, event: &Event, ran: impl Iterator<Item = (usize, Option<Ran>)>) -> Verdicts {
        let mut verdicts = Verdicts::default();
        // Both are looked for where a rule had something to say, and once for all rules.
        let secrets = OnceCell::new();
        let secrets = || self.redacts.then(|| secrets.get_or_init(|| Secrets::of(event.document())));
        let reference = OnceCell::new();
        let reference = || reference.get_or_init(|| EventReference::of(event)).clone();
        for (rule, mut ran) in ran {
            verdicts.traces.extend(ran.as_mut().and_then(|ran| ran.traced(rule, event)));
            verdicts.fuel.extend(ran.as_ref().map(|ran| (rule, ran.fuel())));
            let first = verdicts.findings.len();
            let evaluation = match ran {
                Some(Ran::Noted(noting)) => {
                    verdicts.note(event, &self.rules[rule], noting, self.redacts, secrets);
                    continue;
                }
                Some(Ran::Evaluated(evaluation)) => Some(evaluation),
                None => None,
            };
            verdicts.add(event, &self.rules[rule], evaluation, reference, secrets);
            verdicts.tune(first, event, &self.tuning);
        }
        verdicts
    }
}

/// Returns how many of some events make so many evaluations at most, and one at least.
fn fitting(events: &[Asked], evaluations: usize) -> usize {
    let mut sum = 0;
    let fitting = events.iter().take_while(|asked| {
        sum += asked.rules.len();
        sum <= evaluations
    });
    fitting.count().max(1)
}

/// A finding that is recorded and delivered to nobody.
#[derive(Clone, Debug)]
pub struct Withheld {
    /// The finding.
    pub finding: Finding,
    /// Why.
    pub why: Why,
}

/// What a rule did with a record.
enum Ran {
    Evaluated(Evaluation),
    /// The rule looks back: it said what to note, and judges later.
    Noted(Noting),
}

impl Ran {
    const fn fuel(&self) -> u64 {
        match self {
            Self::Evaluated(evaluation) => evaluation.fuel,
            Self::Noted(noting) => noting.fuel,
        }
    }

    /// Takes what the rule looked at, where that was recorded.
    fn traced(&mut self, rule: usize, event: &Event) -> Option<Traced> {
        let (trace, fuel, log, noting) = match self {
            Self::Evaluated(evaluation) => (&mut evaluation.trace, evaluation.fuel, &evaluation.log, false),
            Self::Noted(noting) => (&mut noting.trace, noting.fuel, &noting.log, true),
        };
        let trace = trace.take()?;
        Some(Traced { rule, event: event.digest(), noting, fuel, log: log.clone(), trace })
    }
}

impl Asked {
    /// Returns the rules that ask for the event, by their places in [`Judge::rules`].
    pub fn rules(&self) -> &[usize] {
        &self.rules
    }

    /// Returns the event.
    pub const fn event(&self) -> &Event {
        &self.event
    }
}

impl Verdicts {
    /// Tunes the findings from a place in the list on, which are of this event.
    fn tune(&mut self, first: usize, event: &Event, tuning: &Tuning) {
        for finding in self.findings.split_off(first) {
            let tuned = self.tune_one(finding, event, tuning);
            self.add_tuned(tuned.finding, tuned.why);
        }
    }

    /// Tunes one finding of this event.
    fn tune_one(&mut self, finding: Finding, event: &Event, tuning: &Tuning) -> Tuned {
        let before = finding.severity;
        let mut tuned = tuning.tune(finding, Some(event.document().root()));
        self.expired.append(&mut tuned.expired);
        if tuned.finding.severity != before {
            self.regraded.push((tuned.finding.id, before));
        }
        tuned
    }

    /// Adds what came of judging more.
    pub(crate) fn append(&mut self, more: Self) {
        let Self { findings, withheld, expired, regraded, gaps, remembered, evaluations, fuel, traces, log } = more;
        self.findings.extend(findings);
        self.withheld.extend(withheld);
        self.expired.extend(expired);
        self.regraded.extend(regraded);
        self.gaps.extend(gaps);
        self.remembered.extend(remembered);
        self.evaluations += evaluations;
        self.fuel.extend(fuel);
        self.traces.extend(traces);
        self.log.extend(log);
    }

    /// Adds a finding that has been tuned.
    pub(crate) fn add_tuned(&mut self, finding: Finding, why: Option<Why>) {
        match why {
            None => self.findings.push(finding),
            Some(why) => self.withheld.push(Withheld { finding, why }),
        }
    }

    /// Adds what came of one rule and one event. `reference` is the event's, and `secrets` are its own where they are to be kept out.
    fn add<'a>(
        &mut self,
        event: &Event,
        rule: &Rule,
        evaluation: Option<Evaluation>,
        reference: impl Fn() -> EventReference,
        secrets: impl Fn() -> Option<&'a Secrets>,
    ) {
        let outcome = evaluation.map(|evaluation| {
            self.evaluations += 1;
            for (level, message) in evaluation.log {
                self.log.push((rule.id.clone(), level, look_back::redacted(&secrets, message)));
            }
            evaluation.outcome
        });
        let cause = match (outcome, &rule.judge) {
            (Some(Ok(reports)), _) => {
                for report in reports {
                    let finding = Finding::new(report, reference(), &rule.defaults);
                    self.findings.push(match secrets() {
                        Some(secrets) => finding.redacted(secrets),
                        None => finding,
                    });
                }
                return;
            }
            (Some(Err(fault)), _) => {
                let fault = match secrets() {
                    Some(secrets) => fault.redacted(secrets),
                    None => fault,
                };
                GapCause::Fault { rule: rule.id.clone(), fault, event: Box::new(reference()) }
            }
            (None, Err(fault)) => {
                GapCause::NotLoaded { rule: rule.id.clone(), fault: fault.clone(), event: Box::new(reference()) }
            }
            (None, Ok(_)) => return,
        };
        let record = Some(Arc::clone(event.document()));
        self.gaps.push(Gap { place: event.place().clone(), cause, record });
    }
}

#[cfg(test)]
mod tests {
    use orgwatch_rules_sdk::json::Document;

    use super::*;
    use crate::source::Place;

    #[test]
    fn a_batch_is_parted_where_its_evaluations_become_too_many() {
        let asked = |rules: usize| {
            let event = Event::new(Document::parse("{}").unwrap(), Place::default());
            Asked { event, rules: (0..rules).collect() }
        };
        let events = [3, 2, 4].map(asked);
        let fitting = |most| super::fitting(&events, most);
        assert_eq!([9, 8, 5, 4, 3, 2, 1].map(fitting), [3, 2, 2, 1, 1, 1, 1]);
    }
}
