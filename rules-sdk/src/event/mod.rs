//! The event: a CloudTrail record, read one value at a time.
//!
//! [`Event::read`] gives any value by its path. On top of it stands the typed view of a record: every common field, who made the call
//! and how, what the service reported. An accessor reads what it returns when it is called and nothing else, because every read is
//! recorded, so that a verdict can be explained, and costs fuel. An accessor gives nothing where the field is absent, `null`, or of another
//! type than the documented one; [`Event::read`] tells these apart.

mod account;
mod addendum;
mod automation;
mod identity;
mod insight;
pub mod organizations;
mod outcome;
mod payload;
mod record;
mod resource;
mod session;
mod time;
mod tls;

#[cfg(not(target_family = "wasm"))]
use std::sync::Arc;

pub use account::{AccountId, InvalidAccountId};
pub use addendum::Addendum;
pub use automation::Automation;
pub use identity::{IdentityKind, InScopeOf, OnBehalfOf, UserIdentity};
pub use insight::{Attribution, Insight, InsightState, InsightType, Share};
pub use outcome::Outcome;
pub use record::{EventVersion, InvalidEventVersion};
pub use resource::Resource;
pub use session::{Session, SessionIssuer};
pub use time::{InvalidTimestamp, Timestamp};
pub use tls::TlsDetails;

use crate::Value;
#[cfg(not(target_family = "wasm"))]
use crate::json::{Document, ParseError};
use crate::json::{Kind, Node};

/// The CloudTrail record that a rule judges.
#[derive(Clone, Debug)]
pub struct Event {
    #[cfg(not(target_family = "wasm"))]
    document: Arc<Document>,
    #[cfg(target_family = "wasm")]
    _host: (),
}

#[cfg(target_family = "wasm")]
impl Event {
    pub(crate) fn from_host() -> Self {
        Self { _host: () }
    }

    /// Reads the value at a JSON Pointer, without what is inside it.
    pub fn read(&self, path: &str) -> Value {
        crate::guest::read(path)
    }

    /// Reads the value at a JSON Pointer with everything inside it, as canonical JSON.
    pub fn json(&self, path: &str) -> Option<String> {
        crate::guest::json(path)
    }
}

#[cfg(not(target_family = "wasm"))]
impl Event {
    /// Makes an event of a record's JSON text, for a rule's own tests.
    ///
    /// # Errors
    ///
    /// Fails when the text is not JSON.
    pub fn from_json(record: &str) -> Result<Self, ParseError> {
        Ok(Self { document: Arc::new(Document::parse(record)?) })
    }

    /// Reads the value at a JSON Pointer (RFC 6901), without what is inside it.
    ///
    /// ```
    /// use orgwatch_rules_sdk::{Event, Value};
    ///
    /// let event = Event::from_json(r#"{"eventName": "LeaveOrganization", "responseElements": null}"#).unwrap();
    /// assert_eq!(event.read("/eventName"), Value::String("LeaveOrganization".to_owned()));
    /// assert_eq!(event.read("/responseElements"), Value::Null);
    /// assert_eq!(event.read("/errorCode"), Value::Absent);
    /// ```
    pub fn read(&self, path: &str) -> Value {
        self.document.pointer(path).map_or(Value::Absent, value_of)
    }

    /// Reads the value at a JSON Pointer with everything inside it, as canonical JSON.
    pub fn json(&self, path: &str) -> Option<String> {
        self.document.pointer(path).map(crate::json::Node::canonical)
    }
}

impl Event {
    /// Reads the string at a JSON Pointer; nothing where there is none, or something else.
    pub fn string(&self, path: &str) -> Option<String> {
        self.read(path).into_string()
    }

    /// Reads the number at a JSON Pointer; nothing where there is none, or something else. [`Event::read`] gives the number as written.
    pub fn number(&self, path: &str) -> Option<f64> {
        match self.read(path) {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Reads a truth value at a JSON Pointer: a boolean, or one of the strings `true` and `false` in any letter case, which CloudTrail
    /// writes in several fields.
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.read(path) {
            Value::Boolean(value) => Some(value),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// Reads the account id at a JSON Pointer; nothing where there is none, or something that is not twelve digits.
    pub fn account(&self, path: &str) -> Option<AccountId> {
        AccountId::from_value(&self.read(path))
    }
}

/// Returns what a node of a JSON document is, without what is inside it.
fn value_of(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::True => Value::Boolean(true),
        Kind::False => Value::Boolean(false),
        Kind::Number => Value::Number(node.raw_text().to_owned()),
        Kind::String => Value::String(node.string().unwrap_or_default().into_owned()),
        Kind::Array => Value::Array(node.len()),
        Kind::Object => Value::Object(node.members().map(|(key, _)| key.into_owned()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_read_of_another_type_is_nothing() {
        let event = Event::from_json(r#"{"a":null,"b":"True","c":1.5,"d":["x"],"e":"111122223333"}"#).unwrap();
        assert_eq!(event.string("/a"), None);
        assert_eq!(event.string("/d"), None);
        assert_eq!((event.flag("/b"), event.flag("/c"), event.flag("/nothing")), (Some(true), None, None));
        assert_eq!((event.number("/c"), event.number("/b")), (Some(1.5), None));
        assert_eq!(event.account("/e"), "111122223333".parse().ok());
        assert_eq!(event.account("/b"), None);
    }
}
