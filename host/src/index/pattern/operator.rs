//! The alternatives of a field and the values they accept.

use std::borrow::Cow;

use orgwatch_rules_sdk::json::{Kind, Node};

use super::case::AnyCase;
use super::cidr::Block;
use super::number::{Number, Range};
use super::wildcard::Wildcard;

/// A scalar in a record.
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Reads a scalar; nothing for an array or an object.
    pub(super) fn of(node: Node<'a>) -> Option<Self> {
        match node.kind() {
            Kind::Null => Some(Self::Null),
            Kind::True => Some(Self::Boolean(true)),
            Kind::False => Some(Self::Boolean(false)),
            Kind::Number => node.number().map(Self::Number),
            Kind::String => node.string().map(Self::Text),
            Kind::Array | Kind::Object => None,
        }
    }
}

/// One entry of a field's array of alternatives.
///
/// A string is compared code point by code point, also where it looks like an IP address: what the documentation calls exact
/// matching is exact here. `cidr` with all bits fixed compares addresses.
#[derive(Debug)]
pub(super) enum Alternative {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    PrefixAnyCase(AnyCase),
    SuffixAnyCase(AnyCase),
    EqualsAnyCase(AnyCase),
    Wildcard(Wildcard),
    Numeric(Range),
    Cidr(Block),
    /// `exists: true`
    Present,
    /// `exists: false`, which accepts no value but the lack of one.
    Absent,
    /// `anything-but`, with all that it excludes. What is excluded is of one type, and a value of another type is something else.
    AnythingBut(Vec<Alternative>),
}

impl Alternative {
    pub(super) fn accepts(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Present, _) | (Self::Null, Value::Null) => true,
            (Self::AnythingBut(excluded), _) => !excluded.iter().any(|alternative| alternative.accepts(value)),
            (Self::Boolean(expected), Value::Boolean(boolean)) => expected == boolean,
            (Self::Number(expected), Value::Number(written)) => expected.equals(written),
            (Self::Numeric(range), Value::Number(written)) => range.contains(written),
            (_, Value::Text(text)) => self.accepts_text(text),
            _ => false,
        }
    }

    fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Text(expected) => **expected == *text,
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
            Self::PrefixAnyCase(prefix) => prefix.starts(text),
            Self::SuffixAnyCase(suffix) => suffix.ends(text),
            Self::EqualsAnyCase(expected) => expected.equals(text),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(block) => block.contains(text),
            _ => false,
        }
    }
}

/// A field's array of alternatives: any of them will do.
#[derive(Debug)]
pub(super) struct Leaf {
    alternatives: Vec<Alternative>,
    may_be_absent: bool,
}

impl Leaf {
    pub(super) fn new(alternatives: Vec<Alternative>) -> Self {
        let may_be_absent = alternatives.iter().any(|alternative| matches!(alternative, Alternative::Absent));
        Self { alternatives, may_be_absent }
    }

    pub(super) fn accepts(&self, value: &Value<'_>) -> bool {
        self.alternatives.iter().any(|alternative| alternative.accepts(value))
    }

    pub(super) fn may_be_absent(&self) -> bool {
        self.may_be_absent
    }

    /// Returns the strings that it accepts, if it accepts nothing else.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        let mut texts = Vec::with_capacity(self.alternatives.len());
        for alternative in &self.alternatives {
            let Alternative::Text(text) = alternative else { return None };
            texts.push(&**text);
        }
        Some(texts)
    }
}
