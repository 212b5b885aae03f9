//! Logs.

use super::terminal;

/// Writes a text for a log: on one line that it cannot leave, in quotation marks that it cannot close, so that it can neither forge a line nor a
/// field of one.
pub fn log(text: &str) -> String {
    format!("\"{}\"", terminal(text).replace('"', "\\\""))
}
