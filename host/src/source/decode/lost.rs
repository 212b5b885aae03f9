//! Text that could not be read, while it is being passed over.
//!
//! However much there is, only its head is kept; of the rest, what is needed to tell where the next record may begin.

use super::compression::PackError;
use super::unreadable::UnreadableReason;

/// What could not be read, from its first byte to its last that is no separator.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) head: Vec<u8>,
    pub(super) reason: UnreadableReason,
}

/// A loss that is still growing.
pub(super) struct Lost {
    loss: Loss,
    keep: usize,
    passed: u64,
    /// Bytes from the start that are well-formed, so that only a fresh line can show the start of another record in
    /// them.
    well_formed: u64,
    /// Where the grammar was broken, from the start: where a bracket too few lets the next record come too early.
    fault: u64,
    /// The last byte that is no white space.
    last: u8,
    /// Whether a line has ended since then.
    on_new_line: bool,
    lines: u64,
}

impl Lost {
    pub(super) fn new(offset: u64, reason: UnreadableReason, keep: usize) -> Self {
        let loss = Loss { offset, length: 0, head: Vec::new(), reason };
        Self { loss, keep, passed: 0, well_formed: 0, fault: 0, last: 0, on_new_line: true, lines: 0 }
    }

    /// Notes how many of the first bytes were well-formed, and where the fault is.
    pub(super) fn mark(&mut self, well_formed: usize, fault: usize) {
        self.well_formed = well_formed as u64;
        self.fault = fault as u64;
    }

    /// Takes in bytes whatever they are.
    pub(super) fn absorb(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.pass(byte);
        }
        self.keep_head(bytes);
    }

    /// Takes in bytes up to the first where a record may begin, and returns how many that were.
    pub(super) fn absorb_until_candidate(&mut self, bytes: &[u8], in_list: bool) -> usize {
        let mut count = 0;
        for &byte in bytes {
            if self.is_candidate(byte, in_list) {
                break;
            }
            self.pass(byte);
            count += 1;
        }
        self.keep_head(&bytes[..count]);
        count
    }

    /// Returns true where the text shows a record's boundary by itself: a new line, after something that well-formed
    /// JSON does not continue on the next line.
    pub(super) fn at_fresh_line(&self) -> bool {
        let is_text = matches!(self.loss.reason, UnreadableReason::Text { .. });
        self.on_new_line && (is_text || !matches!(self.last, b',' | b'[' | b':' | b'{'))
    }

    /// Returns true where the next byte is an element of the list that is open, rather than something new at the top.
    pub(super) fn continues_list(&self) -> bool {
        !self.on_new_line || self.last == b','
    }

    /// Ends the loss. Where the packed data broke off, that is its reason, whatever the text looked like.
    pub(super) fn finish(mut self, fault: Option<PackError>) -> Loss {
        if let Some(fault) = fault {
            self.loss.reason = UnreadableReason::Packed(fault);
        }
        if let UnreadableReason::Text { lines } = &mut self.loss.reason {
            *lines = self.lines;
        }
        let length = usize::try_from(self.loss.length).unwrap_or(usize::MAX);
        self.loss.head.truncate(length);
        self.loss
    }

    fn is_candidate(&self, byte: u8, in_list: bool) -> bool {
        match byte {
            b'{' if self.on_new_line || self.passed == self.fault => true,
            b'{' if self.passed < self.well_formed => false,
            // JSON has an object behind these only, so behind anything else something new begins, if it is one.
            b'{' => !matches!(self.last, b',' | b'[' | b':') || (in_list && self.last == b','),
            b'[' | b'0'..=b'9' => self.at_fresh_line(),
            _ => false,
        }
    }

    fn pass(&mut self, byte: u8) {
        self.passed += 1;
        match byte {
            b'\n' => self.on_new_line = true,
            b' ' | b'\t' | b'\r' => {}
            _ => {
                self.lines += u64::from(self.on_new_line);
                self.on_new_line = false;
                self.last = byte;
                if byte != b',' {
                    self.loss.length = self.passed;
                }
            }
        }
    }

    fn keep_head(&mut self, bytes: &[u8]) {
        let room = self.keep.saturating_sub(self.loss.head.len());
        self.loss.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}
