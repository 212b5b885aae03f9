//! The operator's lookup tables: what a rule, an exception or a severity may know beyond the record, such as whose an account is.
//!
//! A table is a CSV or JSON file that is read whole when the configuration is, and checked as a whole: a table that cannot be used stops
//! the start, and a changed one that cannot be used leaves the last good one in place. Nothing of a table is guessed: a key is looked up
//! as it is written, and two rows with one key are a mistake.

mod csv;
mod error;
mod json;
mod network;
mod rows;
mod standard;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::error::TableError;
use self::network::Networks;
use self::rows::Rows;
pub use self::standard::STANDARD;
use crate::digest::Digest;

/// The largest file of a table, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// A lookup table, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// The name that rules know it by.
    pub name: String,
    /// A CSV file with a header line, or a JSON file with an array of objects or an object of objects; relative to the configuration file.
    pub path: PathBuf,
    /// The column that rows are looked up by.
    pub key: String,
    /// How they are looked up.
    #[serde(default)]
    pub r#match: Match,
}

/// How rows are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// By the very text of the key.
    #[default]
    Exact,
    /// By an IP address: the row whose block holds it, of several the smallest one.
    Cidr,
}

/// A row: the text of each column that has one. The key's column is among them.
pub type Row = BTreeMap<Arc<str>, Box<str>>;

/// A table that has been read.
#[derive(Debug)]
pub struct Table {
    name: String,
    rows: Lookup,
    digest: Digest,
}

#[derive(Debug)]
enum Lookup {
    Exact(BTreeMap<Box<str>, Row>),
    Cidr(Networks),
}

/// All tables, by name.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    tables: BTreeMap<String, Arc<Table>>,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, is larger than a table may be, or is not a table with this key.
    pub fn load(config: &TableConfig) -> Result<Self, TableError> {
        let bytes = read(&config.path).map_err(|source| TableError::Read { path: config.path.clone(), source })?;
        if bytes.len() as u64 > LARGEST_FILE {
            let problem =
                format!("it is larger than {} MiB\nhint: keep the rows that rules ask for", LARGEST_FILE >> 20);
            return Err(TableError::Content { path: config.path.clone(), place: String::new(), problem });
        }
        Self::parse(config, &bytes)
    }

    /// Makes a table of the content of its file.
    ///
    /// # Errors
    ///
    /// Fails when it is not a table with this key.
    pub fn parse(config: &TableConfig, bytes: &[u8]) -> Result<Self, TableError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rows = Rows::new(&config.key, standard::check(&config.name));
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        let read = match first {
            Some(b'[' | b'{') => json::read(bytes, &mut rows),
            _ => csv::read(bytes, &mut rows),
        };
        let lookup = read.and_then(|()| match config.r#match {
            Match::Exact => rows.exact().map(Lookup::Exact),
            Match::Cidr => Networks::new(rows).map(Lookup::Cidr),
        });
        let rows = lookup.map_err(|fault| fault.of(&config.path))?;
        let digest = digest(config, &rows);
        Ok(Self { name: config.name.clone(), rows, digest })
    }

    /// Returns the row of a key. In a table of networks the key is an IP address, and a text that is none has no row.
    pub fn row(&self, key: &str) -> Option<&Row> {
        match &self.rows {
            Lookup::Exact(rows) => rows.get(key),
            Lookup::Cidr(networks) => networks.row(key),
        }
    }

    /// Returns the name that rules know it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many rows it has.
    pub fn len(&self) -> usize {
        match &self.rows {
            Lookup::Exact(rows) => rows.len(),
            Lookup::Cidr(networks) => networks.len(),
        }
    }

    /// Tells whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the digest of what can be looked up in it: the same for the same rows, in whatever order and form they are written.
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

impl Tables {
    /// Reads all tables.
    ///
    /// # Errors
    ///
    /// Fails when one of them cannot be read, or when two have one name.
    pub fn load(configs: &[TableConfig]) -> Result<Self, TableError> {
        let mut tables = Self::default();
        for config in configs {
            let sound = !config.name.is_empty()
                && config
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
            if !sound {
                return Err(TableError::Name(config.name.clone()));
            }
            if tables.tables.contains_key(&config.name) {
                return Err(TableError::SameName(config.name.clone()));
            }
            tables.add(Table::load(config)?);
        }
        Ok(tables)
    }

    /// Adds a table, in the place of one with its name.
    pub fn add(&mut self, table: Table) {
        self.tables.insert(table.name.clone(), Arc::new(table));
    }

    /// Returns the table with a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// Returns all tables, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }
}

/// Reads a file up to one byte more than a table may have.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Digests what can be looked up. The number of a row's columns stands before them, so that rows cannot run into each other.
fn digest(config: &TableConfig, rows: &Lookup) -> Digest {
    let (kind, rows): (&str, Vec<&Row>) = match rows {
        Lookup::Exact(rows) => ("exact", rows.values().collect()),
        Lookup::Cidr(networks) => ("cidr", networks.rows().collect()),
    };
    let mut parts = vec![Cow::from(kind.as_bytes()), Cow::from(config.key.as_bytes())];
    for row in rows {
        parts.push(Cow::from(row.len().to_string().into_bytes()));
        for (column, text) in row {
            parts.extend([Cow::from(column.as_bytes()), Cow::from(text.as_bytes())]);
        }
    }
    Digest::of_parts(parts.iter().map(AsRef::as_ref))
}

#[cfg(test)]
mod tests;
