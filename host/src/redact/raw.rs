//! Secrets in text that could not be read as JSON: a record cut off, or broken on purpose.

use super::REDACTED;
use super::names::is_secret;

/// Replaces what looks like a secret in text that is no JSON, as well as that can be done: the value after a quoted name of a secret and a
/// colon. The quotation marks may be escaped, as in JSON inside a string. A value that does not end goes to the last byte.
pub fn bytes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = find(rest) {
        out.extend_from_slice(&rest[..found.start]);
        out.extend_from_slice(REDACTED.as_bytes());
        rest = &rest[found.end..];
    }
    out.extend_from_slice(rest);
    out
}

/// Finds the first secret value: for a string, without its quotation marks.
fn find(text: &[u8]) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    // Each quotation mark may end a name; what stands before it back to the one before is that name.
    let mut last_quote: Option<usize> = None;
    while let Some(offset) = memchr::memchr(b'"', &text[from..]) {
        let quote = from + offset;
        let name = last_quote.map_or(&text[..0], |last| &text[last + 1..quote]);
        last_quote = Some(quote);
        from = quote + 1;
        let escapes = name.iter().rev().take_while(|&&byte| byte == b'\\').count();
        let name = &name[..name.len() - escapes];
        if name.is_empty() || name.len() > 256 || !std::str::from_utf8(name).is_ok_and(is_secret) {
            continue;
        }
        let Some(value) = after_colon(text, from) else { continue };
        let end = end_of_value(text, value, escapes);
        let start =
            if text[value..].iter().find(|&&byte| byte != b'\\') == Some(&b'"') { value + escapes + 1 } else { value };
        if end > start {
            return Some(start..end);
        }
    }
    None
}

/// Returns where the value begins that a colon after `from` announces.
fn after_colon(text: &[u8], from: usize) -> Option<usize> {
    let blank = |at: usize| text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let colon = from + blank(from);
    if text.get(colon) != Some(&b':') {
        return None;
    }
    let value = colon + 1 + blank(colon + 1);
    (value < text.len()).then_some(value)
}

/// Returns where a value ends; for a string before its closing quotation mark.
fn end_of_value(text: &[u8], value: usize, escapes: usize) -> usize {
    let opening = value + text[value..].iter().take_while(|&&byte| byte == b'\\').count();
    match text.get(opening) {
        Some(b'"') => end_of_string(text, opening + 1, escapes),
        Some(b'{' | b'[') => end_of_container(text, opening, escapes),
        // Booleans and null tell nothing.
        Some(b't' | b'f' | b'n') | None => value,
        Some(_) => {
            let number = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'.' | b'-' | b'+');
            opening + text[opening..].iter().take_while(number).count()
        }
    }
}

/// A string ends at the first quotation mark with no more backslashes before it than its opening one had.
fn end_of_string(text: &[u8], from: usize, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, &byte) in text.iter().enumerate().skip(from) {
        match byte {
            b'\\' => backslashes += 1,
            // An even number above the level is backslashes of the text itself.
            b'"' if backslashes == escapes || (escapes == 0 && backslashes % 2 == 0) => return at - escapes,
            _ => backslashes = 0,
        }
    }
    text.len()
}

fn end_of_container(text: &[u8], opening: usize, escapes: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = opening;
    while at < text.len() {
        match text[at] {
            b'"' => at = (end_of_string(text, at + 1, escapes) + escapes).min(text.len()),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        String::from_utf8(bytes(text.as_bytes())).unwrap()
    }

    #[test]
    fn secrets_in_broken_json_are_replaced() {
        for (text, expected) in [
            (r#"{"secretAccessKey":"abc","x":1"#, r#"{"secretAccessKey":"[redacted]","x":1"#),
            (r#"{"Password" : "a\"b\\", "x""#, r#"{"Password" : "[redacted]", "x""#),
            (r#"{"sessionToken":"cut off he"#, r#"{"sessionToken":"[redacted]"#),
            (r#""{\"password\":\"in a string\",\"a\":1}" x"#, r#""{\"password\":\"[redacted]\",\"a\":1}" x"#),
            (r#"{"passwords":["a]","b"],"c":[}"#, r#"{"passwords":[redacted],"c":[}"#),
            (r#"{"userData":{"value":"ab}c"},"token":12345}"#, r#"{"userData":[redacted],"token":[redacted]}"#),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        for text in [
            r#"{"accessKeyId":"ASIA","nextToken":"x"#,
            r"password: ",
            r#"{"password":true,"token":"#,
            "\u{fffd}\"\"\"",
            "",
        ] {
            assert_eq!(redacted(text), text);
        }
        assert_eq!(bytes(b"\xff\"password\":\"\xfe\"\xff"), b"\xff\"password\":\"[redacted]\"\xff");
    }

    #[test]
    fn any_text_ends() {
        let text = "\"token\":{\"token\":\\\"token\\\":[".repeat(200);
        assert!(bytes(text.as_bytes()).len() < text.len());
    }
}
