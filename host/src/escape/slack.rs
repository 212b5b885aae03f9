//! Slack's `mrkdwn`.

use super::{defang, one_line};

/// Writes a text for Slack's `mrkdwn`: no mention, no link, no formatting, on one line.
///
/// `&`, `<` and `>` are the characters that Slack asks to be escaped, and with them go `<!channel>`, `<@U…>` and `<https://…|text>`. The
/// characters of its formatting have no escape, so each is set apart by the fullwidth form of itself or a like one.
pub fn slack(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in defang(&one_line(text)).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '`' => out.push('\u{2bb}'),
            '*' => out.push('\u{2217}'),
            '~' => out.push('\u{223c}'),
            // Between letters it formats nothing, and names are full of them.
            '_' if out.is_empty() || out.ends_with([' ', '(', '"', '\'']) => out.push('\u{ff3f}'),
            // `@here` calls people where a workspace reads it; within a word, as in a session's name, it is a letter.
            '@' if !out.ends_with(char::is_alphanumeric) => out.push('\u{ff20}'),
            other => out.push(other),
        }
    }
    out
}
