//! Turns the bytes of any input into CloudTrail records.
//!
//! What an input is shows in its content, never in its name: compressed or not, one record or many, bare or in any of
//! the wrappings in which AWS hands records over. Everything in it comes out as a record, as something skipped on
//! purpose, or as something unreadable with its place and its bytes; nothing is dropped and memory stays bounded
//! whatever the size. Every source reads through a [`Decoder`].
//!
//! The bytes pass through `compression`, are framed in a sliding `window` by `framing`, parsed, and unwrapped by
//! `shape`. Where it is known what rules ask for, records are skimmed first (`skim`, `compact`): one that is well-formed and that no rule can have
//! asked for is not parsed.

mod balance;
mod checker;
mod codec;
mod compact;
mod compression;
mod framing;
mod limits;
mod lost;
mod prefix;
mod resync;
mod shape;
mod skim;
mod unreadable;
mod whole;
mod window;

#[cfg(test)]
mod tests;

use std::io::{self, Cursor, Read};

use orgwatch_rules_sdk::json::Document;

pub use self::codec::Packing;
pub use self::compression::PackError;
use self::framing::{Framed, Framer, Item};
pub use self::limits::DecodeLimits;
use self::lost::Loss;
use self::shape::Shape;
pub(super) use self::shape::is_record;
use self::skim::Unasked;
pub use self::skim::{Glance, Skim};
pub use self::unreadable::{Decoded, Position, Record, Skipped, Unreadable, UnreadableReason};
pub use self::window::Buffers;

/// How many payloads may lie inside one another, such as CloudWatch Logs data in an SNS message.
const MAX_PAYLOADS: usize = 2;

/// Reads the records of one input, one at a time.
pub struct Decoder<'a, R> {
    framer: Framer<'a, R>,
    limits: DecodeLimits,
    /// The record at hand that no rule asks for, and its length.
    unasked: Option<(Unasked, usize)>,
    /// What came in one item, which is read to its end before the next item.
    payload: Option<Payload<'a>>,
    payloads_left: usize,
    count: u64,
    failed: bool,
}

/// An input inside an item.
struct Payload<'a> {
    decoder: Box<Decoder<'a, Cursor<Vec<u8>>>>,
    /// Where the item starts.
    offset: u64,
}

impl<'a, R: Read> Decoder<'a, R> {
    /// Prepares to decode an input. Nothing is read yet.
    pub fn new(input: R, limits: DecodeLimits) -> Self {
        Self::skimming(input, limits, None, Buffers::default())
    }

    /// Prepares to decode an input in the buffers of another, and to pass over the records that no rule can have asked for, where that is known.
    pub fn skimming(input: R, limits: DecodeLimits, skim: Option<&'a Skim>, buffers: Buffers) -> Self {
        Self {
            framer: Framer::new(input, limits, buffers, skim),
            limits,
            unasked: None,
            payload: None,
            payloads_left: MAX_PAYLOADS,
            count: 0,
            failed: false,
        }
    }

    /// Returns how many bytes of the input, compressed as it may be, have been taken so far.
    pub fn bytes_read(&self) -> u64 {
        self.framer.window.taken()
    }

    /// Returns what is known of the record that came last, where it came as [`Decoded::Unasked`].
    pub fn glance(&self) -> Glance<'_> {
        match (&self.payload, self.unasked) {
            (_, Some((unasked, len))) => unasked.glance(self.framer.item(len)),
            (Some(payload), None) => payload.decoder.glance(),
            (None, None) => Glance::default(),
        }
    }

    /// Returns the record that came last as [`Decoded::Unasked`], parsed all the same.
    pub fn unasked_record(&self) -> Option<Record> {
        match (&self.payload, self.unasked) {
            (_, Some((_, len))) => {
                let document = Document::parse(self.framer.item(len)).ok()?;
                let position = Position { record: self.count, offset: self.framer.window.offset() };
                Some(Record { position, document })
            }
            (Some(payload), None) => {
                let record = payload.decoder.unasked_record()?;
                Some(Record { position: Position { record: self.count, offset: payload.offset }, ..record })
            }
            (None, None) => None,
        }
    }

    /// Ends the decoding and returns the buffers, for another input.
    pub fn into_buffers(self) -> Buffers {
        self.framer.window.into_buffers()
    }

    /// Returns the next item, or nothing at the end of the input.
    ///
    /// # Errors
    ///
    /// Fails only when the input itself cannot be read, and is over then; bad content comes as [`Decoded::Unreadable`].
    #[expect(clippy::should_implement_trait, reason = "an iterator would hide that a failure ends the input")]
    pub fn next(&mut self) -> io::Result<Option<Decoded>> {
        if self.failed {
            return Ok(None);
        }
        let decoded = self.advance();
        self.failed = decoded.is_err();
        decoded
    }

    fn advance(&mut self) -> io::Result<Option<Decoded>> {
        if let Some((_, len)) = self.unasked.take() {
            self.framer.accept(len);
        }
        loop {
            if let Some(decoded) = self.next_in_payload()? {
                return Ok(Some(decoded));
            }
            match self.framer.next()? {
                None => return Ok(None),
                Some(Framed::Lost(loss)) => return Ok(Some(self.unreadable(loss))),
                Some(Framed::Item(Item { len, unasked: Some(unasked), .. })) => {
                    self.count += 1;
                    self.unasked = Some((unasked, len));
                    return Ok(Some(Decoded::Unasked));
                }
                Some(Framed::Item(item)) => {
                    if let Some(decoded) = self.item(item)? {
                        return Ok(Some(decoded));
                    }
                }
            }
        }
    }

    /// Parses and unwraps a framed item; nothing when it holds a payload, which comes next.
    fn item(&mut self, item: Item) -> io::Result<Option<Decoded>> {
        let Item { mut len, control, .. } = item;
        let document = loop {
            match Document::parse(self.framer.item(len)) {
                Ok(document) => break document,
                Err(error) => match self.framer.refuse(len, error)? {
                    Framed::Item(again) => len = again.len,
                    Framed::Lost(loss) => return Ok(Some(self.unreadable(loss))),
                },
            }
        };
        let offset = self.framer.window.offset();
        let shape = if control { Shape::Skipped(Skipped::ControlMessage) } else { shape::read(document) };
        let decoded = match shape {
            Shape::Record(document) => Decoded::Record(Record { position: self.position(offset), document }),
            Shape::Skipped(skipped) => {
                self.count += 1;
                Decoded::Skipped(skipped)
            }
            Shape::Payload(payload) if self.payloads_left > 0 => {
                let mut decoder =
                    Decoder::skimming(Cursor::new(payload), self.limits, self.framer.skim, Buffers::default());
                decoder.payloads_left = self.payloads_left - 1;
                self.payload = Some(Payload { decoder: Box::new(decoder), offset });
                self.framer.accept(len);
                return Ok(None);
            }
            Shape::Payload(_) => {
                let reason = UnreadableReason::NotARecord("something wrapped too many times");
                self.unreadable(self.loss(len, reason))
            }
            Shape::Unreadable(reason) => self.unreadable(self.loss(len, reason)),
        };
        self.framer.accept(len);
        Ok(Some(decoded))
    }

    /// Returns the next item of the payload at hand, as one of this input's.
    fn next_in_payload(&mut self) -> io::Result<Option<Decoded>> {
        let Some(payload) = &mut self.payload else { return Ok(None) };
        let offset = payload.offset;
        let Some(mut decoded) = payload.decoder.next()? else {
            self.payload = None;
            return Ok(None);
        };
        let here = self.position(offset);
        match &mut decoded {
            Decoded::Record(record) => record.position = here,
            Decoded::Unreadable(unreadable) => unreadable.position = here,
            Decoded::Skipped(_) | Decoded::Unasked => {}
        }
        Ok(Some(decoded))
    }

    fn position(&mut self, offset: u64) -> Position {
        self.count += 1;
        Position { record: self.count, offset }
    }

    fn loss(&self, len: usize, reason: UnreadableReason) -> Loss {
        let bytes = self.framer.item(len);
        let head = bytes[..len.min(self.limits.kept_bytes)].to_vec();
        Loss { offset: self.framer.window.offset(), length: len as u64, head, reason }
    }

    fn unreadable(&mut self, loss: Loss) -> Decoded {
        let Loss { offset, length, head, reason } = loss;
        Decoded::Unreadable(Unreadable { position: self.position(offset), reason, bytes: head, length })
    }
}
