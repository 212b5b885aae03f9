//! What is no pattern, and what the error says about it.

use std::error::Error as _;

use super::super::{Pattern, PatternErrorKind};
use super::error;

fn message(pattern: &str) -> String {
    Pattern::parse(pattern).expect_err(pattern).to_string()
}

#[test]
fn what_is_no_pattern_is_refused() {
    use PatternErrorKind as Kind;
    for (alternatives, expected) in [
        ("[]", Kind::EmptyArray),
        ("{}", Kind::EmptyObject),
        ("[{}]", Kind::EmptyObject),
        (r#""x""#, Kind::BareValue("a string")),
        ("1", Kind::BareValue("a number")),
        ("true", Kind::BareValue("a boolean")),
        ("null", Kind::BareValue("null")),
        (r#"{"prefix":"x"}"#, Kind::BareValue("a string")),
        ("[[1]]", Kind::NestedArray),
        (r#"[{"foo":1}]"#, Kind::UnknownOperator("foo".to_owned())),
        (r#"[{"Prefix":"x"}]"#, Kind::UnknownOperator("Prefix".to_owned())),
        (r#"[{"prefix":"x","suffix":"y"}]"#, Kind::SeveralOperators(2)),
        (r#"[{"wildcard":"a**"}]"#, Kind::ConsecutiveStars),
        (r#"[{"wildcard":"\\a"}]"#, Kind::BadEscape),
        (r#"[{"cidr":"10.0.0.0"}]"#, Kind::BadBlock("10.0.0.0".to_owned())),
        (r#"[{"numeric":["!=",1]}]"#, Kind::BadComparison(r#""!=""#.to_owned())),
        (r#"[{"numeric":[1,1]}]"#, Kind::BadComparison("1".to_owned())),
        (r#"[{"numeric":["<"]}]"#, Kind::BadComparison(r#"["<"]"#.to_owned())),
        (r#"[{"numeric":[]}]"#, Kind::BadComparison("[]".to_owned())),
        (r#"[{"numeric":["<",5,">",1]}]"#, Kind::BadComparison(r#"["<",5,">",1]"#.to_owned())),
        (r#"[{"numeric":[">",1,">",2]}]"#, Kind::BadComparison(r#"[">",1,">",2]"#.to_owned())),
        (r#"[{"numeric":["=",1,"<",2]}]"#, Kind::BadComparison(r#"["=",1,"<",2]"#.to_owned())),
        (r#"[{"numeric":[">",1,"=",2]}]"#, Kind::BadComparison(r#"[">",1,"=",2]"#.to_owned())),
        (r#"[{"numeric":["=",9007199254740993]}]"#, Kind::InexactNumber("9007199254740993".to_owned())),
        (r#"[{"numeric":["<",1e400]}]"#, Kind::InexactNumber("1e400".to_owned())),
        (r#"[{"numeric":[">",5,"<",5]}]"#, Kind::EmptyRange),
        (r#"[{"numeric":[">=",5,"<=",5]}]"#, Kind::EmptyRange),
        (r#"[{"anything-but":[]}]"#, Kind::EmptyArray),
        (r#"[{"anything-but":["a",1]}]"#, Kind::MixedInverse),
        (r#"[{"anything-but":[1,2,"a"]}]"#, Kind::MixedInverse),
        (r#"[{"anything-but":{}}]"#, Kind::EmptyObject),
        (r#"[{"anything-but":{"prefix":[]}}]"#, Kind::EmptyArray),
        (r#"[{"anything-but":{"prefix":""}}]"#, Kind::EmptyInverse("prefix")),
        (r#"[{"anything-but":{"suffix":["a",""]}}]"#, Kind::EmptyInverse("suffix")),
        (r#"[{"anything-but":{"numeric":["=",1]}}]"#, Kind::UnsupportedInverse("numeric".to_owned())),
        (r#"[{"anything-but":{"cidr":"10.0.0.0/8"}}]"#, Kind::UnsupportedInverse("cidr".to_owned())),
        (r#"[{"anything-but":{"exists":true}}]"#, Kind::UnsupportedInverse("exists".to_owned())),
        (r#"[{"anything-but":{"prefix":"a","suffix":"b"}}]"#, Kind::SeveralOperators(2)),
        (r#"[{"anything-but":{"wildcard":"**"}}]"#, Kind::ConsecutiveStars),
    ] {
        let pattern = format!(r#"{{"d":{{"a":{alternatives}}}}}"#);
        let found = Pattern::parse(&pattern).expect_err(&pattern);
        assert_eq!(found.kind, expected, "{pattern}");
        assert!(found.path.starts_with("d.a"), "{pattern}: {}", found.path);
    }
    assert_eq!(error("{}"), Kind::EmptyObject);
    assert_eq!(error("[1]"), Kind::NotAnObject("an array"));
    for text in ["", "{", r#"{"a":[1]} x"#, r#"{"a":[1],}"#] {
        assert!(matches!(error(text), Kind::NotJson(_)), "{text}");
    }
}

#[test]
fn an_argument_of_the_wrong_type_is_refused() {
    for alternative in [
        r#"{"prefix":1}"#,
        r#"{"prefix":["a"]}"#,
        r#"{"prefix":{"equals-ignore-case":["a"]}}"#,
        r#"{"prefix":{"wildcard":"a"}}"#,
        r#"{"suffix":null}"#,
        r#"{"suffix":{"equals-ignore-case":1}}"#,
        r#"{"equals-ignore-case":["a"]}"#,
        r#"{"wildcard":["a"]}"#,
        r#"{"exactly":1}"#,
        r#"{"cidr":["10.0.0.0/8"]}"#,
        r#"{"numeric":5}"#,
        r#"{"numeric":["<","5"]}"#,
        r#"{"exists":"true"}"#,
        r#"{"exists":1}"#,
        r#"{"anything-but":null}"#,
        r#"{"anything-but":true}"#,
        r#"{"anything-but":[null]}"#,
        r#"{"anything-but":[["a"]]}"#,
        r#"{"anything-but":{"prefix":1}}"#,
        r#"{"anything-but":{"prefix":{"equals-ignore-case":"a"}}}"#,
        r#"{"anything-but":{"wildcard":["a",1]}}"#,
    ] {
        let kind = error(&format!(r#"{{"a":[{alternative}]}}"#));
        assert!(matches!(kind, PatternErrorKind::Argument { .. }), "{alternative}: {kind:?}");
    }
}

#[test]
fn an_or_without_branches_of_fields_is_refused() {
    use PatternErrorKind as Kind;
    for (or, expected) in [
        (r#"{"a":[1]}"#, Kind::NotABranch("an object")),
        (r#""a""#, Kind::NotABranch("a string")),
        ("[]", Kind::TooFewBranches),
        (r#"[{"a":[1]}]"#, Kind::TooFewBranches),
        (r#"[{"a":[1]},"a"]"#, Kind::NotABranch("a string")),
        (r#"[{"a":[1]},{}]"#, Kind::EmptyObject),
        (r#"[{"prefix":"x"},{"a":[1]}]"#, Kind::OperatorInBranch("prefix".to_owned())),
        (
            r#"[{"a":[1]},{"ip-address-not-in-range":[1]}]"#,
            Kind::OperatorInBranch("ip-address-not-in-range".to_owned()),
        ),
    ] {
        assert_eq!(error(&format!(r#"{{"$or":{or}}}"#)), expected, "{or}");
        assert_eq!(error(&format!(r#"{{"a":{{"$or":{or}}}}}"#)), expected, "{or}");
    }
}

#[test]
fn an_error_says_what_is_wrong_where_and_what_to_do() {
    assert_eq!(
        message(r#"{"detail":{"x":[{"foo":1}]}}"#),
        "unknown operator \"foo\" at detail.x; the operators are prefix, suffix, equals-ignore-case, wildcard, numeric, cidr, exists, \
         anything-but and exactly"
    );
    assert_eq!(
        message(r#"{"eventName":"PutObject"}"#),
        "a string where an array of alternatives or an object of fields belongs at eventName; put the value in square brackets"
    );
    assert_eq!(message(r#"{"a":[{"exists":"true"}]}"#), "`exists` takes true or false, not a string at a");
    assert_eq!(
        message(r#"{"a":{"$or":[{"b":[1]},{"c":{"d":[]}}]}}"#),
        "an empty array at a.$or[1].c.d; leave the field out, or ask whether it exists: [{\"exists\": true}]"
    );
    let not_json = Pattern::parse("{").expect_err("not JSON");
    assert_eq!(not_json.to_string(), "the pattern is not JSON");
    assert_eq!(not_json.source().expect("a cause").to_string(), "the JSON ends inside a value at byte 1");
}
