//! Returns five thousand findings.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Returns five thousand findings.
    ThousandsOfFindings,
    id: "guest.thousands-of-findings",
    title: "Flooded",
    severity: Informational,
    matches: everything,
}

struct ThousandsOfFindings;

impl Rule for ThousandsOfFindings {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        (0..5000).map(|number| Finding::new(number.to_string())).collect()
    }
}
