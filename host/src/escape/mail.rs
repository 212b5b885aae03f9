//! Plain-text mail.

use super::{defang, one_line, shortened};

/// Writes a text for a line of plain-text mail: one line, nothing in it that a mail program makes a link of.
pub fn mail(text: &str) -> String {
    defang(&one_line(text))
}

/// Writes a text for a mail's subject as SNS takes it: printable ASCII, less than 100 characters, no line end, beginning with a letter, a digit or
/// a quotation mark. Other characters stand as `?`.
pub fn mail_subject(text: &str) -> String {
    let line = defang(&one_line(text));
    let ascii: String =
        line.chars().map(|character| if (' '..='~').contains(&character) { character } else { '?' }).collect();
    let start = ascii.find(|character: char| character.is_ascii_alphanumeric()).unwrap_or(ascii.len());
    let subject = shortened(&ascii[start..], 99).replace('…', "...");
    if subject.is_empty() { "orgwatch".to_owned() } else { subject }
}
