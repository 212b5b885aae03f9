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
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use crate::json::Document;

    #[test]
    fn canonical_text_has_sorted_keys_short_escapes_and_numbers_as_written() {
        let document =
            Document::parse("{ \"b\" : [1.0, 1e2, -0 , true], \"a\\u0041\": \"\\u20ac\\/\\u000a\\u001f\", \"é\":null}")
                .expect("JSON");
        assert_eq!(document.root().canonical(), "{\"aA\":\"€/\\n\\u001f\",\"b\":[1.0,1e2,-0,true],\"é\":null}");
    }
}
