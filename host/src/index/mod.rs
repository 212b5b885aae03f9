//! The index: which rules care about an event.
//!
//! Most patterns name the `eventName` or the `eventSource` that they want, and most events have neither. One lookup by each finds the
//! candidates; their patterns are judged in full. The cost of an event that nobody asked for does not grow with the number of rules.

mod pattern;
mod sieve;

use std::collections::BTreeMap;

use orgwatch_rules_sdk::json::{Kind, Node};

pub use pattern::{Part, Pattern, PatternError, PatternErrorKind};
pub use sieve::Sieve;

use crate::rule::Rule;

/// Which rules ask for which events.
#[derive(Debug, Default)]
pub struct Index {
    patterns: Vec<(usize, Pattern)>,
    by_name: BTreeMap<String, Vec<usize>>,
    by_source: BTreeMap<String, Vec<usize>>,
    others: Vec<usize>,
}

impl Index {
    /// Makes the index of rules, which it names by their place in the list.
    pub fn new(rules: &[Rule]) -> Self {
        let patterns = rules
            .iter()
            .enumerate()
            .flat_map(|(rule, asked)| asked.patterns.iter().map(move |pattern| (rule, pattern.clone())));
        Self::of(patterns)
    }

    /// Makes the index of patterns, each with the place of its rule. The patterns of a rule stand together.
    pub fn of(patterns: impl IntoIterator<Item = (usize, Pattern)>) -> Self {
        let mut index = Self { patterns: patterns.into_iter().collect(), ..Self::default() };
        for (place, (_, pattern)) in index.patterns.iter().enumerate() {
            let (names, map) = match (pattern.pinned("eventName"), pattern.pinned("eventSource")) {
                (Some(names), _) => (names, &mut index.by_name),
                (None, Some(sources)) => (sources, &mut index.by_source),
                (None, None) => {
                    index.others.push(place);
                    continue;
                }
            };
            for name in names {
                map.entry(name.to_owned()).or_default().push(place);
            }
        }
        index
    }

    /// Returns the sieve that holds for all the patterns; nothing where one of them can match any record.
    pub fn sieve(&self) -> Option<Sieve> {
        Sieve::of(self.patterns.iter().map(|(_, pattern)| pattern))
    }

    /// Returns the rules that ask for a record, each once, in the order of the list.
    pub fn rules(&self, record: Node<'_>) -> Vec<usize> {
        let mut rules = Vec::new();
        let mut judge = |places: &[usize]| {
            for &place in places {
                let (rule, pattern) = &self.patterns[place];
                // The patterns of a rule stand together.
                if rules.last() != Some(rule) && pattern.matches(record) {
                    rules.push(*rule);
                }
            }
        };
        for (field, map) in [("eventName", &self.by_name), ("eventSource", &self.by_source)] {
            match record.get(field) {
                Some(value) if matches!(value.kind(), Kind::Array | Kind::Object) => {
                    // No record of AWS has a list there; one that does may match through any of its values.
                    for places in map.values() {
                        judge(places);
                    }
                }
                Some(value) => {
                    if let Some(places) = value.string().and_then(|value| map.get(&*value)) {
                        judge(places);
                    }
                }
                None => {}
            }
        }
        judge(&self.others);
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

#[cfg(test)]
mod tests {
    use orgwatch_rules_sdk::json::Document;

    use super::*;

    const PATTERNS: [&str; 6] = [
        r#"{"eventSource":["a"],"eventName":["X","Y"]}"#,
        r#"{"eventSource":["a"]}"#,
        r#"{"eventName":[{"prefix":"X"}]}"#,
        r#"{"eventName":["X"],"errorCode":[{"exists":false}]}"#,
        r#"{"$or":[{"eventName":["Z"]},{"eventSource":["b"]}]}"#,
        r#"{"userIdentity":{"type":["Root"]}}"#,
    ];

    const RECORDS: [&str; 10] = [
        r#"{"eventSource":"a","eventName":"X"}"#,
        r#"{"eventSource":"a","eventName":"X","errorCode":"AccessDenied"}"#,
        r#"{"eventSource":"b","eventName":"X1"}"#,
        r#"{"eventSource":"\u0061","eventName":"\u0058"}"#,
        r#"{"eventSource":["b","a"],"eventName":["Q","Y"]}"#,
        r#"{"eventSource":"x","eventName":"Q","eventName":"X","eventSource":"a"}"#,
        r#"{"eventSource":{"eventSource":"a"},"eventName":null}"#,
        r#"{"userIdentity":{"type":"Root"}}"#,
        r#"{"eventName":"Z"}"#,
        "{}",
    ];

    #[test]
    fn the_index_finds_what_judging_every_pattern_finds() {
        let patterns: Vec<Pattern> = PATTERNS.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        let index = Index::of(patterns.iter().cloned().enumerate());
        for text in RECORDS {
            let record = Document::parse(text).unwrap();
            let plain: Vec<usize> = (0..patterns.len()).filter(|&rule| patterns[rule].matches(record.root())).collect();
            assert_eq!(index.rules(record.root()), plain, "{text}");
        }
    }

    #[test]
    fn a_rule_with_two_matching_patterns_is_named_once() {
        let pattern = Pattern::parse(PATTERNS[0]).unwrap();
        let index = Index::of([(3, pattern), (3, Pattern::everything()), (1, Pattern::everything())]);
        let record = Document::parse(RECORDS[0]).unwrap();
        assert_eq!(index.rules(record.root()), [1, 3]);
    }
}
