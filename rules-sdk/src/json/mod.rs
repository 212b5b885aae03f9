//! A JSON document as a rule and the host see it: read by JSON Pointer, never rewritten.
//!
//! CloudTrail records need things that a general JSON tree does not keep: numbers as they were written, the last of several
//! duplicate keys, a canonical text to hash, and bounds that hold on hostile input. [`Document`] is one pass over the text into a
//! flat list of nodes; a read walks that list. The host answers a rule's reads from it, and a rule's own tests use the same code.

mod canonical;
mod document;
mod parse;
mod pointer;
mod text;

pub use canonical::write_string;
pub use document::{Document, Elements, Kind, Members, Node};
pub use parse::{MAX_DEPTH, ParseError, ParseErrorKind};
pub use pointer::escape as escape_pointer_token;
