//! Keys that somebody has disabled.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a KMS key that was disabled.
    ///
    /// ## What it does
    ///
    /// Sees `DisableKey` calls that succeeded, whoever made them.
    ///
    /// ## Why it matters
    ///
    /// What is encrypted with a key cannot be read while it is disabled. It is often the step before the key is deleted.
    ///
    /// ## What it misses
    ///
    /// A key policy that shuts everybody out, which has the same effect.
    ///
    /// ## What to do
    ///
    /// Ask the caller. If nobody knows, enable the key again, and look at what else the caller did.
    KeyDisabled,
    id: "acme.key-disabled",
    title: "A KMS key was disabled",
    severity: Medium,
    matches: [{ "eventSource": ["kms.amazonaws.com"], "eventName": ["DisableKey"] }],
    attack: ["T1485"],
    references: ["https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html"],
    false_positives: ["A key that is taken out of use before it is deleted"],
}

struct KeyDisabled;

impl Rule for KeyDisabled {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        // A call that failed disabled nothing.
        if !event.succeeded() {
            return Findings::none();
        }
        let key = event.string("/requestParameters/keyId").unwrap_or_default();
        Finding::new(&key).title(format!("The KMS key {key} was disabled")).detail("key", &key).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<KeyDisabled>("{}", "events/key_disabled");
    }
}
