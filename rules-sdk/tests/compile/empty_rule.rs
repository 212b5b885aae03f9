//! The rule has no fields at all.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped.
    TrailStopped,
}

include!("trail_stopped.in");
