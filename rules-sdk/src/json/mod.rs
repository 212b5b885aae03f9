//! A JSON document as a rule and the host see it: read by JSON Pointer, never rewritten.
//!
//! CloudTrail records need things that a general JSON tree does not keep: numbers as they were written, the last of several
//! duplicate keys, a canonical text to hash, and bounds that hold on hostile input. [`Document`] is one pass over the text into a
//! flat list of nodes; a read walks that list. The host answers a rule's reads from it, and a rule's own tests use the same code.
//!
//! A rule needs it where a record holds JSON in a string, as CloudTrail writes policies:
//!
//! ```
//! use orgwatch_rules_sdk::json::Document;
//! use orgwatch_rules_sdk::prelude::*;
//!
//! let event = testing::event(
//!     r#"{"requestParameters": {"content": "{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"*\"}]}"}}"#,
//! );
//! let policy = Document::parse(event.string("/requestParameters/content").unwrap()).unwrap();
//! assert!(policy.pointer("/Statement/0/Action").unwrap().is_string("*"));
//! ```

mod canonical;
mod document;
mod node;
mod parse;
mod pointer;
mod text;

pub use canonical::write_string;
pub use document::{Document, Kind};
pub use node::{Elements, Members, Node};
pub use parse::{MAX_DEPTH, ParseError, ParseErrorKind};
pub use pointer::escape as escape_pointer_token;
