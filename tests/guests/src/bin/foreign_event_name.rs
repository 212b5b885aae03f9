//! Waits for an event of one service under the name of another.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a trail that was stopped, or would, if its source were right.
    ///
    /// ## What it does
    ///
    /// Asks AWS Organizations for `StopLogging`, which is CloudTrail's, and is silent for ever.
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
    /// Let the check tell of it, and write the source that records it.
    ForeignEventName,
    id: "guest.foreign-event-name",
    title: "A trail was stopped, and nobody heard of it",
    severity: High,
    matches: [{ "eventSource": ["organizations.amazonaws.com"], "eventName": ["StopLogging"] }],
    attack: ["T1562.008"],
    references: ["https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html"],
    false_positives: ["There are none, since there are no findings"],
}

struct ForeignEventName;

impl Rule for ForeignEventName {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, _: &Event) -> Findings {
        Finding::new("stopped").into()
    }
}
