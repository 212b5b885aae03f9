//! One value of a document, and what is inside it.

use std::borrow::Cow;
use std::fmt;

use super::document::{Document, Kind, RawNode};
use super::{canonical, pointer, text};

/// One value in a [`Document`].
///
/// ```
/// use orgwatch_rules_sdk::json::Document;
///
/// let document = Document::parse(r#"{"resources": [{"ARN": "a"}, {"ARN": "b"}]}"#).unwrap();
/// let resources = document.root().get("resources").unwrap();
/// let arns: Vec<_> = resources.elements().filter_map(|resource| resource.get("ARN")?.string()).collect();
/// assert_eq!(arns, ["a", "b"]);
/// ```
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    index: u32,
}

impl<'a> Node<'a> {
    pub(super) fn root_of(document: &'a Document) -> Self {
        Self { document, index: 0 }
    }

    fn raw(self) -> &'a RawNode {
        &self.document.nodes[self.index as usize]
    }

    fn slice(self) -> &'a str {
        let raw = self.raw();
        &self.document.text[raw.start as usize..raw.end as usize]
    }

    /// Returns what the value is.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::{Document, Kind};
    /// assert_eq!(Document::parse("true").unwrap().root().kind(), Kind::True);
    /// ```
    pub fn kind(self) -> Kind {
        self.raw().kind
    }

    /// Returns the value's own text as it stands in the document; for a string, what is between the quotation marks, escapes and all.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"a": "\u0041"}"#).unwrap();
    /// assert_eq!(document.pointer("/a").unwrap().raw_text(), r"\u0041");
    /// ```
    pub fn raw_text(self) -> &'a str {
        self.slice()
    }

    /// Returns true for `null`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"responseElements": null}"#).unwrap();
    /// assert!(document.pointer("/responseElements").unwrap().is_null());
    /// ```
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Returns a boolean's value.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert_eq!(Document::parse("true").unwrap().root().boolean(), Some(true));
    /// ```
    pub fn boolean(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// Returns a number as it was written.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert_eq!(Document::parse("1.50").unwrap().root().number(), Some("1.50"));
    /// ```
    pub fn number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| self.slice())
    }

    /// Returns a string's value, its escapes resolved. A lone surrogate, which JSON allows and Unicode does not, reads as U+FFFD.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert_eq!(Document::parse(r#""\u0041""#).unwrap().root().string().as_deref(), Some("A"));
    /// ```
    pub fn string(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        match (raw.kind, raw.escaped) {
            (Kind::String, false) => Some(Cow::Borrowed(self.slice())),
            (Kind::String, true) => Some(Cow::Owned(text::unescape(self.slice()))),
            _ => None,
        }
    }

    /// Compares a string's value without building it.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert!(Document::parse(r#""\u0041""#).unwrap().root().is_string("A"));
    /// ```
    #[inline]
    pub fn is_string(self, value: &str) -> bool {
        let raw = self.raw();
        match (raw.kind, raw.escaped) {
            // The length first: looking up a key asks this of every member of an object.
            (Kind::String, false) => raw.text_len() == value.len() && self.slice() == value,
            (Kind::String, true) => text::unescape(self.slice()) == value,
            _ => false,
        }
    }

    /// Returns the number of elements of an array, or of different keys of an object; 0 for anything else.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert_eq!(Document::parse(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap().root().len(), 2);
    /// ```
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Array => self.raw().len as usize,
            Kind::Object => self.members().count(),
            _ => 0,
        }
    }

    /// Returns true for a scalar, an empty array and an empty object.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert!(Document::parse("{}").unwrap().root().is_empty());
    /// ```
    pub fn is_empty(self) -> bool {
        self.raw().len == 0
    }

    /// Returns true for an object that has a key twice. Readers disagree on which one counts.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// assert!(Document::parse(r#"{"a": 1, "a": 3}"#).unwrap().root().repeats_a_key());
    /// ```
    pub fn repeats_a_key(self) -> bool {
        self.kind() == Kind::Object && self.members().count() < self.raw().len as usize
    }

    /// Returns the value of an object's key, the last one where the key is repeated.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"a": 1, "a": 3}"#).unwrap();
    /// assert_eq!(document.root().get("a").unwrap().number(), Some("3"));
    /// ```
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse("[10, 20]").unwrap();
    /// assert_eq!(document.root().element(1).unwrap().number(), Some("20"));
    /// ```
    pub fn element(self, index: usize) -> Option<Node<'a>> {
        self.elements().nth(index)
    }

    /// Returns the value that a JSON Pointer names, relative to this one.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"a": {"b": 1}}"#).unwrap();
    /// let a = document.root().get("a").unwrap();
    /// assert_eq!(a.pointer("/b").unwrap().number(), Some("1"));
    /// ```
    pub fn pointer(self, pointer: &str) -> Option<Node<'a>> {
        pointer::resolve(self, pointer)
    }

    /// Walks an array's elements; nothing for anything else.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse("[10, 20]").unwrap();
    /// assert_eq!(document.root().elements().filter_map(|node| node.number()).collect::<Vec<_>>(), ["10", "20"]);
    /// ```
    pub fn elements(self) -> Elements<'a> {
        let raw = self.raw();
        let len = if raw.kind == Kind::Array { raw.len } else { 0 };
        Elements { document: self.document, next: self.index + 1, left: len }
    }

    /// Walks an object's members in canonical order, each key once with its last value; nothing for anything else.
    ///
    /// The order is that of RFC 8785 (UTF-16 code units), so that two copies of a record that differ in the order of their keys read alike.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"b": 1, "a": 2}"#).unwrap();
    /// let keys: Vec<_> = document.root().members().map(|(key, _)| key).collect();
    /// assert_eq!(keys, ["a", "b"]);
    /// ```
    pub fn members(self) -> Members<'a> {
        let mut members: Vec<(Cow<'a, str>, Node<'a>)> =
            self.written_members().filter_map(|(name, value)| Some((name.string()?, value))).collect();
        // A stable sort keeps repeated keys in the order of the text; reversed, the last one comes first and survives.
        members.reverse();
        members.sort_by(|(left, _), (right, _)| text::compare_utf16(left, right));
        members.dedup_by(|(later, _), (kept, _)| later == kept);
        Members(members.into_iter())
    }

    /// Walks an object's keys and values as they are written: in the order of the text, a repeated key each time. Takes less than
    /// [`Node::members`], which sorts them.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"b": 1, "a": 2, "b": 3}"#).unwrap();
    /// let keys: Vec<_> = document.root().written_members().filter_map(|(key, _)| key.string()).collect();
    /// assert_eq!(keys, ["b", "a", "b"]);
    /// ```
    pub fn written_members(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{ "b": 1.0, "a": [ ] }"#).unwrap();
    /// assert_eq!(document.root().canonical(), r#"{"a":[],"b":1.0}"#);
    /// ```
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
///
/// ```
/// # use orgwatch_rules_sdk::json::Document;
/// let document = Document::parse("[10, 20]").unwrap();
/// assert_eq!(document.root().elements().count(), 2);
/// ```
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
///
/// ```
/// # use orgwatch_rules_sdk::json::Document;
/// let document = Document::parse(r#"{"a": 1}"#).unwrap();
/// let (key, value) = document.root().members().next().unwrap();
/// assert_eq!((&*key, value.number()), ("a", Some("1")));
/// ```
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
