//! How findings are written.

mod asff;
mod attack;
mod json;
mod ocsf;
mod text;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::sink::Delivery;

pub use asff::{AsffProduct, asff};
pub use attack::{TECHNIQUES, Tactic, Technique, technique};
pub use json::harmless_json;
pub use ocsf::ocsf;
pub use text::paint;

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object a line, for programs.
    Json,
    /// Some lines a finding, for people; with colours where the terminal has them.
    Text {
        /// True to use colours.
        color: bool,
    },
    /// One OCSF Detection Finding a line, as of the event.
    Ocsf,
    /// One finding of AWS Security Hub a line, as of the event and the account that it happened in.
    Asff,
}

impl Encoding {
    /// Appends a finding in this form, with the line end.
    pub fn encode(self, finding: &Finding, out: &mut Vec<u8>) {
        match self {
            Self::Json => json::encode(finding, out),
            Self::Text { color } => text::encode(finding, color, out),
            Self::Ocsf => ocsf::encode(finding, out),
            Self::Asff => asff::encode(finding, out),
        }
    }
}

/// A finding as it would be delivered for the first time at the moment of its event. Forms that tell of the delivery are written of this where
/// there is none, so that they are the same whenever they are written. A record without a time that can be read counts as of 1970.
fn as_of_event(finding: &Finding) -> Delivery {
    let time = finding.event.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    Delivery { finding: finding.clone(), revision: 1, filed: time, updated: time }
}

/// Returns the partition of AWS that a region lies in.
fn partition(region: Option<&str>) -> &'static str {
    match region {
        Some(region) if region.starts_with("cn-") => "aws-cn",
        Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The name of a form of output, as the configuration and `--output` have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncodingName {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// One OCSF Detection Finding a line.
    Ocsf,
    /// One finding of AWS Security Hub a line.
    Asff,
}

impl EncodingName {
    /// Returns the form, with colours where `color` allows them and the form has them.
    pub const fn encoding(self, color: bool) -> Encoding {
        match self {
            Self::Text => Encoding::Text { color },
            Self::Json => Encoding::Json,
            Self::Ocsf => Encoding::Ocsf,
            Self::Asff => Encoding::Asff,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use orgwatch_rules_sdk::Severity;
    use serde_json::json;

    use super::*;
    use crate::digest::Digest;
    use crate::finding::{EventReference, RuleReference};

    /// A finding as an ordinary rule makes it.
    pub(crate) fn finding() -> Finding {
        let rule = RuleReference {
            id: "org.account-departed".to_owned(),
            component: "org.account-departed".to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of("component").tagged(),
            settings: Digest::of("settings").tagged(),
            pack: Some("orgwatch/aws-organizations@1.0.0".to_owned()),
        };
        let event = EventReference {
            id: Some("4e5f6071-8293-44a5-8617-000000000001".to_owned()),
            action: "4e5f6071-8293-44a5-8617-000000000001".to_owned(),
            digest: Digest::of("record"),
            time: Some("2026-11-01T10:00:00Z".to_owned()),
            source: Some("organizations.amazonaws.com".to_owned()),
            name: Some("AccountDepartedOrganization".to_owned()),
            account: Some("111122223333".to_owned()),
            region: Some("us-east-1".to_owned()),
            actor: Some("arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya".to_owned()),
            source_ip: Some("192.0.2.44".to_owned()),
            error_code: None,
        };
        let details = json!({ "account": "444455556666", "method": "LEFT", "tags": ["a", "b"], "owner": null });
        Finding {
            id: Digest::of("finding"),
            rule: Arc::new(rule),
            title: "Account 444455556666 left the organization".to_owned(),
            severity: Severity::High,
            key: "444455556666".to_owned(),
            event,
            details: details.as_object().cloned().unwrap_or_default(),
            attack: ["T1666".to_owned()].into(),
            references: ["https://example.com/departed".to_owned()].into(),
        }
    }
}
