//! Logs.

use super::is_deceptive;

/// Writes an entry of a log, without the end of its line, so that it stays one line and shows everything that is in it. What an entry is made of
/// may be escaped already: a backslash stays one.
pub fn log(entry: &str) -> String {
    let mut out = String::with_capacity(entry.len());
    for character in entry.chars() {
        if is_deceptive(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}
