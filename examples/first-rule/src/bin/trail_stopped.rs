//! A first rule, as an author outside this project has it.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a CloudTrail trail that was stopped or deleted.
    ///
    /// ## What it does
    ///
    /// Sees successful `StopLogging` and `DeleteTrail` calls.
    ///
    /// ## Why it matters
    ///
    /// An attacker who stops the trail goes on unseen.
    ///
    /// ## What it misses
    ///
    /// A trail that is narrowed with `PutEventSelectors`.
    ///
    /// ## What to do
    ///
    /// Ask the caller. If nobody knows, start the trail again and look at what the caller did before.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging", "DeleteTrail"] }],
    attack: ["T1562.008"],
    references: ["https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html"],
    false_positives: ["A trail that is replaced by another one"],
}

struct TrailStopped {
    expected: BTreeSet<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Names or ARNs of trails that may be stopped.
    expected: BTreeSet<String>,
}

impl Rule for TrailStopped {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { expected: settings.expected })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let trail = event.string("/requestParameters/name").unwrap_or_default();
        if event.string("/errorCode").is_some() || self.expected.contains(&trail) {
            return Findings::none();
        }
        Finding::new(&trail).title(format!("Trail {trail} was stopped")).detail("trail", &trail).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOPPED: &str = r#"{"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;

    #[test]
    fn a_stopped_trail_is_reported_unless_it_is_expected() {
        let findings = testing::evaluate::<TrailStopped>("{}", STOPPED).unwrap();
        assert_eq!(findings[0].key(), "main");
        let findings = testing::evaluate::<TrailStopped>(r#"{"expected": ["main"]}"#, STOPPED).unwrap();
        assert!(findings.is_empty());
    }
}
