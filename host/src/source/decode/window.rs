//! The part of the unpacked text that is held in memory.
//!
//! It slides: bytes are read behind it, looked at as often as needed, and taken off its front. It grows only while one
//! item needs it to, and [`super::framing`] never lets an item need more than the limit.

use std::io::{self, Read};

use super::compression::{PackError, Stop, Unpacker};
use super::limits::DecodeLimits;
use super::whole::Inflate;

/// How much is read at once: enough to make calls rare, little enough to stay in the processor's cache until it is
/// framed.
const CHUNK: usize = 64 << 10;

/// The memory that decoding an input takes, to be used again for the next: inputs are many and small.
#[derive(Debug, Default)]
pub struct Buffers {
    packed: Vec<u8>,
    text: Vec<u8>,
    inflate: Option<Inflate>,
}

pub(super) struct Window<R> {
    unpacker: Unpacker<R>,
    inflate: Option<Inflate>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    begun: bool,
    ended: bool,
    fault: Option<PackError>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R, limits: DecodeLimits, buffers: Buffers) -> Self {
        let Buffers { packed, text, inflate } = buffers;
        let unpacker = Unpacker::new(input, limits, packed);
        Self { unpacker, inflate, buffer: text, start: 0, end: 0, offset: 0, begun: false, ended: false, fault: None }
    }

    pub(super) fn into_buffers(self) -> Buffers {
        Buffers { packed: self.unpacker.into_buffer(), text: self.buffer, inflate: self.inflate }
    }

    /// Returns the bytes in the window.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Returns where the window starts in the unpacked text.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns what ended the text early, once [`Window::more`] has said that there is no more.
    pub(super) fn fault(&self) -> Option<PackError> {
        self.fault
    }

    /// Returns how many bytes of the packed input have been taken.
    pub(super) fn taken(&self) -> u64 {
        self.unpacker.taken()
    }

    /// Takes bytes off the front.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads more behind the window; false at the end of the text.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if !self.begun {
            self.begun = true;
            if let Some(len) = self.unpacker.at_once(&mut self.buffer, &mut self.inflate)? {
                self.end = len;
                self.ended = true;
                return Ok(len > 0);
            }
        }
        self.make_room();
        match self.unpacker.read(&mut self.buffer[self.end..self.end + CHUNK]) {
            Ok(0) => self.ended = true,
            Ok(count) => self.end += count,
            Err(Stop::Packed(fault)) => {
                self.fault = Some(fault);
                self.ended = true;
            }
            Err(Stop::Input(error)) => return Err(error),
        }
        Ok(!self.ended)
    }

    /// Reads until the window holds `count` bytes or the text ends.
    pub(super) fn fill_to(&mut self, count: usize) -> io::Result<()> {
        while self.end - self.start < count && self.more()? {}
        Ok(())
    }

    fn make_room(&mut self) {
        if self.buffer.len() - self.end >= CHUNK {
            return;
        }
        // Moving at most as much as has been consumed since the last time costs each byte at most one move.
        if self.start >= self.end - self.start {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < CHUNK {
            let grown = (2 * self.buffer.len()).max(self.end + CHUNK);
            self.buffer.resize(grown, 0);
        }
    }
}
