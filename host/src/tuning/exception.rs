//! `[[exception]]`: findings that somebody has looked at and wants to hear no more of, until a day.

use jiff::Timestamp;
use orgwatch_rules_sdk::json::{Document, Node};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::expiry::Expiry;
use super::grounds::{self, Grounds};
use super::{RuleIds, TuningError};
use crate::digest::Digest;
use crate::finding::Finding;
use crate::index::Pattern;
use crate::plan;

/// An exception, as it is written. All of it is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionConfig {
    /// The rule, or several with `*` for any text.
    pub rule: String,
    /// Which of their findings: an EventBridge event pattern over `{ finding = the finding as its JSON has it, event = the record }`.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub when: toml::Table,
    /// Who answers for it.
    pub owner: String,
    /// Why it is in order.
    pub reason: String,
    /// Until when. An event that happened later is not excepted.
    pub expires: Expiry,
}

/// An exception, checked.
#[derive(Debug)]
pub struct Exception {
    id: String,
    rules: RuleIds,
    pattern: Pattern,
    grounds: Grounds,
    owner: String,
    reason: String,
    expires: Expiry,
}

impl Exception {
    /// Checks an exception. Its place in the file, from 1 on, stands in messages.
    pub(super) fn new(config: &ExceptionConfig, place: usize) -> Result<Self, TuningError> {
        let wrong = |problem: String| TuningError::Exception { place, rule: config.rule.clone(), problem };
        let rules =
            RuleIds::new(&config.rule).map_err(|error| wrong(format!("`rule` is no pattern: {}", error.msg)))?;
        for (key, text) in [("rule", &config.rule), ("owner", &config.owner), ("reason", &config.reason)] {
            if text.trim().is_empty() {
                return Err(wrong(format!("`{key}` is empty\nhint: say it, for whoever asks later")));
            }
        }
        if config.when.is_empty() {
            let hint = format!(
                "[rule.\"{}\"] with observe = true records all that it finds and delivers nothing",
                config.rule
            );
            return Err(wrong(format!("`when` is empty and would silence everything\nhint: {hint}")));
        }
        if let Some(key) = config.when.keys().find(|key| !matches!(key.as_str(), "finding" | "event" | "$or")) {
            let hint = "begin with `finding` or `event`, as in when = { event = { userIdentity = { … } } }";
            return Err(wrong(format!("`when` has no field `{key}`\nhint: {hint}")));
        }
        let when =
            plan::json_table(&config.when).ok_or_else(|| wrong("`when` has a number that is not finite".to_owned()))?;
        let when = Value::Object(when);
        let text = when.to_string();
        let pattern = Pattern::parse(&text).map_err(|error| wrong(format!("`when` is no event pattern: {error}")))?;
        let id = Digest::of_parts([config.rule.as_bytes(), pattern.source().as_bytes()]).to_string();
        Ok(Self {
            id: id[..12].to_owned(),
            rules,
            pattern,
            grounds: grounds::of(&when),
            owner: config.owner.clone(),
            reason: config.reason.clone(),
            expires: config.expires.clone(),
        })
    }

    /// Returns what identifies it: the same as long as its rule and its condition are, whoever owns it and however long it lasts.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the rules that it is for.
    pub const fn rules(&self) -> &RuleIds {
        &self.rules
    }

    /// Returns who answers for it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns why it is in order.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns until when it lasts.
    pub const fn expires(&self) -> &Expiry {
        &self.expires
    }

    /// Returns the condition, as JSON without white space.
    pub fn when(&self) -> &str {
        self.pattern.source()
    }

    /// Returns what the condition rests on.
    pub(super) const fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    /// Tells whether it is over at a time.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires.at()
    }

    /// Tells whether its condition holds, whatever the time.
    pub(super) fn fits(&self, subject: &Subject) -> bool {
        self.pattern.matches(subject.document.root())
    }

    /// Returns what makes one set of exceptions another one.
    pub(super) fn digest(&self) -> Digest {
        let parts = [self.id.as_str(), self.when(), &self.owner, &self.reason, self.expires.as_str()];
        Digest::of_parts(parts.map(str::as_bytes))
    }
}

/// What the condition of an exception is judged on.
pub(super) struct Subject {
    document: Document,
}

impl Subject {
    /// Puts a finding and its record together; without a record, nothing that asks for the event holds. Nothing where the record is nested as
    /// deep as may be, so that it does not fit below a name of its own: no exception holds then.
    pub(super) fn new(finding: &Finding, record: Option<Node<'_>>) -> Option<Self> {
        let mut text = String::from("{");
        if let Some(record) = record {
            text.push_str("\"event\":");
            text.push_str(&record.canonical());
            text.push(',');
        }
        text.push_str("\"finding\":");
        text.push_str(&serde_json::to_string(finding).ok()?);
        text.push('}');
        Some(Self { document: Document::parse(text).ok()? })
    }
}

/// Why a finding is delivered to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Its rule is under observation.
    Observed,
    /// An exception holds for it.
    Excepted {
        /// The exception's id.
        id: String,
        /// Who answers for it.
        owner: String,
        /// Why it is in order.
        reason: String,
    },
}

impl Why {
    /// Says it, for the ledger and for people.
    pub fn text(&self) -> String {
        match self {
            Self::Observed => "its rule is under observation".to_owned(),
            Self::Excepted { id, owner, reason } => format!("exception {id} of {owner}: {reason}"),
        }
    }

    /// Returns the exception's id, where it is one.
    pub fn exception(&self) -> Option<&str> {
        match self {
            Self::Observed => None,
            Self::Excepted { id, .. } => Some(id),
        }
    }
}

impl From<&Exception> for Why {
    fn from(exception: &Exception) -> Self {
        let Exception { id, owner, reason, .. } = exception;
        Self::Excepted { id: id.clone(), owner: owner.clone(), reason: reason.clone() }
    }
}
