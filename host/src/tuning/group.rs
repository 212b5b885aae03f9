//! Grouping at delivery: of findings that belong together the first is delivered at once, and the rest is told in one summary.
//!
//! `group` is a key of a route, since it is about what one receiver wants to hear. The ledger decides when a finding is filed (`ledger/grouping.rs`),
//! in the transaction that files it, so that nothing depends on a process that goes on. Grouping never mutes: what is more serious than what
//! has been delivered of its group is delivered at once, and everything that is held is told of when the period ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::Span;
use crate::digest::Digest;
use crate::finding::{EventReference, Finding, RuleReference};

/// The longest period: nobody should wait longer for what is held.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// The id of the findings that tell of what was held.
const ID: &str = "orgwatch.grouped";

/// What makes findings of one rule belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// What they are about: the finding's key.
    #[default]
    Key,
    /// Who acted: the user, or the role whatever its session is called.
    Actor,
    /// Who acted, and in which session.
    Session,
    /// The action, of which there may be several records.
    Action,
    /// The rule alone.
    Rule,
}

/// How a route groups what it delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupConfig {
    /// What makes findings of one rule belong together.
    pub by: By,
    /// How long a group lasts, from its first finding on.
    pub period: Span,
    /// Findings of one rule that are delivered within a period, whatever group they are in. Without it there is no such bound.
    pub cap: Option<u32>,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self { by: By::Key, period: Span::seconds(3_600), cap: None }
    }
}

/// A group that makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Its period is none, or too long.
    #[error("a route groups for {0}\nhint: a period is between 1s and 7d")]
    Period(Span),
    /// Nothing would ever be delivered at once.
    #[error("a route groups with cap = 0\nhint: leave the cap out, or have the rule observed")]
    Cap,
}

impl GroupConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Fails when they cannot work.
    pub fn check(&self) -> Result<(), GroupError> {
        if self.period.0 < Duration::from_secs(1) || self.period.0 > LONGEST {
            return Err(GroupError::Period(self.period));
        }
        if self.cap == Some(0) { Err(GroupError::Cap) } else { Ok(()) }
    }

    /// Returns the group that a finding belongs to.
    pub fn group(&self, finding: &Finding) -> Group {
        let actor = finding.event.actor.as_deref().unwrap_or_default();
        let (by, value) = match self.by {
            By::Key => ("key", finding.key.as_str()),
            By::Actor => ("actor", without_session(actor)),
            By::Session => ("session", actor),
            By::Action => ("action", finding.event.action.as_str()),
            By::Rule => ("rule", ""),
        };
        Group { by, value: value.to_owned(), period: self.period.0, cap: self.cap }
    }
}

/// Cuts the name of the session from the ARN of an assumed role: whoever assumes a role chooses another one each time.
fn without_session(actor: &str) -> &str {
    match actor.rsplit_once('/') {
        Some((role, _)) if role.contains(":assumed-role/") => role,
        _ => actor,
    }
}

/// The group that a finding belongs to at one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What makes its findings belong together, in a word.
    pub by: &'static str,
    /// What they have in common.
    pub value: String,
    /// How long it lasts.
    pub period: Duration,
    /// Findings of the rule that are delivered within a period.
    pub cap: Option<u32>,
}

/// What was held of a group, at its end.
#[derive(Clone, Debug)]
pub struct Grouped {
    /// The ledger's number of the group.
    pub number: i64,
    /// The sink.
    pub sink: String,
    /// The rule.
    pub rule: String,
    /// What made the findings belong together; `cap` for what was beyond the cap.
    pub by: String,
    /// What they have in common.
    pub value: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Findings that were held.
    pub findings: u64,
    /// The actions that those are about.
    pub actions: u64,
    /// Their highest severity.
    pub severity: Severity,
    /// The ids of the first of them.
    pub ids: Vec<Digest>,
}

impl Grouped {
    /// Makes the finding that tells of it.
    pub fn summary(&self) -> Finding {
        let Self { rule, by, value, findings, actions, .. } = self;
        let began = self.began.to_string();
        let number = self.number.to_string();
        let identity = [ID, &self.sink, &number, &began].map(str::as_bytes);
        let digest = Digest::of_parts(identity);
        let plural = |number: u64, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
        let more = plural(*findings, "more finding");
        let of = match by.as_str() {
            "cap" => "beyond its cap".to_owned(),
            "rule" => "after the first".to_owned(),
            _ => format!("with the {by} {}", if value.is_empty() { "(none)" } else { value }),
        };
        let mut details = Map::new();
        let mut detail = |name: &str, value: Value| details.insert(name.to_owned(), value);
        detail("rule", rule.as_str().into());
        detail("by", by.as_str().into());
        detail("group", value.as_str().into());
        detail("findings", (*findings).into());
        detail("actions", (*actions).into());
        detail("from", began.into());
        detail("until", self.ended.to_string().into());
        detail("sink", self.sink.as_str().into());
        let ids: Vec<Value> = self.ids.iter().map(|id| id.to_string().into()).collect();
        detail("first_ids", ids.into());
        let reference = RuleReference {
            id: ID.to_owned(),
            component: "orgwatch".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: String::new(),
            settings: String::new(),
            pack: None,
        };
        Finding {
            id: digest,
            rule: Arc::new(reference),
            title: format!("{more} of {rule} {of}, about {}", plural(*actions, "action")),
            severity: self.severity,
            key: format!("{rule} {by} {value}"),
            event: EventReference::none(digest, &self.ended),
            details,
            attack: Arc::default(),
            references: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_may_be_called_anything_without_being_another_actor() {
        for (actor, expected) in [
            (
                "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya",
                "arn:aws:sts::111122223333:assumed-role/OrgAdmin",
            ),
            ("arn:aws:iam::111122223333:user/team/anaya", "arn:aws:iam::111122223333:user/team/anaya"),
            ("organizations.amazonaws.com", "organizations.amazonaws.com"),
            ("", ""),
        ] {
            assert_eq!(without_session(actor), expected);
        }
    }

    #[test]
    fn a_period_has_bounds_and_a_cap_lets_something_through() {
        let group = |text: &str| toml::from_str::<GroupConfig>(text).unwrap().check();
        assert_eq!(group(""), Ok(()));
        assert_eq!(group("by = \"session\"\nperiod = \"7d\"\ncap = 1"), Ok(()));
        assert_eq!(group("period = \"8d\""), Err(GroupError::Period(Span::seconds(8 * 86_400))));
        assert_eq!(group("period = \"0s\""), Err(GroupError::Period(Span::seconds(0))));
        assert_eq!(group("cap = 0"), Err(GroupError::Cap));
    }
}
