//! The matcher against the definition of a match, on small random patterns and events.
//!
//! The definition: flatten the event to its values, each with its path and the array elements around it. Then choose for every field
//! of the pattern a value that it accepts, or absence where it may be absent, such that no two values are in different elements of
//! one array, and such that an absent field has no value that could be chosen beside the others.

use std::collections::BTreeMap;

use orgwatch_rules_sdk::json::Document;
use proptest::prelude::*;

use super::Pattern;

#[derive(Clone, Debug)]
enum Json {
    Scalar(&'static str),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.extend(["\"", name, "\":"]);
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// The elements that a value is in, by the number of the array.
type Elements = BTreeMap<usize, usize>;

struct Flat {
    path: String,
    scalar: &'static str,
    elements: Elements,
}

#[derive(Default)]
struct Flattening {
    values: Vec<Flat>,
    arrays: usize,
}

impl Flattening {
    fn add(&mut self, json: &Json, path: &str, elements: &Elements) {
        match json {
            Json::Scalar(scalar) => {
                self.values.push(Flat { path: path.to_owned(), scalar, elements: elements.clone() });
            }
            Json::Array(array) => {
                self.arrays += 1;
                let number = self.arrays;
                for (index, element) in array.iter().enumerate() {
                    let mut inside = elements.clone();
                    if !matches!(element, Json::Scalar(_)) {
                        inside.insert(number, index);
                    }
                    self.add(element, path, &inside);
                }
            }
            Json::Object(members) => {
                for (name, value) in members {
                    let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.add(value, &inner, elements);
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Alternative {
    Literal(&'static str),
    AnythingBut(&'static str),
    Exists(bool),
}

impl Alternative {
    fn accepts(self, scalar: &str) -> bool {
        match self {
            Self::Literal(literal) => scalar == literal,
            Self::AnythingBut(literal) => scalar != literal,
            Self::Exists(present) => present,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Literal(literal) => literal.to_owned(),
            Self::AnythingBut(literal) => format!(r#"{{"anything-but":{literal}}}"#),
            Self::Exists(present) => format!(r#"{{"exists":{present}}}"#),
        }
    }
}

type Fields = BTreeMap<String, Vec<Alternative>>;

fn agree(left: &Elements, right: &Elements) -> bool {
    left.iter().all(|(array, index)| right.get(array).is_none_or(|other| other == index))
}

/// Tries every choice for the fields from the first on.
fn choose(fields: &[(&String, &Vec<Alternative>)], values: &[Flat], chosen: &Elements, absent: &[&str]) -> bool {
    let Some(((path, alternatives), others)) = fields.split_first() else {
        return !values.iter().any(|value| absent.contains(&&*value.path) && agree(&value.elements, chosen));
    };
    for value in values {
        let accepted = alternatives.iter().any(|alternative| alternative.accepts(value.scalar));
        if value.path == **path && accepted && agree(&value.elements, chosen) {
            let mut extended = chosen.clone();
            extended.extend(&value.elements);
            if choose(others, values, &extended, absent) {
                return true;
            }
        }
    }
    alternatives.iter().any(|alternative| matches!(alternative, Alternative::Exists(false)))
        && choose(others, values, chosen, &[absent, &[path.as_str()]].concat())
}

/// Drops each path that starts with another of them, name by name.
///
/// An event that spells a path in two ways and a pattern that asks for values and fields of one name are judged more loosely by
/// intention; the tables of tests cover them.
fn without_overlap<T>(paths: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let mut kept: BTreeMap<String, T> = BTreeMap::new();
    for (path, value) in paths {
        if !kept.keys().any(|other| path.starts_with(&format!("{other}."))) {
            kept.insert(path, value);
        }
    }
    kept
}

fn scalar() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["1", "2", "\"x\"", "null"])
}

fn event() -> impl Strategy<Value = Json> {
    let name = prop::sample::select(vec!["a", "a", "b", "b", "c", "a.b", "b.a.c"]);
    let value = scalar().prop_map(Json::Scalar).prop_recursive(5, 24, 3, move |inner| {
        let members = prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner.clone(), 0..4);
        prop_oneof![
            2 => prop::collection::vec(inner, 0..4).prop_map(Json::Array),
            3 => members.prop_map(|members| Json::Object(without_overlap(members))),
        ]
    });
    prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned), value, 1..3)
        .prop_map(Json::Object)
}

fn pattern() -> impl Strategy<Value = Fields> {
    let alternative = prop_oneof![
        4 => scalar().prop_map(Alternative::Literal),
        1 => prop::sample::select(vec!["1", "\"x\""]).prop_map(Alternative::AnythingBut),
        2 => any::<bool>().prop_map(Alternative::Exists),
    ];
    prop::collection::btree_map("[ab](\\.[abc]){0,2}", prop::collection::vec(alternative, 1..3), 1..5)
        .prop_map(without_overlap)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_agrees_with_the_definition(fields in pattern(), event in event()) {
        let members: Vec<String> = fields
            .iter()
            .map(|(path, alternatives)| {
                let texts: Vec<String> = alternatives.iter().map(|alternative| alternative.text()).collect();
                format!(r#""{path}":[{}]"#, texts.join(","))
            })
            .collect();
        let pattern = Pattern::parse(&format!("{{{}}}", members.join(","))).expect("a pattern");
        let mut text = String::new();
        event.write(&mut text);
        let document = Document::parse(text).expect("JSON");

        let mut flattening = Flattening::default();
        flattening.add(&event, "", &Elements::new());
        let expected = choose(&fields.iter().collect::<Vec<_>>(), &flattening.values, &Elements::new(), &[]);
        prop_assert_eq!(pattern.matches(document.root()), expected, "{:?} on {:?}", pattern, document);
    }
}
