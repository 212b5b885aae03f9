//! What comes out of the decoder: records, and what it found instead of records.

use orgwatch_rules_sdk::json::{Document, ParseError};
use thiserror::Error;

use super::compression::PackError;

/// Where an item stands in its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The item's number in the input, from 1. Every item counts, read or not.
    pub record: u64,
    /// Bytes of unpacked text before it. A record that was wrapped in a string has the place of its wrapping.
    pub offset: u64,
}

/// One item of an input.
#[derive(Debug)]
pub enum Decoded {
    /// A CloudTrail record.
    Record(Record),
    /// A well-formed CloudTrail record that no rule can have asked for. [`Decoder::glance`](super::Decoder::glance) tells what is known of it.
    Unasked,
    /// Something that should have been a record and is not: a gap, to be reported with its bytes.
    Unreadable(Unreadable),
    /// Something that is known to hold no record.
    Skipped(Skipped),
}

/// A CloudTrail record, out of whatever it was wrapped in.
#[derive(Debug)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// The record itself.
    pub document: Document,
}

/// Text that could not be read as a record.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Where it starts.
    pub position: Position,
    /// What is wrong with it.
    pub reason: UnreadableReason,
    /// Its first bytes, as many as [`DecodeLimits::kept_bytes`](super::DecodeLimits::kept_bytes).
    pub bytes: Vec<u8>,
    /// How many bytes it has in all. What lies between two items and belongs to neither is white space and commas.
    pub length: u64,
}

/// Why something could not be read.
///
/// The text of each fits after "cannot read record 3 of FILE at byte 812: ". None repeats any of the input, which is
/// hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnreadableReason {
    /// A record that is not JSON.
    #[error("{0} of the record")]
    Json(ParseError),
    /// A wrapping whose record, a JSON text in a string, is not JSON.
    #[error("{0} of the record wrapped in it")]
    WrappedJson(ParseError),
    /// Lines that do not even start like JSON, as many as stand together.
    #[error("text that is not JSON, {lines} line{} of it", if *.lines == 1 { "" } else { "s" })]
    Text {
        /// The number of lines, blank ones not counted.
        lines: u64,
    },
    /// JSON that is no CloudTrail record.
    #[error("not a CloudTrail record but {0}")]
    NotARecord(&'static str),
    /// A record beyond [`DecodeLimits::record_bytes`](super::DecodeLimits::record_bytes).
    #[error("longer than the limit of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The input ends inside a record or inside a list of records.
    #[error("the input ends too early, inside {0}")]
    Truncated(&'static str),
    /// A list of records goes on after its end, or another one begins before it.
    #[error("the list of records before it does not end where it should")]
    MisplacedListEnd,
    /// The base64 text of a wrapping is not base64.
    #[error("the data wrapped in it is not base64")]
    Base64,
    /// The input cannot be unpacked beyond this place.
    #[error("{0}")]
    Packed(PackError),
}

/// What holds no record and is not expected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skipped {
    /// A digest file of CloudTrail's log file validation.
    Digest,
    /// A notification that an object was written to S3, which names a file of records but has none.
    S3Notification,
    /// The message S3 sends when notifications are set up.
    TestEvent,
    /// A message with which CloudWatch Logs checks its destination.
    ControlMessage,
    /// A message about an SNS subscription itself.
    SubscriptionMessage,
}
