//! AWS Organizations: accounts that join and leave.
//!
//! No record of either event has been published, and what AWS documents about them has changed since they appeared in 2026: the
//! departure's fields were called `departedMethod` and `departedTime` first and `departureMethod` and `departureTime` later, its values
//! `Left` and then `LEFT`; the name of the field that holds the member account is not documented at all. So this view reads either name, in any
//! letter case, in any of the places that AWS's other service events use. It is strict in one thing: where a record gives two answers it
//! takes neither, so that no rule excuses the wrong account. To know that it has to read all of the details, a handful of fields, at once.
//!
//! ```
//! use orgwatch_rules_sdk::event::organizations::DepartureMethod;
//! use orgwatch_rules_sdk::prelude::*;
//!
//! fn left_by_itself(event: &Event) -> bool {
//!     event.account_departed().is_some_and(|departure| departure.method() == Some(DepartureMethod::Left))
//! }
//! # assert!(!left_by_itself(&testing::event("{}")));
//! ```

mod details;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use self::details::Details;
use super::{AccountId, Timestamp};
use crate::Event;

/// The event source of AWS Organizations.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// use orgwatch_rules_sdk::event::organizations::EVENT_SOURCE;
///
/// let event = testing::event(r#"{"eventSource": "organizations.amazonaws.com"}"#);
/// assert_eq!(event.event_source().as_deref(), Some(EVENT_SOURCE));
/// ```
pub const EVENT_SOURCE: &str = "organizations.amazonaws.com";

const JOIN_METHOD_FIELDS: [&str; 2] = ["joinedMethod", "joinMethod"];
const JOIN_TIME_FIELDS: [&str; 2] = ["joinedTime", "joinTime"];
const DEPARTURE_METHOD_FIELDS: [&str; 2] = ["departureMethod", "departedMethod"];
const DEPARTURE_TIME_FIELDS: [&str; 2] = ["departureTime", "departedTime"];

impl Event {
    /// Returns the details of `AccountJoinedOrganization`, which only the management account receives; nothing for another event.
    ///
    /// Judged by event source and name alone: the event type is not documented.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "serviceEventDetails": {"accountId": "444455556666"}}"#,
    /// );
    /// assert_eq!(event.account_joined().unwrap().member(), "444455556666".parse().ok());
    /// ```
    pub fn account_joined(&self) -> Option<AccountJoined> {
        self.is_organizations_event("AccountJoinedOrganization").then(|| AccountJoined(Details::read(self)))
    }

    /// Returns the details of `AccountDepartedOrganization`, which only the management account receives; nothing for another event.
    ///
    /// Judged by event source and name alone: the event type is not documented.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "serviceEventDetails": {"accountId": "444455556666"}}"#,
    /// );
    /// assert_eq!(event.account_departed().unwrap().member(), "444455556666".parse().ok());
    /// ```
    pub fn account_departed(&self) -> Option<AccountDeparted> {
        self.is_organizations_event("AccountDepartedOrganization").then(|| AccountDeparted(Details::read(self)))
    }

    fn is_organizations_event(&self, name: &str) -> bool {
        self.event_source().as_deref() == Some(EVENT_SOURCE) && self.event_name().as_deref() == Some(name)
    }
}

/// An account joined the organization.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
///         "recipientAccountId": "111122223333",
///         "serviceEventDetails": {"accountId": "444455556666", "joinedMethod": "INVITED",
///                                 "joinedTime": "2026-11-01T10:00:00Z"}}"#,
/// );
/// let join = event.account_joined().unwrap();
/// assert_eq!(join.member(), "444455556666".parse().ok());
/// assert_eq!(join.management_account(), "111122223333".parse().ok());
/// ```
#[derive(Clone, Debug)]
pub struct AccountJoined(Details);

impl AccountJoined {
    /// Returns the account that joined; nothing where the record does not name it in a way that can be relied upon.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "serviceEventDetails": {"accountId": "444455556666"}}"#,
    /// );
    /// assert_eq!(event.account_joined().unwrap().member(), "444455556666".parse().ok());
    /// ```
    pub fn member(&self) -> Option<AccountId> {
        self.0.member
    }

    /// Returns the account that received the record, which is the organization's management account.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "recipientAccountId": "111122223333"}"#,
    /// );
    /// assert_eq!(event.account_joined().unwrap().management_account(), "111122223333".parse().ok());
    /// ```
    pub fn management_account(&self) -> Option<AccountId> {
        self.0.recipient
    }

    /// Returns true for the management account joining the organization that it created: the account that joined is the one that received
    /// the record.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "recipientAccountId": "111122223333", "serviceEventDetails": {"accountId": "111122223333"}}"#,
    /// );
    /// assert!(event.account_joined().unwrap().is_management_account());
    /// ```
    pub fn is_management_account(&self) -> bool {
        self.0.is_management_account()
    }

    /// Returns how it joined (`joinedMethod`); nothing where the record does not say, or says something else.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "serviceEventDetails": {"joinedMethod": "INVITED"}}"#,
    /// );
    /// assert_eq!(event.account_joined().unwrap().method(), Some(event::organizations::JoinMethod::Invited));
    /// ```
    pub fn method(&self) -> Option<JoinMethod> {
        self.method_word()?.parse().ok()
    }

    /// Returns how it joined in the record's word, in capitals.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "serviceEventDetails": {"joinedMethod": "Transferred"}}"#,
    /// );
    /// assert_eq!(event.account_joined().unwrap().method_word().as_deref(), Some("TRANSFERRED"));
    /// ```
    pub fn method_word(&self) -> Option<String> {
        self.0.word(&JOIN_METHOD_FIELDS)
    }

    /// Returns when it joined (`joinedTime`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    ///         "serviceEventDetails": {"joinedTime": "2026-11-01T10:00:00Z"}}"#,
    /// );
    /// assert_eq!(event.account_joined().unwrap().time(), "2026-11-01T10:00:00Z".parse().ok());
    /// ```
    pub fn time(&self) -> Option<Timestamp> {
        self.0.time(&JOIN_TIME_FIELDS)
    }
}

/// An account departed from the organization.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
///         "recipientAccountId": "111122223333",
///         "serviceEventDetails": {"accountId": "444455556666", "departureMethod": "LEFT",
///                                 "departureTime": "2026-11-01T10:00:00Z"}}"#,
/// );
/// let departure = event.account_departed().unwrap();
/// assert_eq!(departure.member(), "444455556666".parse().ok());
/// assert_eq!(departure.management_account(), "111122223333".parse().ok());
/// ```
#[derive(Clone, Debug)]
pub struct AccountDeparted(Details);

impl AccountDeparted {
    /// Returns the account that departed; nothing where the record does not name it in a way that can be relied upon.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "serviceEventDetails": {"accountId": "444455556666"}}"#,
    /// );
    /// assert_eq!(event.account_departed().unwrap().member(), "444455556666".parse().ok());
    /// ```
    pub fn member(&self) -> Option<AccountId> {
        self.0.member
    }

    /// Returns the account that received the record, which is the organization's management account.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "recipientAccountId": "111122223333"}"#,
    /// );
    /// assert_eq!(event.account_departed().unwrap().management_account(), "111122223333".parse().ok());
    /// ```
    pub fn management_account(&self) -> Option<AccountId> {
        self.0.recipient
    }

    /// Returns true for the management account, which departs when the organization is deleted: the account that departed is the one that
    /// received the record.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "recipientAccountId": "111122223333", "serviceEventDetails": {"accountId": "111122223333"}}"#,
    /// );
    /// assert!(event.account_departed().unwrap().is_management_account());
    /// ```
    pub fn is_management_account(&self) -> bool {
        self.0.is_management_account()
    }

    /// Returns how it departed (`departureMethod` or `departedMethod`); nothing where the record does not say, or says something else.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "serviceEventDetails": {"departureMethod": "LEFT"}}"#,
    /// );
    /// assert_eq!(event.account_departed().unwrap().method(), Some(event::organizations::DepartureMethod::Left));
    /// ```
    pub fn method(&self) -> Option<DepartureMethod> {
        self.method_word()?.parse().ok()
    }

    /// Returns how it departed in the record's word, in capitals.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "serviceEventDetails": {"departureMethod": "Transferred"}}"#,
    /// );
    /// assert_eq!(event.account_departed().unwrap().method_word().as_deref(), Some("TRANSFERRED"));
    /// ```
    pub fn method_word(&self) -> Option<String> {
        self.0.word(&DEPARTURE_METHOD_FIELDS)
    }

    /// Returns when it departed (`departureTime` or `departedTime`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///         "serviceEventDetails": {"departureTime": "2026-11-01T10:00:00Z"}}"#,
    /// );
    /// assert_eq!(event.account_departed().unwrap().time(), "2026-11-01T10:00:00Z".parse().ok());
    /// ```
    pub fn time(&self) -> Option<Timestamp> {
        self.0.time(&DEPARTURE_TIME_FIELDS)
    }
}

/// How an account joins an organization. In settings a word in any letter case.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// use orgwatch_rules_sdk::event::organizations::JoinMethod;
///
/// assert_eq!("INVITED".parse(), Ok(JoinMethod::Invited));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
// The documentation above has an example, which is for authors and not for those who write settings.
#[schemars(inline, description = "How an account joins an organization. In settings a word in any letter case.")]
pub enum JoinMethod {
    /// The management account created it.
    Created,
    /// It accepted an invitation. Also the management account that creates the organization.
    Invited,
}

/// How an account departs from an organization.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// use orgwatch_rules_sdk::event::organizations::DepartureMethod;
///
/// assert_eq!("Left".parse(), Ok(DepartureMethod::Left));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DepartureMethod {
    /// It left by itself, or moved straight into another organization. Also the management account that deletes the organization.
    Left,
    /// The management account removed it.
    Removed,
    /// It was closed some 90 days ago and has now been cleaned up.
    Cleaned,
}

impl FromStr for JoinMethod {
    type Err = UnknownMethod;

    /// Reads a method in any letter case.
    fn from_str(word: &str) -> Result<Self, UnknownMethod> {
        match word.to_ascii_lowercase().as_str() {
            "created" => Ok(Self::Created),
            "invited" => Ok(Self::Invited),
            _ => Err(UnknownMethod("created and invited")),
        }
    }
}

impl FromStr for DepartureMethod {
    type Err = UnknownMethod;

    /// Reads a method in any letter case.
    fn from_str(word: &str) -> Result<Self, UnknownMethod> {
        match word.to_ascii_lowercase().as_str() {
            "left" => Ok(Self::Left),
            "removed" => Ok(Self::Removed),
            "cleaned" => Ok(Self::Cleaned),
            _ => Err(UnknownMethod("left, removed and cleaned")),
        }
    }
}

impl<'de> Deserialize<'de> for JoinMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(|error| serde::de::Error::custom(format_args!("unknown method {word:?}: {error}")))
    }
}

/// A word that is no method, with the words that are.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let error = "adopted".parse::<event::organizations::JoinMethod>().unwrap_err();
/// assert_eq!(error.to_string(), "the methods are created and invited");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMethod(&'static str);

impl fmt::Display for UnknownMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the methods are {}", self.0)
    }
}

impl std::error::Error for UnknownMethod {}

#[cfg(test)]
mod tests;
