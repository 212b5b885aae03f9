//! Refuses its settings, whatever they are.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Refuses its settings, whatever they are.
    RefusesSettings,
    id: "guest.refuses-settings",
    title: "Refused",
    severity: Informational,
    matches: everything,
}

struct RefusesSettings;

impl Rule for RefusesSettings {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Err(Refusal::new("no settings are ever right"))
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
