//! A record with a few fields changed, so that a test says what makes its event different from the one beside it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::Event;

/// A record for a test, begun with [`record`] and changed field by field.
///
/// ```
/// use orgwatch_rules_sdk::testing;
///
/// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
///
/// let denied = testing::record(STOPPED).with("/errorCode", "AccessDenied").without("/requestParameters");
/// assert_eq!(denied.to_string(), r#"{"errorCode":"AccessDenied","eventName":"StopLogging"}"#);
/// ```
#[derive(Clone, Debug)]
pub struct Record {
    tree: Json,
    text: String,
}

/// Begins a record with a JSON text. Where a test needs the text as it is written, with its duplicate keys and `1.50`, it takes the text itself.
///
/// # Panics
///
/// Panics when the text is not JSON.
///
/// ```
/// use orgwatch_rules_sdk::testing;
///
/// let event = testing::record(r#"{"eventName": "StopLogging"}"#).with("/errorCode", "AccessDenied").event();
/// assert!(event.outcome().is_denied());
/// ```
#[track_caller]
pub fn record(text: &str) -> Record {
    match serde_json::from_str(text) {
        Ok(tree) => Record { tree, text: text.to_owned() },
        Err(error) => panic!("the record is not JSON: {error}"),
    }
}

impl Record {
    /// Sets the value at a JSON Pointer. Objects on the way are made; an element of an array has to be there.
    ///
    /// # Panics
    ///
    /// Panics when the pointer leads through a value that is no object and no array, or past an array's end.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::testing;
    /// let event = testing::record("{}").with("/userIdentity/invokedBy", "cloudformation.amazonaws.com").event();
    /// assert_eq!(event.user_identity().invoked_by().as_deref(), Some("cloudformation.amazonaws.com"));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with(mut self, pointer: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_else(|error| panic!("{pointer}: no JSON value: {error}"));
        *place(&mut self.tree, pointer) = value;
        self.written()
    }

    /// Sets the value at a JSON Pointer to `null`, which is not the same as taking it out.
    ///
    /// # Panics
    ///
    /// Panics where [`with`](Self::with) does.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::{Value, testing};
    /// let event = testing::record(r#"{"responseElements": {"policy": {}}}"#).null("/responseElements").event();
    /// assert_eq!(event.read("/responseElements"), Value::Null);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn null(self, pointer: &str) -> Self {
        self.with(pointer, Json::Null)
    }

    /// Takes out what stands at a JSON Pointer.
    ///
    /// # Panics
    ///
    /// Panics when nothing stands there: the test would not test what it says.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::{Value, testing};
    /// let event = testing::record(r#"{"requestParameters": {"name": "main"}}"#).without("/requestParameters/name").event();
    /// assert_eq!(event.read("/requestParameters/name"), Value::Absent);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn without(mut self, pointer: &str) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_else(|| panic!("{pointer:?} is no JSON Pointer"));
        let key = unescape(key);
        let removed = match self.tree.pointer_mut(parent) {
            Some(Json::Object(members)) => members.remove(&key),
            Some(Json::Array(elements)) => {
                key.parse().ok().filter(|&index| index < elements.len()).map(|index: usize| elements.remove(index))
            }
            _ => None,
        };
        assert!(removed.is_some(), "the record has nothing at {pointer}");
        self.written()
    }

    /// Makes the event of the record, for a test of what a rule is made of.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::testing;
    /// let event = testing::record("{}").with("/userIdentity/type", "Root").event();
    /// assert_eq!(event.string("/userIdentity/type").as_deref(), Some("Root"));
    /// ```
    pub fn event(&self) -> Event {
        super::event(&self.text)
    }

    fn written(mut self) -> Self {
        self.text = self.tree.to_string();
        self
    }
}

/// Finds the place that a pointer names, making the objects on the way.
#[track_caller]
fn place<'a>(tree: &'a mut Json, pointer: &str) -> &'a mut Json {
    assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer:?} is no JSON Pointer: it has to begin with /");
    let mut at = tree;
    for key in pointer.split('/').skip(1).map(unescape) {
        if at.is_null() {
            *at = Json::Object(Map::new());
        }
        at = match at {
            Json::Object(members) => members.entry(key).or_insert(Json::Null),
            Json::Array(elements) => match key.parse::<usize>().ok().and_then(|index| elements.get_mut(index)) {
                Some(element) => element,
                None => panic!("{pointer}: the array has no element {key}"),
            },
            other => panic!("{pointer}: there is {other} on the way"),
        };
    }
    at
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

impl AsRef<str> for Record {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = r#"{"resources":[{"ARN":"a"},{"ARN":"b"}],"a/b":{"c~d":1},"eventName":"StopLogging"}"#;

    #[test]
    fn fields_are_changed_made_and_taken_out() {
        let changed = record(STORY).with("/resources/1/ARN", "c").with("/a~1b/c~0d", 2).with("/new/inner", [true]);
        assert_eq!(
            changed.without("/resources/0").without("/eventName").null("/a~1b").to_string(),
            r#"{"a/b":null,"new":{"inner":[true]},"resources":[{"ARN":"c"}]}"#
        );
        assert_eq!(record(STORY).with("", "whole").to_string(), "\"whole\"");
        assert_eq!(record(STORY).as_ref(), STORY);
    }

    #[test]
    #[should_panic(expected = "the record has nothing at /eventname")]
    fn a_field_that_is_not_there_cannot_be_taken_out() {
        let _ = record(STORY).without("/eventname");
    }

    #[test]
    #[should_panic(expected = "/eventName/x: there is \"StopLogging\" on the way")]
    fn a_text_holds_no_fields() {
        let _ = record(STORY).with("/eventName/x", 1);
    }

    #[test]
    #[should_panic(expected = "/resources/2: the array has no element 2")]
    fn an_array_is_not_made_longer() {
        let _ = record(STORY).with("/resources/2", 1);
    }
}
