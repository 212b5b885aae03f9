//! What a rule gets when it reads the event.

/// What stands at a path of the event, without what is inside it.
///
/// Absent is told from `null`: CloudTrail writes `"responseElements": null` for a call that returns nothing, and leaves `errorCode` out
/// for one that succeeded.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"responseElements": null, "resources": [{}, {}]}"#);
/// assert_eq!(event.read("/responseElements"), Value::Null);
/// assert_eq!(event.read("/resources"), Value::Array(2));
/// assert_eq!(event.read("/errorCode"), Value::Absent);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The path leads nowhere.
    Absent,
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number as it was written.
    Number(String),
    /// A string.
    String(String),
    /// An array, with the number of its elements.
    Array(usize),
    /// An object, with its keys, each once, sorted.
    Object(Vec<String>),
}

impl Value {
    /// Returns a string's text.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"name": "main"}}"#);
    /// assert_eq!(event.request("/name").as_str(), Some("main"));
    /// ```
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Turns a string into its text.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"name": "main"}}"#);
    /// assert_eq!(event.request("/name").into_string(), Some("main".to_owned()));
    /// ```
    pub fn into_string(self) -> Option<String> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a boolean's value.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"enableLogFileValidation": false}}"#);
    /// assert_eq!(event.request("/enableLogFileValidation").as_bool(), Some(false));
    /// ```
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns true where there is nothing: the path is absent or holds `null`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"responseElements": null}"#);
    /// assert!(event.response("").is_nothing() && event.request("").is_nothing());
    /// ```
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }
}
