//! AWS Organizations: accounts that join and leave.
//!
//! No record of either event has been published, and what AWS documents about them has changed since they appeared in 2026: the
//! departure's fields were called `departedMethod` and `departedTime` first and `departureMethod` and `departureTime` later, its values
//! `Left` and then `LEFT`; the name of the field that holds the member account is not documented at all. So this view reads either name, in any
//! letter case, in any of the places that AWS's other service events use. It is strict in one thing: where a record gives two answers it
//! takes neither, so that no rule excuses the wrong account. To know that it has to read all of the details, a handful of fields, at once.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{AccountId, Timestamp, value_of};
use crate::json::{Document, escape_pointer_token};
use crate::{Event, Value};

/// The event source of AWS Organizations.
pub const EVENT_SOURCE: &str = "organizations.amazonaws.com";

/// Where the details may stand, the likeliest first. `requestParameters` is not among them: what a caller may choose must not decide
/// which account an event is about.
const PLACES: [&str; 2] = ["/serviceEventDetails", "/additionalEventData"];

/// Names that can only mean the member account. `accountId` beside one of them may be the management account.
const MEMBER_FIELDS: [&str; 8] = [
    "memberAccountId",
    "memberAccount",
    "memberId",
    "joinedAccountId",
    "joinedAccount",
    "departedAccountId",
    "departedAccount",
    "departureAccountId",
];
/// Names that mean the member account where none of the above is there. `accountId` is what `CreateAccountResult`,
/// `CloseAccountResult` and `EffectivePolicyValidation` call it.
const ACCOUNT_FIELDS: [&str; 4] = ["accountId", "account", "awsAccountId", "id"];

const JOIN_METHOD_FIELDS: [&str; 2] = ["joinedMethod", "joinMethod"];
const JOIN_TIME_FIELDS: [&str; 2] = ["joinedTime", "joinTime"];
const DEPARTURE_METHOD_FIELDS: [&str; 2] = ["departureMethod", "departedMethod"];
const DEPARTURE_TIME_FIELDS: [&str; 2] = ["departureTime", "departedTime"];

impl Event {
    /// Returns the details of `AccountJoinedOrganization`, which only the management account receives; nothing for another event.
    ///
    /// Judged by event source and name alone: the event type is not documented.
    pub fn account_joined(&self) -> Option<AccountJoined> {
        self.is_organizations_event("AccountJoinedOrganization").then(|| AccountJoined(Details::read(self)))
    }

    /// Returns the details of `AccountDepartedOrganization`, which only the management account receives; nothing for another event.
    ///
    /// Judged by event source and name alone: the event type is not documented.
    pub fn account_departed(&self) -> Option<AccountDeparted> {
        self.is_organizations_event("AccountDepartedOrganization").then(|| AccountDeparted(Details::read(self)))
    }

    fn is_organizations_event(&self, name: &str) -> bool {
        self.event_source().as_deref() == Some(EVENT_SOURCE) && self.event_name().as_deref() == Some(name)
    }
}

/// An account joined the organization.
#[derive(Clone, Debug)]
pub struct AccountJoined(Details);

impl AccountJoined {
    /// Returns the account that joined; nothing where the record does not name it in a way that can be relied upon.
    pub fn member(&self) -> Option<AccountId> {
        self.0.member
    }

    /// Returns the account that received the record, which is the organization's management account.
    pub fn management_account(&self) -> Option<AccountId> {
        self.0.recipient
    }

    /// Returns true for the management account joining the organization that it created: the account that joined is the one that received
    /// the record.
    pub fn is_management_account(&self) -> bool {
        self.0.is_management_account()
    }

    /// Returns how it joined (`joinedMethod`); nothing where the record does not say, or says something else.
    pub fn method(&self) -> Option<JoinMethod> {
        self.method_word()?.parse().ok()
    }

    /// Returns how it joined in the record's word, in capitals.
    pub fn method_word(&self) -> Option<String> {
        self.0.word(&JOIN_METHOD_FIELDS)
    }

    /// Returns when it joined (`joinedTime`).
    pub fn time(&self) -> Option<Timestamp> {
        self.0.time(&JOIN_TIME_FIELDS)
    }
}

/// An account departed from the organization.
#[derive(Clone, Debug)]
pub struct AccountDeparted(Details);

impl AccountDeparted {
    /// Returns the account that departed; nothing where the record does not name it in a way that can be relied upon.
    pub fn member(&self) -> Option<AccountId> {
        self.0.member
    }

    /// Returns the account that received the record, which is the organization's management account.
    pub fn management_account(&self) -> Option<AccountId> {
        self.0.recipient
    }

    /// Returns true for the management account, which departs when the organization is deleted: the account that departed is the one that
    /// received the record.
    pub fn is_management_account(&self) -> bool {
        self.0.is_management_account()
    }

    /// Returns how it departed (`departureMethod` or `departedMethod`); nothing where the record does not say, or says something else.
    pub fn method(&self) -> Option<DepartureMethod> {
        self.method_word()?.parse().ok()
    }

    /// Returns how it departed in the record's word, in capitals.
    pub fn method_word(&self) -> Option<String> {
        self.0.word(&DEPARTURE_METHOD_FIELDS)
    }

    /// Returns when it departed (`departureTime` or `departedTime`).
    pub fn time(&self) -> Option<Timestamp> {
        self.0.time(&DEPARTURE_TIME_FIELDS)
    }
}

/// How an account joins an organization. In settings a word in any letter case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum JoinMethod {
    /// The management account created it.
    Created,
    /// It accepted an invitation. Also the management account that creates the organization.
    Invited,
}

/// How an account departs from an organization.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownMethod(&'static str);

impl fmt::Display for UnknownMethod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the methods are {}", self.0)
    }
}

impl std::error::Error for UnknownMethod {}

/// What a membership event says, wherever it says it: every field by its name.
#[derive(Clone, Debug)]
struct Details {
    fields: Vec<(String, Value)>,
    member: Option<AccountId>,
    recipient: Option<AccountId>,
}

impl Details {
    fn read(event: &Event) -> Self {
        let mut fields = Vec::new();
        for place in PLACES {
            match event.read(place) {
                Value::Object(keys) => {
                    collect_fields(&keys, &|path| event.read(&format!("{place}{path}")), &mut fields);
                }
                // Some pipelines hand the details on as a JSON text in a string.
                Value::String(text) => {
                    let Ok(document) = Document::parse(text) else {
                        continue;
                    };
                    let read = |path: &str| document.pointer(path).map_or(Value::Absent, value_of);
                    if let Value::Object(keys) = read("") {
                        collect_fields(&keys, &read, &mut fields);
                    }
                }
                _ => {}
            }
        }
        let mut details = Self { fields, member: None, recipient: event.recipient_account_id() };
        details.member = details.find_member();
        details
    }

    fn find_member(&self) -> Option<AccountId> {
        let mut named = self.values(&MEMBER_FIELDS).filter_map(AccountId::from_value).peekable();
        if named.peek().is_some() {
            return only(named);
        }
        let account = only(self.values(&ACCOUNT_FIELDS).filter_map(AccountId::from_value))?;
        // Another account under a name that nobody knows: either may be the member.
        let strangers = self.fields.iter().filter(|(name, _)| !is_about_the_management_account(name));
        let mut strangers = strangers.filter_map(|(_, value)| value.as_str()?.parse().ok());
        strangers.all(|stranger: AccountId| stranger == account).then_some(account)
    }

    fn is_management_account(&self) -> bool {
        self.member.is_some() && self.member == self.recipient
    }

    fn word(&self, names: &[&str]) -> Option<String> {
        only(self.values(names).filter_map(Value::as_str).map(str::to_ascii_uppercase))
    }

    fn time(&self, names: &[&str]) -> Option<Timestamp> {
        only(self.values(names).filter_map(Timestamp::from_value))
    }

    fn values(&self, names: &[&str]) -> impl Iterator<Item = &Value> {
        let fitting = self.fields.iter().filter(|(key, _)| names.iter().any(|name| name.eq_ignore_ascii_case(key)));
        fitting.map(|(_, value)| value)
    }
}

/// Collects the fields of an object and of the objects directly inside it.
fn collect_fields(keys: &[String], read: &dyn Fn(&str) -> Value, fields: &mut Vec<(String, Value)>) {
    for key in keys {
        let path = format!("/{}", escape_pointer_token(key));
        match read(&path) {
            // Its `id` is not the member's.
            Value::Object(_) if is_about_the_management_account(key) => {}
            Value::Object(inner) => {
                for key in inner {
                    let value = read(&format!("{path}/{}", escape_pointer_token(&key)));
                    fields.push((key, value));
                }
            }
            value => fields.push((key.clone(), value)),
        }
    }
}

fn is_about_the_management_account(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("management") || key.contains("master")
}

/// Takes the one answer, however often it is given; of different ones, none.
fn only<T: PartialEq>(mut answers: impl Iterator<Item = T>) -> Option<T> {
    let first = answers.next()?;
    answers.all(|answer| answer == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, details: &str) -> Event {
        Event::from_json(&format!(
            r#"{{"userIdentity":{{"accountId":"111122223333","invokedBy":"organizations.amazonaws.com"}},"eventSource":"organizations.amazonaws.com",
                "eventName":"{name}","requestParameters":null,"recipientAccountId":"111122223333",{details}}}"#
        ))
        .unwrap()
    }

    fn joined(details: &str) -> Event {
        event("AccountJoinedOrganization", details)
    }

    fn departed(details: &str) -> Event {
        event("AccountDepartedOrganization", details)
    }

    fn account(digits: &str) -> Option<AccountId> {
        digits.parse().ok()
    }

    #[test]
    fn a_join_has_a_member_a_method_and_a_time() {
        let event = joined(
            r#""serviceEventDetails":{"accountId":"444455556666","joinedMethod":"INVITED","joinedTime":"Aug 25, 2026, 9:48:07 AM"}"#,
        );
        let join = event.account_joined().unwrap();
        assert_eq!(join.member(), account("444455556666"));
        assert_eq!(join.method(), Some(JoinMethod::Invited));
        assert_eq!(join.method_word().as_deref(), Some("INVITED"));
        assert_eq!(join.time().unwrap().to_string(), "2026-08-25T09:48:07Z");
        assert!(!join.is_management_account());
        assert!(event.account_departed().is_none());
    }

    #[test]
    fn both_spellings_of_a_departure_are_read_in_any_letter_case() {
        for (field, word, method) in [
            ("departureMethod", "LEFT", DepartureMethod::Left),
            ("departedMethod", "Left", DepartureMethod::Left),
            ("departedMethod", "Removed", DepartureMethod::Removed),
            ("DepartureMethod", "removed", DepartureMethod::Removed),
            ("departureMethod", "CLEANED", DepartureMethod::Cleaned),
        ] {
            let event =
                departed(&format!(r#""serviceEventDetails":{{"accountId":"444455556666","{field}":"{word}"}}"#));
            assert_eq!(event.account_departed().unwrap().method(), Some(method), "{field}: {word}");
        }
        for (field, time) in [("departureTime", "1787651287000"), ("departedTime", r#""2026-08-25T09:48:07Z""#)] {
            let event = departed(&format!(r#""serviceEventDetails":{{"{field}":{time}}}"#));
            assert_eq!(event.account_departed().unwrap().time().unwrap().to_string(), "2026-08-25T09:48:07Z");
        }
    }

    #[test]
    fn the_member_is_found_under_any_likely_name() {
        for details in [
            r#"{"accountId":"444455556666"}"#,
            r#"{"AccountId":"444455556666"}"#,
            r#"{"accountId":444455556666}"#,
            r#"{"memberAccountId":"444455556666"}"#,
            r#"{"memberAccountId":"444455556666","accountId":"111122223333"}"#,
            r#"{"departedAccountId":"444455556666"}"#,
            r#"{"account":{"id":"444455556666","name":"****"}}"#,
            r#"{"accountMembership":{"accountId":"444455556666","departureMethod":"LEFT"}}"#,
            r#"{"account":{"id":"444455556666"},"managementAccount":{"id":"111122223333"}}"#,
            r#"{"accountId":"444455556666","managementAccountId":"111122223333"}"#,
            r#"{"id":"car-examplecreateaccountrequestid111","accountId":"444455556666"}"#,
            r#""{\"accountId\":\"444455556666\",\"departureMethod\":\"LEFT\"}""#,
            r#""{\"details\":{\"memberAccountId\":\"444455556666\"}}""#,
        ] {
            let event = departed(&format!(r#""serviceEventDetails":{details}"#));
            assert_eq!(event.account_departed().unwrap().member(), account("444455556666"), "{details}");
        }
        let event = departed(r#""serviceEventDetails":null,"additionalEventData":{"accountId":"444455556666"}"#);
        assert_eq!(event.account_departed().unwrap().member(), account("444455556666"));
    }

    #[test]
    fn an_account_that_is_not_certain_is_no_account() {
        for details in [
            "null",
            "{}",
            r#"{"accountId":"44445555666"}"#,
            r#"{"accountId":"o-exampleorgid"}"#,
            r#"{"accountId":null}"#,
            r#"{"accountId":["444455556666"]}"#,
            r#"{"accountId":"444455556666","account":"777788889999"}"#,
            r#"{"accountId":"111122223333","newcomer":"444455556666"}"#,
            r#"{"accountId":"111122223333","newcomer":{"number":"444455556666"}}"#,
            r#"{"accountId":"444455556666","requester":{"accountId":"111122223333"}}"#,
            r#"{"managementAccountId":"111122223333"}"#,
            r#"{"managementAccount":{"id":"111122223333"}}"#,
            r#"{"one":{"two":{"accountId":"444455556666"}}}"#,
            r#""not JSON""#,
            "[]",
        ] {
            let event = departed(&format!(r#""serviceEventDetails":{details}"#));
            let departure = event.account_departed().unwrap();
            assert_eq!(departure.member(), None, "{details}");
            assert!(!departure.is_management_account());
        }
    }

    #[test]
    fn what_the_caller_may_choose_never_names_the_member() {
        let event = event(
            "AccountDepartedOrganization",
            r#""requestParameters":{"accountId":"444455556666","departureMethod":"CLEANED"},"resources":[{"accountId":"444455556666"}]"#,
        );
        let departure = event.account_departed().unwrap();
        assert_eq!((departure.member(), departure.method()), (None, None));
    }

    #[test]
    fn two_answers_are_none() {
        let event = departed(r#""serviceEventDetails":{"departureMethod":"LEFT","departedMethod":"CLEANED"}"#);
        assert_eq!(event.account_departed().unwrap().method(), None);
        let event = departed(r#""serviceEventDetails":{"departureMethod":"LEFT","departedMethod":"Left"}"#);
        assert_eq!(event.account_departed().unwrap().method(), Some(DepartureMethod::Left));
    }

    #[test]
    fn a_method_that_nobody_knows_is_kept_as_a_word() {
        let event = departed(r#""serviceEventDetails":{"departureMethod":"Transferred"}"#);
        let departure = event.account_departed().unwrap();
        assert_eq!(departure.method(), None);
        assert_eq!(departure.method_word().as_deref(), Some("TRANSFERRED"));
    }

    #[test]
    fn the_management_account_is_the_one_that_received_the_record() {
        let details = r#""serviceEventDetails":{"accountId":"111122223333","joinedMethod":"INVITED"}"#;
        assert!(joined(details).account_joined().unwrap().is_management_account());
        assert!(departed(details).account_departed().unwrap().is_management_account());
    }

    #[test]
    fn other_sources_and_names_are_no_membership_events() {
        for record in [
            r#"{"eventSource":"example.amazonaws.com","eventName":"AccountJoinedOrganization"}"#,
            r#"{"eventSource":"organizations.amazonaws.com","eventName":"accountjoinedorganization"}"#,
            r#"{"eventSource":["organizations.amazonaws.com"],"eventName":"AccountJoinedOrganization"}"#,
            "{}",
        ] {
            let event = Event::from_json(record).unwrap();
            assert!(event.account_joined().is_none() && event.account_departed().is_none(), "{record}");
        }
    }

    #[test]
    fn settings_name_a_join_method_in_any_letter_case() {
        let methods: Vec<JoinMethod> = serde_json::from_str(r#"["created","INVITED"]"#).unwrap();
        assert_eq!(methods, [JoinMethod::Created, JoinMethod::Invited]);
        let refusal = serde_json::from_str::<JoinMethod>("\"adopted\"").unwrap_err().to_string();
        assert!(refusal.starts_with("unknown method \"adopted\": the methods are created and invited"), "{refusal}");
    }
}
