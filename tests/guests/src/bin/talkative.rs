//! Returns as much as it may for every event that it asks for, all of it sound.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Has a lot to say.
    Talkative,
    id: "guest.talkative",
    title: "Said",
    severity: Informational,
    matches: [{ "eventName": ["Said"] }],
}

struct Talkative;

impl Rule for Talkative {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        (0..50).map(|part| Finding::new(format!("{part:02}")).detail("words", "blah ".repeat(800))).collect()
    }
}
