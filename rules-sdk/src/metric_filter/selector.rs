//! Selectors: which values of the record a condition is about.

use crate::json::escape_pointer_token;
use crate::{Event, Value};

/// A path into the record: `$.userIdentity.type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `.name` or `['name']`: a member of an object.
    Name(String),
    /// `[0]`: an element of an array.
    Place(usize),
    /// `.*`: each member of an object.
    EveryMember,
    /// `[*]`: each element of an array.
    EveryElement,
}

impl Step {
    pub(super) fn is_wildcard(&self) -> bool {
        matches!(self, Self::EveryMember | Self::EveryElement)
    }
}

impl Selector {
    /// Returns the names, where the path has nothing but names.
    pub(super) fn names(&self) -> Option<Vec<&str>> {
        let name = |step: &'_ Step| match step {
            Step::Name(_) => true,
            Step::Place(_) | Step::EveryMember | Step::EveryElement => false,
        };
        if !self.steps.iter().all(name) {
            return None;
        }
        let names = self.steps.iter().filter_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            _ => None,
        });
        Some(names.collect())
    }

    /// Returns true where one of the values that the path leads to passes the test. A path without a wildcard leads to one value, which
    /// may be absent; one with a wildcard to those that are there.
    pub(super) fn any(&self, event: &Event, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        walk(event, String::new(), &self.steps, test)
    }

    /// Returns true where the path leads to nothing.
    pub(super) fn leads_nowhere(&self, event: &Event) -> bool {
        !self.any(event, &mut |value| *value != Value::Absent)
    }
}

fn walk(event: &Event, mut path: String, steps: &[Step], test: &mut dyn FnMut(&Value) -> bool) -> bool {
    for (index, step) in steps.iter().enumerate() {
        let rest = &steps[index + 1..];
        match step {
            Step::Name(name) => {
                // In a JSON Pointer `0` names a member and a place alike.
                if is_place(name) && !matches!(event.read(&path), Value::Object(_)) {
                    return test(&Value::Absent);
                }
                push(&mut path, name);
            }
            Step::Place(place) => {
                if !matches!(event.read(&path), Value::Array(_)) {
                    return test(&Value::Absent);
                }
                push(&mut path, &place.to_string());
            }
            Step::EveryMember => {
                let Value::Object(names) = event.read(&path) else { return false };
                return names
                    .iter()
                    .any(|name| walk(event, format!("{path}/{}", escape_pointer_token(name)), rest, test));
            }
            Step::EveryElement => {
                let Value::Array(len) = event.read(&path) else { return false };
                return (0..len).any(|place| walk(event, format!("{path}/{place}"), rest, test));
            }
        }
    }
    test(&event.read(&path))
}

fn push(path: &mut String, token: &str) {
    path.push('/');
    path.push_str(&escape_pointer_token(token));
}

fn is_place(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}
