//! Asks for no events at all.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Asks for no events at all.
    AsksForNothing,
    id: "guest.asks-for-nothing",
    title: "Wanted nothing",
    severity: Informational,
    matches: [{ "eventName": ["NobodyCallsThis"] }],
}

struct AsksForNothing;

impl Rule for AsksForNothing {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn matches(&self) -> Option<Matches> {
        Some(Matches::Patterns(Vec::new()))
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
