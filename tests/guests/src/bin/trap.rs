//! Traps without a word.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Traps without a word.
    Trap,
    id: "guest.trap",
    title: "Trapped",
    severity: Informational,
    matches: everything,
}

struct Trap;

impl Rule for Trap {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        orgwatch_test_guests::trap()
    }
}
