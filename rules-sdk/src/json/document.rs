//! The document: a text and the flat list of the nodes in it.

use std::fmt;

use super::node::Node;
use super::parse::{self, ParseError};
use super::pointer;

/// A parsed JSON text.
///
/// Texts are at most 4 GiB long and [`MAX_DEPTH`](super::MAX_DEPTH) levels deep. Of duplicate keys in an object the last one counts;
/// [`Node::members`] still shows each of them once, with its last value.
///
/// ```
/// use orgwatch_rules_sdk::json::Document;
///
/// let document = Document::parse(r#"{"eventName": "StopLogging", "eventName": "DeleteTrail"}"#).unwrap();
/// assert_eq!(document.pointer("/eventName").unwrap().string().as_deref(), Some("DeleteTrail"));
/// ```
pub struct Document {
    pub(super) text: Box<str>,
    pub(super) nodes: Vec<RawNode>,
}

/// What a node is.
///
/// ```
/// use orgwatch_rules_sdk::json::{Document, Kind};
///
/// assert_eq!(Document::parse("null").unwrap().root().kind(), Kind::Null);
/// ```
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Kind;
    /// assert_eq!(Kind::Array.name(), "an array");
    /// ```
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

impl RawNode {
    /// Returns the length of the value's text, in bytes.
    pub(super) const fn text_len(&self) -> usize {
        (self.end - self.start) as usize
    }
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse("[1.50]").unwrap();
    /// assert_eq!(document.text(), "[1.50]");
    /// ```
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the document's one top value.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse("[1, 2]").unwrap();
    /// assert_eq!(document.root().len(), 2);
    /// ```
    pub fn root(&self) -> Node<'_> {
        Node::root_of(self)
    }

    /// Returns the value that a JSON Pointer (RFC 6901) names, or nothing where there is none or the pointer is malformed.
    ///
    /// The empty pointer names the root.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::json::Document;
    /// let document = Document::parse(r#"{"resources": [{"ARN": "a"}]}"#).unwrap();
    /// assert!(document.pointer("/resources/0/ARN").unwrap().is_string("a"));
    /// ```
    pub fn pointer(&self, pointer: &str) -> Option<Node<'_>> {
        pointer::resolve(self.root(), pointer)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Document").field(&&*self.text).finish()
    }
}
