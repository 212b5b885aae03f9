//! The settings derive no schema.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventName": ["StopLogging"] }],
}

struct TrailStopped;

#[derive(Default, Deserialize)]
struct Settings {
    expected: BTreeSet<String>,
}

impl Rule for TrailStopped {
    type Settings = Settings;

    fn load(_: Settings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
