//! Panics, with the name of the event in its message.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Panics, with the name of the event in its message.
    Panic,
    id: "guest.panic",
    title: "Panicked",
    severity: Informational,
    matches: everything,
}

struct Panic;

impl Rule for Panic {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let name = event.string("/eventName").unwrap_or_default();
        panic!("the rule cannot bear {name}")
    }
}
