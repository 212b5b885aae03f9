//! Trusts that a field is there.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every policy that is deleted, and panics where the record does not say which.
    Trusting,
    id: "guest.trusting",
    title: "A trusting rule",
    severity: Low,
    matches: [{ "eventSource": ["organizations.amazonaws.com"], "eventName": ["DeletePolicy"] }],
}

struct Trusting;

impl Rule for Trusting {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let policy = event.string("/requestParameters/policyId").expect("a policy is deleted");
        Finding::new(policy).into()
    }
}
