//! The document and the nodes in it.

use std::borrow::Cow;
use std::fmt;

use super::parse::{self, ParseError};
use super::{canonical, pointer, text};

/// A parsed JSON text.
///
/// Texts are at most 4 GiB long and [`MAX_DEPTH`](super::MAX_DEPTH) levels deep. Of duplicate keys in an object the last one counts;
/// [`Node::members`] still shows each of them once, with its last value.
pub struct Document {
    text: Box<str>,
    nodes: Vec<RawNode>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number, kept as it was written.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// Names the kind in a message, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::True | Self::False => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// One value of the document, in the order of the text: an array is followed by its elements, an object by its keys and values in turn.
#[derive(Clone, Copy)]
pub(super) struct RawNode {
    pub(super) kind: Kind,
    /// True for a string that holds an escape sequence.
    pub(super) escaped: bool,
    /// Where the value's text starts; for a string, after the quotation mark.
    pub(super) start: u32,
    /// Where the value's text ends; for a string, before the closing quotation mark.
    pub(super) end: u32,
    /// The number of the first node that is not inside this one.
    pub(super) next: u32,
    /// Elements of an array, or keys of an object, duplicates counted.
    pub(super) len: u32,
}

impl Document {
    /// Parses one JSON text (RFC 8259), with white space around it allowed and anything else after it refused.
    ///
    /// # Errors
    ///
    /// Fails when the bytes are not UTF-8 or not JSON, or are nested too deeply; the error says where.
    ///
    /// ```
    /// use orgwatch_rules_sdk::json::Document;
    ///
    /// let document = Document::parse(r#"{"a": {"b": [1.50, null]}}"#).unwrap();
    /// assert_eq!(document.pointer("/a/b/0").unwrap().number(), Some("1.50"));
    /// assert!(document.pointer("/a/c").is_none());
    /// ```
    pub fn parse(text: impl Into<Vec<u8>>) -> Result<Self, ParseError> {
        let text =
            String::from_utf8(text.into()).map_err(|error| ParseError::not_utf8(error.utf8_error().valid_up_to()))?;
        let text = text.into_boxed_str();
        let nodes = parse::parse(&text)?;
        Ok(Self { text, nodes })
    }

    /// Returns the text that was parsed, unchanged.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the document's one top value.
    pub fn root(&self) -> Node<'_> {
        Node { document: self, index: 0 }
    }

    /// Returns the value that a JSON Pointer (RFC 6901) names, or nothing where there is none or the pointer is malformed.
    ///
    /// The empty pointer names the root.
    pub fn pointer(&self, pointer: &str) -> Option<Node<'_>> {
        pointer::resolve(self.root(), pointer)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Document").field(&&*self.text).finish()
    }
}

/// One value in a [`Document`].
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    index: u32,
}

impl<'a> Node<'a> {
    fn raw(self) -> &'a RawNode {
        &self.document.nodes[self.index as usize]
    }

    fn slice(self) -> &'a str {
        let raw = self.raw();
        &self.document.text[raw.start as usize..raw.end as usize]
    }

    /// Returns what the value is.
    pub fn kind(self) -> Kind {
        self.raw().kind
    }

    /// Returns the value's own text as it stands in the document; for a string, what is between the quotation marks, escapes and all.
    pub fn raw_text(self) -> &'a str {
        self.slice()
    }

    /// Returns true for `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Returns a boolean's value.
    pub fn boolean(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// Returns a number as it was written.
    pub fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| self.slice())
    }

    /// Returns a string's value, its escapes resolved. A lone surrogate, which JSON allows and Unicode does not, reads as U+FFFD.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        match (raw.kind, raw.escaped) {
            (Kind::String, false) => Some(Cow::Borrowed(self.slice())),
            (Kind::String, true) => Some(Cow::Owned(text::unescape(self.slice()))),
            _ => None,
        }
    }

    /// Compares a string's value without building it.
    pub fn is_string(self, value: &str) -> bool {
        let raw = self.raw();
        match (raw.kind, raw.escaped) {
            (Kind::String, false) => self.slice() == value,
            (Kind::String, true) => text::unescape(self.slice()) == value,
            _ => false,
        }
    }

    /// Returns the number of elements of an array, or of different keys of an object; 0 for anything else.
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Array => self.raw().len as usize,
            Kind::Object => self.members().count(),
            _ => 0,
        }
    }

    /// Returns true for a scalar, an empty array and an empty object.
    pub fn is_empty(self) -> bool {
        self.raw().len == 0
    }

    /// Returns true for an object that has a key twice. Readers disagree on which one counts.
    pub fn repeats_a_key(self) -> bool {
        self.kind() == Kind::Object && self.members().count() < self.raw().len as usize
    }

    /// Returns the value of an object's key, the last one where the key is repeated.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let mut found = None;
        for (name, value) in self.written_members() {
            if name.is_string(key) {
                found = Some(value);
            }
        }
        found
    }

    /// Returns an array's element, counted from 0.
    pub fn element(self, index: usize) -> Option<Node<'a>> {
        self.elements().nth(index)
    }

    /// Returns the value that a JSON Pointer names, relative to this one.
    pub fn pointer(self, pointer: &str) -> Option<Node<'a>> {
        pointer::resolve(self, pointer)
    }

    /// Walks an array's elements; nothing for anything else.
    pub fn elements(self) -> Elements<'a> {
        let raw = self.raw();
        let len = if raw.kind == Kind::Array { raw.len } else { 0 };
        Elements { document: self.document, next: self.index + 1, left: len }
    }

    /// Walks an object's members in canonical order, each key once with its last value; nothing for anything else.
    ///
    /// The order is that of RFC 8785 (UTF-16 code units), so that two copies of a record that differ in the order of their keys read alike.
    pub fn members(self) -> Members<'a> {
        let mut members: Vec<(Cow<'a, str>, Node<'a>)> =
            self.written_members().filter_map(|(name, value)| Some((name.string()?, value))).collect();
        // A stable sort keeps repeated keys in the order of the text; reversed, the last one comes first and survives.
        members.reverse();
        members.sort_by(|(left, _), (right, _)| text::compare_utf16(left, right));
        members.dedup_by(|(later, _), (kept, _)| later == kept);
        Members(members.into_iter())
    }

    /// Walks an object's keys and values as written, duplicates included.
    fn written_members(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        let raw = self.raw();
        let left = if raw.kind == Kind::Object { raw.len } else { 0 };
        let mut index = self.index + 1;
        let document = self.document;
        (0..left).map(move |_| {
            let name = Node { document, index };
            let value = Node { document, index: index + 1 };
            index = value.raw().next;
            (name, value)
        })
    }

    /// Returns the value as canonical JSON: keys sorted as in RFC 8785, no white space, its string escapes, numbers as written.
    pub fn canonical(self) -> String {
        let mut out = String::with_capacity(self.slice().len());
        canonical::write(self, &mut out);
        out
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.canonical())
    }
}

/// The elements of an array: see [`Node::elements`].
pub struct Elements<'a> {
    document: &'a Document,
    next: u32,
    left: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.left = self.left.checked_sub(1)?;
        let node = Node { document: self.document, index: self.next };
        self.next = node.raw().next;
        Some(node)
    }
}

/// The members of an object: see [`Node::members`].
pub struct Members<'a>(std::vec::IntoIter<(Cow<'a, str>, Node<'a>)>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}
