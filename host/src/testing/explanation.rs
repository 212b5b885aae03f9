//! Explanations: why a rule found what it found in an event, or did not.
//!
//! The records are judged as a replay judges them, with everything that the rules looked at kept; nothing is judged a second time.

use std::collections::BTreeMap;

use orgwatch_rules_sdk::Severity;
use orgwatch_rules_sdk::json::Document;

use super::trial::Trial;
use crate::digest::Digest;
use crate::event::Event;
use crate::finding::{EventReference, Finding};
use crate::index::Part;
use crate::judge::{Judge, Traced, Verdicts};
use crate::redact::{self, Secrets};
use crate::rule::Rule;
use crate::source::Place;
use crate::state::StateError;
use crate::tuning::Why;

/// Why a rule found what it found in an event, or did not.
pub struct Explanation<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The event.
    pub event: EventReference,
    /// Whether the rule asks for the event.
    pub asked: bool,
    /// What the rule asks for, judged on the event.
    pub patterns: Vec<AskedBy>,
    /// What the rule looked at when it said what to note of the event; nothing for a rule that does not look back.
    pub noted: Option<Traced>,
    /// What the rule looked at when it judged; nothing where it did not.
    pub judged: Option<Traced>,
    /// What it found.
    pub findings: Vec<Explained>,
    /// Why it could not judge; nothing where it could.
    pub fault: Option<String>,
}

/// One pattern of a rule, judged on an event.
#[derive(Debug)]
pub struct AskedBy {
    /// Whether it matches.
    pub matches: bool,
    /// Its parts; none for one that asks for everything.
    pub parts: Vec<Part>,
}

/// A finding, with what tuning did to it.
#[derive(Debug)]
pub struct Explained {
    /// The finding.
    pub finding: Finding,
    /// The severity that it had before it was graded anew; nothing where it was not.
    pub before: Option<Severity>,
    /// Why it is delivered to nobody; nothing where it is delivered.
    pub why: Option<Why>,
}

/// Explains the verdict of each rule on each record, which rules that look back see together. `take` gets them by record, then by rule.
///
/// # Errors
///
/// Fails when there is no room for temporary files.
pub fn explain<'a>(
    judge: &'a Judge,
    records: Vec<Document>,
    mut take: impl FnMut(Explanation<'a>),
) -> Result<(), StateError> {
    let copy = |record: &Document| Document::parse(record.text()).expect("the record has been parsed before");
    let events: Vec<Event> = records.iter().map(|record| Event::new(copy(record), Place::default())).collect();
    let found = Trial::new(judge).run(records)?;
    let mut told = Told::of(found.verdicts);
    for (event, asked) in events.iter().zip(found.asked) {
        let record = event.document().root();
        let secrets = judge.redacts().then(|| Secrets::of(event.document()));
        let without_secrets = || Document::parse(redact::record(event.document())).ok();
        let redacted = judge.redacts().then(without_secrets).flatten();
        for (place, rule) in judge.rules().iter().enumerate() {
            let patterns = rule.patterns.iter().map(|pattern| AskedBy {
                matches: pattern.matches(record),
                parts: match &redacted {
                    Some(redacted) => shown(pattern.parts(redacted.root()), &pattern.parts(record)),
                    None => pattern.parts(record),
                },
            });
            let mut trace = |noting| {
                let mut traced = told.traces.get_mut(&(place, event.digest(), noting))?.pop()?;
                if let (Some(secrets), Some(redacted)) = (&secrets, &redacted) {
                    traced.redact(secrets, redacted);
                }
                Some(traced)
            };
            let (noted, judged) = (trace(true), trace(false));
            let of_event = (rule.id.clone(), event.digest());
            let not_loaded = rule.judge.as_ref().err().map(ToString::to_string);
            take(Explanation {
                rule,
                event: EventReference::of(event),
                asked: asked.contains(&place),
                patterns: patterns.collect(),
                noted,
                judged,
                findings: told.findings_of(&of_event),
                fault: told.faults.get(&of_event).cloned().or(not_loaded.filter(|_| asked.contains(&place))),
            });
        }
    }
    Ok(())
}

/// Shows parts as they are without secrets, with the answers of those that were judged.
fn shown(redacted: Vec<Part>, judged: &[Part]) -> Vec<Part> {
    let both = redacted.into_iter().zip(judged);
    let one = |(redacted, judged): (Part, &Part)| match (redacted, judged) {
        (Part::Field { field, wanted, found, .. }, Part::Field { holds, .. }) => {
            Part::Field { field, wanted, found, holds: *holds }
        }
        (Part::Any { branches }, Part::Any { branches: judged }) => Part::Any {
            branches: branches.into_iter().zip(judged).map(|(branch, judged)| shown(branch, judged)).collect(),
        },
        (redacted, _) => redacted,
    };
    both.map(one).collect()
}

/// What came of a trial, by what it came of.
struct Told {
    traces: BTreeMap<(usize, Digest, bool), Vec<Traced>>,
    findings: BTreeMap<(String, Digest), Vec<Explained>>,
    faults: BTreeMap<(String, Digest), String>,
}

impl Told {
    /// Takes the findings of one copy of an event: each once. The same record twice has each of them twice.
    fn findings_of(&mut self, of: &(String, Digest)) -> Vec<Explained> {
        let Some(all) = self.findings.get_mut(of) else { return Vec::new() };
        let mut taken: Vec<Explained> = Vec::new();
        let mut left = Vec::new();
        for explained in all.drain(..) {
            let again = taken.iter().any(|known| known.finding.id == explained.finding.id);
            if again { left.push(explained) } else { taken.push(explained) }
        }
        *all = left;
        taken
    }

    fn of(verdicts: Verdicts) -> Self {
        let mut told = Self { traces: BTreeMap::new(), findings: BTreeMap::new(), faults: BTreeMap::new() };
        for traced in verdicts.traces {
            told.traces.entry((traced.rule, traced.event, traced.noting)).or_default().push(traced);
        }
        let before: BTreeMap<Digest, Severity> = verdicts.regraded.into_iter().collect();
        let withheld = verdicts.withheld.into_iter().map(|withheld| (withheld.finding, Some(withheld.why)));
        for (finding, why) in verdicts.findings.into_iter().map(|finding| (finding, None)).chain(withheld) {
            let of = (finding.rule.id.clone(), finding.event.digest);
            let before = before.get(&finding.id).copied();
            told.findings.entry(of).or_default().push(Explained { finding, before, why });
        }
        for gap in verdicts.gaps {
            if let (Some(rule), Some(event)) = (gap.cause.rule(), gap.cause.event()) {
                told.faults.insert((rule.to_owned(), event.digest), gap.cause.to_string());
            }
        }
        told
    }
}
