//! Labels of metrics.

use super::{one_line, shortened};

/// The longest value of a label, in bytes.
const LONGEST: usize = 128;

/// Writes a text as a label's value: short and on one line. The writer of the format escapes what would end it there. Event text makes no good
/// label, since each value is a series of its own; names from the configuration do.
pub fn label(text: &str) -> String {
    shortened(&one_line(text), LONGEST).into_owned()
}
