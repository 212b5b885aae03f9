//! A file holds two rules.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventName": ["StopLogging"] }],
}

rule! {
    /// Reports a trail that was stopped.
    TrailDeleted,
    id: "demo.trail-deleted",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventName": ["StopLogging"] }],
}

include!("trail_stopped.in");

struct TrailDeleted;

impl Rule for TrailDeleted {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
