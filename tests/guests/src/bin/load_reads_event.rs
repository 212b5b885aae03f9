//! Reads the event while it is loaded.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reads the event while it is loaded.
    LoadReadsEvent,
    id: "guest.load-reads-event",
    title: "Peeked",
    severity: Informational,
    matches: everything,
}

struct LoadReadsEvent;

impl Rule for LoadReadsEvent {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        if orgwatch_test_guests::event_json("").is_some() { Ok(Self) } else { Err(Refusal::new("there is no event")) }
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Findings::none()
    }
}
