//! Every field has a value of the wrong kind.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    id: trail_stopped,
    title: Stopped,
    severity: Hihg,
    matches: { "eventName": ["StopLogging"] },
    version: [1, 0, 0],
    status: "stable",
    attack: "T1562.008",
    references: none,
    false_positives: {},
    runbook: none,
    generic: yes,
    tables: "accounts",
    state_version: one,
}

include!("trail_stopped.in");
