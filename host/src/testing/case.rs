//! Test cases: the files beside a rule.
//!
//! In a pack, `events/RULE/` holds the cases of the rule in `src/bin/RULE.rs`. A file `fires_….json` is an event in which the rule has to find
//! something, `quiet_….json` one in which it must not; `….ndjson` is a story of several events, a line each. `settings.toml` has the settings
//! for those. `cases.toml` says more: changed events, other settings, tables, earlier events, and what exactly is to be found.

mod events;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use orgwatch_rules_sdk::json::ParseError;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use self::events::Room;
use self::events::records;
use super::change::{self, ChangeError};
use super::expected::{Expected, ExpectedFinding};
use super::story::Story;
use crate::causes;
use crate::escape::{path as shown, terminal};
use crate::plan::json_table;
use crate::table::{Match, STANDARD, Table, TableConfig, TableError, Tables};

/// The file with the cases that say more than a file name can.
const CASES: &str = "cases.toml";

/// The file with the settings of the cases that are files.
const SETTINGS: &str = "settings.toml";

/// One case: events, what surrounds them, and what should be found.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows: a sentence, or the name of its file.
    pub name: String,
    /// Where it is written.
    pub file: PathBuf,
    /// The events.
    pub story: Story,
    /// The rule's settings.
    pub settings: Map<String, Value>,
    /// The operator's tables.
    pub tables: Tables,
    /// What should be found.
    pub expected: Expected,
}

/// Why the cases of a rule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file or the folder cannot be read.
    #[error("failed to read `{}`", shown(path))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not TOML, or has keys that mean nothing.
    #[error("failed to understand `{}`", shown(path))]
    Toml {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<toml::de::Error>,
    },
    /// An event is not JSON.
    #[error("`{}` is not an event", shown(path))]
    Event {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ParseError,
    },
    /// A file holds a number that JSON has not.
    #[error("`{}` has a number that JSON has not\nhint: write infinities and the like as text", shown(.0))]
    NotJson(PathBuf),
    /// A file of events has a part that is none.
    #[error("`{}` has something that is no event: {reason}", shown(path))]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The name of an event file says nothing.
    #[error(
        "`{}` says neither that it fires nor that it stays quiet\nhint: begin its name with fires_ or quiet_",
        shown(.0)
    )]
    Name(PathBuf),
    /// A case makes no sense.
    #[error("`{}`, case \"{}\": {problem}", shown(path), terminal(case))]
    Case {
        /// The file.
        path: PathBuf,
        /// The case's name.
        case: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// `cases.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "case")]
    cases: Vec<Written>,
}

/// A case as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    event: toml::Value,
    #[serde(default)]
    change: toml::Table,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    null: Vec<String>,
    #[serde(default)]
    earlier: Vec<toml::Value>,
    settings: Option<toml::Table>,
    #[serde(default)]
    tables: std::collections::BTreeMap<String, Vec<toml::Table>>,
    #[serde(default)]
    quiet: bool,
    findings: Option<usize>,
    #[serde(default, rename = "finding")]
    finding: Vec<ExpectedFinding>,
    refused: Option<String>,
}

/// An earlier event as it is written: the name of a file, or this.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    event: toml::Value,
    #[serde(default)]
    change: toml::Table,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    null: Vec<String>,
}

impl Case {
    /// Reads the cases of a rule: those that are files, by name, then those of `cases.toml`. A folder that is not there has none.
    ///
    /// # Errors
    ///
    /// Fails when a file cannot be read or understood, with its name.
    pub fn read(folder: &Path, room: &Room) -> Result<Vec<Self>, CaseError> {
        let settings = match read_toml::<toml::Table>(&folder.join(SETTINGS))? {
            Some(settings) => json_table(&settings).ok_or_else(|| CaseError::NotJson(folder.join(SETTINGS)))?,
            None => Map::new(),
        };
        let mut cases = Vec::new();
        for path in files(folder)? {
            cases.push(Self::of_file(path, settings.clone(), room)?);
        }
        let path = folder.join(CASES);
        let mut names = BTreeSet::new();
        for written in read_toml::<File>(&path)?.map(|file| file.cases).unwrap_or_default() {
            let name = written.name.clone();
            let problem = |problem: String| CaseError::Case { path: path.clone(), case: name.clone(), problem };
            if !names.insert(name.clone()) {
                return Err(problem(
                    "another case has the same name\nhint: a name is a sentence that says what it shows".to_owned(),
                ));
            }
            cases.push(Self::of_written(written, folder, &path, &settings, room)?);
        }
        Ok(cases)
    }

    fn of_file(path: PathBuf, settings: Map<String, Value>, room: &Room) -> Result<Self, CaseError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected = if name.starts_with("fires_") {
            Expected::Fires
        } else if name.starts_with("quiet_") {
            Expected::Quiet
        } else {
            return Err(CaseError::Name(path));
        };
        let records = records(&path, room)?;
        room.take_settings(&path, &settings)?;
        let story = Story::new(records).map_err(|source| CaseError::Event { path: path.clone(), source })?;
        Ok(Self { name, file: path, story, settings, tables: Tables::default(), expected })
    }

    fn of_written(
        written: Written,
        folder: &Path,
        path: &Path,
        settings: &Map<String, Value>,
        room: &Room,
    ) -> Result<Self, CaseError> {
        let name = written.name.clone();
        let problem = |problem: String| CaseError::Case { path: path.to_owned(), case: name.clone(), problem };
        let expected = expected(&written).map_err(problem)?;
        let mut records = Vec::new();
        for earlier in written.earlier {
            let changed = match earlier {
                toml::Value::Table(ref table) if table.contains_key("event") => {
                    Changed::deserialize(earlier).map_err(|error| problem(format!("`earlier`: {}", error.message())))?
                }
                event => Changed { event, change: toml::Table::new(), remove: Vec::new(), null: Vec::new() },
            };
            records.push(changed.record(folder, room).map_err(problem)?);
        }
        let event =
            Changed { event: written.event, change: written.change, remove: written.remove, null: written.null };
        records.push(event.record(folder, room).map_err(problem)?);
        let story = Story::new(records.iter().map(Value::to_string).collect())
            .map_err(|source| CaseError::Event { path: path.to_owned(), source })?;
        let settings = match written.settings {
            Some(settings) => {
                json_table(&settings).ok_or_else(|| problem("`settings` has a number that JSON has not".to_owned()))?
            }
            None => settings.clone(),
        };
        room.take_settings(path, &settings)?;
        let mut tables = Tables::default();
        for (table, rows) in written.tables {
            tables.add(self::table(&table, &rows, path).map_err(|error| problem(causes::on_one_line(&error)))?);
        }
        Ok(Self { name: written.name, file: path.to_owned(), story, settings, tables, expected })
    }
}

impl Changed {
    fn record(self, folder: &Path, room: &Room) -> Result<Value, String> {
        let mut record = match self.event {
            toml::Value::String(name) => {
                let cannot = |error: &dyn std::error::Error| {
                    format!("the event `{}`: {}", terminal(&name), causes::on_one_line(error))
                };
                if !stays_among_events(Path::new(&name)) {
                    return Err(format!(
                        "the event `{}` does not lie among the pack's events\nhint: name it from the case's folder on, as \"../other_rule/fires.json\"",
                        terminal(&name)
                    ));
                }
                let records = records(&folder.join(&name), room).map_err(|error| cannot(&error))?;
                let [record] = records.as_slice() else {
                    return Err(format!(
                        "the event `{}` holds {} records, and a case changes one",
                        terminal(&name),
                        records.len()
                    ));
                };
                serde_json::from_str(record).map_err(|error| cannot(&error))?
            }
            toml::Value::Table(table) => {
                Value::Object(json_table(&table).ok_or("the event has a number that JSON has not")?)
            }
            _ => return Err("`event` is neither the name of a file nor a table".to_owned()),
        };
        let change = json_table(&self.change).ok_or("`change` has a number that JSON has not")?;
        let shown = |error: ChangeError| error.to_string();
        for path in &self.remove {
            change::remove(&mut record, path).map_err(shown)?;
        }
        for path in &self.null {
            change::set(&mut record, path, Value::Null).map_err(shown)?;
        }
        for (path, value) in change {
            change::set(&mut record, &path, value).map_err(shown)?;
        }
        Ok(record)
    }
}

/// Tells whether a name leads from a case's folder to something in the folder of all cases. A pack may be somebody else's, and what a case reads
/// is shown where it fails.
fn stays_among_events(name: &Path) -> bool {
    let mut depth = 1_usize;
    for part in name.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// Reads what a case expects. It has to say one thing.
fn expected(written: &Written) -> Result<Expected, String> {
    let mut said = Vec::new();
    said.extend(written.quiet.then_some(Expected::Quiet));
    said.extend(written.refused.clone().map(Expected::Refused));
    match (written.findings, written.finding.is_empty()) {
        (Some(number), true) => said.push(Expected::Count(number)),
        (Some(number), false) if number != written.finding.len() => {
            let blocks = written.finding.len();
            return Err(format!("`findings` is {number}, and there are {blocks} [[case.finding]]"));
        }
        (_, false) => said.push(Expected::Findings(written.finding.clone())),
        (None, true) => {}
    }
    if said.len() > 1 {
        return Err(
            "it expects two things at once\nhint: say one of `quiet`, `findings`, [[case.finding]] or `refused`"
                .to_owned(),
        );
    }
    let hint = "it does not say what to expect\nhint: add `quiet = true`, `findings = 1`, a [[case.finding]], or `refused = \"…\"`";
    said.pop().ok_or_else(|| hint.to_owned())
}

/// Makes a table of rows. They are looked up by the column that the standard table of that name has for its key, else by `cidr`, which is one of
/// networks, else by `key`.
fn table(name: &str, rows: &[toml::Table], path: &Path) -> Result<Table, TableError> {
    let has = |column: &str| rows.iter().any(|row| row.contains_key(column));
    let standard = STANDARD.iter().find(|standard| standard.name == name).map(|standard| standard.key);
    let key = standard.unwrap_or(if has("cidr") { "cidr" } else { "key" });
    let r#match = if key == "cidr" { Match::Cidr } else { Match::Exact };
    let rows: Option<Vec<Value>> = rows.iter().map(|row| json_table(row).map(Value::Object)).collect();
    let not_json = || TableError::Content {
        path: path.to_owned(),
        place: String::new(),
        problem: format!("the rows of `{name}` have a number that JSON has not"),
    };
    let rows = Value::Array(rows.ok_or_else(not_json)?);
    let config = TableConfig { name: name.to_owned(), path: path.to_owned(), key: key.to_owned(), r#match };
    Table::parse(&config, rows.to_string().as_bytes())
}

/// Reads a TOML file; nothing where there is none.
fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, CaseError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CaseError::Read { path: path.to_owned(), source }),
    };
    let toml = |source| CaseError::Toml { path: path.to_owned(), source: Box::new(source) };
    toml::from_str(&text).map(Some).map_err(toml)
}

/// Lists the event files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let read = |source| CaseError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(read)?.path();
        if path.extension().is_some_and(|extension| extension == "json" || extension == "ndjson") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
