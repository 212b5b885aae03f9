//! What a rule asks for: whether its patterns are patterns, and taken apart for the lints of names.

use orgwatch_rules_sdk::{Matches, json::escape_pointer_token};
use serde_json::{Map, Value};

use super::Subject;
use super::known::Names;
use super::names;
use super::remark::{Code, Remark};
use crate::catalogue::{Knowledge, PathStatus};
use crate::index::Pattern;

/// Combinations of `$or` that are looked at; the index takes no more either.
const MOST_BRANCHES: usize = 1000;

/// One combination of a pattern's `$or` branches: the fields that hold together, each with its place and its alternatives.
#[derive(Clone, Default)]
pub(super) struct Branch<'a> {
    pub(super) fields: Vec<Field<'a>>,
}

#[derive(Clone)]
pub(super) struct Field<'a> {
    /// Its JSON Pointer.
    pub(super) pointer: String,
    pub(super) place: String,
    pub(super) alternatives: &'a [Value],
}

impl<'a> Branch<'a> {
    /// Returns a field; of one that is written twice, what counts is what comes last.
    pub(super) fn field(&self, pointer: &str) -> Option<&Field<'a>> {
        self.fields.iter().rev().find(|field| field.pointer == pointer)
    }
}

pub(super) fn check(subject: &Subject<'_>, remarks: &mut Vec<Remark>) {
    let Matches::Patterns(patterns) = &subject.metadata.matches else { return };
    if patterns.is_empty() && !subject.metadata.generic {
        let message = "the rule asks for no event";
        let hint = "say in matches which records it asks for";
        remarks.push(Remark::new(Code::AsksForNothing, "matches", message).hint(hint));
    }
    let names = Names::with(subject.known_names);
    for (place, pattern) in patterns.iter().enumerate() {
        let place = format!("matches[{place}]");
        if let Err(error) = Pattern::parse(&pattern.to_string()) {
            remarks.push(Remark::new(Code::PatternMalformed, place, error.to_string()));
            continue;
        }
        let mut branches = vec![Branch::default()];
        if let Value::Object(fields) = pattern {
            branches = expand(fields, "", &place, branches);
        }
        for branch in &branches {
            let pinned = names::check(branch, &names, remarks);
            check_fields(branch, &pinned, &names, remarks);
        }
    }
}

/// Takes an object of a pattern apart: its fields go to every branch, and each branch of `$or` makes as many more.
fn expand<'a>(
    object: &'a Map<String, Value>,
    pointer: &str,
    place: &str,
    mut branches: Vec<Branch<'a>>,
) -> Vec<Branch<'a>> {
    for (key, value) in object {
        match value {
            Value::Array(choices) if key == "$or" => {
                let mut more = Vec::new();
                for (at, choice) in choices.iter().enumerate() {
                    if let Value::Object(choice) = choice {
                        let place = format!("{place}.$or[{at}]");
                        more.extend(expand(choice, pointer, &place, branches.clone()));
                    }
                }
                more.truncate(MOST_BRANCHES);
                branches = more;
            }
            Value::Array(alternatives) => {
                let field = Field {
                    pointer: format!("{pointer}/{}", as_tokens(key)),
                    place: format!("{place}.{key}"),
                    alternatives,
                };
                for branch in &mut branches {
                    branch.fields.push(field.clone());
                }
            }
            Value::Object(inner) => {
                let pointer = format!("{pointer}/{}", as_tokens(key));
                branches = expand(inner, &pointer, &format!("{place}.{key}"), branches);
            }
            _ => {}
        }
    }
    branches
}

/// Writes a field's name as part of a pointer. A dot in it stands for a level, as in EventBridge.
fn as_tokens(key: &str) -> String {
    key.split('.').map(escape_pointer_token).collect::<Vec<_>>().join("/")
}

/// Checks that the records of the events can have the fields that are compared. Only where the pattern says exactly which events it is
/// about; of the record's own fields in any case.
fn check_fields(branch: &Branch<'_>, pinned: &names::Pinned<'_>, names: &Names<'_>, remarks: &mut Vec<Remark>) {
    for field in &branch.fields {
        if only_absent(field.alternatives) || names.says_of_field(&field.pointer) {
            continue;
        }
        let Some(Impossible { nearest }) = impossible(&field.pointer, pinned, names) else { continue };
        let dotted = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
        let message = format!("no record of these events has a field `{}`", dotted(&field.pointer));
        let remark = Remark::new(Code::FieldImpossible, &field.place, message);
        remarks.push(match (envelope_hint(&field.pointer), nearest) {
            (Some(hint), _) => remark.hint(hint),
            (None, Some(nearest)) => remark.hint(format!("did you mean `{}`?", dotted(&nearest))),
            (None, None) => remark,
        });
    }
}

/// A place where no record has a value.
struct Impossible {
    /// The pointer that may have been meant.
    nearest: Option<String>,
}

/// Tells whether a place is impossible for every event that the branch is about, and what may have been meant.
fn impossible(pointer: &str, pinned: &names::Pinned<'_>, names: &Names<'_>) -> Option<Impossible> {
    let catalogue = names.catalogue();
    let mut found = None;
    for source in &pinned.sources {
        for name in &pinned.names {
            if catalogue.knows(Some(source), name) != Knowledge::Known {
                // What the pack says or another source has; nothing is known of its shape there.
                if names.knows(&[source], name) == Knowledge::Known {
                    return None;
                }
                continue;
            }
            match catalogue.path_status(source, name, pointer) {
                PathStatus::Impossible { nearest } => found = found.or(Some(Impossible { nearest })),
                PathStatus::Possible | PathStatus::Unknown => return None,
            }
        }
    }
    if found.is_some() {
        return found;
    }
    // Which events they are is not known: then only the record's own fields are.
    match catalogue.path_status("", "", pointer) {
        PathStatus::Impossible { nearest } => Some(Impossible { nearest }),
        PathStatus::Possible | PathStatus::Unknown => None,
    }
}

/// Whoever writes patterns for EventBridge is used to its envelope, which a rule does not see.
fn envelope_hint(pointer: &str) -> Option<&'static str> {
    match pointer.split('/').nth(1)? {
        "detail" => Some("a rule asks for the CloudTrail record itself: leave out `detail`"),
        "source" => Some("a rule asks for the CloudTrail record itself: write eventSource"),
        "detail-type" => Some("a rule asks for the CloudTrail record itself: write eventType, or leave it out"),
        _ => None,
    }
}

/// Tells whether a field is only asked not to be there.
fn only_absent(alternatives: &[Value]) -> bool {
    alternatives.iter().all(|alternative| alternative["exists"] == false)
}
