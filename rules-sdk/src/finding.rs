//! What a rule reports.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Severity;

/// One thing that a rule found in one event.
///
/// The key tells apart the findings of one evaluation and groups those of many: take the account, the policy, the principal that the
/// finding is about, and nothing that differs from one run to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    details: Map<String, Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    settled: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Finding {
    /// Starts a finding about the thing that the key names. Title and severity are the rule's own unless they are set.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), title: None, severity: None, details: Map::new(), period: None, settled: false }
    }

    /// Sets the title: one sentence, without a full stop, that says what happened to whom.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the severity of this finding, where it depends on what happened.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Adds a detail. A detail without a value is `null`, so that a reader sees that the record did not say.
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.details.insert(name.into(), serde_json::to_value(value).unwrap_or(Json::Null));
        self
    }

    /// Makes this the one finding of its key in a period of time, in whole seconds: periods follow one another since 1970, and the latest event
    /// in a period has the last word. For rules that count: ten departures are one finding and not six.
    #[must_use]
    pub fn once_per(mut self, period: Duration) -> Self {
        self.period = Some(period.as_secs());
        self
    }

    /// Holds the finding back until events that are still on their way have arrived. For what an event could take back: that something is the first
    /// of its kind, or that nothing came before it. What more events can only make truer is better told at once.
    #[must_use]
    pub fn when_settled(mut self) -> Self {
        self.settled = true;
        self
    }

    /// Returns the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the title, where the rule set one.
    pub fn get_title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Returns the severity, where the rule set one.
    pub fn get_severity(&self) -> Option<Severity> {
        self.severity
    }

    /// Returns the details.
    pub fn details(&self) -> &Map<String, Json> {
        &self.details
    }

    /// Returns the period of which this is the one finding of its key, in seconds.
    pub fn period(&self) -> Option<u64> {
        self.period
    }

    /// Tells whether the finding waits until events on their way have arrived.
    pub fn waits(&self) -> bool {
        self.settled
    }

    /// Takes the finding apart: key, title, severity, details.
    pub fn into_parts(self) -> (String, Option<String>, Option<Severity>, Map<String, Json>) {
        (self.key, self.title, self.severity, self.details)
    }
}

/// What an evaluation returns: nothing, one finding, or several with different keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Returns no findings: the event is as it should be.
    pub fn none() -> Self {
        Self::default()
    }

    /// Takes the findings out.
    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self(vec![finding])
    }
}

impl From<Option<Finding>> for Findings {
    fn from(finding: Option<Finding>) -> Self {
        Self(finding.into_iter().collect())
    }
}

impl From<Vec<Finding>> for Findings {
    fn from(findings: Vec<Finding>) -> Self {
        Self(findings)
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        Self(findings.into_iter().collect())
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
