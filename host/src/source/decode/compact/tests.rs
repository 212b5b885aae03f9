//! What is taken here, the parser takes.

use orgwatch_rules_sdk::json::{Document, Kind, Node};
use proptest::prelude::*;

use super::{Compact, Key, Keys, object};

impl Keys for Vec<Key> {
    fn key(&mut self, key: Key) -> bool {
        self.push(key);
        true
    }
}

/// What the module says of a text, with the keys in their order.
fn check(text: &[u8]) -> (Compact, Vec<Key>) {
    let mut keys = Vec::new();
    let said = object(text, &mut keys);
    (said, keys)
}

/// The keys of an object and of those in it, in the order of the text: where each ends, and whether it is one of the outermost object's.
fn keys(text: &str, node: Node<'_>, depth: usize, found: &mut Vec<Key>) {
    match node.kind() {
        Kind::Object => {
            for (_, value) in node.members() {
                // A string's raw text is without its quotation marks.
                let quote = usize::from(value.kind() == Kind::String);
                let value_at = value.raw_text().as_ptr() as usize - text.as_ptr() as usize - quote;
                found.push(Key { end: value_at - 2, outermost: depth == 0 });
                keys(text, value, depth + 1, found);
            }
        }
        Kind::Array => node.elements().for_each(|element| keys(text, element, depth + 1, found)),
        _ => {}
    }
}

/// Whatever is taken, the parser takes, with the same end and the same keys.
fn agrees_with_the_parser(text: &[u8]) {
    let (said, shown) = check(text);
    let Compact::Object(len) = said else { return };
    let document = Document::parse(&text[..len]).unwrap_or_else(|error| {
        panic!("{error} in {:?}", String::from_utf8_lossy(&text[..len]));
    });
    let mut found = Vec::new();
    keys(document.text(), document.root(), 0, &mut found);
    // Of duplicate keys the document shows the last, this module all.
    assert!(found.iter().all(|key| shown.contains(key)));
    assert!(shown.iter().all(|key| text[key.end..].starts_with(b"\":")));
}

/// A JSON value without white space, as CloudTrail writes them.
fn value() -> impl Strategy<Value = String> {
    let string = prop_oneof!["[a-zA-Z0-9:/.]{0,80}", r#"([a-z{}\[\],:]|\\["\\/bfnrt]|\\u00e9|é){0,30}"#]
        .prop_map(|text| format!("\"{text}\""));
    let scalar = prop_oneof![
        string.clone(),
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
    ];
    scalar.prop_recursive(8, 200, 8, move |inner| {
        let member = ("[a-zA-Z.é ]{0,70}", inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn whole() -> impl Strategy<Value = String> {
    prop::collection::vec(("[a-zA-Z]{1,70}", value()), 0..12).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #[test]
    fn what_is_written_without_white_space_is_taken_up_to_its_end(text in whole(), behind in "[,\\]}{\"a ]{0,70}") {
        let (said, shown) = check(format!("{text}{behind}").as_bytes());
        prop_assert_eq!(said, Compact::Object(text.len()), "{}", text);
        let document = Document::parse(text.as_str()).expect("it is JSON");
        let mut found = Vec::new();
        keys(document.text(), document.root(), 0, &mut found);
        prop_assert!(found.iter().all(|key| shown.contains(key)), "{text}");
    }

    #[test]
    fn an_object_that_is_cut_off_is_unfinished_or_left_to_the_parser(text in whole(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(text.len());
        let (said, _) = check(&text.as_bytes()[..cut]);
        prop_assert!(matches!(said, Compact::Unfinished | Compact::Unknown), "{said:?}");
    }

    #[test]
    fn what_is_taken_with_a_byte_changed_the_parser_takes(
        text in whole(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![prop::sample::select(b"\"\\{}[]:, \n0-.etu\xc3\xa9\x1f".to_vec()), any::<u8>()],
        how in 0..3,
    ) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        agrees_with_the_parser(&bytes);
    }

    #[test]
    fn what_is_taken_of_any_text_the_parser_takes(text in "\\{[\\[\\]{}:,\"\\\\a0-9.eE+\\-tfnulrs é\\n]{0,90}") {
        agrees_with_the_parser(text.as_bytes());
    }

    #[test]
    fn what_is_taken_of_any_tokens_the_parser_takes(
        tokens in prop::collection::vec(
            prop::sample::select(vec!["{", "}", "[", "]", ":", ",", "\"a\"", "\"b\":", "1", "true", "\"\\\"\"", "null", "{}", "[]"]),
            0..40,
        ),
    ) {
        agrees_with_the_parser(format!("{{{}", tokens.concat()).as_bytes());
    }
}

#[test]
fn every_short_text_of_tokens_is_judged_as_by_the_parser() {
    const TOKENS: [&str; 9] = ["{", "}", "[", "]", ":", ",", "\"a\"", "1", "null"];
    let mut texts = vec![String::from("{")];
    let mut taken = 0;
    for _ in 0..6 {
        texts = texts.iter().flat_map(|text| TOKENS.map(|token| format!("{text}{token}"))).collect();
        // Once an object is closed the text behind it says nothing.
        texts.retain(|text| match check(text.as_bytes()).0 {
            Compact::Object(len) => {
                assert!(Document::parse(&text[..len]).is_ok(), "{text}");
                taken += 1;
                false
            }
            Compact::Unknown | Compact::Unfinished => {
                assert!(Document::parse(text.as_str()).is_err(), "{text}");
                true
            }
        });
    }
    assert!(taken > 10, "{taken}");
}

#[test]
fn what_is_written_otherwise_is_left_to_the_parser() {
    for text in [
        r#"{"a" :1}"#,
        "{\"a\":1\n}",
        r#"{"\u0061":1}"#,
        r#"{"a\"":1}"#,
        "{\"a\":\"\u{1}\"}",
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        "1",
        "[]",
    ] {
        assert_eq!(check(text.as_bytes()).0, Compact::Unknown, "{text}");
    }
    let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(nested(63).as_bytes()).0, Compact::Object(nested(63).len()));
    assert_eq!(check(nested(64).as_bytes()).0, Compact::Unknown);
}

#[test]
fn bytes_that_are_not_utf_8_are_left_to_the_parser() {
    assert_eq!(check("{\"a\":\"é\"}".as_bytes()).0, Compact::Object(10));
    assert_eq!(check(b"{\"a\":\"\xc3\"}").0, Compact::Unknown);
    assert_eq!(check(b"{\"a\":\"\xed\xa0\x80\"}").0, Compact::Unknown);
}

#[test]
fn keys_are_shown_with_where_they_stand() {
    let (_, shown) = check(br#"{"a":{"b":[{"c":"d:e"}]},"f":"g"}"#);
    let expected = [(3, true), (8, false), (14, false), (27, true)];
    assert_eq!(shown, expected.map(|(end, outermost)| Key { end, outermost }));
}
