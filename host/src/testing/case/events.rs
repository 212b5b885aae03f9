//! The events of cases. A pack may be somebody else's, and few bytes can mean many: a case may name one file a thousand times.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::CaseError;
use crate::escape::terminal;
use crate::source::decode::{DecodeLimits, Decoded, Decoder};

/// The largest file of events, in bytes.
const LARGEST_FILE: u64 = 64 << 20;

/// How much all cases that are read together may hold, in bytes.
const LARGEST_CASES: usize = 256 << 20;

/// The room that is left for cases.
#[derive(Debug)]
pub struct Room(Cell<usize>);

impl Default for Room {
    fn default() -> Self {
        Self(Cell::new(LARGEST_CASES))
    }
}

impl Room {
    /// Takes up room for what a file brings into a case.
    fn take(&self, path: &Path, bytes: usize) -> Result<(), CaseError> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| {
            let reason = format!("with it, the cases hold more than {} MiB", LARGEST_CASES >> 20);
            CaseError::NoRecord { path: path.to_owned(), reason }
        })?;
        self.0.set(left);
        Ok(())
    }

    /// Takes up room for the settings of a case, of which each case has a copy.
    pub(super) fn take_settings(&self, path: &Path, settings: &Map<String, Value>) -> Result<(), CaseError> {
        if settings.is_empty() { Ok(()) } else { self.take(path, Value::Object(settings.clone()).to_string().len()) }
    }
}

/// Reads the records of a file as a replay reads them, whatever they are wrapped in. A part that is no record, or a file without any, would be quiet
/// whatever the rule does.
pub(super) fn records(path: &Path, room: &Room) -> Result<Vec<String>, CaseError> {
    let read = |source| CaseError::Read { path: path.to_owned(), source };
    let no_record = |reason: String| CaseError::NoRecord { path: path.to_owned(), reason };
    let metadata = fs::metadata(path).map_err(read)?;
    if !metadata.is_file() || metadata.len() > LARGEST_FILE {
        return Err(no_record(format!("it is not a file of at most {} MiB", LARGEST_FILE >> 20)));
    }
    let file = fs::File::open(path).map_err(read)?;
    let mut decoder = Decoder::new(file, DecodeLimits::default());
    let mut records = Vec::new();
    while let Some(decoded) = decoder.next().map_err(read)? {
        match decoded {
            Decoded::Record(record) => {
                room.take(path, record.document.text().len())?;
                records.push(record.document.text().to_owned());
            }
            Decoded::Skipped(_) | Decoded::Unasked => {}
            Decoded::Unreadable(unreadable) => return Err(no_record(terminal(&unreadable.reason.to_string()))),
        }
    }
    if records.is_empty() { Err(no_record("it holds no record".to_owned())) } else { Ok(records) }
}
