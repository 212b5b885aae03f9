//! `load` takes no settings and refuses nothing: the words are the compiler's own.

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

impl Rule for TrailStopped {
    type Settings = NoSettings;

    fn load() -> Self {
        Self
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
