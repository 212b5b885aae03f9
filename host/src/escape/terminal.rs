//! Terminals: control characters move the cursor and change what stands there already, and invisible or direction-changing characters make a
//! text read as something that it is not.

use std::fmt::Write as _;
use std::path::Path;

use super::is_deceptive;

/// Writes a text for a terminal: on one line, deceptive characters as `\u{…}`, and a backslash doubled so that nothing can be mistaken for
/// such an escape.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            other if is_deceptive(other) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out
}

/// Writes a path for a terminal. Whoever fills a bucket chooses the names of the files that somebody downloads from it.
pub fn path(path: &Path) -> String {
    terminal(&path.to_string_lossy())
}

/// Writes a message of the program's own for a terminal. Its lines and backslashes stay as they are, so this is the last barrier and not the
/// first: what comes from elsewhere passes through [`terminal`] on its way into the message.
pub fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_deceptive(character) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_hides_gets_through() {
        let hostile = "\x1b[2J\u{9b}31mred\u{202e}txt.exe\u{200b}\r\nnew line\u{7}\u{e0041}\u{3164}";
        let shown = terminal(hostile);
        assert!(!shown.chars().any(is_deceptive), "{shown:?}");
        assert!(shown.starts_with("\\u{1b}[2J\\u{9b}31mred\\u{202e}txt.exe\\u{200b}\\r\\nnew line"), "{shown}");
    }

    #[test]
    fn a_message_keeps_its_lines_and_loses_everything_deceptive() {
        assert_eq!(message("1 | a\\b = \x1b[2J\n  | ^"), "1 | a\\b = \\u{1b}[2J\n  | ^");
    }

    #[test]
    fn an_escape_cannot_be_forged_and_ordinary_text_stays() {
        assert_eq!(terminal("\\u{1b}"), "\\\\u{1b}");
        assert_eq!(terminal("Zürich 東京 café — ok"), "Zürich 東京 café — ok");
    }
}
