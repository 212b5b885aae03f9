//! Panics while it is loaded.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Panics while it is loaded.
    LoadPanics,
    id: "guest.load-panics",
    title: "Panicked while loading",
    severity: Informational,
    matches: everything,
}

struct LoadPanics;

impl Rule for LoadPanics {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        panic!("not like this")
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
