//! What stands in the macro has not the form of a rule.

use orgwatch_rules_sdk::prelude::*;

rule!(TrailStopped);

include!("trail_stopped.in");
