//! Returns two findings with one key.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Returns two findings with one key.
    RepeatedKey,
    id: "guest.repeated-key",
    title: "Stuttered",
    severity: Informational,
    matches: everything,
}

struct RepeatedKey;

impl Rule for RepeatedKey {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        [Finding::new("twice"), Finding::new("twice")].into_iter().collect()
    }
}
