//! Where records come from.

pub mod decode;
pub mod files;

use std::fmt;
use std::sync::Arc;

pub use decode::{Position, Unreadable, UnreadableReason};

/// Where a record stands: an input and a position in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The input's name: a file's path, or `-` for standard input.
    pub input: Arc<str>,
    /// The position in the input's unpacked text.
    pub position: Position,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { record, offset } = self.position;
        write!(formatter, "{}, record {record} at byte {offset}", self.input)
    }
}
