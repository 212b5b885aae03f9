//! What is told of an input beside its findings.

use std::fmt::Write as _;

use crate::escape::terminal;
use crate::gap::Gap;
use crate::sandbox::LogLevel;

/// Gaps of one input that are told one by one; the rest is counted.
const GAPS: usize = 5;

/// Lines that rules log on one input and that are told; the rest is counted.
const LOG: usize = 100;

/// What is told of an input: bounded, however much is wrong with it.
#[derive(Default)]
pub(super) struct Told {
    text: String,
    gaps: usize,
    log_lines: usize,
}

impl Told {
    /// Tells something in its own words.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Tells what could not be judged.
    pub(super) fn gap(&mut self, gap: &Gap) {
        self.gaps += 1;
        if self.gaps <= GAPS {
            let place = terminal(&gap.place.to_string());
            // Writing to a String cannot fail.
            let _ = writeln!(self.text, "gap: {place}: {}", terminal(&gap.cause.to_string()));
        }
    }

    /// Tells what a rule logged.
    pub(super) fn log(&mut self, rule: &str, level: LogLevel, message: &str) {
        self.log_lines += 1;
        if self.log_lines <= LOG {
            self.line(&format!("{level}: {rule}: {}", terminal(message)));
        }
    }

    /// Returns all of it, with how much more there was of the input by that name.
    pub(super) fn finish(mut self, name: &str) -> String {
        if let Some(more @ 1..) = self.log_lines.checked_sub(LOG) {
            self.line(&format!("log: {}: {more} more lines", terminal(name)));
        }
        if let Some(more @ 1..) = self.gaps.checked_sub(GAPS) {
            self.line(&format!("gap: {}: {more} more", terminal(name)));
        }
        self.text
    }
}
