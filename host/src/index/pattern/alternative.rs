//! Reads a field's array of alternatives: literals, and objects that hold one operator each.

use std::borrow::Cow;
use std::ops::Bound;

use orgwatch_rules_sdk::json::{Kind, Node};

use super::case::AnyCase;
use super::cidr::Block;
use super::error::PatternErrorKind;
use super::number::{Number, Range, exact};
use super::operator::{Alternative, Leaf};
use super::wildcard::Wildcard;

type Result<T> = std::result::Result<T, PatternErrorKind>;

/// Reads the array of a field.
pub(super) fn read_leaf(array: Node<'_>) -> Result<Leaf> {
    if array.is_empty() {
        return Err(PatternErrorKind::EmptyArray);
    }
    let alternatives = array.elements().map(read_alternative).collect::<Result<Vec<_>>>()?;
    Ok(Leaf::new(alternatives))
}

fn read_alternative(node: Node<'_>) -> Result<Alternative> {
    match node.kind() {
        Kind::Null => Ok(Alternative::Null),
        Kind::True => Ok(Alternative::Boolean(true)),
        Kind::False => Ok(Alternative::Boolean(false)),
        Kind::Number => Ok(Alternative::Number(Number::new(node.raw_text()))),
        Kind::String => Ok(Alternative::Text(node.string().unwrap_or_default().into())),
        Kind::Array => Err(PatternErrorKind::NestedArray),
        Kind::Object => {
            let (operator, argument) = only_member(node)?;
            read_operator(&operator, argument)
        }
    }
}

fn only_member(object: Node<'_>) -> Result<(Cow<'_, str>, Node<'_>)> {
    let mut members = object.members();
    let member = members.next().ok_or(PatternErrorKind::EmptyObject)?;
    match members.count() {
        0 => Ok(member),
        others => Err(PatternErrorKind::SeveralOperators(others + 1)),
    }
}

fn read_operator(operator: &str, argument: Node<'_>) -> Result<Alternative> {
    match operator {
        "exactly" => Ok(Alternative::Text(text("exactly", argument)?.into())),
        "prefix" => match any_case_within("prefix", argument)? {
            Some(prefix) => Ok(Alternative::PrefixAnyCase(prefix)),
            None => Ok(Alternative::Prefix(text("prefix", argument)?.into())),
        },
        "suffix" => match any_case_within("suffix", argument)? {
            Some(suffix) => Ok(Alternative::SuffixAnyCase(suffix)),
            None => Ok(Alternative::Suffix(text("suffix", argument)?.into())),
        },
        "equals-ignore-case" => Ok(Alternative::EqualsAnyCase(AnyCase::new(&text("equals-ignore-case", argument)?))),
        "wildcard" => Ok(Alternative::Wildcard(Wildcard::parse(&text("wildcard", argument)?)?)),
        "cidr" => Ok(Alternative::Cidr(Block::parse(&text("cidr", argument)?)?)),
        "numeric" => Ok(Alternative::Numeric(read_numeric(argument)?)),
        "exists" => match argument.boolean() {
            Some(true) => Ok(Alternative::Present),
            Some(false) => Ok(Alternative::Absent),
            None => Err(wrong_argument("exists", "true or false", argument)),
        },
        "anything-but" => Ok(Alternative::AnythingBut(read_anything_but(argument)?)),
        _ => Err(PatternErrorKind::UnknownOperator(operator.to_owned())),
    }
}

/// Reads the `{"equals-ignore-case": ..}` that `prefix` and `suffix` take in place of a string; nothing where the argument is no object.
fn any_case_within(operator: &'static str, argument: Node<'_>) -> Result<Option<AnyCase>> {
    if argument.kind() != Kind::Object {
        return Ok(None);
    }
    let (inner, inner_argument) = only_member(argument)?;
    if inner != "equals-ignore-case" {
        return Err(wrong_argument(operator, "a string or {\"equals-ignore-case\": ..}", argument));
    }
    Ok(Some(AnyCase::new(&text("equals-ignore-case", inner_argument)?)))
}

fn text<'a>(operator: &'static str, argument: Node<'a>) -> Result<Cow<'a, str>> {
    argument.string().ok_or_else(|| wrong_argument(operator, "a string", argument))
}

fn wrong_argument(operator: &'static str, wants: &'static str, argument: Node<'_>) -> PatternErrorKind {
    PatternErrorKind::Argument { operator, wants, found: argument.kind().name() }
}

/// Reads `[operator, number]`, or a range with its lower bound first.
fn read_numeric(argument: Node<'_>) -> Result<Range> {
    if argument.kind() != Kind::Array {
        return Err(wrong_argument("numeric", "an array", argument));
    }
    let terms: Vec<Node<'_>> = argument.elements().collect();
    match terms[..] {
        [operator, number] => one_sided(operator, number),
        [low_operator, low_number, high_operator, high_number] => {
            let low = one_sided(low_operator, low_number)?;
            let high = one_sided(high_operator, high_number)?;
            let (
                Range(low @ (Bound::Included(from) | Bound::Excluded(from)), Bound::Unbounded),
                Range(Bound::Unbounded, high),
            ) = (low, high)
            else {
                return Err(PatternErrorKind::BadComparison(argument.canonical()));
            };
            match high {
                Bound::Included(to) | Bound::Excluded(to) if from < to => Ok(Range(low, high)),
                _ => Err(PatternErrorKind::EmptyRange),
            }
        }
        _ => Err(PatternErrorKind::BadComparison(argument.canonical())),
    }
}

fn one_sided(operator: Node<'_>, number: Node<'_>) -> Result<Range> {
    let written = number.number().ok_or_else(|| wrong_argument("numeric", "numbers to compare with", number))?;
    let value = exact(written).ok_or_else(|| PatternErrorKind::InexactNumber(written.to_owned()))?;
    match operator.string().as_deref() {
        Some("=") => Ok(Range(Bound::Included(value), Bound::Included(value))),
        Some("<") => Ok(Range(Bound::Unbounded, Bound::Excluded(value))),
        Some("<=") => Ok(Range(Bound::Unbounded, Bound::Included(value))),
        Some(">") => Ok(Range(Bound::Excluded(value), Bound::Unbounded)),
        Some(">=") => Ok(Range(Bound::Included(value), Bound::Unbounded)),
        _ => Err(PatternErrorKind::BadComparison(operator.canonical())),
    }
}

/// Reads what `anything-but` excludes: a string, a number, a list of one or the other, or one of four operators with a string or a list.
fn read_anything_but(argument: Node<'_>) -> Result<Vec<Alternative>> {
    if argument.kind() == Kind::Object {
        let (operator, inner) = only_member(argument)?;
        return one_or_all(inner)?.into_iter().map(|entry| read_excluded(&operator, entry)).collect();
    }
    let entries = one_or_all(argument)?;
    for entry in &entries {
        if !matches!(entry.kind(), Kind::String | Kind::Number) {
            return Err(wrong_argument("anything-but", "a string, a number or a list of either", *entry));
        }
    }
    if entries.iter().any(|entry| entry.kind() != entries[0].kind()) {
        return Err(PatternErrorKind::MixedInverse);
    }
    entries.into_iter().map(read_alternative).collect()
}

fn read_excluded(operator: &str, entry: Node<'_>) -> Result<Alternative> {
    let operator = match operator {
        "prefix" => "prefix",
        "suffix" => "suffix",
        "equals-ignore-case" => "equals-ignore-case",
        "wildcard" => "wildcard",
        _ => return Err(PatternErrorKind::UnsupportedInverse(operator.to_owned())),
    };
    if text(operator, entry)?.is_empty() && matches!(operator, "prefix" | "suffix") {
        return Err(PatternErrorKind::EmptyInverse(operator));
    }
    read_operator(operator, entry)
}

/// Returns the elements of an array that has some, or else the one value.
fn one_or_all(node: Node<'_>) -> Result<Vec<Node<'_>>> {
    match node.kind() {
        Kind::Array if node.is_empty() => Err(PatternErrorKind::EmptyArray),
        Kind::Array => Ok(node.elements().collect()),
        _ => Ok(vec![node]),
    }
}
