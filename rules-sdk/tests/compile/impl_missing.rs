//! The type does not implement `Rule`.

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
