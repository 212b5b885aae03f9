//! The rule is not described.

use orgwatch_rules_sdk::prelude::*;

rule! {
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventName": ["StopLogging"] }],
}

include!("trail_stopped.in");
