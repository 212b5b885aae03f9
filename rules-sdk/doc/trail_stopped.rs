// The rule that most examples in the documentation are about.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a CloudTrail trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"] }],
    tables: ["accounts"],
}

pub struct TrailStopped {
    expected: BTreeSet<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Names of trails that may be stopped.
    expected: BTreeSet<String>,
}

impl Rule for TrailStopped {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { expected: settings.expected })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let trail = event.string("/requestParameters/name").unwrap_or_default();
        if !event.succeeded() || self.expected.contains(&trail) {
            return Findings::none();
        }
        let account = event.string("/recipientAccountId").unwrap_or_default();
        let known = event.table("accounts").row(&account);
        let owner = known.as_ref().and_then(|row| row.get("owner"));
        Finding::new(&trail).title(format!("Trail {trail} was stopped")).detail("owner", owner).into()
    }
}
