//! One compressed member at a time: gzip and zstd behind one step function.
//!
//! The push interfaces of both libraries are used rather than their readers. A reader mixes faults of the content with
//! errors of the input below it, and drops what it has unpacked before a fault in the same call; records in there would
//! be lost.

use std::fmt;
use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

/// The largest zstd window, as a power of two: 128 MiB, which is what `zstd -d` accepts unasked. It bounds the
/// decoder's memory.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What zstd needs to see before it knows more, by its format.
const ZSTD_FIRST_BYTES: usize = 5;

/// A compression that is recognised by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip, RFC 1952.
    Gzip,
    /// zstd, RFC 8878.
    Zstd,
}

impl Packing {
    /// Recognises a member by its magic number, skippable zstd frames included.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// What one step did. Even a failing step may have made good output first.
pub(super) struct Step {
    pub(super) used: usize,
    pub(super) made: usize,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// More input or more room is needed.
    Going,
    /// The member ends here, its checksum right.
    Finished,
    /// The member is corrupt.
    Failed,
}

/// The state of unpacking one member.
pub(super) enum Codec {
    Gzip(Box<Decompress>),
    Zstd { decoder: Box<ZstdDecoder<'static>>, wanted: usize },
}

impl Codec {
    pub(super) fn new(packing: Packing) -> io::Result<Self> {
        Ok(match packing {
            Packing::Gzip => Self::Gzip(Box::new(Decompress::new_gzip(15))),
            Packing::Zstd => {
                let mut decoder = Box::new(ZstdDecoder::new()?);
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
                Self::Zstd { decoder, wanted: ZSTD_FIRST_BYTES }
            }
        })
    }

    pub(super) fn packing(&self) -> Packing {
        match self {
            Self::Gzip(_) => Packing::Gzip,
            Self::Zstd { .. } => Packing::Zstd,
        }
    }

    /// Unpacks some of `input` into `out`.
    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        match self {
            Self::Gzip(inflate) => {
                let (read, written) = (inflate.total_in(), inflate.total_out());
                let outcome = match inflate.decompress(input, out, FlushDecompress::None) {
                    Ok(Status::StreamEnd) => Outcome::Finished,
                    Ok(Status::Ok | Status::BufError) => Outcome::Going,
                    Err(_) => Outcome::Failed,
                };
                // Both differences are lengths within the slices given.
                let used = usize::try_from(inflate.total_in() - read).unwrap_or(input.len());
                let made = usize::try_from(inflate.total_out() - written).unwrap_or(out.len());
                Step { used, made, outcome }
            }
            Self::Zstd { decoder, wanted } => {
                // Given no more than it asks for, zstd unpacks one block a call, and a corrupt block takes no good one
                // with it.
                let input = &input[..input.len().min(*wanted)];
                match decoder.run_on_buffers(input, out) {
                    Ok(status) => {
                        *wanted = status.remaining.max(1);
                        let outcome = if status.remaining == 0 { Outcome::Finished } else { Outcome::Going };
                        Step { used: status.bytes_read, made: status.bytes_written, outcome }
                    }
                    Err(_) => Step { used: 0, made: 0, outcome: Outcome::Failed },
                }
            }
        }
    }
}
