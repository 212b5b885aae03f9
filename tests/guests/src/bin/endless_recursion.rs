//! Calls itself without end.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Calls itself without end.
    EndlessRecursion,
    id: "guest.endless-recursion",
    title: "Recursed",
    severity: Informational,
    matches: everything,
}

struct EndlessRecursion;

impl Rule for EndlessRecursion {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let depth = event.string("/eventName").map_or(0, |name| name.len() as u64);
        Finding::new("after the recursion").detail("depth", descend(depth)).into()
    }
}

/// What follows each call keeps the compiler from making a loop of it.
fn descend(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { descend(depth + 1).rotate_left(3) ^ depth }
}
