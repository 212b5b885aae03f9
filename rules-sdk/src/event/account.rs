//! The id of an AWS account.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Value;

/// The id of an AWS account: twelve digits.
///
/// In settings it is a string, because TOML and JSON numbers lose leading zeros.
///
/// ```
/// use orgwatch_rules_sdk::event::AccountId;
///
/// let account: AccountId = "012345678901".parse().unwrap();
/// assert_eq!(account.to_string(), "012345678901");
/// assert!("12345678901".parse::<AccountId>().is_err());
/// ```
// A number takes a fifth of the memory of a string, and a rule's settings may list thousands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(u64);

const DIGITS: usize = 12;

impl AccountId {
    /// Takes the id out of a value of the event: a string of twelve digits, or a number, whose leading zeros are restored.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestParameters": {"accountId": 12345678901}}"#);
    /// let account = AccountId::from_value(&event.request("/accountId"));
    /// assert_eq!(account, "012345678901".parse().ok());
    /// ```
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(text) if text.len() <= DIGITS && is_digits(text) => text.parse().ok().map(Self),
            _ => None,
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, InvalidAccountId> {
        if text.len() != DIGITS || !is_digits(text) {
            return Err(InvalidAccountId);
        }
        text.parse().map(Self).map_err(|_| InvalidAccountId)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:0DIGITS$}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = AccountId;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an AWS account id, a string of 12 digits such as \"111122223333\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<AccountId, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for AccountId {
    fn schema_name() -> Cow<'static, str> {
        "AccountId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The id of an AWS account", "type": "string", "pattern": "^[0-9]{12}$" })
    }
}

/// A text that is not an account's id.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let error = "1111".parse::<AccountId>().unwrap_err();
/// assert_eq!(error, event::InvalidAccountId);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAccountId;

impl fmt::Display for InvalidAccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an AWS account id has 12 digits")
    }
}

impl std::error::Error for InvalidAccountId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_twelve_digits_and_keeps_its_zeros() {
        let account: AccountId = "000123456789".parse().unwrap();
        assert_eq!(account.to_string(), "000123456789");
        assert!(account < "111122223333".parse().unwrap());
        for wrong in [
            "",
            "11112222333",
            "1111222233334",
            "+11112222333",
            "1111-2222-33",
            "１１１１２２２２３３３３",
            "ANONYMOUS_PR",
        ] {
            assert_eq!(wrong.parse::<AccountId>(), Err(InvalidAccountId), "{wrong}");
        }
    }

    #[test]
    fn an_event_may_write_it_as_a_number() {
        let read = |value: Value| AccountId::from_value(&value).map(|account| account.to_string());
        assert_eq!(read(Value::Number("111122223333".to_owned())).as_deref(), Some("111122223333"));
        assert_eq!(read(Value::Number("12345678901".to_owned())).as_deref(), Some("012345678901"));
        for wrong in ["1111222233334", "-11122223333", "1.11122223e11"] {
            assert_eq!(read(Value::Number(wrong.to_owned())), None, "{wrong}");
        }
        assert_eq!(read(Value::Absent), None);
    }

    #[test]
    fn settings_take_a_string_and_explain_what_else_they_got() {
        let account: AccountId = serde_json::from_str("\"111122223333\"").unwrap();
        assert_eq!(serde_json::to_string(&account).unwrap(), "\"111122223333\"");
        let refusal = serde_json::from_str::<AccountId>("111122223333").unwrap_err().to_string();
        assert!(refusal.contains("a string of 12 digits such as \"111122223333\""), "{refusal}");
        let refusal = serde_json::from_str::<AccountId>("\"1111\"").unwrap_err().to_string();
        assert!(refusal.contains("\"1111\""), "{refusal}");
        let schema = serde_json::Value::from(schemars::schema_for!(AccountId));
        assert_eq!(schema["pattern"], "^[0-9]{12}$");
    }
}
