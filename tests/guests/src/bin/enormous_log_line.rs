//! Logs one line of ten megabytes.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Logs one line of ten megabytes.
    EnormousLogLine,
    id: "guest.enormous-log-line",
    title: "Droned",
    severity: Informational,
    matches: everything,
}

struct EnormousLogLine;

impl Rule for EnormousLogLine {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        orgwatch_test_guests::log(&"x".repeat(10 << 20));
        Finding::new("after the line").into()
    }
}
