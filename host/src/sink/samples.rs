//! A delivery for the tests of the sinks.

use std::sync::Arc;

use orgwatch_rules_sdk::Severity;
use serde_json::json;

use super::Delivery;
use crate::digest::Digest;
use crate::finding::{EventReference, Finding, RuleReference};

/// Returns a new finding with this title; the title also makes its id.
pub(super) fn delivery(title: &str) -> Delivery {
    let rule = RuleReference {
        id: "org.account-departed".to_owned(),
        component: "org.account-departed".to_owned(),
        version: "1.0.0".to_owned(),
        digest: Digest::of("component").tagged(),
        settings: Digest::of("settings").tagged(),
        pack: Some("orgwatch/aws-organizations@1.0.0".to_owned()),
    };
    let event = EventReference {
        id: Some("4f2f9c0e-0000-4000-8000-000000000001".to_owned()),
        action: "4f2f9c0e-0000-4000-8000-000000000001".to_owned(),
        digest: Digest::of("record"),
        time: Some("2026-11-01T10:00:00Z".to_owned()),
        source: Some("organizations.amazonaws.com".to_owned()),
        name: Some("AccountDepartedOrganization".to_owned()),
        account: Some("111122223333".to_owned()),
        region: Some("us-east-1".to_owned()),
        actor: Some("arn:aws:iam::111122223333:user/jo".to_owned()),
        source_ip: Some("198.51.100.7".to_owned()),
        error_code: None,
    };
    let finding = Finding {
        id: Digest::of(title),
        rule: Arc::new(rule),
        title: title.to_owned(),
        severity: Severity::High,
        key: "444455556666".to_owned(),
        event,
        details: json!({ "account": "444455556666" }).as_object().cloned().unwrap_or_default(),
        attack: ["T1531".to_owned()].into(),
        references: ["CIS 4.15".to_owned()].into(),
    };
    Delivery {
        finding,
        revision: 1,
        filed: "2026-11-01T10:05:00Z".parse().unwrap(),
        updated: "2026-11-01T10:05:00Z".parse().unwrap(),
    }
}
