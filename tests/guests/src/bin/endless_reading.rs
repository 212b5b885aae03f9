//! Reads the whole event again and again.

use std::hint::black_box;

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reads the whole event again and again.
    EndlessReading,
    id: "guest.endless-reading",
    title: "Read on",
    severity: Informational,
    matches: everything,
}

struct EndlessReading;

impl Rule for EndlessReading {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let mut bytes = 0;
        while black_box(true) {
            bytes += black_box(event.json("").map_or(0, |text| text.len()));
        }
        Finding::new("after reading").detail("bytes", bytes).into()
    }
}
