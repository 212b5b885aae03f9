//! The event: a CloudTrail record, read one value at a time.
//!
//! [`Event::read`] gives any value by its path. On top of it stands the typed view of a record: every common field, who made the call
//! and how, what the service reported. An accessor reads what it returns when it is called and nothing else, because every read is
//! recorded, so that a verdict can be explained, and costs fuel. An accessor gives nothing where the field is absent, `null`, or of another
//! type than the documented one; [`Event::read`] tells these apart.
//!
//! ```
//! use orgwatch_rules_sdk::event::{Event, IdentityKind};
//!
//! /// Tells whether the root user of the account changed something with success.
//! fn root_changed_something(event: &Event) -> bool {
//!     event.succeeded()
//!         && event.user_identity().kind() == IdentityKind::Root
//!         && event.user_identity().invoked_by().is_none()
//!         && event.read_only() != Some(true)
//! }
//! # use orgwatch_rules_sdk::testing;
//! # assert!(root_changed_something(&testing::event(r#"{"userIdentity": {"type": "Root"}}"#)));
//! ```

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

#[cfg(not(target_family = "wasm"))]
use crate::json::{Document, ParseError};
use crate::json::{Kind, Node};
#[cfg(not(target_family = "wasm"))]
use crate::testing::Surroundings;
use crate::{Notes, Table, Value};

/// The CloudTrail record that a rule judges.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"eventName": "DetachPolicy", "requestParameters": {"policyId": "p-a1b2c3d4"}}"#);
/// assert_eq!(event.event_name().as_deref(), Some("DetachPolicy"));
/// assert_eq!(event.request("/policyId").as_str(), Some("p-a1b2c3d4"));
/// ```
#[derive(Clone, Debug)]
pub struct Event {
    #[cfg(not(target_family = "wasm"))]
    document: Arc<Document>,
    #[cfg(not(target_family = "wasm"))]
    surroundings: Arc<Surroundings>,
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = Event::from_json(r#"{"eventName": "StopLogging"}"#).unwrap();
    /// assert_eq!(event.event_name().as_deref(), Some("StopLogging"));
    /// assert!(Event::from_json("{eventName}").is_err());
    /// ```
    pub fn from_json(record: &str) -> Result<Self, ParseError> {
        Ok(Self { document: Arc::new(Document::parse(record)?), surroundings: Arc::default() })
    }

    /// Puts the event among tables and earlier events.
    pub(crate) fn among(self, surroundings: Surroundings) -> Self {
        Self { surroundings: Arc::new(surroundings), ..self }
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.surroundings
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"tags": [ ], "name": "main"}}"#);
    /// assert_eq!(event.json("/requestParameters").as_deref(), Some(r#"{"name":"main","tags":[]}"#));
    /// ```
    pub fn json(&self, path: &str) -> Option<String> {
        self.document.pointer(path).map(crate::json::Node::canonical)
    }
}

impl Event {
    /// Returns a lookup table of the operator's. The rule has to list it in [`rule!`](crate::rule!)'s `tables`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn owner(event: &Event, account: &str) -> Option<String> {
    ///     let row = event.table("accounts").row(account)?;
    ///     row.get("owner").map(str::to_owned)
    /// }
    /// assert_eq!(owner(&testing::event("{}"), "111122223333"), None);
    /// ```
    pub fn table<'a>(&'a self, name: &'a str) -> Table<'a> {
        Table::new(self, name)
    }

    /// Returns what the rule noted in a series under a key, of this event and of those before it. The rule has to have a `state_version`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn denied_before(event: &Event, actor: &str) -> u64 {
    ///     event.notes("denied", actor).of_others().count(10).actions
    /// }
    /// assert_eq!(denied_before(&testing::event("{}"), "arn:aws:iam::111122223333:user/anaya"), 0);
    /// ```
    pub fn notes<'a>(&'a self, series: &'a str, key: &'a str) -> Notes<'a> {
        Notes::new(self, series, key)
    }

    /// Reads the string at a JSON Pointer; nothing where there is none, or something else.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"name": "main", "tags": []}}"#);
    /// assert_eq!(event.string("/requestParameters/name").as_deref(), Some("main"));
    /// assert_eq!(event.string("/requestParameters/tags"), None);
    /// ```
    pub fn string(&self, path: &str) -> Option<String> {
        self.read(path).into_string()
    }

    /// Returns the JSON Pointers of an array's elements, in order; none where there is no array. Its length may be the caller's choice: `take` bounds
    /// the work.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"responseElements": {"enabledFeatures": ["RootSessions", "RootCredentialsManagement"]}}"#);
    /// let features = event.elements("/responseElements/enabledFeatures").take(100);
    /// let names: Vec<String> = features.filter_map(|feature| event.string(&feature)).collect();
    /// assert_eq!(names, ["RootSessions", "RootCredentialsManagement"]);
    /// ```
    pub fn elements(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let len = match self.read(path) {
            Value::Array(len) => len,
            _ => 0,
        };
        let path = path.to_owned();
        (0..len).map(move |index| format!("{path}/{index}"))
    }

    /// Reads the number at a JSON Pointer; nothing where there is none, or something else. [`Event::read`] gives the number as written.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"responseElements": {"retryAfter": 1.5}}"#);
    /// assert_eq!(event.number("/responseElements/retryAfter"), Some(1.5));
    /// ```
    pub fn number(&self, path: &str) -> Option<f64> {
        match self.read(path) {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Reads a truth value at a JSON Pointer: a boolean, or one of the strings `true` and `false` in any letter case, which CloudTrail
    /// writes in several fields.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"isMultiRegionTrail": "False"}}"#);
    /// assert_eq!(event.flag("/requestParameters/isMultiRegionTrail"), Some(false));
    /// ```
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.read(path) {
            Value::Boolean(value) => Some(value),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// Reads the account id at a JSON Pointer; nothing where there is none, or something that is not twelve digits.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"accountId": "444455556666"}}"#);
    /// assert_eq!(event.account("/requestParameters/accountId"), "444455556666".parse().ok());
    /// ```
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
        assert_eq!(event.elements("/d").collect::<Vec<_>>(), ["/d/0"]);
        assert_eq!(event.elements("/b").count() + event.elements("/nothing").count() + event.elements("").count(), 0);
    }
}
