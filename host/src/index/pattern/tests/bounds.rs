//! Bounds on patterns, and on the time that a hostile event can take.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use orgwatch_rules_sdk::json::Document;

use super::super::parse::{MAX_DEPTH, MAX_LENGTH};
use super::super::{Pattern, PatternErrorKind};
use super::{error, matches};

#[test]
fn patterns_are_bounded_in_length_depth_and_combinations() {
    let nested = |depth: usize| r#"{"a":"#.repeat(depth) + "[1]" + &"}".repeat(depth);
    assert!(Pattern::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(error(&nested(MAX_DEPTH + 1)), PatternErrorKind::TooDeep);
    assert_eq!(error(&format!(r#"{{"{}":[1]}}"#, ".".repeat(MAX_DEPTH))), PatternErrorKind::TooDeep);
    assert_eq!(error(&" ".repeat(MAX_LENGTH + 1)), PatternErrorKind::TooLong);

    let branches = |field: usize, count: usize| {
        let list: Vec<String> = (0..count).map(|value| format!(r#"{{"f":[{value}]}}"#)).collect();
        format!(r#""o{field}":{{"$or":[{}]}}"#, list.join(","))
    };
    let product = |counts: &[usize]| {
        let fields: Vec<String> = counts.iter().enumerate().map(|(field, count)| branches(field, *count)).collect();
        format!("{{{}}}", fields.join(","))
    };
    assert!(Pattern::parse(&product(&[10, 10, 10])).is_ok());
    assert!(matches(&product(&[10, 10, 10]), r#"{"o0":{"f":9},"o1":{"f":9},"o2":{"f":9}}"#));
    assert_eq!(error(&product(&[10, 10, 11])), PatternErrorKind::TooManyCombinations);
    assert_eq!(error(&product(&[2; 100])), PatternErrorKind::TooManyCombinations);

    let mut wide = String::from("{");
    for field in 0..60 {
        write!(wide, r#""{field}":[1],"#).expect("a string");
    }
    wide.push_str(&product(&[10, 10, 10])[1..]);
    assert_eq!(error(&wide), PatternErrorKind::TooManyFields);
}

/// Fails when a pattern takes long on an event. The bound is far above what it takes, and far below what a search would.
#[track_caller]
fn judged_in_time(pattern: &str, event: &str, expected: bool) {
    let event = Document::parse(event).expect("JSON");
    let pattern = Pattern::parse(pattern).expect(pattern);
    let started = Instant::now();
    assert_eq!(pattern.matches(event.root()), expected);
    assert!(started.elapsed() < Duration::from_secs(1), "took {:?}", started.elapsed());
}

#[test]
fn ten_fields_over_ten_thousand_elements_take_no_time_to_speak_of() {
    let fields = |prefix: &str| (0..10).map(|field| format!(r#""{prefix}{field}":[1]"#)).collect::<Vec<_>>().join(",");
    // Each element lacks one of the fields, and so each choice of elements for nine of them is a dead end.
    let elements: Vec<String> = (0..10_000)
        .map(|element| {
            let members: Vec<String> =
                (0..10).map(|field| format!(r#""f{field}":{}"#, u8::from(field != element % 10))).collect();
            format!("{{{}}}", members.join(","))
        })
        .collect();
    let array = format!("[{}]", elements.join(","));
    judged_in_time(&format!(r#"{{"a":{{{}}}}}"#, fields("f")), &format!(r#"{{"a":{array}}}"#), false);
    judged_in_time(
        &format!(r#"{{"a.b":{{{}}}}}"#, fields("f")),
        &format!(r#"{{"a":{{"b":{array}}},"a.b":{array}}}"#),
        true,
    );
    judged_in_time(
        &format!(r#"{{"a.b":{{{}}}}}"#, fields("g")),
        &format!(r#"{{"a":{{"b":{array}}},"a.b":{array}}}"#),
        false,
    );
}

/// Writes an event in which every way to cut the path `a.a.a…` into keys leads to a value.
fn spellings(names: usize) -> String {
    if names == 0 {
        return "0".to_owned();
    }
    let members: Vec<String> = (1..=names)
        .map(|taken| format!(r#""{}":[{}]"#, vec!["a"; taken].join("."), spellings(names - taken)))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn deep_and_dotted_events_take_no_time_to_speak_of() {
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    judged_in_time(r#"{"a":[1]}"#, &deep, true);
    judged_in_time(r#"{"a":{"b":[1]}}"#, &deep, false);

    let path = ["a"; 12].join(".");
    judged_in_time(&format!(r#"{{"{path}":[1]}}"#), &spellings(12), false);
    judged_in_time(&format!(r#"{{"{path}":[0]}}"#), &spellings(12), true);

    let stars = "*a".repeat(1000);
    judged_in_time(
        &format!(r#"{{"a":[{{"wildcard":"{stars}*b"}}]}}"#),
        &format!(r#"{{"a":"{}"}}"#, "a".repeat(200_000)),
        false,
    );
}
