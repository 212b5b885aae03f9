//! Coverage: what the cases of a rule showed it, and what they never did.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_rules_sdk::json::Document;
use orgwatch_rules_sdk::{Matches, Value as Read};
use serde_json::{Map, Value};

use crate::encoding::harmless_json;
use crate::index::Pattern;
use crate::sandbox::{Step, Trace};

/// The values of a field that are kept for showing; the others are counted.
const SHOWN: usize = 5;

/// What the cases of a rule showed it.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The alternatives of what the rule asks for, in the order of its patterns.
    pub alternatives: Vec<Alternative>,
    fields: BTreeMap<String, Field>,
}

/// One alternative of one field in what a rule asks for.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// The field, as `userIdentity.type`.
    pub field: String,
    /// What may stand there, in JSON.
    pub wanted: String,
    /// Whether an event of a case matched the pattern by it.
    pub seen: bool,
    pattern: Pattern,
}

/// A field that the rule read.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Some of the values that it had, in JSON; `absent` where there was nothing.
    pub values: Vec<String>,
    /// How many more there were.
    pub more: usize,
    /// In how many evaluations it was read.
    pub reads: usize,
    known: BTreeSet<String>,
}

impl Coverage {
    /// Starts with what a rule asks for. Patterns that are none have no alternatives: `check` tells of those.
    pub fn of(matches: &Matches) -> Self {
        let patterns = match matches {
            Matches::Everything => [].as_slice(),
            Matches::Patterns(patterns) => patterns,
        };
        Self { alternatives: patterns.iter().flat_map(alternatives).collect(), fields: BTreeMap::new() }
    }

    /// Adds an event of a case.
    pub fn add_event(&mut self, record: &Document) {
        for alternative in self.alternatives.iter_mut().filter(|alternative| !alternative.seen) {
            alternative.seen = alternative.pattern.matches(record.root());
        }
    }

    /// Adds what one evaluation looked at.
    pub fn add_trace(&mut self, trace: &Trace) {
        let mut read = BTreeSet::new();
        for step in &trace.steps {
            let (path, value) = match step {
                Step::Read { path, found } => (path, shown(found)),
                Step::Json { path, text } => (path, text.clone().unwrap_or_else(|| "absent".to_owned())),
                Step::Row { .. } | Step::Count { .. } | Step::Notes { .. } => continue,
            };
            let field = self.fields.entry(path.clone()).or_default();
            field.reads += usize::from(read.insert(path));
            if field.known.insert(value.clone()) {
                if field.values.len() < SHOWN {
                    field.values.push(value);
                } else {
                    field.more += 1;
                }
            }
        }
    }

    /// Returns the alternatives that no event of a case had.
    pub fn never_seen(&self) -> impl Iterator<Item = &Alternative> {
        self.alternatives.iter().filter(|alternative| !alternative.seen)
    }

    /// Returns the fields that were read, by path.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().map(|(path, field)| (path.as_str(), field))
    }
}

impl Field {
    /// Tells whether it had the same value each time, or was absent each time.
    pub fn never_varied(&self) -> bool {
        self.known.len() == 1
    }
}

/// Writes a value as JSON, without what is inside it.
fn shown(value: &Read) -> String {
    match value {
        Read::Absent => "absent".to_owned(),
        Read::Null => "null".to_owned(),
        Read::Boolean(value) => value.to_string(),
        Read::Number(text) => text.clone(),
        Read::String(text) => harmless_json(text),
        Read::Array(len) => format!("a list of {len}"),
        Read::Object(_) => "an object".to_owned(),
    }
}

/// Takes a pattern apart: for each alternative of each field, the pattern that has no other there.
fn alternatives(pattern: &Value) -> Vec<Alternative> {
    let mut found = Vec::new();
    if let Value::Object(members) = pattern {
        walk(members, "", &mut |field, wanted, members| {
            let text = Value::Object(members).to_string();
            if let Ok(pattern) = Pattern::parse(&text) {
                found.push(Alternative {
                    field: field.to_owned(),
                    wanted: harmless_json(wanted),
                    seen: false,
                    pattern,
                });
            }
        });
    }
    found
}

/// Takes the field of an alternative, the alternative, and the pattern's members as they are when it is the only one of its field.
type Take<'a> = dyn FnMut(&str, &Value, Map<String, Value>) + 'a;

/// Calls `take` for each alternative below some members, with the members as they are when it is the only one of its field.
fn walk(members: &Map<String, Value>, path: &str, take: &mut Take<'_>) {
    for (name, value) in members {
        let with = |value: Value| {
            let mut members = members.clone();
            members.insert(name.clone(), value);
            members
        };
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(inner) => {
                walk(inner, &field, &mut |field, wanted, inner| take(field, wanted, with(Value::Object(inner))));
            }
            Value::Array(branches) if name == "$or" => {
                for branch in branches.iter().filter_map(Value::as_object) {
                    // Two branches have to be there: the same one twice is as good as alone.
                    walk(branch, path, &mut |field, wanted, branch| {
                        let branch = Value::Object(branch);
                        take(field, wanted, with(Value::Array(vec![branch.clone(), branch])));
                    });
                }
            }
            Value::Array(wanted) => {
                for wanted in wanted {
                    take(&field, wanted, with(Value::Array(vec![wanted.clone()])));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn coverage(pattern: Value, records: &[Value]) -> Vec<(String, String, bool)> {
        let mut coverage = Coverage::of(&Matches::Patterns(vec![pattern]));
        for record in records {
            coverage.add_event(&Document::parse(record.to_string()).unwrap());
        }
        let told = |alternative: Alternative| (alternative.field, alternative.wanted, alternative.seen);
        coverage.alternatives.into_iter().map(told).collect()
    }

    #[test]
    fn each_alternative_is_seen_by_an_event_that_matches_by_it() {
        let pattern = json!({
            "eventName": ["A", "B"],
            "userIdentity": { "type": ["Root"] },
            "$or": [{ "errorCode": [{ "exists": false }] }, { "errorCode": [{ "prefix": "Access" }] }],
        });
        let seen = coverage(
            pattern,
            &[
                json!({ "eventName": "A", "userIdentity": { "type": "Root" } }),
                json!({ "eventName": "B", "userIdentity": { "type": "IAMUser" } }),
            ],
        );
        let told = |field: &str, wanted: &str, seen: bool| (field.to_owned(), wanted.to_owned(), seen);
        assert_eq!(
            seen,
            [
                told("errorCode", r#"{"exists":false}"#, true),
                told("errorCode", r#"{"prefix":"Access"}"#, false),
                told("eventName", r#""A""#, true),
                told("eventName", r#""B""#, false),
                told("userIdentity.type", r#""Root""#, true),
            ]
        );
    }

    #[test]
    fn a_field_that_never_varied_is_known() {
        let mut coverage = Coverage::default();
        let read = |path: &str, found: Read| Step::Read { path: path.to_owned(), found };
        for name in ["a", "b"] {
            let steps = vec![read("/errorCode", Read::Absent), read("/eventName", Read::String(name.to_owned()))];
            coverage.add_trace(&Trace { steps, beyond: 0 });
        }
        let told: Vec<_> = coverage.fields().map(|(path, field)| (path, field.never_varied(), field.reads)).collect();
        assert_eq!(told, [("/errorCode", true, 2), ("/eventName", false, 2)]);
        assert_eq!(coverage.fields["/eventName"].values, ["\"a\"", "\"b\""]);
    }
}
