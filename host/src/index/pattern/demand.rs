//! What a record must hold for a pattern to match, as far as its text alone can show it.

use std::borrow::Cow;
use std::str;
use std::sync::Arc;

use memchr::memchr2;

use super::operator::{Leaf, Value};

/// A value that every record has which matches: under this name, and one that is accepted.
///
/// The name is the last of a path. Where the value lies is not asked: a record that has it elsewhere does no harm, since it is judged in full.
#[derive(Clone, Debug)]
pub(in crate::index) struct Demand {
    name: Box<str>,
    leaf: Arc<Leaf>,
}

impl Demand {
    pub(super) fn new(name: &str, leaf: &Arc<Leaf>) -> Self {
        Self { name: name.into(), leaf: Arc::clone(leaf) }
    }

    /// Returns the name of the member.
    pub(in crate::index) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the strings that are accepted, if nothing else is.
    pub(in crate::index) fn texts(&self) -> Option<Vec<&str>> {
        self.leaf.texts()
    }

    /// Tells whether a value is accepted.
    pub(in crate::index) fn accepts(&self, value: &Written<'_>) -> bool {
        let value = match *value {
            Written::Text(bytes) => match str::from_utf8(bytes) {
                Ok(text) => Value::Text(Cow::Borrowed(text)),
                Err(_) => return true,
            },
            Written::Null => Value::Null,
            Written::Boolean(boolean) => Value::Boolean(boolean),
            Written::Number(number) => Value::Number(number),
            Written::Object => return false,
            Written::Unclear => return true,
        };
        self.leaf.accepts(&value)
    }
}

/// A value of a record as its text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) enum Written<'a> {
    /// A string without escapes.
    Text(&'a [u8]),
    Null,
    Boolean(bool),
    Number(&'a str),
    /// An object, which is no value of its field. What is in it has names of its own.
    Object,
    /// An array, of which any element counts; a string with escapes; one that goes on behind the text.
    Unclear,
}

impl<'a> Written<'a> {
    /// Reads the value at the start of a text that goes on behind it.
    pub(in crate::index) fn of(text: &'a [u8]) -> Self {
        match text {
            [b'"', rest @ ..] => match memchr2(b'"', b'\\', rest) {
                Some(end) if rest[end] == b'"' => Self::Text(&rest[..end]),
                _ => Self::Unclear,
            },
            [b'{', ..] => Self::Object,
            [b'n', ..] => Self::Null,
            [b't', ..] => Self::Boolean(true),
            [b'f', ..] => Self::Boolean(false),
            [b'-' | b'0'..=b'9', ..] => {
                let end = text.iter().position(|byte| matches!(byte, b',' | b'}' | b']'));
                let number = end.and_then(|end| str::from_utf8(&text[..end]).ok());
                number.map_or(Self::Unclear, Self::Number)
            }
            _ => Self::Unclear,
        }
    }
}
