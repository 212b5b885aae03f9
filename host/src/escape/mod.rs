//! Making event text harmless where a person or a program reads it: one function for each kind of place.
//!
//! Whoever makes an API call chooses much of what its record says. Each place has characters of its own that do something there: on a terminal
//! they move the cursor, in a chat they call everybody, in a log they begin another line. A text passes through the function of the place that
//! it goes to, once, on its way there. JSON needs none of them: `encoding::harmless_json` writes it.
//!
//! Chats and mail programs make links of whatever looks like one, so that an alert could carry a stranger's link under a trusted sender's name.
//! They leave no way to switch that off in plain text, so [`defang()`] writes such text in the way that analysts know: `evil[.]example`.

mod card;
#[cfg(test)]
mod corpus;
mod defang;
mod html;
mod label;
mod log;
mod mail;
mod slack;
mod terminal;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use self::card::card;
pub use self::defang::defang;
pub use self::html::html;
pub use self::label::label;
pub use self::log::log;
pub use self::mail::{mail, mail_subject};
pub use self::slack::slack;
pub use self::terminal::{message, path, terminal};

/// Tells whether a character does something other than to stand there and be seen.
pub fn is_deceptive(character: char) -> bool {
    matches!(character,
        // C0 controls, delete, C1 controls.
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        // Zero-width characters, direction marks, line and paragraph separators, direction embeddings and overrides.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        // Invisible operators, direction isolates, deprecated format characters.
        | '\u{2060}'..='\u{206f}'
        // Byte order mark, interlinear annotation, variation selectors.
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}'
        // Fillers that show as nothing.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        // Tags and more variation selectors.
        | '\u{e0000}'..='\u{e0fff}')
}

/// Cuts a text to so many bytes at most, at a character's boundary, and says so with an ellipsis. A text that is escaped is cut before it is, or
/// an escape could lose its end.
pub fn shortened(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()));
    Cow::Owned(format!("{}…", &text[..end]))
}

/// Puts a text on one line that says what it is: white space as one space, every other deceptive character as `\u{…}`.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            other if is_deceptive(other) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out
}
