//! Reads what no record of its events can have.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports that a trail was stopped, and looks for its name where it never stands.
    Misreads,
    id: "guest.misreads",
    title: "A rule that misreads",
    severity: High,
    matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"] }],
}

struct Misreads;

impl Rule for Misreads {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let name = event.string("/requestParameters/name").unwrap_or_default();
        let trail = event.string("/requestParameters/Name").unwrap_or(name);
        if event.string("/userIdentity/tpye").is_some() {
            return Findings::none();
        }
        Finding::new(trail).into()
    }
}
