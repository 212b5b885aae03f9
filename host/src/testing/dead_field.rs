//! Dead fields: paths that a rule reads and that no record can have.
//!
//! A misspelt path reads as absent, and absent is what many checks take for harmless. What the rule read in its tests is compared with the shapes of the
//! operations that it asks for, and the other rules of its pack: rules that share code read what only some of them can find.

use std::collections::BTreeSet;

use orgwatch_rules_sdk::{Matches, Metadata};

use crate::catalogue::{Catalogue, PathStatus};
use crate::index::Pattern;

/// A path that no record of what the rule asks for can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadField {
    /// The path.
    pub path: String,
    /// The path that may have been meant.
    pub nearest: Option<String>,
}

/// Finds the dead fields among the paths that a rule read: those that are impossible in all of some events, given as `eventSource` and `eventName`.
pub fn dead_fields<'a>(
    events: &BTreeSet<(String, String)>,
    paths: impl IntoIterator<Item = &'a str>,
) -> Vec<DeadField> {
    let catalogue = Catalogue::embedded();
    let mut dead = Vec::new();
    for path in paths {
        let mut nearest = None;
        let mut possible = events.is_empty();
        for (source, name) in events {
            match catalogue.path_status(source, name, path) {
                PathStatus::Impossible { nearest: meant } => nearest = nearest.or(meant),
                PathStatus::Possible | PathStatus::Unknown => possible = true,
            }
        }
        if !possible {
            dead.push(DeadField { path: path.to_owned(), nearest });
        }
    }
    dead
}

/// Returns the events that a rule asks for, where its patterns name them one by one.
pub fn asked_events(metadata: &Metadata) -> Option<BTreeSet<(String, String)>> {
    let Matches::Patterns(patterns) = &metadata.matches else { return None };
    let mut events = BTreeSet::new();
    for pattern in patterns {
        let pattern = Pattern::parse(&pattern.to_string()).ok()?;
        let (sources, names) = (pattern.pinned("eventSource")?, pattern.pinned("eventName")?);
        for source in sources {
            events.extend(names.iter().map(|name| (source.to_owned(), (*name).to_owned())));
        }
    }
    (!events.is_empty()).then_some(events)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dead(names: &[&str], paths: &[&str]) -> Vec<(String, Option<String>)> {
        let mut metadata = Metadata::new("", "1.0.0", json!({}));
        let pattern = json!({ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": names });
        metadata.matches = Matches::Patterns(vec![pattern]);
        let dead = dead_fields(&asked_events(&metadata).unwrap(), paths.iter().copied());
        dead.into_iter().map(|dead| (dead.path, dead.nearest)).collect()
    }

    #[test]
    fn a_path_that_the_operation_cannot_have_is_dead() {
        let meant = |path: &str| Some(path.to_owned());
        assert_eq!(
            dead(
                &["StopLogging"],
                &[
                    "/requestParameters/name",
                    "/requestParameters/trail",
                    "/requestParameters/Name",
                    "/useridentity/arn"
                ]
            ),
            [
                ("/requestParameters/trail".to_owned(), None),
                ("/requestParameters/Name".to_owned(), meant("/requestParameters/name")),
                ("/useridentity/arn".to_owned(), meant("/userIdentity")),
            ]
        );
    }

    #[test]
    fn a_path_that_one_of_the_operations_can_have_is_alive() {
        assert_eq!(dead(&["StopLogging", "PutEventSelectors"], &["/requestParameters/eventSelectors"]), []);
        assert_eq!(dead(&["NoSuchOperation"], &["/requestParameters/whatever"]), []);
    }
}
