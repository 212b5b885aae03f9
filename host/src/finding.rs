//! A finding: what a rule reports of an event, with everything that a receiver needs to know where it comes from.

use std::sync::Arc;

use jiff::Timestamp;
use orgwatch_rules_sdk::{Finding as Report, Severity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::event::Event;
use crate::redact::Secrets;

/// A finding. Its JSON has these keys in this order, and nothing in it that differs between replay and live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// SHA-256 over the rule's id, the record's digest and the key: the same finding always has the same id.
    pub id: Digest,
    /// The rule.
    pub rule: Arc<RuleReference>,
    /// One line that says what happened.
    pub title: String,
    /// How serious it is.
    pub severity: Severity,
    /// What the finding is about; findings with one key belong together.
    pub key: String,
    /// The record.
    pub event: EventReference,
    /// What the rule has to say.
    pub details: Map<String, Value>,
    /// MITRE ATT&CK techniques.
    pub attack: Arc<[String]>,
    /// Controls and documents.
    pub references: Arc<[String]>,
}

/// Exactly which rule, in which version, with which settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReference {
    /// The id that the rule runs under.
    pub id: String,
    /// The component's own id; another where a generic component runs under the configuration's id.
    pub component: String,
    /// The component's version.
    pub version: String,
    /// The component's digest.
    pub digest: String,
    /// The settings' digest.
    pub settings: String,
    /// The pack it came in, as `publisher/name@version`.
    pub pack: Option<String>,
}

/// The record's identity and the fields that every receiver wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReference {
    /// `eventID`.
    pub id: Option<String>,
    /// What counting and grouping go by.
    pub action: String,
    /// SHA-256 of the canonical record.
    #[serde(with = "crate::digest::tagged")]
    pub digest: Digest,
    /// `eventTime`, in RFC 3339.
    pub time: Option<String>,
    /// `eventSource`.
    pub source: Option<String>,
    /// `eventName`.
    pub name: Option<String>,
    /// The account that the record was delivered to, else the caller's.
    pub account: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// The caller's ARN, else the service that acted.
    pub actor: Option<String>,
    /// `sourceIPAddress`.
    pub source_ip: Option<String>,
    /// `errorCode`.
    pub error_code: Option<String>,
}

impl Finding {
    /// Tells whether it is the service's own word that a trouble is over. No rule can give it: what a rule reports has its component's digest.
    pub fn is_over(&self) -> bool {
        self.rule.digest.is_empty() && self.details.contains_key("until")
    }
}

impl EventReference {
    /// Stands for a record where there is none, as in what the service has to say of itself.
    pub fn none(digest: Digest, time: &Timestamp) -> Self {
        Self {
            id: None,
            action: digest.tagged(),
            digest,
            time: Some(time.to_string()),
            source: None,
            name: None,
            account: None,
            region: None,
            actor: None,
            source_ip: None,
            error_code: None,
        }
    }

    /// Takes from a record what a finding says of it.
    pub fn of(event: &Event) -> Self {
        Self {
            id: event.id(),
            action: event.action(),
            digest: event.digest(),
            time: event.time().map(|time| time.to_string()),
            source: event.text("/eventSource"),
            name: event.text("/eventName"),
            account: event.account(),
            region: event.text("/awsRegion"),
            actor: event.actor(),
            source_ip: event.text("/sourceIPAddress"),
            error_code: event.text("/errorCode"),
        }
    }
}

/// What a rule gives a finding that does not say it itself.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The rule.
    pub rule: Arc<RuleReference>,
    /// The title of a finding without one.
    pub title: String,
    /// The severity of a finding without one.
    pub severity: Severity,
    /// The highest severity that the rule may give, where its publisher's grant has one.
    pub severity_ceiling: Option<Severity>,
    /// A severity that the configuration sets over whatever the rule says and may.
    pub severity_override: Option<Severity>,
    /// MITRE ATT&CK techniques.
    pub attack: Arc<[String]>,
    /// Controls and documents.
    pub references: Arc<[String]>,
}

impl Defaults {
    /// Returns the severity that stands for the rule as a whole.
    pub fn worst(&self) -> Severity {
        self.grade(None)
    }

    /// Returns the severity of a finding to which the rule gives one, or none of its own.
    fn grade(&self, own: Option<Severity>) -> Severity {
        let own = own.unwrap_or(self.severity);
        self.severity_override.unwrap_or_else(|| self.severity_ceiling.map_or(own, |ceiling| own.min(ceiling)))
    }
}

impl Finding {
    /// Makes a finding of what a rule reported.
    pub fn new(report: Report, event: EventReference, defaults: &Defaults) -> Self {
        let (key, title, severity, details) = report.into_parts();
        Self {
            id: Digest::of_parts([defaults.rule.id.as_bytes(), event.digest.as_bytes().as_slice(), key.as_bytes()]),
            rule: Arc::clone(&defaults.rule),
            title: title.unwrap_or_else(|| defaults.title.clone()),
            severity: defaults.grade(severity),
            key,
            event,
            details,
            attack: Arc::clone(&defaults.attack),
            references: Arc::clone(&defaults.references),
        }
    }

    /// Takes the record's secrets out of what the rule says. The id stays that of the key as the rule gave it, so that a finding is the same
    /// one whether secrets are taken out or not.
    #[must_use]
    pub fn redacted(mut self, secrets: &Secrets) -> Self {
        self.title = secrets.redact_text(&self.title).into_owned();
        self.key = secrets.redact_text(&self.key).into_owned();
        self.details = secrets.redact_object(self.details);
        self
    }
}

#[cfg(test)]
mod tests {
    use orgwatch_rules_sdk::json::Document;
    use serde_json::json;

    use super::*;
    use crate::source::Place;

    fn defaults() -> Defaults {
        let rule = RuleReference {
            id: "org.x".to_owned(),
            component: "org.x".to_owned(),
            version: "1.0.0".to_owned(),
            digest: String::new(),
            settings: String::new(),
            pack: None,
        };
        Defaults {
            rule: Arc::new(rule),
            title: "title".to_owned(),
            severity: Severity::Low,
            severity_ceiling: None,
            severity_override: None,
            attack: [].into(),
            references: [].into(),
        }
    }

    #[test]
    fn a_ceiling_holds_for_what_the_rule_gives_and_not_for_what_the_operator_does() {
        use Severity::{Critical, High, Low, Medium};
        let event = EventReference::none(Digest::of(""), &Timestamp::UNIX_EPOCH);
        let graded = |own: Option<Severity>, ceiling, operator| {
            let defaults = Defaults { severity_ceiling: ceiling, severity_override: operator, ..defaults() };
            let report = Report::new("key");
            let report = own.into_iter().fold(report, Report::severity);
            Finding::new(report, event.clone(), &defaults).severity
        };
        assert_eq!(graded(Some(Critical), None, None), Critical);
        assert_eq!(graded(Some(Critical), Some(Medium), None), Medium);
        assert_eq!(graded(Some(Low), Some(Medium), None), Low);
        assert_eq!(graded(None, Some(Medium), None), Low);
        assert_eq!(graded(Some(Critical), Some(Medium), Some(High)), High);
        assert_eq!(graded(Some(Critical), Some(Medium), Some(Low)), Low);
        assert_eq!(Defaults { severity: High, severity_ceiling: Some(Medium), ..defaults() }.worst(), Medium);
    }

    #[test]
    fn a_finding_without_its_secrets_has_the_same_id() {
        let record =
            json!({ "eventName": "CreateAccessKey", "responseElements": { "secretAccessKey": "wJalrXUtnFEMI" } });
        let event = Event::new(Document::parse(record.to_string()).unwrap(), Place::default());
        let defaults = defaults();
        let report = Report::new("key wJalrXUtnFEMI").title("gave wJalrXUtnFEMI").detail("secretAccessKey", "short");
        let finding = Finding::new(report, EventReference::of(&event), &defaults);
        let redacted = finding.clone().redacted(&Secrets::of(event.document()));
        assert_eq!(redacted.id, finding.id);
        assert_eq!((redacted.key.as_str(), redacted.title.as_str()), ("key [redacted]", "gave [redacted]"));
        assert_eq!(redacted.details["secretAccessKey"], "[redacted]");
    }
}
