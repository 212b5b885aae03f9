//! The project's own JSON: one finding a line.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, Formatter};

use crate::escape::is_deceptive;
use crate::finding::Finding;

pub(super) fn encode(finding: &Finding, out: &mut Vec<u8>) {
    write(finding, out);
    out.push(b'\n');
}

/// Returns a value as compact JSON that is harmless wherever it is shown.
pub fn harmless_json(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    write(value, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Appends a value as compact JSON that is harmless wherever it is shown.
pub(super) fn write(value: &impl Serialize, out: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(out, Careful);
    // Neither plain data nor a vector can fail to be written.
    value.serialize(&mut serializer).expect("the value is plain data");
}

/// Compact JSON in which characters that could deceive on a terminal stand as `\u` escapes, which mean the same to every reader.
struct Careful;

impl Formatter for Careful {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all text is plain. All of it is looked at without a branch, which takes less than to stop at the first that is not.
        if fragment.bytes().fold(true, |plain, byte| plain & (b' '..=b'~').contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|&(_, character)| is_deceptive(character)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_escaped_and_mean_the_same() {
        let text = "a\u{202e}b\u{9b}\u{e0041}\"\\\n\x7fé";
        let out = harmless_json(&text);
        assert_eq!(out, r#""a\u202eb\u009b\udb40\udc41\"\\\n\u007fé""#);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
