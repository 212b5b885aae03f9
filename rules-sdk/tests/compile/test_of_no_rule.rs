//! A test of a type for which there is no `rule!`.

use orgwatch_rules_sdk::prelude::*;

fn main() {
    let _ = testing::evaluate::<TrailStopped>("{}", "{}");
}

include!("trail_stopped.in");
