//! A table as CSV: a line of column names, and a row a line. Columns are separated by commas; a text with a comma stands in quotation marks.
//!
//! Nothing is trimmed. The mark that Windows programs begin a file with, and their line ends, do not count. An empty cell is no text.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::csv::{ByteRecord, Position, ReaderBuilder};

use super::Row;
use super::error::Fault;
use super::rows::{LONGEST_TEXT, MOST_COLUMNS, Rows, check_column};

/// Reads the rows of a file.
pub(super) fn read(bytes: &[u8], rows: &mut Rows) -> Result<(), Fault> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    let mut next = |record: &mut ByteRecord| {
        let any = reader.read_byte_record(record).map_err(|error| Fault::new(error.to_string()))?;
        let line = lines.line(record.position().map_or(0, Position::byte));
        Ok(any.then_some(line))
    };
    let Some(line) = next(&mut record)? else {
        return Err(Fault::new("it is empty\nhint: begin with a line of column names"));
    };
    let columns = columns(line, &record, rows.key())?;
    while let Some(line) = next(&mut record)? {
        if record.len() != columns.len() {
            let problem = format!(
                "there are {} cells for {} columns\nhint: put a text that holds a comma into quotation marks",
                record.len(),
                columns.len()
            );
            return Err(Fault::at(line, problem));
        }
        let mut row = Row::new();
        for (column, cell) in columns.iter().zip(&record) {
            let text = text(cell).map_err(|problem| Fault::at(line, problem).column(column))?;
            if !text.is_empty() {
                row.insert(Arc::clone(column), text.into());
            }
        }
        rows.add(line, row)?;
    }
    Ok(())
}

/// Finds the line of a row. The reader's own count is of where it began to look, before the empty lines that it skipped.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// Returns the line of the first row from a place on, which is behind that of the call before.
    fn line(&mut self, from: u64) -> u64 {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        while let Some(byte) = self.bytes.get(self.at)
            && (self.at < from || matches!(byte, b'\n' | b'\r'))
        {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

/// Reads the line of column names.
fn columns(line: u64, record: &ByteRecord, key: &str) -> Result<Vec<Arc<str>>, Fault> {
    if record.len() > MOST_COLUMNS {
        return Err(Fault::at(line, format!("there are more than {MOST_COLUMNS} columns")));
    }
    let mut known = BTreeSet::new();
    let mut columns = Vec::new();
    for cell in record {
        let name = text(cell).map_err(|problem| Fault::at(line, problem))?;
        check_column(name).map_err(|problem| Fault::at(line, problem))?;
        if !known.insert(name) {
            return Err(Fault::at(line, "there are two columns of this name\nhint: rename one of them").column(name));
        }
        columns.push(Arc::from(name));
    }
    if !known.contains(key) {
        let names = columns.join("`, `");
        return Err(Fault::at(
            line,
            format!(
                "there is no column `{key}` for the key\nhint: the columns are `{names}`, and commas separate them"
            ),
        ));
    }
    Ok(columns)
}

fn text(cell: &[u8]) -> Result<&str, String> {
    if cell.len() > LONGEST_TEXT {
        return Err(format!("the text is longer than {LONGEST_TEXT} bytes\nhint: is a quotation mark not closed?"));
    }
    // A quotation mark that nobody closes would swallow the rows that follow, without a word.
    if cell.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err("the text goes on in the next line\nhint: is a quotation mark not closed?".to_owned());
    }
    str::from_utf8(cell).map_err(|_| "the text is not UTF-8\nhint: save the file as UTF-8".to_owned())
}
