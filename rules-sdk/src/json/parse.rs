//! One pass over the text, without recursion.

use std::fmt;

use super::canonical::find_unwritable;
use super::document::{Kind, RawNode};

/// How deep arrays and objects may be nested. CloudTrail's own records stay below 20.
///
/// ```
/// use orgwatch_rules_sdk::json::{Document, MAX_DEPTH};
///
/// assert!(Document::parse("[".repeat(MAX_DEPTH + 1)).is_err());
/// ```
pub const MAX_DEPTH: usize = 512;

/// A text that is not JSON, and where it stops being so.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let error = Event::from_json(r#"{"eventName": }"#).unwrap_err();
/// assert_eq!(error.offset, 14);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Bytes before the fault.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a text that is not JSON.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// use orgwatch_rules_sdk::json::ParseErrorKind;
///
/// assert_eq!(Event::from_json("{} {}").unwrap_err().kind, ParseErrorKind::TrailingText);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text ends inside a value.
    UnexpectedEnd,
    /// A character that cannot stand here.
    UnexpectedCharacter,
    /// A string holds a control character or a malformed escape.
    BadString,
    /// Something follows the value.
    TrailingText,
    /// Arrays and objects nested more than [`MAX_DEPTH`] levels deep.
    TooDeep,
    /// The text is longer than 4 GiB.
    TooLong,
}

impl ParseError {
    pub(super) fn not_utf8(offset: usize) -> Self {
        Self { offset, kind: ParseErrorKind::NotUtf8 }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ParseErrorKind::NotUtf8 => "bytes that are not UTF-8",
            ParseErrorKind::UnexpectedEnd => "the JSON ends inside a value",
            ParseErrorKind::UnexpectedCharacter => "a character that JSON does not allow there",
            ParseErrorKind::BadString => "a control character or a malformed escape in a string",
            ParseErrorKind::TrailingText => "text after the JSON value",
            ParseErrorKind::TooDeep => {
                return write!(formatter, "more than {MAX_DEPTH} levels of nesting at byte {}", self.offset);
            }
            ParseErrorKind::TooLong => "more than 4 GiB of text",
        };
        write!(formatter, "{what} at byte {}", self.offset)
    }
}

impl std::error::Error for ParseError {}

/// What the parser expects next.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    /// A value or the end of the array just opened.
    FirstElement,
    /// A key or the end of the object just opened.
    FirstKey,
    Key,
    CommaOrEnd,
}

pub(super) fn parse(text: &str) -> Result<Vec<RawNode>, ParseError> {
    if u32::try_from(text.len()).is_err() {
        return Err(ParseError { offset: 0, kind: ParseErrorKind::TooLong });
    }
    let mut parser =
        Parser { bytes: text.as_bytes(), at: 0, nodes: Vec::with_capacity(text.len() / 16), open: Vec::new() };
    parser.run()?;
    Ok(parser.nodes)
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<RawNode>,
    /// The arrays and objects that are open, innermost last.
    open: Vec<u32>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), ParseError> {
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            let byte = self.peek()?;
            expect = match (expect, byte) {
                (Expect::FirstElement, b']') | (Expect::FirstKey, b'}') => self.close(),
                (Expect::Value | Expect::FirstElement, _) => self.value(byte)?,
                (Expect::FirstKey | Expect::Key, b'"') => {
                    self.string()?;
                    self.count_in_parent();
                    self.skip_space();
                    if self.peek()? != b':' {
                        return Err(self.error(ParseErrorKind::UnexpectedCharacter));
                    }
                    self.at += 1;
                    Expect::Value
                }
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    if self.in_object() { Expect::Key } else { Expect::Value }
                }
                (Expect::CommaOrEnd, b']') if !self.in_object() => self.close(),
                (Expect::CommaOrEnd, b'}') if self.in_object() => self.close(),
                _ => return Err(self.error(ParseErrorKind::UnexpectedCharacter)),
            };
            if self.open.is_empty() {
                self.skip_space();
                return if self.at == self.bytes.len() {
                    Ok(())
                } else {
                    Err(self.error(ParseErrorKind::TrailingText))
                };
            }
        }
    }

    /// Reads a scalar, or opens an array or object.
    fn value(&mut self, byte: u8) -> Result<Expect, ParseError> {
        if self.open.last().is_some() && !self.in_object() {
            self.count_in_parent();
        }
        match byte {
            b'{' => self.open(Kind::Object, Expect::FirstKey),
            b'[' => self.open(Kind::Array, Expect::FirstElement),
            b'"' => self.string().map(|()| Expect::CommaOrEnd),
            b't' => self.literal(b"true", Kind::True),
            b'f' => self.literal(b"false", Kind::False),
            b'n' => self.literal(b"null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.error(ParseErrorKind::UnexpectedCharacter)),
        }
    }

    fn open(&mut self, kind: Kind, expect: Expect) -> Result<Expect, ParseError> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.error(ParseErrorKind::TooDeep));
        }
        self.open.push(offset(self.nodes.len()));
        self.push(kind, false, self.at, self.at);
        self.at += 1;
        Ok(expect)
    }

    fn close(&mut self) -> Expect {
        self.at += 1;
        let next = offset(self.nodes.len());
        if let Some(index) = self.open.pop() {
            let node = &mut self.nodes[index as usize];
            node.end = offset(self.at);
            node.next = next;
        }
        Expect::CommaOrEnd
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Expect, ParseError> {
        let rest = &self.bytes[self.at..];
        if !rest.starts_with(word) {
            let same = rest.iter().zip(word).take_while(|(left, right)| left == right).count();
            self.at += same;
            self.peek()?;
            return Err(self.error(ParseErrorKind::UnexpectedCharacter));
        }
        self.push(kind, false, self.at, self.at + word.len());
        self.at += word.len();
        Ok(Expect::CommaOrEnd)
    }

    fn number(&mut self) -> Result<Expect, ParseError> {
        let start = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Number, false, start, self.at);
        Ok(Expect::CommaOrEnd)
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        if !self.peek()?.is_ascii_digit() {
            return Err(self.error(ParseErrorKind::UnexpectedCharacter));
        }
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), ParseError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += find_unwritable(&self.bytes[self.at..]).unwrap_or(self.bytes.len() - self.at);
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.error(ParseErrorKind::BadString)),
            }
        }
        self.push(Kind::String, escaped, start, self.at);
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), ParseError> {
        self.at += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return Err(self.error(ParseErrorKind::BadString));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.error(ParseErrorKind::BadString)),
        }
        Ok(())
    }

    fn push(&mut self, kind: Kind, escaped: bool, start: usize, end: usize) {
        let next = offset(self.nodes.len() + 1);
        self.nodes.push(RawNode { kind, escaped, start: offset(start), end: offset(end), next, len: 0 });
    }

    fn count_in_parent(&mut self) {
        if let Some(&index) = self.open.last() {
            self.nodes[index as usize].len += 1;
        }
    }

    fn in_object(&self) -> bool {
        self.open.last().is_some_and(|&index| self.nodes[index as usize].kind == Kind::Object)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, ParseError> {
        self.bytes.get(self.at).copied().ok_or_else(|| self.error(ParseErrorKind::UnexpectedEnd))
    }

    fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError { offset: self.at, kind }
    }
}

/// Narrows an offset into the text or the node list. The text is at most 4 GiB long and has at most one node a byte.
#[expect(clippy::cast_possible_truncation, reason = "`parse` refuses longer texts first")]
fn offset(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    fn error(text: &str) -> ParseErrorKind {
        Document::parse(text).expect_err("not JSON").kind
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", " ", "{", "[1", "\"a", "tru", "{\"a\":", "1e", "-", "\"\\u12"] {
            assert_eq!(error(text), ParseErrorKind::UnexpectedEnd, "{text:?}");
        }
        for text in
            ["{a:1}", "[1,]", "{\"a\":1,}", "[1}", "{\"a\"]", "01x", "+1", ".5", "nul!", "{\"a\" 1}", "[,]", "{,}"]
        {
            assert!(
                matches!(error(text), ParseErrorKind::UnexpectedCharacter | ParseErrorKind::TrailingText),
                "{text:?}"
            );
        }
        for text in ["\"\n\"", "\"\\x\"", "\"\\u12g4\""] {
            assert_eq!(error(text), ParseErrorKind::BadString, "{text:?}");
        }
        assert_eq!(error("1 2"), ParseErrorKind::TrailingText);
        assert_eq!(Document::parse(vec![b'"', 0xff, b'"']).expect_err("no UTF-8"), ParseError::not_utf8(1));
    }

    #[test]
    fn nesting_is_read_up_to_the_limit_and_refused_beyond() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Document::parse(nested(MAX_DEPTH)).is_ok());
        assert_eq!(error(&nested(MAX_DEPTH + 1)), ParseErrorKind::TooDeep);
    }

    #[test]
    fn it_agrees_with_serde_json_on_any_text() {
        let strategy = "[\\[\\]{}:,\"\\\\a0-9.eE+\\-tfnulrs \\n]{0,24}";
        proptest::proptest!(|(text in strategy)| {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = Document::parse(text.as_str());
            // serde_json refuses numbers out of an f64's range and lone surrogates, which are JSON all the same.
            if let Ok(value) = &theirs {
                let ours = ours.expect("serde_json reads it");
                let again: serde_json::Value = serde_json::from_str(&ours.root().canonical()).expect("canonical text is JSON");
                proptest::prop_assert_eq!(value, &again);
            } else if let Ok(document) = ours {
                let message = theirs.expect_err("checked").to_string();
                proptest::prop_assert!(message.contains("out of range") || message.contains("surrogate"), "{} accepted: {}", document.text(), message);
            }
        });
    }
}
