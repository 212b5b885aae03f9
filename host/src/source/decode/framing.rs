//! Finds the items of a text, one after the other, without parsing them.
//!
//! A [`Framer`] knows where it is: at the top, in a list, or in the envelope around a list. It hands out each item's
//! bytes where they lie in the window. The caller parses them and either accepts the item or refuses it. At first the
//! framer counts brackets, which is fast; with the first fault it goes over to the grammar for the rest of the input,
//! so that faults cost no more than one look ahead in all.

use std::io::{self, Read};

use orgwatch_rules_sdk::json::ParseError;

use super::balance::Balance;
use super::checker::{Checker, Verdict};
use super::limits::DecodeLimits;
use super::lost::{Loss, Lost};
use super::prefix::{self, Member, Start, Wrapping};
use super::skim::{Skim, Skimmed, Unasked};
use super::unreadable::UnreadableReason;
use super::window::{Buffers, Window};

/// How far ahead is looked to tell JSON from prose.
pub(super) const LOOK_AHEAD: usize = 1024;

/// What comes next in the text.
#[derive(Debug)]
pub(super) enum Framed {
    /// An item at the front of the window.
    Item(Item),
    /// Bytes that hold no item.
    Lost(Loss),
}

/// What the parser is to read, or need not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// How many bytes it has.
    pub(super) len: usize,
    /// It is an element of a control message.
    pub(super) control: bool,
    /// It is a record that no rule asks for.
    pub(super) unasked: Option<Unasked>,
}

/// What the framer is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// An array whose elements are items.
    List { control: bool },
    /// An object one of whose members is a list.
    Envelope { control: bool },
}

pub(super) struct Framer<'a, R> {
    pub(super) window: Window<R>,
    /// What records are skimmed for before they are framed, if they are.
    pub(super) skim: Option<&'a Skim>,
    pub(super) limits: DecodeLimits,
    /// From the outside in: at most a list of envelopes with a list each.
    pub(super) open: Vec<Open>,
    pub(super) strict: bool,
    pub(super) finished: bool,
}

impl<'a, R: Read> Framer<'a, R> {
    pub(super) fn new(input: R, limits: DecodeLimits, buffers: Buffers, skim: Option<&'a Skim>) -> Self {
        let window = Window::new(input, limits, buffers);
        Self { window, skim, limits, open: Vec::new(), strict: false, finished: false }
    }

    /// Returns the next item or loss. An item stays at the front of the window until it is accepted or refused.
    pub(super) fn next(&mut self) -> io::Result<Option<Framed>> {
        loop {
            let Some(byte) = self.skip_separators()? else { return Ok(self.end().map(Framed::Lost)) };
            let framed = match (self.open.last().copied(), byte) {
                (Some(Open::List { .. }), b']') | (Some(Open::Envelope { .. }), b'}') => {
                    self.window.consume(1);
                    self.open.pop();
                    None
                }
                (Some(Open::Envelope { control }), b'"') => self.member(control)?,
                (Some(Open::List { .. }), b'{') => self.object()?,
                (Some(Open::List { .. }), b'"') => {
                    // A stray quotation mark makes a string of the next record's begin, so strings are searched rather
                    // than framed.
                    let lost = self.lost(UnreadableReason::NotARecord("a string"));
                    Some(self.resynchronise(lost, 0, 0)?)
                }
                (Some(Open::List { .. }), _) => Some(self.checked()?),
                (Some(Open::Envelope { .. }), b'{') => Some(self.abandon_list()),
                (Some(Open::Envelope { .. }), _) => Some(self.stray()?),
                (None, _) => self.top()?,
            };
            if framed.is_some() {
                return Ok(framed);
            }
        }
    }

    /// Returns the bytes of the item that [`Framer::next`] has found.
    pub(super) fn item(&self, len: usize) -> &[u8] {
        &self.window.bytes()[..len]
    }

    /// Takes the item off, because it was understood.
    pub(super) fn accept(&mut self, len: usize) {
        self.window.consume(len);
    }

    /// Frames again what the parser could not read: as an item with another end, or as a loss.
    pub(super) fn refuse(&mut self, len: usize, error: ParseError) -> io::Result<Framed> {
        if !self.strict {
            self.strict = true;
            match self.checked()? {
                Framed::Item(item) if item.len == len => {}
                other => return Ok(other),
            }
        }
        let mut lost = self.lost(UnreadableReason::Json(error));
        self.pass(&mut lost, len);
        Ok(Framed::Lost(lost.finish(None)))
    }

    /// Skips what stands between items and returns the next byte. Commas and white space are no data, wherever they
    /// stand.
    fn skip_separators(&mut self) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.window.bytes();
            if let Some(space) = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',')) {
                let byte = bytes[space];
                self.window.consume(space);
                return Ok(Some(byte));
            }
            self.window.consume(bytes.len());
            if !self.window.more()? {
                return Ok(None);
            }
        }
    }

    /// Says once what is missing at the end of the text.
    fn end(&mut self) -> Option<Loss> {
        let fault = self.window.fault();
        let unfinished = fault.is_some() || !self.open.is_empty();
        if self.finished || !unfinished {
            return None;
        }
        self.finished = true;
        Some(self.lost(UnreadableReason::Truncated("a list of records")).finish(fault))
    }

    /// Reads the start of something that is in no list.
    fn top(&mut self) -> io::Result<Option<Framed>> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        if self.window.bytes().first() == BYTE_ORDER_MARK.first() {
            self.window.fill_to(BYTE_ORDER_MARK.len())?;
            if self.window.bytes().starts_with(BYTE_ORDER_MARK) {
                self.window.consume(BYTE_ORDER_MARK.len());
                return Ok(None);
            }
        }
        let start = self.look(LOOK_AHEAD, prefix::start)?;
        match start {
            Some(Start::Object) => self.object(),
            Some(Start::List) => {
                self.window.consume(1);
                self.open.push(Open::List { control: false });
                Ok(None)
            }
            Some(Start::Stamped(stamp)) => {
                self.window.consume(stamp);
                Ok(None)
            }
            // An opening bracket that nothing follows is cut off rather than prose.
            None if matches!(self.window.bytes().first(), Some(b'{' | b'[')) => self.checked().map(Some),
            Some(Start::Text) | None => {
                let lost = self.lost(UnreadableReason::Text { lines: 0 });
                self.resynchronise(lost, 0, 0).map(Some)
            }
        }
    }

    /// Reads an object: an item, or an envelope whose list is opened.
    fn object(&mut self) -> io::Result<Option<Framed>> {
        if let Some(skimmed) = self.skimmed()? {
            return Ok(Some(skimmed));
        }
        let Some(Wrapping::List { elements, control }) = self.wrapping()? else {
            return self.framed().map(Some);
        };
        if self.open.iter().any(|open| matches!(open, Open::Envelope { .. })) {
            // Nothing in a list of records is such an envelope: the file before it was cut off and this one appended.
            return Ok(Some(self.abandon_list()));
        }
        self.window.consume(elements);
        self.open.extend([Open::Envelope { control }, Open::List { control }]);
        Ok(None)
    }

    /// Skims the object at the front of the window; nothing where it has to be framed.
    fn skimmed(&mut self) -> io::Result<Option<Framed>> {
        let Some(skim) = self.skim.filter(|_| !self.strict && self.open.last() != Some(&Open::List { control: true }))
        else {
            return Ok(None);
        };
        loop {
            let (len, unasked) = match skim.skim(self.window.bytes()) {
                Skimmed::Unasked(len, unasked) => (len, Some(unasked)),
                Skimmed::Asked(len) => (len, None),
                Skimmed::Unfinished if self.window.more()? => continue,
                Skimmed::Unfinished | Skimmed::Doubtful => return Ok(None),
            };
            let item = Item { len, control: false, unasked };
            return Ok((len <= self.limits.record_bytes).then_some(Framed::Item(item)));
        }
    }

    /// Tells whether an object is an envelope. After a fault it looks no further than the text is well-formed: counting
    /// brackets in broken text would run to the limit again and again.
    pub(super) fn wrapping(&mut self) -> io::Result<Option<Wrapping>> {
        if !self.strict {
            return self.look(self.limits.record_bytes, prefix::wrapping);
        }
        let most = self.limits.record_bytes;
        let near = self.look(LOOK_AHEAD.min(most), prefix::wrapping)?;
        if near.is_some() {
            return Ok(near);
        }
        let end = match self.check(0, &mut Checker::new())? {
            Verdict::Complete(end) | Verdict::Fault(end) => end,
            Verdict::Going => self.window.bytes().len().min(most),
        };
        Ok(prefix::wrapping(&self.window.bytes()[..end]))
    }

    /// Reads a member of an envelope after its list: another list, or something that is not about records.
    fn member(&mut self, control: bool) -> io::Result<Option<Framed>> {
        match self.look(self.limits.record_bytes, prefix::member)? {
            Some(Member::List(elements)) => {
                self.window.consume(elements);
                self.open.push(Open::List { control });
                Ok(None)
            }
            Some(Member::Value(value)) => {
                self.window.consume(value);
                match self.checked()? {
                    Framed::Item(item) => {
                        self.window.consume(item.len);
                        Ok(None)
                    }
                    lost @ Framed::Lost(_) => Ok(Some(lost)),
                }
            }
            Some(Member::Broken) => self.stray().map(Some),
            None => {
                let lost = self.lost(UnreadableReason::Truncated("a list of records"));
                self.resynchronise(lost, 0, 0).map(Some)
            }
        }
    }

    /// Reports that a list does not end where it should, and reads on at the top.
    fn abandon_list(&mut self) -> Framed {
        self.strict = true;
        self.open.clear();
        Framed::Lost(self.lost(UnreadableReason::MisplacedListEnd).finish(None))
    }

    /// Passes over something that cannot stand where it does.
    fn stray(&mut self) -> io::Result<Framed> {
        self.strict = true;
        let lost = self.lost(super::resync::stray_reason());
        self.resynchronise(lost, 0, 0)
    }

    /// Frames the item at the front of the window.
    fn framed(&mut self) -> io::Result<Framed> {
        if !self.strict
            && let Some(len) = self.balanced()?
        {
            return Ok(self.as_item(len));
        }
        self.checked()
    }

    /// Counts brackets up to the end of the item, if that is within the limit and the text.
    fn balanced(&mut self) -> io::Result<Option<usize>> {
        let mut balance = Balance::default();
        let mut fed = 0;
        loop {
            let bytes = self.window.bytes();
            let seen = bytes.len().min(self.limits.record_bytes);
            if let Some(len) = balance.feed(&bytes[fed..seen]) {
                return Ok(Some(fed + len));
            }
            fed = seen;
            if fed == self.limits.record_bytes || !self.window.more()? {
                return Ok(None);
            }
        }
    }

    /// Follows the grammar up to the end of the item, and deals with what has no end.
    fn checked(&mut self) -> io::Result<Framed> {
        let mut checker = Checker::new();
        match self.check(0, &mut checker)? {
            Verdict::Complete(len) => Ok(self.as_item(len)),
            Verdict::Fault(at) => {
                self.strict = true;
                let lost = self.lost(super::resync::fault_reason(self.window.bytes(), at));
                self.resynchronise(lost, checker.last_string(), at)
            }
            Verdict::Going if self.window.bytes().len() >= self.limits.record_bytes => self.oversized(checker),
            Verdict::Going => {
                self.finished = true;
                let mut lost = self.lost(UnreadableReason::Truncated("a record"));
                self.pass(&mut lost, self.window.bytes().len());
                Ok(Framed::Lost(lost.finish(self.window.fault())))
            }
        }
    }

    /// Checks the value that starts at `from` in the window, up to the limit or the end of the text.
    pub(super) fn check(&mut self, from: usize, checker: &mut Checker) -> io::Result<Verdict> {
        let most = from + self.limits.record_bytes;
        let mut fed = from;
        loop {
            let bytes = self.window.bytes();
            let seen = bytes.len().min(most);
            let verdict = checker.feed(&bytes[fed..seen]);
            fed = seen;
            if verdict != Verdict::Going || fed == most || !self.window.more()? {
                return Ok(verdict);
            }
        }
    }

    /// Shows `judge` ever more of what lies ahead, up to `most` bytes, until it decides.
    pub(super) fn look<T>(&mut self, most: usize, judge: impl Fn(&[u8]) -> Option<T>) -> io::Result<Option<T>> {
        loop {
            let bytes = self.window.bytes();
            let seen = bytes.len().min(most);
            let verdict = judge(&bytes[..seen]);
            if verdict.is_some() || seen == most {
                return Ok(verdict);
            }
            // Doubling keeps what is looked at again in proportion.
            self.window.fill_to((2 * seen).clamp(LOOK_AHEAD.min(most), most))?;
            if self.window.bytes().len() == seen {
                return Ok(None);
            }
        }
    }

    pub(super) fn lost(&self, reason: UnreadableReason) -> Lost {
        Lost::new(self.window.offset(), reason, self.limits.kept_bytes)
    }

    /// Moves bytes from the front of the window into a loss.
    pub(super) fn pass(&mut self, lost: &mut Lost, count: usize) {
        lost.absorb(&self.window.bytes()[..count]);
        self.window.consume(count);
    }

    fn as_item(&self, len: usize) -> Framed {
        let control = matches!(self.open.last(), Some(Open::List { control: true }));
        Framed::Item(Item { len, control, unasked: None })
    }
}
