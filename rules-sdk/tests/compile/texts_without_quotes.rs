//! Numbers stand where texts belong.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: "demo.trail-stopped",
    title: 5,
    severity: High,
    matches: [{ "eventName": ["StopLogging"] }],
    attack: [1562],
}

include!("trail_stopped.in");
