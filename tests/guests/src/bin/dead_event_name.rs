//! Waits for an event that never comes: the name is misspelt.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped, or would, if its name were right.
    ///
    /// ## What it does
    ///
    /// Asks for `StopLoging`, which no service records, and is silent for ever.
    ///
    /// ## Why it matters
    ///
    /// A rule that can never fire looks exactly like a quiet day.
    ///
    /// ## What it misses
    ///
    /// Everything that it was written to see, and all else.
    ///
    /// ## What to do
    ///
    /// Let the check tell of it, and write the name with two letters g.
    DeadEventName,
    id: "guest.dead-event-name",
    title: "A trail was stopped, and nobody heard of it",
    severity: High,
    matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLoging"] }],
    attack: ["T1562.008"],
    references: ["https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html"],
    false_positives: ["There are none, since there are no findings"],
}

struct DeadEventName;

impl Rule for DeadEventName {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Finding::new("stopped").into()
    }
}
