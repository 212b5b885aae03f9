//! What the cases of a rule do not show, and what is odd about it, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::escape::terminal;
use crate::rule::{DiscoverError, discover};
use crate::sandbox::Limits;
use crate::testing::{Coverage, DeadField, Mutations, Silenced, Suite, asked_events, dead_fields};

/// Something that the cases of a rule do not show, or that is odd about it.
pub(super) struct Warning {
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// Warns of alternatives that no event of a case had, a warning a field.
pub(super) fn never_matched(coverage: &Coverage) -> Vec<Warning> {
    let mut by_field: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for alternative in coverage.never_seen() {
        by_field.entry(&alternative.field).or_default().insert(&alternative.wanted);
    }
    let warning = |(field, wanted): (&str, BTreeSet<&str>)| {
        let wanted = wanted.into_iter().collect::<Vec<_>>().join(", ");
        Warning { code: "never-matched", message: format!("no event of a case has {} {wanted}", terminal(field)) }
    };
    by_field.into_iter().map(warning).collect()
}

/// The events that the rules of each pack ask for, by the pack's folder.
pub(super) struct AskedByPacks(BTreeMap<PathBuf, BTreeSet<(String, String)>>);

impl AskedByPacks {
    /// Reads what all rules of the packs ask for, also where only some of them are tested.
    pub(super) fn of(suites: &[Suite], limits: &Limits) -> Result<Self, DiscoverError> {
        let mut packs: BTreeMap<PathBuf, BTreeSet<(String, String)>> = BTreeMap::new();
        for suite in suites {
            let folder = suite.pack.folder();
            if packs.contains_key(folder) {
                continue;
            }
            let mut events = BTreeSet::new();
            for file in discover(folder)?.files(limits)? {
                let component = file.component.as_ref().ok();
                events.extend(component.and_then(|component| asked_events(component.metadata())).unwrap_or_default());
            }
            packs.insert(folder.to_owned(), events);
        }
        Ok(Self(packs))
    }

    /// Returns the events in which a rule may find what it reads: those that its pack asks for, and those of its cases where it does not name its own.
    fn events(&self, suite: &Suite) -> BTreeSet<(String, String)> {
        let mut events = self.0.get(suite.pack.folder()).cloned().unwrap_or_default();
        if asked_events(suite.component().metadata()).is_none() {
            for case in &suite.cases {
                for record in (0..case.story.len()).filter_map(|place| case.story.record(place)) {
                    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
                    events.insert((text("eventSource"), text("eventName")));
                }
            }
        }
        events
    }
}

/// Warns of paths that were read and that no record can have, unless the pack says that records do.
pub(super) fn dead(suite: &Suite, coverage: &Coverage, asked: &AskedByPacks) -> Vec<Warning> {
    let known: Vec<&str> =
        suite.pack.manifest().known_names.iter().filter_map(|known| known.field.as_deref()).collect();
    let is_below = |path: &str, field: &str| {
        path.strip_prefix(field).is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    let paths = coverage.fields().map(|(path, _)| path);
    let paths = paths.filter(|path| !known.iter().any(|field| is_below(path, field)));
    let warning = |dead: DeadField| {
        let meant = dead.nearest.map(|nearest| format!("; did you mean {}?", terminal(&nearest))).unwrap_or_default();
        let message = format!("no record can have {}, which is read{meant}", terminal(&dead.path));
        Warning { code: "dead-field", message }
    };
    dead_fields(&asked.events(suite), paths).into_iter().map(warning).collect()
}

/// Warns of changes that no case notices: a warning a field where the rule does not see them, and one for all that change a finding unchecked.
pub(super) fn unnoticed(mutations: &Mutations) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut unchecked = Vec::new();
    for field in mutations.unnoticed() {
        let number = field.without_effect.len();
        if number > 0 {
            let how_many = if number == field.tried {
                "no change of it".to_owned()
            } else {
                format!("{number} of {} changes", field.tried)
            };
            let none = if number == field.tried { "makes a difference" } else { "make no difference" };
            let message =
                format!("{}: {how_many} {none}: {}", terminal(field.field), terminal(&field.without_effect.join(", ")));
            warnings.push(Warning { code: "unnoticed", message });
        }
        if !field.unchecked.is_empty() {
            unchecked.push(field.field);
        }
    }
    if !unchecked.is_empty() {
        let fields = terminal(&unchecked.join(", "));
        let message =
            format!("changes of these alter a finding, and no [[case.finding]] says how it should be: {fields}");
        warnings.push(Warning { code: "unchecked", message });
    }
    warnings
}

/// Warns of a change with which the caller silences the rule.
pub(super) fn silenced(silenced: &Silenced) -> Warning {
    let changes: Vec<String> = silenced
        .changes
        .iter()
        .map(|chosen| match &chosen.to {
            Some(to) => format!("{} {to} instead of {} ({})", chosen.field, chosen.from, chosen.what),
            None => format!("no {}", chosen.field),
        })
        .collect();
    let message = format!("{}: silent where the caller writes {}", silenced.case, changes.join(" and "));
    Warning { code: "silenced", message: terminal(&message) }
}
