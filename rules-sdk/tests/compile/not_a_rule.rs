use orgwatch_rules_sdk::prelude::*;

rule!(TrailStopped);

include!("trail_stopped.in");
