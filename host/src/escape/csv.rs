//! CSV.

use super::one_line;

/// Writes a text as a field of CSV: always in quotation marks, on one line, and never a formula. A spreadsheet computes what begins with `=`,
/// `+`, `-`, `@` or a control character, so an apostrophe stands before those, as it does before text in a spreadsheet.
pub fn csv(text: &str) -> String {
    let line = one_line(text);
    let line = line.trim_start();
    // The fullwidth forms of the same characters begin a formula in some languages' versions.
    let formula = line.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '|', '%']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", line.replace('"', "\"\""))
}
