//! An event for PagerDuty's Events API v2.

use orgwatch_rules_sdk::Severity;
use serde_json::{Value, json};

use super::{facts, fit};
use crate::escape;
use crate::sink::Delivery;

/// The longest summary.
const SUMMARY: usize = 1024;

/// What an event may have in details, in bytes; the whole may have 512 KB.
const DETAILS: usize = 1 << 17;

pub(super) fn body(delivery: &Delivery, routing_key: &str) -> Value {
    let finding = &delivery.finding;
    let event = &finding.event;
    let severity = match finding.severity {
        Severity::Informational | Severity::Low => "info",
        Severity::Medium => "warning",
        Severity::High => "error",
        Severity::Critical => "critical",
    };
    let mut details = json!({
        "rule": finding.rule.id,
        "rule_version": finding.rule.version,
        "key": escape::shortened(&finding.key, 1000),
        "references": finding.references,
        "attack": finding.attack,
        "details": finding.details,
    });
    if details.to_string().len() > DETAILS {
        details["details"] = "too long for this place".into();
    }
    for (name, value) in facts(finding) {
        details[name.to_lowercase()] = fit(&value, 2000, escape::mail).into();
    }
    let title = if finding.title.is_empty() { &finding.rule.id } else { &finding.title };
    // A summary is sent as mail and text message too.
    let mut payload = json!({
        "summary": fit(title, SUMMARY, escape::mail),
        "source": event.account.as_deref().map_or_else(|| "orgwatch".to_owned(), |account| fit(account, 255, escape::mail)),
        "severity": severity,
        "class": finding.rule.id,
        "custom_details": details,
    });
    if let Some(time) = &event.time {
        payload["timestamp"] = time.as_str().into();
    }
    if let Some(source) = &event.source {
        payload["component"] = fit(source, 255, escape::mail).into();
    }
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": finding.id.to_string(),
        "client": "orgwatch",
        "payload": payload,
    })
}
