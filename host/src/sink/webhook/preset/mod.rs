//! Whose form a request has.
//!
//! Each service has its own limits on lengths, and its own characters that do something. A text is escaped for the service, and what is
//! too long is cut, so that a long finding arrives shortened and not never.

mod pagerduty;
mod slack;
mod splunk;
mod teams;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::encoding::harmless_json;
use crate::escape;
use crate::finding::Finding;
use crate::sink::Delivery;

/// A service's form of request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The finding as the project's own JSON, with its revision and times.
    #[default]
    Generic,
    /// A message of blocks for Slack.
    Slack,
    /// An Adaptive Card for a workflow of Microsoft Teams.
    Teams,
    /// An event for PagerDuty's Events API v2.
    Pagerduty,
    /// An event for Splunk's HTTP Event Collector.
    SplunkHec,
}

impl Preset {
    /// Returns the one address of the service, where it has one.
    pub(super) const fn url(self) -> Option<&'static str> {
        match self {
            Self::Pagerduty => Some("https://events.pagerduty.com/v2/enqueue"),
            Self::Generic | Self::Slack | Self::Teams | Self::SplunkHec => None,
        }
    }

    /// Tells whether nothing works without a token.
    pub(super) const fn needs_token(self) -> bool {
        matches!(self, Self::Pagerduty | Self::SplunkHec)
    }

    /// Returns the header `Authorization`, where the token goes there.
    pub(super) fn authorization(self, token: &str) -> Option<String> {
        match self {
            Self::Pagerduty => None,
            Self::SplunkHec => Some(format!("Splunk {token}")),
            Self::Generic | Self::Slack | Self::Teams => Some(format!("Bearer {token}")),
        }
    }

    /// Returns the request's body. `token` is for the service that wants it there.
    pub fn body(self, delivery: &Delivery, token: &str) -> String {
        let body = match self {
            Self::Generic => generic(delivery),
            Self::Slack => slack::body(delivery),
            Self::Teams => teams::body(delivery),
            Self::Pagerduty => pagerduty::body(delivery, token),
            Self::SplunkHec => splunk::body(delivery),
        };
        harmless_json(&body)
    }
}

fn generic(delivery: &Delivery) -> Value {
    let Delivery { finding, revision, filed, updated } = delivery;
    json!({
        "type": "finding",
        "revision": revision,
        "filed": filed.to_string(),
        "updated": updated.to_string(),
        "finding": finding,
    })
}

/// Escapes a text for a place of so many characters. Escapes lengthen it, so it is cut before, and more until it fits.
fn fit(text: &str, characters: usize, escape: fn(&str) -> String) -> String {
    let mut bytes = characters * 4;
    loop {
        let out = escape(&escape::shortened(text, bytes));
        if out.chars().count() <= characters {
            return out;
        }
        bytes = bytes.min(text.len()) * 3 / 4;
    }
}

/// What every message says of the event, with a name each, where the record says it.
fn facts(finding: &Finding) -> Vec<(&'static str, String)> {
    let event = &finding.event;
    let name = match (&event.name, &event.source) {
        (Some(name), Some(source)) => Some(format!("{name} · {source}")),
        (name, source) => name.clone().or_else(|| source.clone()),
    };
    let facts = [
        ("Event", name),
        ("Time", event.time.clone()),
        ("Account", event.account.clone()),
        ("Region", event.region.clone()),
        ("Actor", event.actor.clone()),
        ("Source", event.source_ip.clone()),
        ("Error", event.error_code.clone()),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A detail as text: strings bare, everything else as JSON.
fn detail(value: &Value) -> String {
    value.as_str().map_or_else(|| harmless_json(value), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_with_its_escapes_and_is_not_cut_within_one() {
        let out = fit(&"<".repeat(1000), 150, escape::slack);
        assert!(out.chars().count() <= 150 && out.ends_with("&lt;…"), "{out}");
        assert_eq!(fit("short", 150, escape::slack), "short");
        assert!(fit(&"東".repeat(200), 150, escape::slack).chars().count() > 100);
    }
}
