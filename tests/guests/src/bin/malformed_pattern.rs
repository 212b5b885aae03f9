//! Asks for events with a pattern that is none.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Asks for events with a pattern that is none.
    MalformedPattern,
    id: "guest.malformed-pattern",
    title: "Mumbled",
    severity: Informational,
    // In parentheses it is an expression, at which the macro does not look.
    matches: [{ "eventName": ("not a list") }],
}

struct MalformedPattern;

impl Rule for MalformedPattern {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
