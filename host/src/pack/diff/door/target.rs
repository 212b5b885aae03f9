//! The events that literals are put into, and what both versions make of them then.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_rules_sdk::json::Document;
use serde_json::Value;

use super::attempt::{Attempt, Literal};
use super::{Effect, Outcome};
use crate::digest::Digest;
use crate::encoding::harmless_json;
use crate::event::Event;
use crate::finding::EventReference;
use crate::judge::Judge;
use crate::pack::diff::verdicts::{Both, Judged, LONGEST_STORY, looks_back};
use crate::source::Place;
use crate::state::StateError;
use crate::testing::{Found, Trial, read_most};

/// Fields of one event that are changed, at most. A rule that reads an event whole reads all that is in it.
const MOST_FIELDS: usize = 60;

/// An event in which the new version finds something.
pub(super) struct Target<'a> {
    both: &'a Both<'a>,
    /// Its place in the story of the case.
    place: usize,
    pub(super) case: &'a str,
    pub(super) event: EventReference,
    record: Value,
    fields: Vec<String>,
    /// What both make of it as it is.
    before: [Outcome; 2],
    /// Whether one of the versions looks back, so that the verdict is about the whole story.
    pub(super) looks_back: bool,
}

impl<'a> Target<'a> {
    /// Lists the events in which the new version finds something, each once. What is left out is said in `untried`.
    pub(super) fn all(judged: &'a Judged<'_>, untried: &mut Vec<String>) -> Vec<Self> {
        let mut targets = Vec::new();
        let mut more_fields = false;
        let mut known = BTreeSet::new();
        for both in &judged.both {
            let looks_back = both.judges.iter().any(|judge| looks_back(judge));
            let found = &both.seen[1].found;
            if found.verdicts.findings.is_empty() {
                continue;
            }
            if looks_back && both.case.story.len() > LONGEST_STORY {
                let name = &both.case.name;
                untried.push(format!("{name}: more than {LONGEST_STORY} events that the rule looks back at"));
                continue;
            }
            for (place, document) in both.case.story.documents().into_iter().enumerate() {
                let Some(record) = both.case.story.record(place) else { continue };
                let event = Event::new(document, Place::default());
                let digest = event.digest();
                let outcomes = [&both.seen[0], &both.seen[1]].map(|seen| {
                    let found = &seen.found;
                    if looks_back { whole(found) } else { by_event(found).remove(&digest).unwrap_or_default() }
                });
                // A record in several cases is one: settings may differ, and with them what the rule reads.
                let key = (digest, harmless_json(&both.case.settings));
                if outcomes[1].findings == 0 || !known.insert(key) {
                    continue;
                }
                let mut fields: Vec<String> = read_most(found, event.document(), MOST_FIELDS + 1).into_iter().collect();
                fields.retain(|field| !field.is_empty());
                more_fields |= fields.len() > MOST_FIELDS;
                fields.truncate(MOST_FIELDS);
                targets.push(Self {
                    both,
                    place,
                    case: &both.case.name,
                    event: EventReference::of(&event),
                    record,
                    fields,
                    before: outcomes,
                    looks_back,
                });
            }
        }
        if more_fields {
            untried.push(format!("fields beyond the first {MOST_FIELDS} that the rule read of an event"));
        }
        targets
    }

    /// Lists the ways to put a literal into the event.
    pub(super) fn attempts(&self, literal: Literal<'_>) -> Vec<Attempt> {
        let of = |field: &String| Attempt::all(field, self.record.pointer(field), literal);
        self.fields.iter().flat_map(of).collect()
    }

    /// Returns what is put into the event in the place of a literal, to see whether it is the literal that flips the verdict.
    pub(super) fn control(&self, attempt: &Attempt) -> Attempt {
        attempt.control(self.record.pointer(&attempt.field))
    }

    fn effect(&self, outcomes: [Outcome; 2]) -> Option<Effect> {
        let [before, after] = [self.before, outcomes].map(|[old, new]| Outcome::lost(old, new));
        after.filter(|_| after > before)
    }
}

/// Judges changed events, given with the places of their targets, and returns for each what the new version loses on it against the old one, and did not lose
/// before the change.
pub(super) fn effects(
    targets: &[Target<'_>],
    attempts: &[(usize, Attempt)],
    fuel: &mut u64,
) -> Result<Vec<Option<Effect>>, StateError> {
    let mut effects = vec![None; attempts.len()];
    // Those of one case are judged together where the rule sees each event alone.
    let mut together: BTreeMap<*const Both<'_>, Vec<(usize, &Target<'_>, String)>> = BTreeMap::new();
    for (at, (place, attempt)) in attempts.iter().enumerate() {
        let target = &targets[*place];
        let Some(record) = attempt.applied(&target.record) else { continue };
        if target.looks_back {
            let story = target.both.case.story.with(target.place, &record);
            let [old, new] = &target.both.judges;
            let new = whole(&run(new, story.documents(), fuel)?);
            if new != target.before[1] {
                let old = whole(&run(old, story.documents(), fuel)?);
                effects[at] = target.effect([old, new]);
            }
        } else {
            together.entry(std::ptr::from_ref(target.both)).or_default().push((at, target, record.to_string()));
        }
    }
    for changed in together.into_values() {
        let Some((_, first, _)) = changed.first() else { continue };
        let [old, new] = &first.both.judges;
        let texts: Vec<&str> = changed.iter().map(|(.., text)| text.as_str()).collect();
        let new = alone(new, &texts, fuel)?;
        // Only where the new version says something else does it matter what the old one says.
        let other = changed.iter().zip(&new).filter(|((_, target, _), new)| **new != target.before[1]);
        let (others, new): (Vec<_>, Vec<Outcome>) = other.map(|(changed, new)| (changed, *new)).unzip();
        let texts: Vec<&str> = others.iter().map(|(.., text)| text.as_str()).collect();
        for (((at, target, _), old), new) in others.into_iter().zip(alone(old, &texts, fuel)?).zip(new) {
            effects[*at] = target.effect([old, new]);
        }
    }
    Ok(effects)
}

/// Judges records, each as if it were alone, and returns what came of each.
fn alone(judge: &Judge, records: &[&str], fuel: &mut u64) -> Result<Vec<Outcome>, StateError> {
    let mut digests = Vec::new();
    let mut distinct = BTreeMap::new();
    for record in records {
        // What is made of a record is JSON.
        let Ok(document) = Document::parse(*record) else { continue };
        let digest = Digest::of(document.root().canonical());
        digests.push(digest);
        distinct.insert(digest, document);
    }
    let outcomes = by_event(&run(judge, distinct.into_values().collect(), fuel)?);
    Ok(digests.iter().map(|digest| outcomes.get(digest).copied().unwrap_or_default()).collect())
}

/// Judges records, and adds up the fuel that it takes.
fn run(judge: &Judge, records: Vec<Document>, fuel: &mut u64) -> Result<Found, StateError> {
    let found = Trial::new(judge).run(records)?;
    *fuel += found.verdicts.fuel.iter().map(|(_, fuel)| fuel).sum::<u64>();
    Ok(found)
}

/// What was made of each event.
fn by_event(found: &Found) -> BTreeMap<Digest, Outcome> {
    let mut outcomes: BTreeMap<Digest, Outcome> = BTreeMap::new();
    for finding in &found.verdicts.findings {
        let outcome = outcomes.entry(finding.event.digest).or_default();
        outcome.findings += 1;
        outcome.worst = outcome.worst.max(Some(finding.severity));
    }
    for event in found.verdicts.gaps.iter().filter_map(|gap| gap.cause.event()) {
        outcomes.entry(event.digest).or_default().gap = true;
    }
    outcomes
}

/// What was made of a whole story.
fn whole(found: &Found) -> Outcome {
    let findings = &found.verdicts.findings;
    Outcome {
        findings: findings.len(),
        worst: findings.iter().map(|finding| finding.severity).max(),
        gap: !found.verdicts.gaps.is_empty(),
    }
}
