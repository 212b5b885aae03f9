//! Which records a pattern may match, as EventBridge patterns for the host's index.
//!
//! A field is pinned where every way to make the pattern true needs one of a few strings in it. Each pin is a condition that a matching record
//! fulfils, so together they are one too, and no matching record is left out. What cannot be said in a pin, such as `!=` or `NOT EXISTS`,
//! is left to the evaluation.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::condition::{Literal, Test};
use super::{Condition, Expression};
use crate::Matches;

/// The pinned fields by their dotted paths.
type Pins = BTreeMap<String, Alternatives>;

/// Alternatives of EventBridge's language by their JSON text.
type Alternatives = BTreeMap<String, Json>;

/// Returns the records to ask for.
pub(super) fn of(expression: &Expression) -> Matches {
    let pins = pins(expression);
    if pins.is_empty() {
        return Matches::Everything;
    }
    if pins.values().any(Alternatives::is_empty) {
        return Matches::Patterns(Vec::new());
    }
    let fields = pins.into_iter().map(|(path, alternatives)| (path, alternatives.into_values().collect::<Json>()));
    Matches::Patterns(vec![Json::Object(fields.collect::<Map<String, Json>>())])
}

fn pins(expression: &Expression) -> Pins {
    match expression {
        Expression::Condition(condition) => pin(condition).into_iter().collect(),
        Expression::All(parts) => {
            let mut pinned = Pins::new();
            for (path, alternatives) in parts.iter().flat_map(pins) {
                let both = match pinned.remove(&path) {
                    Some(earlier) => narrower(earlier, alternatives),
                    None => alternatives,
                };
                pinned.insert(path, both);
            }
            pinned
        }
        Expression::Any(parts) => {
            let mut parts = parts.iter().map(pins);
            let mut pinned = parts.next().unwrap_or_default();
            for mut part in parts {
                // A field that one part does not pin may hold anything.
                pinned.retain(|path, alternatives| match part.remove(path) {
                    Some(more) => {
                        alternatives.extend(more);
                        true
                    }
                    None => false,
                });
            }
            pinned
        }
    }
}

/// Takes what two lists have in common where both are plain strings, else the shorter: the record fulfils both.
fn narrower(left: Alternatives, right: Alternatives) -> Alternatives {
    let plain = |list: &Alternatives| list.values().all(Json::is_string);
    if plain(&left) && plain(&right) {
        return left.into_iter().filter(|(text, _)| right.contains_key(text)).collect();
    }
    if right.len() < left.len() { right } else { left }
}

/// Pins the field of a condition that names a string.
fn pin(condition: &Condition) -> Option<(String, Alternatives)> {
    let alternative = match &condition.test {
        Test::Equal(Literal::Quoted(text)) => match text.exact() {
            Some(text) => json!(text),
            None => json!({ "wildcard": wildcard(text.pieces()) }),
        },
        // Without quotes a star may stand for digits of a number, which no alternative says.
        Test::Equal(Literal::Bare(text)) => json!(text.exact()?),
        _ => return None,
    };
    Some((path(condition)?, [(alternative.to_string(), alternative)].into()))
}

/// Writes a text with stars in EventBridge's way: a backslash is written twice, and one star stands for several.
fn wildcard(pieces: &[String]) -> String {
    let mut text = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 && !text.ends_with('*') {
            text.push('*');
        }
        text.push_str(&piece.replace('\\', "\\\\"));
    }
    text
}

/// Returns the path as EventBridge writes it, where it is made of plain names.
fn path(condition: &Condition) -> Option<String> {
    let names = condition.selector.names()?;
    let plain = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    names.iter().all(plain).then(|| names.join("."))
}
