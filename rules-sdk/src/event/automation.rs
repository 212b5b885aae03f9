//! The automation that the operator expects: roles, users and services whose calls are no news.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{AccountId, IdentityKind};
use crate::Event;

/// Expected automation, as a setting: the ARNs of roles and users, and the names of AWS services.
///
/// What an entry is compared with is written by AWS alone:
///
/// * a role's ARN with that of the session's issuer (`userIdentity.sessionContext.sessionIssuer.arn`), never with the session's own ARN, whose
///   last part is chosen by whoever assumes the role;
/// * a user's ARN with that of the user (`userIdentity.arn`), where the user acts with its own credentials;
/// * a service's name with `userIdentity.invokedBy`. It stands there also when a person had the service act, so an expected service is as
///   trustworthy as everyone who may use it.
///
/// Everything is compared letter for letter, path and account included.
///
/// ```
/// use orgwatch_rules_sdk::event::{Automation, Event};
///
/// let expected: Automation = serde_json::from_str(r#"["arn:aws:iam::111122223333:role/Vending", "controltower.amazonaws.com"]"#).unwrap();
/// let event = Event::from_json(r#"{"userIdentity": {"type": "AWSService", "invokedBy": "controltower.amazonaws.com"}}"#).unwrap();
/// assert!(expected.expects(&event));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Automation {
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
    services: BTreeSet<String>,
}

impl Automation {
    /// Returns true where the call was made by one of the expected roles or users, or by one of the expected services.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let expected: event::Automation = serde_json::from_str(r#"["arn:aws:iam::111122223333:user/deploy"]"#).unwrap();
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/anaya"}}"#,
    /// );
    /// assert!(!expected.expects(&event));
    /// ```
    pub fn expects(&self, event: &Event) -> bool {
        self.expects_principal(event) || self.expects_service(event)
    }

    fn expects_principal(&self, event: &Event) -> bool {
        if self.roles.is_empty() && self.users.is_empty() {
            return false;
        }
        let identity = event.user_identity();
        match identity.kind() {
            IdentityKind::AssumedRole => {
                let issuer = identity.session().issuer();
                issuer.kind().as_deref() == Some("Role") && issuer.arn().is_some_and(|arn| self.roles.contains(&arn))
            }
            IdentityKind::IamUser => identity.arn().is_some_and(|arn| self.users.contains(&arn)),
            _ => false,
        }
    }

    fn expects_service(&self, event: &Event) -> bool {
        if self.services.is_empty() {
            return false;
        }
        event.user_identity().invoked_by().is_some_and(|service| self.services.contains(&service))
    }
}

/// One entry of the list.
enum Entry {
    Role,
    User,
    Service,
}

/// What stands in `invokedBy` where AWS names no service.
const INTERNAL: &str = "AWS Internal";

/// What stands in `invokedBy` for everyone who works in the console.
const CONSOLE: &str = "signin.amazonaws.com";

impl FromStr for Entry {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text.contains(['*', '?']) {
            return Err(Refused::Wildcard);
        }
        if text.starts_with("arn:") {
            return arn(text);
        }
        if text == CONSOLE {
            return Err(Refused::Console);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        let host = text.strip_suffix(".amazonaws.com").or_else(|| text.strip_suffix(".amazonaws.com.cn"));
        let is_service = host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain));
        if is_service || text == INTERNAL { Ok(Self::Service) } else { Err(Refused::Unknown) }
    }
}

/// Tells the ARN of a role or user from those that name no principal for sure.
fn arn(text: &str) -> Result<Entry, Refused> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [_, partition, service, region, account, resource] = parts[..] else {
        return Err(Refused::Unknown);
    };
    if service == "sts" {
        return Err(Refused::Session);
    }
    let complete = partition.starts_with("aws") && service == "iam" && region.is_empty();
    if !complete || account.parse::<AccountId>().is_err() {
        return Err(Refused::Unknown);
    }
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    match kind {
        "root" => Err(Refused::Root),
        "role" if !name.is_empty() => Ok(Entry::Role),
        "user" if !name.is_empty() => Ok(Entry::User),
        _ => Err(Refused::Unknown),
    }
}

/// Why an entry is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Unknown,
    Wildcard,
    Session,
    Root,
    Console,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => {
                "it has to be the ARN of a role or user, such as \"arn:aws:iam::111122223333:role/Vending\", or the name of a service, \
                 such as \"controltower.amazonaws.com\""
            }
            Self::Wildcard => "entries are compared letter for letter: list each role, user or service",
            Self::Session => {
                "that is a session, whose name is chosen by whoever assumes the role: write the role's own ARN, \
                 arn:aws:iam::ACCOUNT:role/PATH/NAME"
            }
            Self::Root => "the root user is nobody's automation",
            Self::Console => "that stands for everyone who works in the console",
        })
    }
}

impl<'de> Deserialize<'de> for Automation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut automation = Self::default();
        for text in Vec::<String>::deserialize(deserializer)? {
            let entry = text.parse().map_err(|refused| {
                serde::de::Error::custom(format!("{text:?} is not expected automation: {refused}"))
            })?;
            let list = match entry {
                Entry::Role => &mut automation.roles,
                Entry::User => &mut automation.users,
                Entry::Service => &mut automation.services,
            };
            list.insert(text);
        }
        Ok(automation)
    }
}

impl JsonSchema for Automation {
    fn schema_name() -> Cow<'static, str> {
        "Automation".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "uniqueItems": true, "items": {
            "description": "The ARN of a role or user, or the name of an AWS service",
            "type": "string",
            "anyOf": [
                { "pattern": "^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?]+$" },
                { "pattern": r"^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$" },
                { "const": INTERNAL },
            ],
        } })
    }
}

#[cfg(test)]
mod tests;
