//! Finds the next record after something that could not be read.
//!
//! A broken record has no end of its own, so the text behind it is searched for a place where a record begins: an
//! object behind a comma of the list, where JSON cannot have one, or on a fresh line. Such an object must be
//! well-formed and a record, unless the fresh line alone makes it clear. All that is passed over becomes one loss;
//! nothing is read twice. The search is linear: text that was found to be well-formed is not searched again.

use std::io::{self, Read};

use orgwatch_rules_sdk::json::{Document, ParseError, ParseErrorKind};

use super::checker::{Checker, Verdict};
use super::framing::{Framed, Framer, LOOK_AHEAD};
use super::lost::Lost;
use super::prefix::{self, Start, Wrapping};
use super::shape::{self, Shape};
use super::unreadable::UnreadableReason;

/// What is to be done at a place where a record may begin.
enum Candidate {
    /// It does, in the list that is open.
    InList,
    /// It does, at the top.
    AtTop,
    /// It does not, and this many bytes can be passed over.
    Pass(usize),
}

impl<R: Read> Framer<'_, R> {
    /// Passes over text from its first byte up to the next record. The first `well_formed` bytes hold another record
    /// only if a line was cut short in front of it, in such a way that the next one continues it.
    pub(super) fn resynchronise(&mut self, mut lost: Lost, well_formed: usize, fault: usize) -> io::Result<Framed> {
        self.strict = true;
        lost.mark(well_formed, fault);
        self.pass(&mut lost, 1);
        self.resume(lost)
    }

    fn resume(&mut self, mut lost: Lost) -> io::Result<Framed> {
        loop {
            let count = lost.absorb_until_candidate(self.window.bytes(), !self.open.is_empty());
            self.window.consume(count);
            if self.window.bytes().is_empty() {
                if self.window.more()? {
                    continue;
                }
                self.finished = true;
                return Ok(Framed::Lost(lost.finish(self.window.fault())));
            }
            match self.candidate(&lost)? {
                Candidate::InList => return Ok(Framed::Lost(lost.finish(None))),
                Candidate::AtTop => {
                    self.open.clear();
                    return Ok(Framed::Lost(lost.finish(None)));
                }
                Candidate::Pass(count) => self.pass(&mut lost, count),
            }
        }
    }

    /// Skips a record beyond the limit, whose first bytes a checker has found well-formed, and holds none of it.
    pub(super) fn oversized(&mut self, mut checker: Checker) -> io::Result<Framed> {
        let limit = self.limits.record_bytes;
        let mut lost = self.lost(UnreadableReason::TooLarge { limit });
        self.pass(&mut lost, limit);
        let mut passed = limit;
        loop {
            let seen = self.window.bytes().len();
            match checker.feed(self.window.bytes()) {
                Verdict::Going => self.pass(&mut lost, seen),
                Verdict::Complete(end) => {
                    self.pass(&mut lost, end - passed);
                    return Ok(Framed::Lost(lost.finish(None)));
                }
                Verdict::Fault(at) => {
                    self.strict = true;
                    self.pass(&mut lost, at - passed);
                    return self.resume(lost);
                }
            }
            passed += seen;
            if !self.window.more()? {
                self.finished = true;
                return Ok(Framed::Lost(lost.finish(self.window.fault())));
            }
        }
    }

    /// Judges the place at the front of the window.
    fn candidate(&mut self, lost: &Lost) -> io::Result<Candidate> {
        if lost.at_fresh_line() {
            let start = self.look(LOOK_AHEAD, prefix::start)?;
            if start.is_some_and(|start| start != Start::Text) {
                return Ok(Candidate::AtTop);
            }
        }
        if self.window.bytes().first() != Some(&b'{') {
            return Ok(Candidate::Pass(1));
        }
        if let Some(Wrapping::List { .. }) = self.wrapping()? {
            return Ok(Candidate::AtTop);
        }
        let found = if lost.continues_list() { Candidate::InList } else { Candidate::AtTop };
        let mut checker = Checker::new();
        Ok(match self.check(0, &mut checker)? {
            Verdict::Complete(len) if is_known(&self.window.bytes()[..len]) => found,
            Verdict::Complete(len) => Candidate::Pass(len),
            // So long and well-formed, it is a record of its own that is too large, and reported as that.
            Verdict::Going if self.window.bytes().len() >= self.limits.record_bytes => found,
            Verdict::Fault(_) | Verdict::Going => Candidate::Pass(checker.last_string().max(1)),
        })
    }
}

/// Tells whether an object is an item. One field is not enough here: pieces of a broken record must not pass for
/// records.
fn is_known(bytes: &[u8]) -> bool {
    let Ok(document) = Document::parse(bytes) else { return false };
    match shape::read(document) {
        Shape::Record(record) => shape::record_fields(record.root()) > 1,
        Shape::Skipped(_) | Shape::Payload(_) => true,
        Shape::Unreadable(_) => false,
    }
}

/// Says in the parser's words what is wrong with a text that stops being JSON at byte `at`.
pub(super) fn fault_reason(bytes: &[u8], at: usize) -> UnreadableReason {
    let unexpected = ParseError { offset: at, kind: ParseErrorKind::UnexpectedCharacter };
    let seen = &bytes[..bytes.len().min(at + 1)];
    UnreadableReason::Json(match Document::parse(seen) {
        // Cutting the text after one byte may cut a character, which says nothing about the text.
        Err(error) if error.offset < at || error.kind == ParseErrorKind::BadString => error,
        _ => unexpected,
    })
}

/// Says that a text is no JSON from its first byte on.
pub(super) fn stray_reason() -> UnreadableReason {
    UnreadableReason::Json(ParseError { offset: 0, kind: ParseErrorKind::UnexpectedCharacter })
}
