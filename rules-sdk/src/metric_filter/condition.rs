//! Conditions: one selector, one operator, one value.

use std::cmp::Ordering;

use super::regex::Regex;
use super::selector::Selector;
use super::wildcard::Wildcard;
use crate::{Event, Value};

/// What a pattern says of one field.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) selector: Selector,
    pub(super) test: Test,
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    Equal(Literal),
    NotEqual(Literal),
    /// `<`, `<=`, `>`, `>=`: true for these orders of the field and the number.
    Ordered(&'static [Ordering], f64),
    Null,
    Boolean(bool),
    NotExists,
}

/// A value as the pattern writes it.
#[derive(Clone, Debug)]
pub(super) enum Literal {
    /// In quotes: a string.
    Quoted(Wildcard),
    /// Without quotes: a string, or a number as it is written.
    Bare(Wildcard),
    /// Without quotes and written as a number: that number, or a string with this text.
    Number(f64, String),
    /// Between `%`: a regular expression for strings.
    Regex(Regex),
}

impl Condition {
    pub(super) fn matches(&self, event: &Event) -> bool {
        match &self.test {
            Test::NotExists => self.selector.leads_nowhere(event),
            test => self.selector.any(event, &mut |value| test.holds(value)),
        }
    }
}

impl Test {
    pub(super) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Equal(literal) => literal.equals(value) == Some(true),
            Self::NotEqual(literal) => literal.equals(value) == Some(false),
            Self::Ordered(orders, number) => match value {
                Value::Number(text) => {
                    let order = text.parse().ok().and_then(|value: f64| value.partial_cmp(number));
                    order.is_some_and(|order| orders.contains(&order))
                }
                _ => false,
            },
            Self::Null => *value == Value::Null,
            Self::Boolean(expected) => *value == Value::Boolean(*expected),
            Self::NotExists => *value == Value::Absent,
        }
    }
}

impl Literal {
    /// Compares with a value of the record; nothing where there is none to compare with.
    fn equals(&self, value: &Value) -> Option<bool> {
        match (self, value) {
            (_, Value::Absent | Value::Null | Value::Array(_) | Value::Object(_)) => None,
            (Self::Quoted(text) | Self::Bare(text), Value::String(value))
            | (Self::Bare(text), Value::Number(value)) => Some(text.matches(value)),
            (Self::Number(_, text), Value::String(value)) => Some(text == value),
            (Self::Number(number, _), Value::Number(value)) => Some(value.parse() == Ok(*number)),
            (Self::Regex(regex), Value::String(value)) => Some(regex.finds(value)),
            (Self::Quoted(_) | Self::Regex(_), Value::Number(_)) | (_, Value::Boolean(_)) => Some(false),
        }
    }
}
