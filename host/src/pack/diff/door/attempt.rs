//! Putting a literal into a field of an event.

use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::testing::set;

/// A new literal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Literal<'a> {
    Text(&'a str),
    Number(&'a str),
}

/// One way to put a literal into an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    pub(super) field: String,
    pub(super) placed: Placed,
    pub(super) literal: Value,
}

/// How a literal was put into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placed {
    /// In the place of the value.
    Instead,
    /// Before the value.
    Before,
    /// Behind the value.
    Behind,
    /// As a further element of a list.
    Element,
    /// Where there was nothing.
    Added,
}

impl Attempt {
    /// Lists the ways to put a literal into a field that has this value in the record, or none.
    pub(super) fn all(field: &str, value: Option<&Value>, literal: Literal<'_>) -> Vec<Self> {
        let attempt = |placed, literal| Self { field: field.to_owned(), placed, literal };
        match (value, literal) {
            (Some(Value::String(value)), Literal::Text(text)) => {
                let mut all = vec![attempt(Placed::Before, json!(text)), attempt(Placed::Behind, json!(text))];
                if value != text {
                    all.push(attempt(Placed::Instead, json!(text)));
                }
                all
            }
            // A number that is written as a text, such as an account, which a rule may well compare as a number.
            (Some(Value::String(value)), Literal::Number(number)) if is_digits(value) && is_digits(number) => {
                let padded = format!("{number:0>width$}", width = value.len());
                if padded == *value { Vec::new() } else { vec![attempt(Placed::Instead, json!(padded))] }
            }
            (Some(Value::Number(value)), Literal::Number(number)) => {
                let numbers = near(number).into_iter().filter(|number| number != value);
                numbers.map(|number| attempt(Placed::Instead, Value::Number(number))).collect()
            }
            (Some(Value::Array(elements)), Literal::Text(text)) if elements.iter().all(Value::is_string) => {
                vec![attempt(Placed::Element, json!(text))]
            }
            (None | Some(Value::Null), Literal::Text(text)) => vec![attempt(Placed::Added, json!(text))],
            _ => Vec::new(),
        }
    }

    /// Returns a record with the literal in it; nothing where it cannot be put there.
    pub(super) fn applied(&self, record: &Value) -> Option<Value> {
        let text = || Some((record.pointer(&self.field)?.as_str()?, self.literal.as_str()?));
        let value = match self.placed {
            Placed::Instead | Placed::Added => self.literal.clone(),
            Placed::Before => text().map(|(value, literal)| json!(format!("{literal}{value}")))?,
            Placed::Behind => text().map(|(value, literal)| json!(format!("{value}{literal}")))?,
            Placed::Element => {
                let elements = record.pointer(&self.field)?.as_array()?;
                elements.iter().chain([&self.literal]).cloned().collect()
            }
        };
        let mut record = record.clone();
        set(&mut record, &self.field, value).ok()?;
        Some(record)
    }

    /// Returns the same attempt with another literal of the same make: a text as long, with letters and digits at the same places; for a number the next one
    /// to what stands there. Where this flips the verdict, too, it is not the literal that does.
    pub(super) fn control(&self, value: Option<&Value>) -> Self {
        let literal = match (&self.literal, value) {
            (Value::String(text), _) => json!(other_text(text)),
            (_, Some(Value::Number(value))) => match value.as_i64() {
                Some(number) => json!(number.saturating_add(1)),
                None => json!(value.as_f64().unwrap_or_default() + 1.0),
            },
            (other, _) => other.clone(),
        };
        Self { field: self.field.clone(), placed: self.placed, literal }
    }
}

/// Returns a number and its neighbours: compilers write "at least five" as "more than four".
fn near(number: &str) -> Vec<Number> {
    let neighbours = number.parse::<i128>().map(|number| [number, number + 1, number - 1]);
    match neighbours {
        Ok(numbers) => numbers.into_iter().filter_map(Number::from_i128).collect(),
        Err(_) => number.parse().into_iter().collect(),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns another text of the same make.
fn other_text(text: &str) -> String {
    let other = |letter: char| match letter {
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        _ if letter.is_ascii_alphanumeric() => char::from(letter as u8 + 1),
        _ => letter,
    };
    let others: String = text.chars().map(other).collect();
    if others != text {
        return others;
    }
    let mark = if text.starts_with('~') { "^" } else { "~" };
    mark.repeat(text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(record: &Value, field: &str, literal: Literal<'_>) -> Vec<Value> {
        let attempts = Attempt::all(field, record.pointer(field), literal);
        attempts.iter().map(|attempt| attempt.applied(record).unwrap().pointer(field).unwrap().clone()).collect()
    }

    #[test]
    fn a_literal_is_put_wherever_it_fits() {
        let record = json!({ "text": "bucket", "number": 5, "account": "000000000012", "list": ["a"], "deep": null, "flag": true });
        let text = Literal::Text("-x");
        assert_eq!(applied(&record, "/text", text), ["-xbucket", "bucket-x", "-x"]);
        assert_eq!(applied(&record, "/list", text), [json!(["a", "-x"])]);
        assert_eq!(applied(&record, "/absent/inside", text), ["-x"]);
        assert_eq!(applied(&record, "/deep", text), ["-x"]);
        assert_eq!(applied(&record, "/flag", text), [json!(null); 0]);
        assert_eq!(applied(&record, "/number", text), [json!(null); 0]);
        let number = Literal::Number("4");
        assert_eq!(applied(&record, "/number", number), [json!(4), json!(3)]);
        assert_eq!(applied(&record, "/account", number), ["000000000004"]);
        assert_eq!(applied(&record, "/text", number), [json!(null); 0]);
        assert_eq!(applied(&record, "/number", Literal::Number("0.5")), [json!(0.5)]);
        assert_eq!(applied(&record, "/number", Literal::Number("18446744073709551615")).len(), 2);
    }

    #[test]
    fn a_control_is_of_the_same_make_and_never_the_same() {
        assert_eq!(other_text("arn:aws:iam::499:user/Zoe"), "bso:bxt:jbn::500:vtfs/Apf");
        for text in ["a", "*", "~", "~~", "é", "-", ""] {
            assert!(other_text(text) != text || text.is_empty(), "{text}");
        }
    }
}
