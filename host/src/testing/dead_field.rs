//! Dead fields: paths that a rule reads and that no record can have.
//!
//! A misspelt path reads as absent, and absent is what many checks take for harmless. What the rule read in its tests is compared with the shapes of the
//! operations that it asks for.

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

/// Finds the dead fields among the paths that a rule read. A path is dead where it is impossible in every event that the rule asks for; `seen` are those
/// of its cases, as `eventSource` and `eventName`, which count where its patterns do not say which they are.
pub fn dead_fields<'a>(
    metadata: &Metadata,
    paths: impl IntoIterator<Item = &'a str>,
    seen: &BTreeSet<(String, String)>,
) -> Vec<DeadField> {
    let catalogue = Catalogue::embedded();
    let events = asked(metadata, seen);
    let mut dead = Vec::new();
    for path in paths {
        let mut nearest = None;
        let mut possible = events.is_empty();
        for (source, name) in &events {
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

/// The events that a rule asks for, where its patterns name them one by one; else those of its cases.
fn asked(metadata: &Metadata, seen: &BTreeSet<(String, String)>) -> BTreeSet<(String, String)> {
    let Matches::Patterns(patterns) = &metadata.matches else { return seen.clone() };
    let mut events = BTreeSet::new();
    for pattern in patterns {
        let Ok(pattern) = Pattern::parse(&pattern.to_string()) else { return seen.clone() };
        let (Some(sources), Some(names)) = (pattern.pinned("eventSource"), pattern.pinned("eventName")) else {
            return seen.clone();
        };
        for source in sources {
            events.extend(names.iter().map(|name| (source.to_owned(), (*name).to_owned())));
        }
    }
    if events.is_empty() { seen.clone() } else { events }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dead(names: &[&str], paths: &[&str]) -> Vec<(String, Option<String>)> {
        let mut metadata = Metadata::new("", "1.0.0", json!({}));
        let pattern = json!({ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": names });
        metadata.matches = Matches::Patterns(vec![pattern]);
        let dead = dead_fields(&metadata, paths.iter().copied(), &BTreeSet::new());
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
                ("/useridentity/arn".to_owned(), meant("/userIdentity/arn")),
            ]
        );
    }

    #[test]
    fn a_path_that_one_of_the_operations_can_have_is_alive() {
        assert_eq!(dead(&["StopLogging", "PutEventSelectors"], &["/requestParameters/eventSelectors"]), []);
        assert_eq!(dead(&["NoSuchOperation"], &["/requestParameters/whatever"]), []);
    }
}
