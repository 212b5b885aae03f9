//! Mutation: what a rule read in an event that fires, changed one thing at a time, to see which changes no test notices.
//!
//! The code of a rule cannot be changed, since it is compiled; what it reads can. A change that alters no finding shows a check that is missing or
//! that never works; one that alters a finding while its case still passes shows a case that says too little.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_rules_sdk::json::{Document, escape_pointer_token};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::suite::{Outcome, Suite, Workbench, outcome};
use super::trial::{Found, Trial};
use super::{change, values};
use crate::encoding::harmless_json;
use crate::finding::Finding;
use crate::sandbox::Step;
use crate::state::StateError;

/// Values below one that a rule read whole which are changed, at most.
const MOST_INSIDE: usize = 40;

/// What became of the changes of a rule's events and settings.
#[derive(Clone, Debug, Default)]
pub struct Mutations {
    fields: BTreeMap<String, BTreeMap<String, Effect>>,
}

/// What a change brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The findings are the same.
    None,
    /// The findings are others, and the case passes all the same.
    Unchecked,
    /// A case fails with it, or another case has it already.
    Noticed,
}

/// One changed thing.
struct Change {
    field: String,
    /// What was done, the same words for every event.
    label: String,
    record: Value,
}

impl Mutations {
    /// Changes the events of a suite's firing cases that pass, one field at a time, then its settings.
    ///
    /// # Errors
    ///
    /// Fails when there is no room for temporary files.
    pub fn of(suite: &Suite, bench: &mut Workbench<'_>) -> Result<Self, StateError> {
        let mut mutations = Self::default();
        let shown = Shown::of(suite);
        for case in suite.cases.iter().filter(|case| case.expected.fires()) {
            let Ok(judge) = bench.judge(suite, case) else { continue };
            let trial = Trial::new(&judge);
            let found = trial.run(case.story.documents())?;
            if outcome(case, &found) != Outcome::Passed {
                continue;
            }
            for place in 0..case.story.len() {
                let Some(record) = case.story.record(place) else { continue };
                for change in changes(&record, &read(&found, &case.story.documents()[place]), &shown) {
                    let known = mutations.effect(&change);
                    if known == Some(Effect::Noticed) {
                        continue;
                    }
                    let effect = if shown.has(&change) {
                        Effect::Noticed
                    } else {
                        let changed = trial.run(case.story.with(place, &change.record).documents())?;
                        effect(case, &found, &changed)
                    };
                    mutations.add(change.field, change.label, effect);
                }
            }
        }
        mutations.vary_settings(suite, bench)?;
        Ok(mutations)
    }

    /// Returns the changes that no test notices, by field: those without effect, and those that change a finding unchecked. Fields come in the order of
    /// their names.
    pub fn unnoticed(&self) -> impl Iterator<Item = Unnoticed<'_>> {
        self.fields.iter().filter_map(|(field, changes)| {
            let with = |wanted: Effect| -> Vec<&str> {
                changes.iter().filter(|(_, effect)| **effect == wanted).map(|(label, _)| label.as_str()).collect()
            };
            let (without_effect, unchecked) = (with(Effect::None), with(Effect::Unchecked));
            let any = !without_effect.is_empty() || !unchecked.is_empty();
            any.then_some(Unnoticed { field, tried: changes.len(), without_effect, unchecked })
        })
    }

    /// Returns how many changes were tried.
    pub fn tried(&self) -> usize {
        self.fields.values().map(BTreeMap::len).sum()
    }

    fn effect(&self, change: &Change) -> Option<Effect> {
        self.fields.get(&change.field)?.get(&change.label).copied()
    }

    fn add(&mut self, field: String, label: String, effect: Effect) {
        let known = self.fields.entry(field).or_default().entry(label).or_insert(effect);
        *known = effect.max(*known);
    }

    /// Judges all cases with each setting varied: one that changes no verdict at all is in no test.
    fn vary_settings(&mut self, suite: &Suite, bench: &mut Workbench<'_>) -> Result<(), StateError> {
        let metadata = suite.component().metadata();
        let properties = metadata.settings["properties"].as_object().cloned().unwrap_or_default();
        for (name, schema) in &properties {
            let mut noticed = false;
            let mut labels = BTreeSet::new();
            for case in &suite.cases {
                for (label, value) in values::settings(schema, case.settings.get(name), &case.story) {
                    if noticed {
                        break;
                    }
                    let mut varied = case.clone();
                    match value {
                        Some(value) => varied.settings.insert(name.clone(), value),
                        None => varied.settings.remove(name),
                    };
                    let verdict = suite.judge(&varied, bench)?;
                    // What the rule refuses says nothing.
                    if verdict.found.is_some() {
                        noticed |= verdict.outcome != Outcome::Passed;
                        labels.insert(label);
                    }
                }
            }
            if !noticed {
                if labels.is_empty() {
                    labels.insert("given in no case".to_owned());
                }
                for label in labels {
                    self.add(format!("setting `{name}`"), label, Effect::None);
                }
            }
        }
        Ok(())
    }
}

/// Changes of one field that no test notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unnoticed<'a> {
    /// The field's path, or a setting.
    pub field: &'a str,
    /// How many changes were tried.
    pub tried: usize,
    /// Those that change no finding.
    pub without_effect: Vec<&'a str>,
    /// Those that change a finding, of which no case says how it should be.
    pub unchecked: Vec<&'a str>,
}

fn effect(case: &Case, before: &Found, after: &Found) -> Effect {
    if outcome(case, after) != Outcome::Passed {
        return Effect::Noticed;
    }
    let told = |found: &Found| found.verdicts.findings.iter().map(told).collect::<Vec<_>>();
    if told(before) == told(after) { Effect::None } else { Effect::Unchecked }
}

/// What a rule says in a finding, without what every other record changes.
pub(super) fn told(finding: &Finding) -> (String, String, &'static str, Map<String, Value>) {
    (finding.key.clone(), finding.title.clone(), finding.severity.name(), finding.details.clone())
}

/// The paths that a rule read in a record, those inside what it read whole among them.
pub(super) fn read(found: &Found, record: &Document) -> BTreeSet<String> {
    read_most(found, record, MOST_INSIDE)
}

/// The same, with another bound on what is inside of what it read whole.
pub(crate) fn read_most(found: &Found, record: &Document, most: usize) -> BTreeSet<String> {
    let digest = crate::digest::Digest::of(record.root().canonical());
    let mut paths = BTreeSet::new();
    for traced in found.verdicts.traces.iter().filter(|traced| traced.event == digest) {
        for step in &traced.trace.steps {
            match step {
                Step::Read { path, .. } => {
                    paths.insert(path.clone());
                }
                Step::Json { path, .. } => {
                    let inside = record.pointer(path).map(|node| serde_json::from_str(node.raw_text()));
                    if let Some(Ok(inside)) = inside {
                        leaves(&inside, path, &mut paths, most);
                    }
                }
                Step::Row { .. } | Step::Count { .. } | Step::Notes { .. } => {}
            }
        }
    }
    paths
}

/// Gathers the paths of what has nothing inside it.
fn leaves(value: &Value, path: &str, paths: &mut BTreeSet<String>, most: usize) {
    match value {
        _ if paths.len() >= most => {}
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                leaves(value, &format!("{path}/{}", escape_pointer_token(name)), paths, most);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for (place, value) in elements.iter().enumerate() {
                leaves(value, &format!("{path}/{place}"), paths, most);
            }
        }
        _ => {
            paths.insert(path.to_owned());
        }
    }
}

/// What the cases of a suite show already: which events have a field, and which lack it.
struct Shown {
    /// Each record of a case that stays quiet or fires, with its event name.
    records: Vec<Value>,
}

impl Shown {
    fn of(suite: &Suite) -> Self {
        let records =
            suite.cases.iter().flat_map(|case| (0..case.story.len()).filter_map(|place| case.story.record(place)));
        Self { records: records.collect() }
    }

    /// Tells whether an event of the same name has in some case what a change makes of this one.
    fn has(&self, change: &Change) -> bool {
        let changed = change.record.pointer(&change.field);
        self.records.iter().any(|record| {
            record["eventName"] == change.record["eventName"]
                && record["eventSource"] == change.record["eventSource"]
                && record.pointer(&change.field) == changed
        })
    }

    /// Returns the values that other records have at a path.
    fn values(&self, path: &str) -> Vec<&Value> {
        self.records.iter().filter_map(|record| record.pointer(path)).collect()
    }
}

/// Lists the changes of one record: of each field that was read, and those that are always tried.
fn changes(record: &Value, read: &BTreeSet<String>, shown: &Shown) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut add = |field: &str, label: String, value: Option<Value>| {
        let mut record = record.clone();
        let done = match value {
            Some(value) => change::set(&mut record, field, value),
            None => change::remove(&mut record, field),
        };
        if done.is_ok() {
            changes.push(Change { field: field.to_owned(), label, record });
        }
    };
    for field in read.iter().filter(|field| !field.is_empty()) {
        let Some(value) = record.pointer(field) else { continue };
        // What the rule asks for would only make the event another one.
        if matches!(field.as_str(), "/eventName" | "/eventSource") {
            continue;
        }
        add(field, "dropped".to_owned(), None);
        if !value.is_null() {
            add(field, "null".to_owned(), Some(Value::Null));
        }
        let (label, other) = values::retyped(value);
        add(field, label.to_owned(), Some(other));
        if let Some(swapped) = value.as_str().and_then(values::other_case) {
            add(field, "in other letter case".to_owned(), Some(json!(swapped)));
        }
        for other in values::others(field, value, &shown.values(field)) {
            add(field, harmless_json(&other), Some(other));
        }
    }
    for (field, value) in values::additions(record) {
        if record.pointer(field).is_none() {
            add(field, format!("{} added", harmless_json(&value)), Some(value));
        }
    }
    for field in read.iter().filter(|field| record.pointer(field).is_none()) {
        for value in values::known(field) {
            add(field, format!("{} added", harmless_json(&value)), Some(value));
        }
    }
    changes
}
