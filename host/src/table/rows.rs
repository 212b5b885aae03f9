//! The rows of a file while it is read: what holds for every form and for every way to look up is checked here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Row;
use super::error::Fault;
use super::standard::CheckKey;

/// Rows of one table.
const MOST_ROWS: usize = 200_000;

/// Columns of one table.
pub(super) const MOST_COLUMNS: usize = 64;

/// Bytes of one text in a table, and of a column's name.
pub(super) const LONGEST_TEXT: usize = 4_096;

/// The rows that have been read so far, each with its key and its line.
pub(super) struct Rows {
    key: String,
    check: Option<CheckKey>,
    read: Vec<Keyed>,
}

/// A row with its key.
pub(super) struct Keyed {
    pub(super) line: u64,
    pub(super) key: Box<str>,
    pub(super) row: Row,
}

impl Rows {
    /// Begins with no rows. `key` names the column of the keys, which `check` judges where the table is one that the shipped rules know.
    pub(super) fn new(key: &str, check: Option<CheckKey>) -> Self {
        Self { key: key.to_owned(), check, read: Vec::new() }
    }

    /// Returns the name of the key's column.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Adds a row.
    pub(super) fn add(&mut self, line: u64, row: Row) -> Result<(), Fault> {
        if self.read.len() == MOST_ROWS {
            return Err(Fault::at(
                line,
                format!("there are more than {MOST_ROWS} rows\nhint: keep the rows that rules ask for"),
            ));
        }
        let Some(key) = row.get(self.key.as_str()).cloned() else {
            return Err(Fault::at(line, "the row has no key\nhint: fill it in, or take the line out").column(&self.key));
        };
        // Nothing in an event would ever equal such a key, and nobody would see why.
        if key.trim() != &*key {
            return Err(
                Fault::at(line, format!("`{key}` has white space at an end\nhint: take it out")).column(&self.key)
            );
        }
        if let Some(problem) = self.check.and_then(|check| check(&key)) {
            return Err(Fault::at(line, problem).column(&self.key));
        }
        self.read.push(Keyed { line, key, row });
        Ok(())
    }

    /// Returns the rows by their keys.
    pub(super) fn exact(self) -> Result<BTreeMap<Box<str>, Row>, Fault> {
        let mut lines: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let mut rows = BTreeMap::new();
        for Keyed { line, key, row } in self.read {
            match lines.entry(key.clone()) {
                Entry::Vacant(vacant) => vacant.insert(line),
                Entry::Occupied(first) => return Err(twice(&key, *first.get(), line, &self.key)),
            };
            rows.insert(key, row);
        }
        Ok(rows)
    }

    /// Returns the rows as they were read, with the name of the key's column.
    pub(super) fn into_parts(self) -> (String, Vec<Keyed>) {
        (self.key, self.read)
    }
}

/// Says that two rows have one key.
pub(super) fn twice(key: &str, first: u64, second: u64, column: &str) -> Fault {
    let problem = format!("`{key}` stands in line {first} already\nhint: keep one of the two lines");
    Fault::at(second, problem).column(column)
}

/// Checks the name of a column.
pub(super) fn check_column(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a column has no name\nhint: name it, or take it out".to_owned());
    }
    if name.trim() != name {
        return Err(format!("the column `{name}` has white space at an end of its name\nhint: take it out"));
    }
    if name.len() > LONGEST_TEXT {
        return Err(format!("a column's name is longer than {LONGEST_TEXT} bytes"));
    }
    Ok(())
}
