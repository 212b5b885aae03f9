//! Logs without end.

use std::hint::black_box;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Logs without end.
    EndlessLogging,
    id: "guest.endless-logging",
    title: "Chattered",
    severity: Informational,
    matches: everything,
}

struct EndlessLogging;

impl Rule for EndlessLogging {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        while black_box(true) {
            orgwatch_test_guests::log("a word");
        }
        Findings::none()
    }
}
