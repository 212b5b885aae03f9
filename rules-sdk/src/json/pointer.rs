//! JSON Pointer, RFC 6901.

use std::borrow::Cow;

use super::document::Kind;
use super::node::Node;

/// Walks from a node to the one that the pointer names.
pub(super) fn resolve<'a>(node: Node<'a>, pointer: &str) -> Option<Node<'a>> {
    let mut at = node;
    let mut rest = pointer;
    while let Some(tokens) = rest.strip_prefix('/') {
        // Tokens are short: searching for their end takes less than to set up a search.
        let end = tokens.bytes().position(|byte| byte == b'/').unwrap_or(tokens.len());
        let (token, behind) = tokens.split_at(end);
        at = match at.kind() {
            Kind::Object => at.get(&unescape(token)?)?,
            Kind::Array => at.element(index(token)?)?,
            _ => return None,
        };
        rest = behind;
    }
    rest.is_empty().then_some(at)
}

/// Resolves `~1` and `~0`; nothing for a stray `~`.
fn unescape(token: &str) -> Option<Cow<'_, str>> {
    if !token.bytes().any(|byte| byte == b'~') {
        return Some(Cow::Borrowed(token));
    }
    let mut key = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        key.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(Cow::Owned(key))
}

/// Reads an array index: digits without a leading zero. `-`, the element after the last, never exists.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with('0');
    (canonical && token.bytes().all(|byte| byte.is_ascii_digit())).then(|| token.parse().ok())?
}

/// Escapes an object's key for use in a pointer.
///
/// ```
/// use orgwatch_rules_sdk::json::escape_pointer_token;
///
/// assert_eq!(escape_pointer_token("a/b~c"), "a~1b~0c");
/// ```
pub fn escape(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { Cow::Owned(key.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(key) }
}

#[cfg(test)]
mod tests {
    use crate::json::Document;

    #[test]
    fn the_examples_of_rfc_6901_resolve() {
        let document = Document::parse(
            r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#,
        )
        .expect("JSON");
        let read = |pointer: &str| document.pointer(pointer).map(super::Node::canonical);
        assert_eq!(read("/foo/0").as_deref(), Some("\"bar\""));
        let numbers = ["/", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", "/k\"l", "/ ", "/m~0n"]
            .map(|pointer| read(pointer).expect(pointer));
        assert_eq!(numbers.join(""), "012345678");
        assert_eq!(read(""), Some(document.root().canonical()));
        for absent in ["/foo/2", "/foo/00", "/foo/-", "/foo/0/x", "/nothing", "foo", "/m~n", "/m~2n"] {
            assert_eq!(read(absent), None, "{absent}");
        }
    }

    #[test]
    fn the_last_of_duplicate_keys_counts() {
        let document = Document::parse(r#"{"a":1,"b":2,"a":{"c":3}}"#).expect("JSON");
        assert_eq!(document.pointer("/a/c").and_then(super::Node::number), Some("3"));
        assert_eq!(document.root().len(), 2);
        assert_eq!(document.root().canonical(), r#"{"a":{"c":3},"b":2}"#);
        let repeats = |pointer: &str| document.pointer(pointer).map(super::Node::repeats_a_key);
        assert_eq!((repeats(""), repeats("/a"), repeats("/b")), (Some(true), Some(false), Some(false)));
    }
}
