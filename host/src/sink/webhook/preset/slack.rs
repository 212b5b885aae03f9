//! A message for Slack.

use serde_json::{Value, json};

use super::{detail, facts, fit};
use crate::escape;
use crate::sink::Delivery;

/// The longest header.
const HEADER: usize = 150;

/// The longest text of a section.
const SECTION: usize = 3000;

/// The most fields of a section, and the longest of them; Slack takes 2,000, but nobody reads them.
const FIELDS: usize = 10;
const FIELD: usize = 500;

pub(super) fn body(delivery: &Delivery) -> Value {
    let finding = &delivery.finding;
    let severity = finding.severity.name().to_uppercase();
    let title = |characters: usize| fit(&format!("{severity}: {}", finding.title), characters, escape::slack);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": title(HEADER), "emoji": false },
    })];
    let fields: Vec<Value> = facts(finding)
        .into_iter()
        .take(FIELDS)
        .map(|(name, value)| markdown(&format!("*{name}*\n{}", fit(&value, FIELD, escape::slack))))
        .collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let mut text = String::new();
    for (name, value) in &finding.details {
        let line = format!("*{}*  {}\n", fit(name, 60, escape::slack), fit(&detail(value), FIELD, escape::slack));
        if text.chars().count() + line.chars().count() > SECTION - 1 {
            text.push('…');
            break;
        }
        text.push_str(&line);
    }
    if !text.is_empty() {
        blocks.push(json!({ "type": "section", "text": markdown(&text) }));
    }
    let update = if delivery.revision > 1 { format!(" · update {}", delivery.revision - 1) } else { String::new() };
    let foot = format!("{} {}{update} · {}", finding.rule.id, finding.rule.version, finding.id);
    blocks.push(json!({ "type": "context", "elements": [markdown(&fit(&foot, FIELD, escape::slack))] }));
    json!({ "text": title(SECTION), "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn markdown(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}
