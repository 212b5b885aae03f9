//! Text that a caller chose, made fit to be read: one line, of bounded length, without characters that hide or reorder others.
//!
//! The host escapes whatever it prints, for each place it prints to. This is for the reader: a name of ten thousand characters, or one that reads
//! backwards, would push what matters out of sight.

/// The longest text that a title or a detail takes over from a caller, in characters.
pub const LONGEST: usize = 128;

/// Returns the text on one line, without invisible characters, cut to [`LONGEST`] characters.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    let visible = text.chars().filter(|character| !is_invisible(*character));
    for (position, character) in visible.enumerate() {
        if position == LONGEST {
            plain.push('…');
            break;
        }
        // A line break or a tab is a space to the reader.
        plain.push(if character.is_whitespace() || character.is_control() { ' ' } else { character });
    }
    plain
}

/// Tells characters that take no room, or that change the direction of what follows.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(plain(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        let cut = plain(&"ä".repeat(LONGEST + 1));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn a_text_is_one_line_that_reads_as_it_is_written() {
        assert_eq!(plain("one\r\ntwo\tthree\u{85}\u{1b}[31m"), "one  two three  [31m");
        assert_eq!(plain("gp\u{202e}txt.\u{200b}exe\u{e0041}"), "gptxt.exe");
        assert_eq!(plain("Müller & 社"), "Müller & 社");
    }
}
