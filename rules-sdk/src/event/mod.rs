//! The event: a CloudTrail record, read one value at a time.
//!
//! [`Event::read`] gives any value by its path. On top of it stands the typed view of a record: every common field, who made the call
//! and how, what the service reported.

#[cfg(not(target_family = "wasm"))]
use std::sync::Arc;

use crate::Value;
#[cfg(not(target_family = "wasm"))]
use crate::json::{Document, Kind, ParseError};

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
        let Some(node) = self.document.pointer(path) else {
            return Value::Absent;
        };
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
}
