//! Canonical JSON: the text whose hash is a record's digest.

use std::fmt::Write as _;

use super::document::Kind;
use super::node::Node;

/// Writes a node as canonical JSON. Recursion is bounded by the parser's nesting limit.
pub(super) fn write(node: Node<'_>, out: &mut String) {
    match node.kind() {
        Kind::Null => out.push_str("null"),
        Kind::True => out.push_str("true"),
        Kind::False => out.push_str("false"),
        Kind::Number => out.push_str(node.raw_text()),
        Kind::String => write_parsed_string(node, out),
        Kind::Array => {
            out.push('[');
            for (index, element) in node.elements().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(element, out);
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            for (index, (key, value)) in node.members().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_parsed_string(node: Node<'_>, out: &mut String) {
    let raw = node.raw_text();
    if raw.contains('\\') {
        write_string(&node.string().unwrap_or_default(), out);
    } else {
        // Without an escape there is no control character or quotation mark in it either: the text is canonical as it stands.
        out.push('"');
        out.push_str(raw);
        out.push('"');
    }
}

/// Appends a string as JSON with the escapes of RFC 8785 §3.2.2.2: short forms where they exist, `\u00xx` for other control characters, nothing else.
///
/// ```
/// use orgwatch_rules_sdk::json::write_string;
///
/// let mut text = String::new();
/// write_string("a \"quoted\" name", &mut text);
/// assert_eq!(text, r#""a \"quoted\" name""#);
/// ```
pub fn write_string(value: &str, out: &mut String) {
    out.push('"');
    let mut rest = value;
    while let Some(at) = find_unwritable(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// Finds the first byte that cannot stand in a JSON string as it is: a quotation mark, a backslash, a control character.
pub(super) fn find_unwritable(bytes: &[u8]) -> Option<usize> {
    let is_unwritable = |&byte: &u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        if has_unwritable(u64::from_le_bytes(*word)) {
            return Some(place * 8 + word.iter().position(is_unwritable)?);
        }
    }
    Some(words.len() * 8 + rest.iter().position(is_unwritable)?)
}

/// Tells whether one of eight bytes is less than a space, a quotation mark or a backslash. Texts are long and such bytes are rare: a rule
/// pays for every instruction.
const fn has_unwritable(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    /// Sets the high bit of a byte that is less than another, up to 0x80; and of some that come after the first such byte.
    const fn less(word: u64, than: u8) -> u64 {
        word.wrapping_sub(ONES * than as u64) & !word & HIGH
    }
    let control = less(word, b' ');
    let quotation_mark = less(word ^ (ONES * b'"' as u64), 1);
    let backslash = less(word ^ (ONES * b'\\' as u64), 1);
    control | quotation_mark | backslash != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::Document;

    proptest! {
        #[test]
        fn a_string_is_written_as_serde_writes_it(text in "[\u{0}-\u{ff}\"\\\\a-z😀]{0,40}") {
            let mut written = String::new();
            write_string(&text, &mut written);
            prop_assert_eq!(written, serde_json::to_string(&text).expect("a string is JSON"));
        }
    }

    #[test]
    fn every_character_is_written_as_serde_writes_it_at_every_place_of_a_word() {
        for character in (0..0x300).filter_map(char::from_u32) {
            for before in 0..9 {
                let text = format!("{}{character}rest", "x".repeat(before));
                let mut written = String::new();
                write_string(&text, &mut written);
                assert_eq!(written, serde_json::to_string(&text).expect("a string is JSON"));
            }
        }
    }

    #[test]
    fn canonical_text_has_sorted_keys_short_escapes_and_numbers_as_written() {
        let document =
            Document::parse("{ \"b\" : [1.0, 1e2, -0 , true], \"a\\u0041\": \"\\u20ac\\/\\u000a\\u001f\", \"é\":null}")
                .expect("JSON");
        assert_eq!(document.root().canonical(), "{\"aA\":\"€/\\n\\u001f\",\"b\":[1.0,1e2,-0,true],\"é\":null}");
    }
}
