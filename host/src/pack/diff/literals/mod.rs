//! Literals: the texts and numbers that stand in a compiled rule, and which of them are new in a new version.
//!
//! A back door has to know its owner by something, and what it knows stands in the component. Found is what the compiler of Rust makes of ordinary
//! comparisons: a text in the data with its address and length in the code (`code.rs`) or in a list (`data.rs`); a short text that became numbers in the
//! code, piece by piece; a number that something is compared with; a letter; the words of a list that was taken in as one text; and what the metadata
//! says in patterns and in the settings' defaults. A literal is new where the new version has it more often than the old one.
//!
//! What cannot be found: a text that the rule computes, decodes or puts together while it runs, or knows by its hash or its length alone; a number that
//! is a case of a table of jumps; two texts of which both have to be there. Finding nothing is no proof that there is nothing.

mod code;
mod data;

use std::collections::BTreeMap;

use orgwatch_rules_sdk::{Matches, Metadata};
use serde_json::Value;
use wasmparser::{DataKind, FunctionBody, Operator, Parser, Payload};

use self::data::Data;
use crate::sandbox::Component;

/// The longest text that is taken whole, in bytes. Of a longer one, its words are.
const LONGEST: u32 = 256;

/// The literals that are kept of one component. Rules of the usual size have some thousands.
const MOST: usize = 50_000;

/// How often a literal is looked up while those of one component are gathered. Rules of the usual size need some tens of thousands.
const MOST_LOOKUPS: usize = 5_000_000;

/// The literals of a component, with how often each stands there.
#[derive(Debug, Default)]
pub struct Literals {
    tally: Tally,
}

/// The literals that are new in a new version, the most telling first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// Texts.
    pub texts: Vec<String>,
    /// Numbers, as JSON writes them.
    pub numbers: Vec<String>,
    /// Whether one of the two components holds more literals than are kept, so that there may be more new ones.
    pub truncated: bool,
}

/// Where a literal was found: those of the first are the most telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Metadata,
    Pointer,
    Comparison,
    Run,
    Letter,
}

/// Counts literals.
#[derive(Debug, Default)]
struct Tally {
    texts: BTreeMap<String, (Origin, usize)>,
    numbers: BTreeMap<String, usize>,
    lookups: usize,
    truncated: bool,
}

impl Literals {
    /// Gathers the literals of a component.
    pub fn of(component: &Component) -> Self {
        let mut tally = Tally::default();
        gather_metadata(component.metadata(), &mut tally);
        gather_modules(component.bytes(), &mut tally);
        Self { tally }
    }

    /// Returns what is new in these against those of the version before: first what that one has nowhere.
    pub fn fresh(&self, before: &Self) -> Fresh {
        let (new, old) = (&self.tally, &before.tally);
        let mut texts = Vec::new();
        for (text, &(origin, count)) in &new.texts {
            let known = old.texts.get(text).map_or(0, |&(_, count)| count);
            if count > known {
                texts.push((known > 0, origin, text));
            }
        }
        texts.sort();
        let mut numbers = Vec::new();
        for (number, &count) in &new.numbers {
            let known = old.numbers.get(number).copied().unwrap_or_default();
            if count > known {
                numbers.push((known > 0, number));
            }
        }
        numbers.sort();
        Fresh {
            texts: texts.into_iter().map(|(.., text)| text.clone()).collect(),
            numbers: numbers.into_iter().map(|(_, number)| number.clone()).collect(),
            truncated: new.truncated || old.truncated,
        }
    }
}

impl Tally {
    fn add_text(&mut self, text: &str, origin: Origin) {
        if text.len() <= LONGEST as usize {
            self.count_text(text, origin);
        }
        let separates = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '"');
        if text.contains(separates) {
            for word in text.split(separates).filter(|word| word.len() > 1 && word.len() <= LONGEST as usize) {
                self.count_text(word, origin);
            }
        }
    }

    fn count_text(&mut self, text: &str, origin: Origin) {
        self.lookups += 1;
        if self.lookups > MOST_LOOKUPS {
            self.truncated = true;
        } else if let Some((known, count)) = self.texts.get_mut(text) {
            (*known, *count) = (origin.min(*known), *count + 1);
        } else if self.has_room() {
            self.texts.insert(text.to_owned(), (origin, 1));
        }
    }

    fn add_number(&mut self, number: &str) {
        if let Some(count) = self.numbers.get_mut(number) {
            *count += 1;
        } else if self.has_room() {
            self.numbers.insert(number.to_owned(), 1);
        }
    }

    fn add_float(&mut self, number: f64) {
        let Some(json) = serde_json::Number::from_f64(number) else { return };
        let text = json.to_string();
        self.add_number(text.strip_suffix(".0").unwrap_or(&text));
    }

    fn has_room(&mut self) -> bool {
        self.truncated |= self.texts.len() + self.numbers.len() >= MOST;
        !self.truncated
    }

    #[cfg(test)]
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }
}

/// Gathers what patterns name, and the values that the settings' schema has.
fn gather_metadata(metadata: &Metadata, tally: &mut Tally) {
    if let Matches::Patterns(patterns) = &metadata.matches {
        for pattern in patterns {
            gather_value(pattern, tally);
        }
    }
    gather_schema(&metadata.settings, tally);
}

fn gather_schema(schema: &Value, tally: &mut Tally) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                if matches!(name.as_str(), "default" | "const" | "enum" | "examples") {
                    gather_value(value, tally);
                } else {
                    gather_schema(value, tally);
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| gather_schema(element, tally)),
        _ => {}
    }
}

fn gather_value(value: &Value, tally: &mut Tally) {
    match value {
        Value::String(text) => tally.add_text(text, Origin::Metadata),
        Value::Number(number) => tally.add_number(&number.to_string()),
        Value::Array(elements) => elements.iter().for_each(|element| gather_value(element, tally)),
        Value::Object(members) => members.values().for_each(|member| gather_value(member, tally)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Gathers the literals of the core modules in a component. In a module the data stands behind the code, so that a module is read to its end first. What
/// cannot be read has been refused before: the component has been checked.
fn gather_modules(bytes: &[u8], tally: &mut Tally) {
    // One for the component, and one for each module that is open in it.
    let mut open: Vec<(Data<'_>, Vec<FunctionBody<'_>>)> = vec![Default::default()];
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => open.push(Default::default()),
            Ok(Payload::DataSection(section)) => {
                let Some((data, _)) = open.last_mut() else { continue };
                for segment in section.into_iter().flatten() {
                    // A passive segment is copied by code; its texts have no address yet.
                    let address = match segment.kind {
                        DataKind::Active { offset_expr, .. } => constant(&offset_expr),
                        DataKind::Passive => None,
                    };
                    data.add(address.unwrap_or_default(), segment.data);
                }
            }
            Ok(Payload::CodeSectionEntry(body)) => {
                if let Some((_, bodies)) = open.last_mut() {
                    bodies.push(body);
                }
            }
            Ok(Payload::End(_)) => {
                let Some((mut data, bodies)) = open.pop() else { continue };
                data.sort();
                for body in &bodies {
                    code::gather(body, &data, tally);
                }
                data.gather_pairs(tally);
                data.gather_runs(tally);
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
}

/// Returns the address that an expression is, where it is a plain number.
fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<u32> {
    match expression.get_operators_reader().read() {
        Ok(Operator::I32Const { value }) => Some(value.cast_unsigned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn literals(texts: &[(&str, Origin)], numbers: &[&str]) -> Literals {
        let mut tally = Tally::default();
        for &(text, origin) in texts {
            tally.add_text(text, origin);
        }
        for number in numbers {
            tally.add_number(number);
        }
        Literals { tally }
    }

    #[test]
    fn new_is_what_stands_there_more_often_and_first_what_stood_nowhere() {
        let old =
            literals(&[("seldom", Origin::Pointer), ("often", Origin::Pointer), ("often", Origin::Pointer)], &["7"]);
        let new = literals(
            &[
                ("often", Origin::Pointer),
                ("seldom", Origin::Pointer),
                ("seldom", Origin::Pointer),
                ("x", Origin::Letter),
                ("compared", Origin::Comparison),
                ("pointed", Origin::Pointer),
            ],
            &["7", "7", "8"],
        );
        let fresh = new.fresh(&old);
        assert_eq!(fresh.texts, ["pointed", "compared", "x", "seldom"]);
        assert_eq!(fresh.numbers, ["8", "7"]);
        assert!(!fresh.truncated);
    }

    #[test]
    fn of_a_long_text_the_words_are_taken_and_a_component_that_is_full_of_literals_is_told() {
        let mut tally = Tally::default();
        tally.add_text(&format!("{}\nsecond,third", "x".repeat(300)), Origin::Run);
        assert_eq!(tally.texts().collect::<Vec<_>>(), ["second", "third"]);
        (0..MOST).for_each(|number| tally.add_number(&number.to_string()));
        assert_eq!(tally.texts.len() + tally.numbers.len(), MOST);
        let full = Literals { tally };
        assert!(full.fresh(&Literals::default()).truncated && Literals::default().fresh(&full).truncated);
        let mut busy = Tally { lookups: MOST_LOOKUPS, ..Tally::default() };
        busy.add_text("one more", Origin::Run);
        assert!(busy.truncated && busy.texts.is_empty());
    }

    #[test]
    fn the_metadata_has_literals_in_patterns_and_in_what_settings_may_be() {
        let schema =
            json!({ "properties": { "names": { "description": "Words.", "default": ["by-default"], "enum": [3] } } });
        let mut metadata = Metadata::new("", "1.0.0", schema);
        metadata.matches = Matches::Patterns(vec![json!({ "userAgent": [{ "anything-but": "quiet" }] })]);
        let mut tally = Tally::default();
        gather_metadata(&metadata, &mut tally);
        assert_eq!(tally.texts().collect::<Vec<_>>(), ["by-default", "quiet"]);
        assert_eq!(tally.numbers.keys().collect::<Vec<_>>(), ["3"]);
    }
}
