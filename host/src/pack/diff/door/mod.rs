//! The shape of a back door: an event that fires, with a literal in it that is new in the new version, on which the new version is silent and the old one
//! is not.
//!
//! Each new literal is put into each field that the rule read of each event in which the new version finds something: in the value's place, before it,
//! behind it, as a further element of a list, or where there was nothing. A verdict that any other value of the same make flips as well is told apart:
//! there the rule checks for something else than before, and not for its owner. Two literals at a time are not tried.

mod attempt;
mod target;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use orgwatch_rules_sdk::Severity;
use serde::Serialize;
use serde_json::Value;

pub use self::attempt::Placed;
use self::attempt::{Attempt, Literal};
use self::target::{Target, effects};
use super::literals::Literals;
use super::verdicts::Judged;
use crate::finding::EventReference;
use crate::sandbox::Component;
use crate::state::StateError;

/// New texts that are tried, at most: the most telling ones.
const MOST_TEXTS: usize = 600;

/// New numbers that are tried, at most.
const MOST_NUMBERS: usize = 200;

/// Events that are changed, at most.
const MOST_EVENTS: usize = 24;

/// Changed events that are judged for one rule, at most.
const MOST_ATTEMPTS: usize = 100_000;

/// Changed stories that are judged for one rule that looks back, at most: each is judged as a whole, with notes of its own.
const MOST_STORIES: usize = 1_000;

/// How many changed events are judged together.
const TOGETHER: usize = 64;

/// Fuel that is spent on one rule, in units: for a rule that takes all that it may of each evaluation.
const MOST_FUEL: u64 = 20_000_000_000;

/// What came of looking for a back door.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// New literals that were tried.
    pub literals: usize,
    /// Events that they were put into.
    pub events: usize,
    /// Changed events that were judged.
    pub attempts: usize,
    /// What a bound kept from being tried, in words.
    pub untried: Vec<String>,
    /// Verdicts that flip.
    pub flips: Vec<Flip>,
}

/// A verdict that a new literal flips.
#[derive(Clone, Debug, Serialize)]
pub struct Flip {
    /// What becomes of the finding.
    pub effect: Effect,
    /// The field that the literal was put into.
    pub field: String,
    /// The literal; nothing where any other value of the same make does the same.
    pub literal: Option<Value>,
    /// How it was put there.
    pub placed: BTreeSet<Placed>,
    /// The first event, before it was changed.
    pub event: EventReference,
    /// The case of that event.
    pub case: String,
    /// In how many events it does so.
    pub events: usize,
}

/// A flip with the places of its events among the targets.
type Flipped = (Flip, BTreeSet<usize>);

/// What becomes of a finding of the old version in the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It is less severe.
    Milder,
    /// It is one of several, and others are still found.
    Fewer,
    /// Nothing is found any more.
    Silent,
}

/// What a version makes of a changed event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcome {
    findings: usize,
    worst: Option<Severity>,
    gap: bool,
}

impl Outcome {
    /// Tells what the new version loses against the old one. A gap is told as loudly as a finding: nothing is lost.
    fn lost(old: Self, new: Self) -> Option<Effect> {
        match (old, new) {
            (_, Self { gap: true, .. }) => None,
            (Self { findings: 1.., .. }, Self { findings: 0, .. }) => Some(Effect::Silent),
            _ if new.findings < old.findings => Some(Effect::Fewer),
            _ if new.worst < old.worst => Some(Effect::Milder),
            _ => None,
        }
    }
}

/// What flips are told together: what becomes of the finding, by which field, by which literal.
type Same = (Effect, String, Option<String>);

impl Door {
    /// Looks for a back door in the new version of a rule, on the cases that both versions judged.
    pub(super) fn of(components: [&Component; 2], judged: &Judged<'_>) -> Result<Self, StateError> {
        let [old, new] = components.map(Literals::of);
        let mut fresh = new.fresh(&old);
        let mut door = Self::default();
        if fresh.truncated {
            door.untried.push("literals beyond the first that a component of this size was taken to hold".to_owned());
        }
        door.cut("new texts", &mut fresh.texts, MOST_TEXTS);
        door.cut("new numbers", &mut fresh.numbers, MOST_NUMBERS);
        let mut targets = Target::all(judged, &mut door.untried);
        door.cut("events with findings", &mut targets, MOST_EVENTS);
        (door.literals, door.events) = (fresh.texts.len() + fresh.numbers.len(), targets.len());
        let texts = fresh.texts.iter().map(|text| Literal::Text(text));
        let numbers = fresh.numbers.iter().map(|number| Literal::Number(number));
        let looks_back = targets.iter().any(|target| target.looks_back);
        let most = if looks_back { MOST_STORIES } else { MOST_ATTEMPTS };
        let mut flips = BTreeMap::new();
        let mut waiting = Vec::new();
        let mut left_out = 0_usize;
        let mut fuel = 0;
        // Literal by literal: where the bound ends it, the most telling ones have been tried everywhere.
        for literal in texts.chain(numbers) {
            for (place, target) in targets.iter().enumerate() {
                for attempt in target.attempts(literal) {
                    if door.attempts < most && fuel < MOST_FUEL {
                        door.attempts += 1;
                        waiting.push((place, attempt));
                    } else {
                        left_out += 1;
                    }
                }
            }
            if waiting.len() >= TOGETHER {
                judge(&targets, &mut waiting, &mut flips, &mut fuel)?;
            }
        }
        judge(&targets, &mut waiting, &mut flips, &mut fuel)?;
        if left_out > 0 {
            let all = most + left_out;
            door.untried
                .push(format!("{most} of {all} changed events were judged, those with the most telling literals"));
        }
        door.flips = distinct(flips);
        Ok(door)
    }

    /// Leaves out what is beyond a bound, and says so.
    fn cut<T>(&mut self, what: &str, list: &mut Vec<T>, most: usize) {
        if list.len() > most {
            self.untried.push(format!("{} of {} {what}", list.len() - most, list.len()));
            list.truncate(most);
        }
    }
}

/// Judges the attempts that wait, and keeps those that flip a verdict.
fn judge(
    targets: &[Target<'_>],
    waiting: &mut Vec<(usize, Attempt)>,
    flips: &mut BTreeMap<Same, Flipped>,
    fuel: &mut u64,
) -> Result<(), StateError> {
    let attempts = std::mem::take(waiting);
    for ((place, attempt), effect) in attempts.iter().zip(effects(targets, &attempts, fuel)?) {
        let Some(effect) = effect else { continue };
        let target = &targets[*place];
        let control = effects(targets, &[(*place, target.control(attempt))], fuel)?;
        let literal = (control != [Some(effect)]).then(|| attempt.literal.clone());
        let same = (effect, attempt.field.clone(), literal.as_ref().map(Value::to_string));
        let (flip, places) = flips.entry(same).or_insert_with(|| {
            let (field, placed) = (attempt.field.clone(), BTreeSet::new());
            let (event, case) = (target.event.clone(), target.case.to_owned());
            (Flip { effect, field, literal, placed, event, case, events: 0 }, BTreeSet::new())
        });
        flip.placed.insert(attempt.placed);
        places.insert(*place);
        flip.events = places.len();
    }
    Ok(())
}

/// Leaves out flips by literals that hold another one which flips the same verdict wherever it stands.
fn distinct(flips: BTreeMap<Same, Flipped>) -> Vec<Flip> {
    let flips: Vec<Flip> = flips.into_values().map(|(flip, _)| flip).collect();
    let text = |flip: &Flip| flip.literal.as_ref().and_then(Value::as_str).map(str::to_owned);
    let is_part = |part: &Flip, whole: &Flip| {
        let anywhere = part.placed.contains(&Placed::Before) || part.placed.contains(&Placed::Behind);
        let same = (part.effect, &part.field) == (whole.effect, &whole.field) && anywhere;
        let (Some(part), Some(whole)) = (text(part), text(whole)) else { return false };
        same && part != whole && whole.contains(&part)
    };
    let is_distinct = |flip: &&Flip| !flips.iter().any(|other| is_part(other, flip));
    let mut distinct: Vec<Flip> = flips.iter().filter(is_distinct).cloned().collect();
    // The worst first; those of one literal before what any value does.
    distinct.sort_by_key(|flip| Reverse((flip.effect, flip.literal.is_some())));
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn outcome(findings: usize, worst: Option<Severity>) -> Outcome {
        Outcome { findings, worst, gap: false }
    }

    #[test]
    fn what_is_lost_is_silence_one_of_several_or_severity() {
        let (none, low, high) = (outcome(0, None), outcome(1, Some(Severity::Low)), outcome(1, Some(Severity::High)));
        let two = outcome(2, Some(Severity::High));
        for (old, new, effect) in [
            (high, none, Some(Effect::Silent)),
            (two, high, Some(Effect::Fewer)),
            (high, low, Some(Effect::Milder)),
            (low, high, None),
            (none, high, None),
            (none, none, None),
            (high, Outcome { gap: true, ..none }, None),
        ] {
            assert_eq!(Outcome::lost(old, new), effect, "{old:?} {new:?}");
        }
    }
}
