//! The fields of a membership event, wherever they stand and whatever they are called.

use super::super::{AccountId, Timestamp, value_of};
use crate::json::{Document, escape_pointer_token};
use crate::{Event, Value};

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

/// What a membership event says, wherever it says it: every field by its name.
#[derive(Clone, Debug)]
pub(super) struct Details {
    fields: Vec<(String, Value)>,
    pub(super) member: Option<AccountId>,
    pub(super) recipient: Option<AccountId>,
}

impl Details {
    pub(super) fn read(event: &Event) -> Self {
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

    pub(super) fn is_management_account(&self) -> bool {
        self.member.is_some() && self.member == self.recipient
    }

    pub(super) fn word(&self, names: &[&str]) -> Option<String> {
        only(self.values(names).filter_map(Value::as_str).map(str::to_ascii_uppercase))
    }

    pub(super) fn time(&self, names: &[&str]) -> Option<Timestamp> {
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
