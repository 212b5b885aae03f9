//! Returns one finding of 300 kilobytes.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Returns one finding of 300 kilobytes.
    GiantFinding,
    id: "guest.giant-finding",
    title: "Overflowed",
    severity: Informational,
    matches: everything,
}

struct GiantFinding;

impl Rule for GiantFinding {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Finding::new("giant").detail("text", "x".repeat(300_000)).into()
    }
}
