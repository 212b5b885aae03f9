//! A table as JSON: an array of objects, or an object of objects whose names are the keys.
//!
//! Texts, whole numbers and booleans are texts to whoever looks them up; `null` is no text. Names that stand twice, which JSON readers
//! usually drop without a word, are found.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Row;
use super::error::Fault;
use super::rows::{LONGEST_TEXT, MOST_COLUMNS, Rows, check_column};

/// Reads the rows of a file.
pub(super) fn read(bytes: &[u8], rows: &mut Rows) -> Result<(), Fault> {
    let line = Cell::new(1);
    // Read byte by byte, so that the line is known wherever something is found.
    let mut deserializer = serde_json::Deserializer::from_reader(Lines { bytes, line: &line });
    let fault = Cell::new(None);
    let file = File { rows, line: &line, fault: &fault };
    let result = file.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (fault.take(), result) {
        (Some(fault), _) => Err(fault),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => {
            let text = error.to_string();
            let problem = text.split(" at line ").next().unwrap_or(&text);
            Err(Fault::at(
                error.line() as u64,
                format!(
                    "{problem}, at character {}\nhint: a table is an array of objects or an object of objects",
                    error.column()
                ),
            ))
        }
    }
}

/// Counts the lines of what is read.
struct Lines<'a> {
    bytes: &'a [u8],
    line: &'a Cell<u64>,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (Some((&byte, rest)), Some(first)) = (self.bytes.split_first(), buffer.first_mut()) else { return Ok(0) };
        *first = byte;
        self.bytes = rest;
        if byte == b'\n' {
            self.line.set(self.line.get() + 1);
        }
        Ok(1)
    }
}

/// The whole file.
struct File<'a> {
    rows: &'a mut Rows,
    line: &'a Cell<u64>,
    /// What is wrong with the content, as against its JSON.
    fault: &'a Cell<Option<Fault>>,
}

impl File<'_> {
    fn add<E: Error>(&mut self, line: u64, row: Row) -> Result<(), E> {
        self.rows.add(line, row).map_err(|fault| refuse(self.fault, fault))
    }
}

/// Keeps a fault, and returns an error that ends the reading.
fn refuse<E: Error>(place: &Cell<Option<Fault>>, fault: Fault) -> E {
    place.set(Some(fault));
    E::custom("refused")
}

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of objects or an object of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        while let Some((line, row)) = sequence.next_element_seed(OneRow { line: self.line, fault: self.fault })? {
            self.add(line, row)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let at = self.line.get();
            let (_, mut row) = map.next_value_seed(OneRow { line: self.line, fault: self.fault })?;
            let column = self.rows.key().to_owned();
            if row.get(column.as_str()).is_some_and(|inner| **inner != *key) {
                let problem = format!("the object `{key}` has another key inside\nhint: leave it out there");
                return Err(refuse(self.fault, Fault::at(at, problem).column(&column)));
            }
            if !key.is_empty() {
                row.insert(column.into(), key.into());
            }
            self.add(at, row)?;
        }
        Ok(())
    }
}

/// One row, with the line that it begins in.
struct OneRow<'a> {
    line: &'a Cell<u64>,
    fault: &'a Cell<Option<Fault>>,
}

impl<'de> DeserializeSeed<'de> for OneRow<'_> {
    type Value = (u64, Row);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneRow<'_> {
    type Value = (u64, Row);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let line = self.line.get();
        let mut row = Row::new();
        let mut empty = std::collections::BTreeSet::new();
        while let Some(column) = map.next_key::<String>()? {
            let at = self.line.get();
            check_column(&column).map_err(|problem| refuse(self.fault, Fault::at(at, problem)))?;
            let fault = |problem: &str| refuse(self.fault, Fault::at(at, problem).column(&column));
            if row.contains_key(column.as_str()) || empty.contains(&column) {
                return Err(fault("the row has it twice\nhint: take one out"));
            }
            match map.next_value::<serde_json::Value>()? {
                serde_json::Value::Null => {
                    empty.insert(column);
                    continue;
                }
                value => {
                    let text = text(&value).map_err(fault)?;
                    if text.is_empty() {
                        empty.insert(column);
                    } else {
                        row.insert(Arc::from(column), text.into());
                    }
                }
            }
            if row.len() > MOST_COLUMNS {
                return Err(refuse(self.fault, Fault::at(at, format!("the row has more than {MOST_COLUMNS} columns"))));
            }
        }
        Ok((line, row))
    }
}

fn text(value: &serde_json::Value) -> Result<String, &'static str> {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Bool(value) => value.to_string(),
        serde_json::Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        serde_json::Value::Number(_) => {
            return Err("the number is not a whole one, or too large\nhint: write it as a text, in quotation marks");
        }
        _ => return Err("the value is a list or an object\nhint: write it as a text"),
    };
    if text.len() > LONGEST_TEXT {
        return Err("the text is longer than 4096 bytes");
    }
    Ok(text)
}
