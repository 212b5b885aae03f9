//! Never finishes loading.

use std::hint::black_box;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Never finishes loading.
    LoadLoops,
    id: "guest.load-loops",
    title: "Looped while loading",
    severity: Informational,
    matches: everything,
}

struct LoadLoops;

impl Rule for LoadLoops {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        while black_box(true) {}
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
