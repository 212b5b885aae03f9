//! Text for people: as wide as the terminal and not wider than is good to read, 80 columns where there is none.

use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSplitter};

use super::args::Color;
use crate::encoding::paint;

/// Columns where there is no terminal.
const WITHOUT_TERMINAL: usize = 80;

/// Lines that are longer are hard to read.
const WIDEST: usize = 100;

/// A text that is put together line by line.
pub(super) struct Screen {
    width: usize,
    color: bool,
    text: String,
}

/// How a word stands out.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Warning,
    Strong,
    Faint,
}

impl Screen {
    /// Starts a text for standard output.
    pub(super) fn new(color: Color) -> Self {
        let stdout = io::stdout();
        let terminal = terminal_size::terminal_size_of(&stdout).filter(|_| stdout.is_terminal());
        let width = terminal.map_or(WITHOUT_TERMINAL, |(terminal_size::Width(width), _)| usize::from(width));
        Self { width: width.clamp(20, WIDEST), color: color.wanted(&stdout), text: String::new() }
    }

    /// Makes a word stand out where there are colours.
    pub(super) fn paint(&self, text: &str, tone: Tone) -> String {
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
        };
        paint(text, style, self.color)
    }

    /// Adds a line, and further ones where it is too long.
    pub(super) fn line(&mut self, text: &str) {
        self.hanging(0, "", text);
    }

    /// Adds a text that starts behind a head and goes on below itself: `indent` columns, the head, the text.
    pub(super) fn hanging(&mut self, indent: usize, head: &str, text: &str) {
        let first = format!("{:indent$}{head}", "");
        let rest = " ".repeat(textwrap::core::display_width(&first));
        // A name or an address is not broken at a hyphen, so that it can be copied.
        let options = Options::new(self.width).subsequent_indent(&rest).word_splitter(WordSplitter::NoHyphenation);
        for (place, line) in text.split('\n').enumerate() {
            let first = if place == 0 { first.as_str() } else { rest.as_str() };
            for line in textwrap::wrap(line, options.clone().initial_indent(first)) {
                self.text.push_str(line.trim_end());
                self.text.push('\n');
            }
        }
    }

    /// Takes the text so far.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Returns the text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_goes_on_below_itself_and_a_long_word_is_broken() {
        let mut screen = Screen { width: 20, color: false, text: String::new() };
        screen.hanging(2, "- ", "one two three four five");
        screen.hanging(0, "digest ", &"a".repeat(30));
        screen.hanging(4, "x", "");
        assert_eq!(
            screen.finish(),
            "  - one two three\n    four five\ndigest aaaaaaaaaaaaa\n       aaaaaaaaaaaaa\n       aaaa\n    x\n"
        );
    }
}
