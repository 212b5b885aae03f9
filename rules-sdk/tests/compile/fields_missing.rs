//! None of the required fields is there.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
    version: "1.0.0",
}

include!("trail_stopped.in");
