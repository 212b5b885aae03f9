//! A pattern names its field without quotes.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ eventName: ["StopLogging"] }],
}

include!("trail_stopped.in");
