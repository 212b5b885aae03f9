//! Records that a pattern matches or does not, made up from the pattern itself: what `orgwatch-host new` tests a rule with that it wrote from a
//! pattern.
//!
//! A way to make an expression true, or false, is a list of its conditions that hold, or do not. Each field of such a way gets the first value
//! that fits all of the way's conditions on it; what the record holds already is tried first, so that no more changes than has to.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::condition::{Literal, Test};
use super::selector::{Selector, Step};
use super::{Condition, Expression};
use crate::json::escape_pointer_token;
use crate::{Event, Value};

/// Values by JSON Pointer; nothing where no value may be.
pub(super) type Values = BTreeMap<String, Option<Json>>;

/// How many ways are looked at: an expression may have more of them than there are grains of sand.
const MOST: usize = 200;

/// A condition, and whether it is to hold.
type Wish<'a> = (&'a Condition, bool);

/// Returns ways to make an expression true or false. None of them is certain: two selectors may lead to one place.
pub(super) fn of(expression: &Expression, truth: bool, base: &Event) -> Vec<Values> {
    ways(expression, truth).iter().filter_map(|way| values(way, base)).collect()
}

fn ways(expression: &Expression, truth: bool) -> Vec<Vec<Wish<'_>>> {
    let (parts, together) = match expression {
        Expression::Condition(condition) => return vec![vec![(condition, truth)]],
        // Not all is one of them not, and not any is all of them not.
        Expression::All(parts) => (parts, truth),
        Expression::Any(parts) => (parts, !truth),
    };
    if !together {
        let mut all: Vec<_> = parts.iter().flat_map(|part| ways(part, truth)).collect();
        all.truncate(MOST);
        return all;
    }
    let mut product = vec![Vec::new()];
    for part in parts {
        let more = ways(part, truth);
        let joined = product.iter().flat_map(|way: &Vec<_>| more.iter().map(|more| [&way[..], more].concat()));
        product = joined.take(MOST).collect();
    }
    product
}

fn values(way: &[Wish<'_>], base: &Event) -> Option<Values> {
    let mut fields: BTreeMap<String, Vec<Wish<'_>>> = BTreeMap::new();
    for wish in way {
        fields.entry(pointer(&wish.0.selector)).or_default().push(*wish);
    }
    let mut values = Values::new();
    for (pointer, wishes) in fields {
        let own = base.json(&pointer).and_then(|text| serde_json::from_str(&text).ok());
        let candidates = [own].into_iter().chain(wishes.iter().flat_map(|(condition, _)| candidates(&condition.test)));
        let fitting = candidates.into_iter().find(|value| wishes.iter().all(|&wish| fits(wish, value.as_ref())));
        values.insert(pointer, fitting?);
    }
    Some(values)
}

fn fits((condition, truth): Wish<'_>, value: Option<&Json>) -> bool {
    let value = match value {
        None => Value::Absent,
        Some(Json::Null) => Value::Null,
        Some(Json::Bool(boolean)) => Value::Boolean(*boolean),
        Some(Json::Number(number)) => Value::Number(number.to_string()),
        Some(Json::String(text)) => Value::String(text.clone()),
        Some(Json::Array(elements)) => Value::Array(elements.len()),
        Some(Json::Object(_)) => Value::Object(Vec::new()),
    };
    condition.test.holds(&value) == truth
}

/// Lists values of which some make a test true and some do not.
fn candidates(test: &Test) -> Vec<Option<Json>> {
    let mut values = match test {
        Test::Equal(literal) | Test::NotEqual(literal) => texts(literal),
        Test::Ordered(_, number) => [0.0, 1.0, -1.0].map(|step| json!(number + step)).to_vec(),
        Test::Boolean(expected) => vec![json!(expected), json!(!expected)],
        Test::Null | Test::NotExists => Vec::new(),
    };
    values.extend([json!("another"), json!("example"), json!(0)]);
    let values = values.into_iter().map(Some);
    values.chain([None, Some(Json::Null)]).collect()
}

fn texts(literal: &Literal) -> Vec<Json> {
    match literal {
        Literal::Quoted(text) | Literal::Bare(text) => {
            let pieces = text.pieces();
            let mut values = vec![json!(pieces.concat()), json!(pieces.join("example"))];
            for (one, other) in [("Yes", "No"), ("true", "false"), ("True", "False")] {
                values.extend((text.exact() == Some(one)).then(|| json!(other)));
                values.extend((text.exact() == Some(other)).then(|| json!(one)));
            }
            values
        }
        // Account ids are written as numbers in a pattern, and are strings in a record.
        Literal::Number(_, text) if text.len() == 12 => vec![json!(text)],
        Literal::Number(number, text) => vec![json!(number), json!(text)],
        Literal::Regex(regex) => vec![json!(regex.made_up())],
    }
}

fn pointer(selector: &Selector) -> String {
    let mut pointer = String::new();
    for step in &selector.steps {
        pointer.push('/');
        match step {
            Step::Name(name) => pointer.push_str(&escape_pointer_token(name)),
            Step::Place(place) => pointer.push_str(&place.to_string()),
            Step::EveryMember => pointer.push_str("example"),
            Step::EveryElement => pointer.push('0'),
        }
    }
    pointer
}
