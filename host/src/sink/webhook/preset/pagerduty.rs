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
    let dedup_key = finding.id.to_string();
    if finding.is_over() {
        return json!({ "routing_key": routing_key, "event_action": "resolve", "dedup_key": dedup_key });
    }
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
        "dedup_key": dedup_key,
        "client": "orgwatch",
        "payload": payload,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::health::{Condition, Health};

    fn of(delivery: &Delivery) -> (Value, Value) {
        let body = body(delivery, "key");
        (body["event_action"].clone(), body["dedup_key"].clone())
    }

    #[test]
    fn an_incident_is_resolved_by_the_service_itself_and_by_no_rule() {
        let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
        let health = Health::default();
        let told = |second: i64| {
            let finding = health.reports(at(second)).remove(0).finding;
            Delivery { finding, revision: 1, filed: at(second), updated: at(second) }
        };
        health.raise(Condition::SourceStuck, "trail", "access denied", at(0));
        let (begun, incident) = of(&told(1));
        assert_eq!(begun, "trigger");
        health.well(Condition::SourceStuck, "trail", at(2));
        let mut over = told(3);
        assert_eq!(of(&over), ("resolve".into(), incident.clone()));
        assert!(body(&over, "key").get("payload").is_none());

        // The same from a rule: somebody's event must not close what it opened.
        let mut rule = (*over.finding.rule).clone();
        rule.digest = "sha256:00".to_owned();
        over.finding.rule = rule.into();
        assert_eq!(of(&over), ("trigger".into(), incident));
    }
}
