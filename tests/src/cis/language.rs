//! The language of metric filters as the SDK judges it, against the oracle: the published filters, and thousands drawn by lot. And what
//! a filter asks for, against what it matches.

use std::collections::BTreeMap;

use orgwatch_host::index::Pattern;
use orgwatch_rules_sdk::Matches;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use serde_json::{Value, json};

use super::{JUDGED, document, event, filters, oracle};

/// Returns true where a record is among those that a filter asks for.
fn is_asked_for(asked: &Matches, record: &str) -> bool {
    match asked {
        Matches::Everything => true,
        Matches::Patterns(patterns) => patterns.iter().any(|pattern| {
            let text = pattern.to_string();
            let pattern = Pattern::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            pattern.matches(document(record).root())
        }),
    }
}

#[test]
fn the_published_filters_are_judged_as_the_oracle_does_and_asked_for_in_full() {
    for (control, text) in filters() {
        let filter = MetricFilter::parse(&text).unwrap_or_else(|error| panic!("{control}: {error}"));
        let asked = filter.asked();
        for (record, published) in JUDGED.records.iter().zip(&JUDGED.published[&control]) {
            assert_eq!(filter.matches(&event(record)), *published, "{control}: {record}");
            assert!(!published || is_asked_for(&asked, record), "{control} does not ask for {record}");
        }
    }
}

const SELECTORS: [&str; 16] = [
    "$.eventName",
    "$.eventSource",
    "$.a",
    "$.a.b",
    "$.a.c",
    "$['a'].b",
    "$.['a.b']",
    "$.l[0]",
    "$.l[1].b",
    "$.l[*]",
    "$.l[*].b",
    "$.a.*",
    "$.*",
    "$.0",
    "$.l.0",
    "$.a[0]",
];

const LITERALS: [&str; 20] = [
    "x",
    "y",
    "\"x\"",
    "\"x y\"",
    "x*",
    "\"*x\"",
    "\"*\"",
    "*",
    "1",
    "1.0",
    "\"1\"",
    "1*",
    "-2e1",
    "true",
    "\"true\"",
    "\"\"",
    "%x%",
    "%^[xy]+$%",
    "%[0-9]{1,2}|y%",
    "\"a\\\"b\"",
];

/// Values of records, written as JSON.
fn values() -> Vec<Value> {
    let texts = ["x", "y", "xx", "x y", "1", "12", "1.0", "true", "", "a\"b", "*", "é", "x\ny"].map(Value::from);
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!(1),
        json!(12),
        json!(-20),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({ "b": "x" }),
    ];
    let number: Value = serde_json::from_str("1.0").expect("a number is JSON");
    texts.into_iter().chain(others).chain([number]).collect()
}

fn drawn_condition(random: &mut fastrand::Rng, wildcards: &mut u8, regexes: &mut u8) -> String {
    let mut selector = SELECTORS[random.usize(..SELECTORS.len())];
    if selector.contains('*') {
        *wildcards += 1;
        selector = if *wildcards > 3 { "$.a" } else { selector };
    }
    let mut literal = LITERALS[random.usize(..LITERALS.len())];
    if literal.starts_with('%') {
        *regexes += 1;
        literal = if *regexes > 2 { "x" } else { literal };
    }
    match random.u8(..12) {
        0..5 => format!("{selector} = {literal}"),
        5..8 => format!("{selector}!={literal}"),
        8 => format!("{selector} NOT EXISTS"),
        9 => format!("{selector} IS {}", ["NULL", "TRUE", "FALSE"][random.usize(..3)]),
        _ => format!(
            "{selector} {} {}",
            ["<", "<=", ">", ">="][random.usize(..4)],
            ["1", "12", "-2e1", "1.5"][random.usize(..4)]
        ),
    }
}

fn drawn_filter(random: &mut fastrand::Rng) -> String {
    let (mut wildcards, mut regexes) = (0, 0);
    let mut text = drawn_condition(random, &mut wildcards, &mut regexes);
    for _ in 0..random.usize(..4) {
        let next = drawn_condition(random, &mut wildcards, &mut regexes);
        let join = if random.bool() { "&&" } else { "||" };
        text = match random.u8(..3) {
            0 => format!("({text}) {join} {next}"),
            1 => format!("{next} {join} ({text})"),
            _ => format!("{text} {join} {next}"),
        };
    }
    format!("{{ {text} }}")
}

fn drawn_record(random: &mut fastrand::Rng) -> String {
    let values = values();
    let mut value = || values[random.usize(..values.len())].clone();
    let mut record = json!({ "eventName": value(), "eventSource": value(), "a": { "b": value(), "c": value(), "0": value() },
        "l": [value(), { "b": value() }, value()], "0": value(), "a.b": value() });
    let fields = record.as_object_mut().expect("a record is an object");
    for name in ["eventName", "eventSource", "a", "l", "0", "a.b"] {
        match random.u8(..8) {
            0 => drop(fields.remove(name)),
            1 => drop(fields.insert(name.to_owned(), values[random.usize(..values.len())].clone())),
            _ => {}
        }
    }
    record.to_string()
}

#[test]
fn filters_drawn_by_lot_are_judged_as_the_oracle_does_and_asked_for_in_full() {
    let mut random = fastrand::Rng::with_seed(1_024);
    let filters: BTreeMap<String, String> =
        (0..1_000).map(|number| (number.to_string(), drawn_filter(&mut random))).collect();
    let records: Vec<String> = (0..300).map(|_| drawn_record(&mut random)).collect();
    let verdicts = oracle(&filters, &records);
    let (mut matched, mut pinned) = (0, 0);
    for (number, text) in &filters {
        let filter = MetricFilter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let asked = filter.asked();
        pinned += usize::from(asked != Matches::Everything);
        for (record, expected) in records.iter().zip(&verdicts[number]) {
            assert_eq!(filter.matches(&event(record)), *expected, "{text} on {record}");
            assert!(!expected || is_asked_for(&asked, record), "{text} does not ask for {record}: {asked:?}");
            matched += usize::from(*expected);
        }
    }
    // Both answers have to be common, and pins as well, or nothing is tested.
    assert!((50_000..250_000).contains(&matched), "{matched} of 300,000 match");
    assert!(pinned > 100, "{pinned} of 1,000 filters pin a field");
}
