//! The severity is written as a path.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: Severity::High,
    matches: [{ "eventName": ["StopLogging"] }],
}

include!("trail_stopped.in");
