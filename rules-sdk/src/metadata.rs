//! What a rule says about itself.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Severity;

/// What a rule says about itself: written into its component when it is built, read by the host without running it.
///
/// ```
/// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
/// # use trail_stopped::TrailStopped;
/// use orgwatch_rules_sdk::Describe;
///
/// let metadata = TrailStopped::metadata();
/// assert_eq!(metadata.id, "demo.trail-stopped");
/// assert_eq!(metadata.tables, ["accounts"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The interface that the rule was built for: [`INTERFACE`](crate::INTERFACE).
    pub interface: String,
    /// The rule's stable name, such as `org.account-departed`: lower case words joined by `-`, in namespaces joined by `.`.
    pub id: String,
    /// The rule's version, semantic.
    pub version: String,
    /// One line that says what the rule sees.
    pub title: String,
    /// What it does, why it matters, what it misses and what to do, in Markdown.
    pub description: String,
    /// The severity of a finding that does not set its own.
    pub severity: Severity,
    /// How far the rule can be trusted.
    #[serde(default)]
    pub status: Status,
    /// The records that the rule asks for with its default settings.
    pub matches: Matches,
    /// True for a rule that is nothing without settings: it runs only where the configuration uses it under an id of its own.
    #[serde(default)]
    pub generic: bool,
    /// MITRE ATT&CK techniques, such as `T1531` or `T1562.008`.
    #[serde(default)]
    pub attack: Vec<String>,
    /// Controls that the rule answers to, such as `CIS AWS Foundations 3.0.0 §4.15`, and addresses of documents.
    #[serde(default)]
    pub references: Vec<String>,
    /// Known reasons for a finding that is no reason to worry.
    #[serde(default)]
    pub false_positives: Vec<String>,
    /// The address of the runbook for its findings.
    #[serde(default)]
    pub runbook: Option<String>,
    /// For a rule that looks back at earlier events, the version of what it notes of them: a new version of the rule goes on with what the old
    /// one noted as long as this stays the same.
    #[serde(default)]
    pub state_version: Option<u32>,
    /// The operator's lookup tables that the rule reads.
    #[serde(default)]
    pub tables: Vec<String>,
    /// JSON Schema of the rule's settings.
    pub settings: Json,
}

impl Metadata {
    /// Starts the metadata of a rule. [`rule!`](crate::rule!) fills in the rest.
    ///
    /// ```
    /// use orgwatch_rules_sdk::Metadata;
    ///
    /// let metadata = Metadata::new(" Reports a trail that was stopped.\n", "1.0.0", serde_json::json!({"type": "object"}));
    /// assert_eq!(metadata.description, "Reports a trail that was stopped.");
    /// ```
    pub fn new(description: &str, version: &str, settings: Json) -> Self {
        Self {
            interface: crate::INTERFACE.to_owned(),
            id: String::new(),
            version: version.to_owned(),
            title: String::new(),
            description: unindent(description),
            severity: Severity::Medium,
            status: Status::default(),
            matches: Matches::Patterns(Vec::new()),
            generic: false,
            attack: Vec::new(),
            references: Vec::new(),
            false_positives: Vec::new(),
            runbook: None,
            state_version: None,
            tables: Vec::new(),
            settings,
        }
    }
}

/// How far a rule can be trusted, in Sigma's words.
///
/// ```
/// use orgwatch_rules_sdk::Status;
///
/// assert_eq!(Status::default(), Status::Experimental);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// New; may be noisy or change.
    #[default]
    Experimental,
    /// In use, and being watched.
    Test,
    /// Proven.
    Stable,
    /// Superseded.
    Deprecated,
    /// Kept for reference only.
    Unsupported,
}

impl Status {
    /// Returns the name as it stands in the metadata.
    ///
    /// ```
    /// assert_eq!(orgwatch_rules_sdk::Status::Stable.name(), "stable");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Experimental => "experimental",
            Self::Test => "test",
            Self::Stable => "stable",
            Self::Deprecated => "deprecated",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The records that a rule asks for.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let matches = Matches::Patterns(vec![serde_json::json!({ "eventName": ["StopLogging"] })]);
/// assert_ne!(matches, Matches::Everything);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matches {
    /// Every record. An evaluation costs some microseconds: ask for less where you can.
    Everything,
    /// The records that at least one of these EventBridge event patterns matches.
    Patterns(Vec<Json>),
}

impl Matches {
    /// Returns the list that crosses the interface: JSON texts of patterns, or of the string `everything`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let matches = Matches::Patterns(vec![serde_json::json!({ "eventName": ["StopLogging"] })]);
    /// assert_eq!(matches.to_wire(), [r#"{"eventName":["StopLogging"]}"#]);
    /// ```
    pub fn to_wire(&self) -> Vec<String> {
        match self {
            Self::Everything => vec!["\"everything\"".to_owned()],
            Self::Patterns(patterns) => patterns.iter().map(Json::to_string).collect(),
        }
    }
}

/// Removes the one space that a doc comment's lines begin with, and the empty lines around them.
fn unindent(comment: &str) -> String {
    let lines: Vec<&str> = comment.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_survives_the_way_through_its_section() {
        let mut metadata = Metadata::new(" What it does.\n\n Why.\n", "1.2.3", serde_json::json!({"type": "object"}));
        metadata.id = "demo.rule".to_owned();
        metadata.matches = Matches::Patterns(vec![serde_json::json!({"eventName": ["StopLogging"]})]);
        assert_eq!(metadata.description, "What it does.\n\nWhy.");
        let text = serde_json::to_string(&metadata).unwrap();
        assert_eq!(serde_json::from_str::<Metadata>(&text).unwrap(), metadata);
        assert_eq!(Matches::Everything.to_wire(), ["\"everything\""]);
    }
}
