//! Labels of metrics, in the text format of Prometheus.

use super::{one_line, shortened};

/// The longest value of a label, in bytes.
const LONGEST: usize = 128;

/// Writes a text as a label's value, without the quotation marks around it: short, on one line, with the escapes of the format. Event text
/// makes no good label, since each value is a series of its own; names from the configuration do.
pub fn label(text: &str) -> String {
    let line = one_line(text);
    shortened(&line, LONGEST).replace('\\', "\\\\").replace('"', "\\\"")
}
