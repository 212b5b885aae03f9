//! Never returns.

use std::hint::black_box;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Never returns.
    EndlessLoop,
    id: "guest.endless-loop",
    title: "Looped",
    severity: Informational,
    matches: everything,
}

struct EndlessLoop;

impl Rule for EndlessLoop {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        let mut turns = 0_u64;
        while black_box(true) {
            turns = black_box(turns.wrapping_add(1));
        }
        Finding::new("after the loop").detail("turns", turns).into()
    }
}
