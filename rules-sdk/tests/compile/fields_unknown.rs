//! Fields have names that do not exist.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventName": ["StopLogging"] }],
    description: "A trail was stopped",
    settings: Settings,
    mitre: ["T1562.008"],
}

include!("trail_stopped.in");
