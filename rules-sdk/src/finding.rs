//! What a rule reports.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Severity;

#[cfg(any(test, target_family = "wasm"))]
mod written;

/// One thing that a rule found in one event.
///
/// The key tells apart the findings of one evaluation and groups those of many: take the account, the policy, the principal that the
/// finding is about, and nothing that differs from one run to the next.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let finding = Finding::new("p-a1b2c3d4")
///     .title("Policy p-a1b2c3d4 was detached from account 444455556666")
///     .severity(Severity::High)
///     .detail("account", "444455556666");
/// assert_eq!(finding.key(), "p-a1b2c3d4");
/// ```
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
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let findings: Findings = Finding::new("444455556666").into();
    /// assert_eq!(findings.into_vec()[0].key(), "444455556666");
    /// ```
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), title: None, severity: None, details: Map::new(), period: None, settled: false }
    }

    /// Sets the title: one sentence, without a full stop, that says what happened to whom.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let finding = Finding::new("main").title("Trail main was stopped");
    /// assert_eq!(finding.get_title(), Some("Trail main was stopped"));
    /// ```
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the severity of this finding, where it depends on what happened.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let finding = Finding::new("main").severity(Severity::Critical);
    /// assert_eq!(finding.get_severity(), Some(Severity::Critical));
    /// ```
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Adds a detail. A detail without a value is `null`, so that a reader sees that the record did not say.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let finding = Finding::new("main").detail("regions", ["us-east-1"]).detail("owner", None::<&str>);
    /// assert_eq!(finding.details()["regions"][0], "us-east-1");
    /// assert!(finding.details()["owner"].is_null());
    /// ```
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.details.insert(name.into(), serde_json::to_value(value).unwrap_or(Json::Null));
        self
    }

    /// Makes this the one finding of its key in a period of time, in whole seconds: periods follow one another since 1970, and the latest event
    /// in a period has the last word. For rules that count: ten departures are one finding and not six.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let finding = Finding::new("all").title("3 accounts departed").once_per(Duration::from_hours(1));
    /// assert_eq!(finding.period(), Some(3600));
    /// ```
    #[must_use]
    pub fn once_per(mut self, period: Duration) -> Self {
        self.period = Some(period.as_secs());
        self
    }

    /// Holds the finding back until events that are still on their way have arrived. For what an event could take back: that something is the first
    /// of its kind, or that nothing came before it. What more events can only make truer is better told at once.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let finding = Finding::new("anaya").title("anaya calls AWS Organizations for the first time").when_settled();
    /// assert!(finding.waits());
    /// ```
    #[must_use]
    pub fn when_settled(mut self) -> Self {
        self.settled = true;
        self
    }

    /// Returns the key.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert_eq!(Finding::new("444455556666").key(), "444455556666");
    /// ```
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the title, where the rule set one.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert_eq!(Finding::new("main").get_title(), None);
    /// ```
    pub fn get_title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Returns the severity, where the rule set one.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert_eq!(Finding::new("main").severity(Severity::Low).get_severity(), Some(Severity::Low));
    /// ```
    pub fn get_severity(&self) -> Option<Severity> {
        self.severity
    }

    /// Returns the details.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let finding = Finding::new("main").detail("trail", "main");
    /// assert_eq!(finding.details()["trail"], "main");
    /// ```
    pub fn details(&self) -> &Map<String, Json> {
        &self.details
    }

    /// Returns the period of which this is the one finding of its key, in seconds.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert_eq!(Finding::new("main").period(), None);
    /// ```
    pub fn period(&self) -> Option<u64> {
        self.period
    }

    /// Tells whether the finding waits until events on their way have arrived.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert!(!Finding::new("main").waits());
    /// ```
    pub fn waits(&self) -> bool {
        self.settled
    }

    /// Takes the finding apart: key, title, severity, details.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let (key, title, ..) = Finding::new("main").title("Trail main was stopped").into_parts();
    /// assert_eq!((key.as_str(), title.as_deref()), ("main", Some("Trail main was stopped")));
    /// ```
    pub fn into_parts(self) -> (String, Option<String>, Option<Severity>, Map<String, Json>) {
        (self.key, self.title, self.severity, self.details)
    }
}

/// What an evaluation returns: nothing, one finding, or several with different keys.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let none = Findings::none();
/// let one: Findings = Finding::new("main").into();
/// let one_or_none: Findings = Some(Finding::new("main")).into();
/// let several: Findings = ["main", "audit"].into_iter().map(Finding::new).collect();
/// assert_eq!((one, several.into_vec().len()), (one_or_none, 2));
/// assert_eq!(none, Findings::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Returns no findings: the event is as it should be.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert!(Findings::none().into_vec().is_empty());
    /// ```
    pub fn none() -> Self {
        Self::default()
    }

    /// Takes the findings out.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let findings: Findings = Finding::new("main").into();
    /// assert_eq!(findings.into_vec().len(), 1);
    /// ```
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
