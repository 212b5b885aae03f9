//! Why a table cannot be used: the file, the place in it, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Its name is none.
    #[error("a [[table]] is called `{0}`\nhint: a table's name is lower-case letters, digits, `-` and `_`")]
    Name(String),
    /// Another table has its name.
    #[error("two tables are called `{0}`\nhint: give each a name of its own")]
    SameName(String),
    /// Its file cannot be read.
    #[error("failed to read the table `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its file is not a table with this key.
    #[error("the table `{path}` cannot be used: {place}{problem}")]
    Content {
        /// The file.
        path: PathBuf,
        /// The place in it, with what separates it from the problem; empty where the whole file is meant.
        place: String,
        /// What is wrong there, and what to do.
        problem: String,
    },
}

/// What is wrong with the content of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    line: Option<u64>,
    column: Option<String>,
    problem: String,
}

impl Fault {
    /// Says what is wrong with the file as a whole.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { line: None, column: None, problem: problem.into() }
    }

    /// Says what is wrong with a line.
    pub(super) fn at(line: u64, problem: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::new(problem) }
    }

    /// Adds the column that it is wrong with.
    pub(super) fn column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    pub(super) fn of(self, path: &Path) -> TableError {
        let place = match (self.line, self.column) {
            (Some(line), Some(column)) => format!("line {line}, column `{column}`: "),
            (Some(line), None) => format!("line {line}: "),
            (None, Some(column)) => format!("column `{column}`: "),
            (None, None) => String::new(),
        };
        TableError::Content { path: path.to_owned(), place, problem: self.problem }
    }
}
