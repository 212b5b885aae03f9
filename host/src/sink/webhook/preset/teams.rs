//! An Adaptive Card for a workflow of Microsoft Teams, in the message that it takes.

use orgwatch_rules_sdk::Severity;
use serde_json::{Value, json};

use super::{detail, facts, fit};
use crate::escape;
use crate::sink::Delivery;

/// A card may have 28 KB in all, and non-ASCII text takes three bytes a character: twenty details of this length leave room.
const DETAILS: usize = 20;
const VALUE: usize = 250;

pub(super) fn body(delivery: &Delivery) -> Value {
    let finding = &delivery.finding;
    let color = match finding.severity {
        Severity::Informational | Severity::Low => "Accent",
        Severity::Medium => "Warning",
        Severity::High | Severity::Critical => "Attention",
    };
    let fact = |name: &str, value: &str| json!({ "title": fit(name, 60, escape::card), "value": fit(value, VALUE, escape::card) });
    let mut facts: Vec<Value> = facts(finding).into_iter().map(|(name, value)| fact(name, &value)).collect();
    let details = finding.details.iter().take(DETAILS).map(|(name, value)| fact(name, &detail(value)));
    facts.extend(details);
    if let Some(more @ 1..) = finding.details.len().checked_sub(DETAILS) {
        facts.push(fact("…", &format!("{more} more")));
    }
    let update = if delivery.revision > 1 { format!(" · update {}", delivery.revision - 1) } else { String::new() };
    let foot = format!("{} {}{update} · {}", finding.rule.id, finding.rule.version, finding.id);
    let mut body = vec![
        json!({
            "type": "TextBlock", "text": finding.severity.name().to_uppercase(), "weight": "Bolder", "color": color, "spacing": "None"
        }),
        json!({
            "type": "TextBlock", "text": fit(&finding.title, 500, escape::card), "weight": "Bolder", "size": "Medium", "wrap": true
        }),
    ];
    if !facts.is_empty() {
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    body.push(json!({ "type": "TextBlock", "text": fit(&foot, 300, escape::card), "isSubtle": true, "size": "Small", "wrap": true }));
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "msteams": { "width": "Full" },
        "body": body,
    });
    json!({
        "type": "message",
        "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "content": card }],
    })
}
