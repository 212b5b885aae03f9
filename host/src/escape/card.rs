//! Markdown, as in the texts of an Adaptive Card in Microsoft Teams.

use super::{defang, one_line};

/// Writes a text for the Markdown of an Adaptive Card: no link, no mention, no formatting, no macro of the card's own, on one line.
///
/// Markdown's own escape, a backslash, stands before every character that means something to it. `{{DATE(…)}}` is a macro and `<at>` is a
/// mention in Teams: neither knows escapes, so their brackets become ones that look alike.
pub fn card(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in defang(&one_line(text)).chars() {
        match character {
            '<' => out.push('\u{2039}'),
            '>' => out.push('\u{203a}'),
            '{' => out.push('\u{2774}'),
            '}' => out.push('\u{2775}'),
            '$' => out.push('\u{ff04}'),
            '&' => out.push('\u{ff06}'),
            '\\' | '*' | '_' | '`' | '[' | ']' | '(' | ')' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(character);
            }
            // Only at the beginning of a line do these make a list.
            '-' | '+' if out.is_empty() => {
                out.push('\\');
                out.push(character);
            }
            '.' if !out.is_empty() && out.bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}
