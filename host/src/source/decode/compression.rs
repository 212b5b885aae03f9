//! Unpacks an input that may be compressed, which its first bytes tell, never its name.
//!
//! An [`Unpacker`] reads like a plain stream. It keeps two kinds of failure apart by type: the input below could not be
//! read, which is for the caller to retry, and the content cannot be unpacked, which is a fact about the content. All
//! that was unpacked before a fault is handed over first.

use std::io::{self, Read};

use thiserror::Error;

use super::codec::{Codec, Outcome, Packing};
use super::limits::DecodeLimits;
use super::whole::{self, Inflate, MOST_PACKED};

/// How much is read from the input at once.
const CHUNK: usize = 64 << 10;

/// How many compressions may lie inside one another. A log file that was compressed again on its way into an archive
/// has two.
const LEVELS: usize = 2;

/// Why a compressed input cannot be unpacked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PackError {
    /// The input ends inside a compressed member.
    #[error("the {0} data is cut off")]
    Truncated(Packing),
    /// The compressed data or its checksum is wrong.
    #[error("the {0} data is corrupt")]
    Corrupt(Packing),
    /// Something that is neither another member nor padding follows the last one.
    #[error("something that is not compressed follows the compressed data")]
    TrailingBytes,
    /// More than [`DecodeLimits::unpacked_bytes`].
    #[error("it unpacks to more than the limit of {limit} bytes")]
    TooMuch {
        /// The limit.
        limit: u64,
    },
    /// More than [`DecodeLimits::ratio`].
    #[error("it unpacks to more than {ratio} times its size, like a decompression bomb")]
    TooDense {
        /// The limit.
        ratio: u64,
    },
    /// More compressions inside one another than are ever genuine.
    #[error("it is compressed more than {LEVELS} times")]
    TooNested,
}

/// Why nothing more can be read.
pub(super) enum Stop {
    Input(io::Error),
    Packed(PackError),
}

/// The unpacked text of an input.
pub(super) struct Unpacker<R> {
    /// Empty only while a layer is put around it.
    outermost: Option<Buffered<R>>,
    opened: bool,
    limits: DecodeLimits,
}

impl<R: Read> Unpacker<R> {
    /// Reads an input through a buffer that may have been used before.
    pub(super) fn new(input: R, limits: DecodeLimits, buffer: Vec<u8>) -> Self {
        let stage = Stage::Input { reader: input, taken: 0 };
        Self { outermost: Some(Buffered::new(stage, buffer)), opened: false, limits }
    }

    /// Returns the buffer of the input.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        let mut buffered = self.outermost;
        loop {
            match buffered {
                None => return Vec::new(),
                Some(Buffered { stage: Stage::Input { .. }, buffer, .. }) => return buffer,
                Some(Buffered { stage: Stage::Layer(layer), .. }) => buffered = Some(layer.source),
            }
        }
    }

    /// Unpacks all of an input that is small enough into `text`, and returns the length of the text; nothing where it is to be read piece by
    /// piece. To be called before anything is read.
    ///
    /// # Errors
    ///
    /// Fails when the input cannot be read.
    pub(super) fn at_once(&mut self, text: &mut Vec<u8>, inflate: &mut Option<Inflate>) -> io::Result<Option<usize>> {
        let Some(input) = &mut self.outermost else { return Ok(None) };
        let read = input.peek().and_then(|()| {
            let is_gzip = Packing::of(input.bytes()) == Some(Packing::Gzip);
            Ok(is_gzip && input.fill_to_end(MOST_PACKED)?)
        });
        match read {
            Ok(true) => Ok(whole::unpack(input.bytes(), text, inflate, &self.limits)),
            // A fault of the content can only be met in unpacking, which has not begun.
            Ok(false) | Err(Stop::Packed(_)) => Ok(None),
            Err(Stop::Input(error)) => Err(error),
        }
    }

    /// Returns how many bytes of the input have been taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.outermost.as_ref().map_or(0, |outermost| outermost.stage.taken())
    }

    /// Reads unpacked bytes; 0 is the end. Once it has failed on the content it fails the same way again.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize, Stop> {
        if !self.opened {
            self.open()?;
            self.opened = true;
        }
        match &mut self.outermost {
            Some(outermost) => outermost.read(out),
            None => Ok(0),
        }
    }

    /// Looks at the first bytes and puts a layer around the input for each compression found.
    fn open(&mut self) -> Result<(), Stop> {
        for level in 0..=LEVELS {
            let Some(outermost) = &mut self.outermost else { break };
            outermost.peek()?;
            if Packing::of(outermost.bytes()).is_none() {
                break;
            }
            if let Some(source) = self.outermost.take() {
                let fault = (level == LEVELS).then_some(PackError::TooNested);
                let layer = Layer { source, codec: None, members: 0, produced: 0, fault, limits: self.limits };
                self.outermost = Some(Buffered::new(Stage::Layer(Box::new(layer)), Vec::new()));
            }
        }
        Ok(())
    }
}

/// A stage and what has been read from it ahead.
struct Buffered<R> {
    stage: Stage<R>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> Buffered<R> {
    fn new(stage: Stage<R>, buffer: Vec<u8>) -> Self {
        Self { stage, buffer, start: 0, end: 0 }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads more behind what is there; false at the end.
    fn fill(&mut self) -> Result<bool, Stop> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < self.end + CHUNK {
            self.buffer.resize((2 * self.end).max(self.end + CHUNK), 0);
        }
        let count = self.stage.read(&mut self.buffer[self.end..])?;
        self.end += count;
        Ok(count > 0)
    }

    /// Reads ahead to the end of the stage; false where that is beyond some bytes.
    fn fill_to_end(&mut self, most: usize) -> Result<bool, Stop> {
        while self.end - self.start <= most {
            if !self.fill()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads ahead until a magic number can be told, if there are that many bytes.
    fn peek(&mut self) -> Result<(), Stop> {
        while self.end - self.start < 4 {
            match self.fill() {
                Ok(true) => {}
                // A fault of the stage comes again when it is read from, after the bytes that are here.
                Ok(false) | Err(Stop::Packed(_)) => break,
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, Stop> {
        let ahead = self.end - self.start;
        if ahead == 0 {
            return self.stage.read(out);
        }
        let count = ahead.min(out.len());
        out[..count].copy_from_slice(&self.bytes()[..count]);
        self.start += count;
        Ok(count)
    }
}

enum Stage<R> {
    Input { reader: R, taken: u64 },
    Layer(Box<Layer<R>>),
}

impl<R: Read> Stage<R> {
    fn taken(&self) -> u64 {
        match self {
            Self::Input { taken, .. } => *taken,
            Self::Layer(layer) => layer.source.stage.taken(),
        }
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, Stop> {
        match self {
            Self::Layer(layer) => layer.read(out),
            Self::Input { reader, taken } => loop {
                match reader.read(out) {
                    Ok(count) => {
                        *taken += count as u64;
                        return Ok(count);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Stop::Input(error)),
                }
            },
        }
    }
}

/// One compression around a source.
struct Layer<R> {
    source: Buffered<R>,
    /// The member being unpacked; nothing between two.
    codec: Option<Codec>,
    members: u64,
    produced: u64,
    fault: Option<PackError>,
    limits: DecodeLimits,
}

impl<R: Read> Layer<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Stop> {
        loop {
            if let Some(fault) = self.fault {
                return Err(Stop::Packed(fault));
            }
            let Some(codec) = &mut self.codec else {
                if self.next_member()? {
                    continue;
                }
                return Ok(0);
            };
            let step = codec.step(self.source.bytes(), out);
            let packing = codec.packing();
            self.source.start += step.used;
            match step.outcome {
                Outcome::Going => {}
                Outcome::Finished => self.codec = None,
                Outcome::Failed => self.fault = Some(PackError::Corrupt(packing)),
            }
            if step.made > 0 {
                self.account(step.made as u64);
                return Ok(step.made);
            }
            if step.outcome == Outcome::Going && step.used == 0 && !self.source.fill()? {
                self.fault = Some(PackError::Truncated(packing));
            }
        }
    }

    /// Starts on the next member; false at the end. Tapes and block devices pad with zeros, which are no data.
    fn next_member(&mut self) -> Result<bool, Stop> {
        loop {
            self.source.peek()?;
            let head = self.source.bytes();
            if head.is_empty() {
                // Asking once more brings up a fault that `peek` left for later.
                if self.source.fill()? {
                    continue;
                }
                return Ok(false);
            }
            if let Some(packing) = Packing::of(head) {
                self.codec = Some(Codec::new(packing).map_err(Stop::Input)?);
                self.members += 1;
                return Ok(true);
            }
            let zeros = head.iter().take_while(|&&byte| byte == 0).count();
            if zeros == 0 || self.members == 0 {
                self.fault = Some(PackError::TrailingBytes);
                return Err(Stop::Packed(PackError::TrailingBytes));
            }
            self.source.start += zeros;
        }
    }

    /// Counts what was unpacked against the limits. Every level counts, or the work could hide below an output of
    /// nothing.
    fn account(&mut self, made: u64) {
        self.produced += made;
        let DecodeLimits { unpacked_bytes, ratio, ratio_from, .. } = self.limits;
        if self.produced > unpacked_bytes {
            self.fault = Some(PackError::TooMuch { limit: unpacked_bytes });
        } else if self.produced > ratio_from && self.produced / ratio.max(1) > self.source.stage.taken() {
            self.fault = Some(PackError::TooDense { ratio });
        }
    }
}
