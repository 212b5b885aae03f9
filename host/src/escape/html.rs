//! HTML.

use super::one_line;

/// Writes a text for HTML: between tags and in an attribute's value in quotation marks. Nowhere else: neither a script, a style nor an address
/// has a place for event text.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '=' => out.push_str("&#61;"),
            other => out.push(other),
        }
    }
    out
}
