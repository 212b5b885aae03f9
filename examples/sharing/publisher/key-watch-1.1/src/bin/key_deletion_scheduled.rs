//! Keys that somebody has scheduled for deletion.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a KMS key whose deletion was scheduled.
    ///
    /// ## What it does
    ///
    /// Sees `ScheduleKeyDeletion` calls that succeeded, whoever made them, and tells how many days are left. Keys that the settings expect may be
    /// deleted.
    ///
    /// ## Why it matters
    ///
    /// When the waiting period is over the key is gone, and with it all that was encrypted with it. Until then the deletion can be cancelled.
    ///
    /// ## What it misses
    ///
    /// Imported key material that is deleted, or that expires: such a key is lost without a waiting period.
    ///
    /// ## What to do
    ///
    /// Ask the caller. If nobody knows, call `CancelKeyDeletion`, enable the key again, and look at what else the caller did.
    KeyDeletionScheduled,
    id: "acme.key-deletion-scheduled",
    title: "The deletion of a KMS key was scheduled",
    severity: High,
    matches: [{ "eventSource": ["kms.amazonaws.com"], "eventName": ["ScheduleKeyDeletion"] }],
    attack: ["T1485"],
    references: ["https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html"],
    false_positives: ["A key that is no longer used and is cleaned up: list it in `expected`"],
}

struct KeyDeletionScheduled {
    expected: BTreeSet<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Keys that may be deleted, as the call names them.
    expected: BTreeSet<String>,
}

impl Rule for KeyDeletionScheduled {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if settings.expected.contains("") {
            return Err("`expected` holds an empty text, which is no key".into());
        }
        Ok(Self { expected: settings.expected })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        // A call that failed scheduled nothing.
        if !event.succeeded() {
            return Findings::none();
        }
        // A record that does not name the key is reported all the same.
        let key = event.string("/requestParameters/keyId").unwrap_or_default();
        if self.expected.contains(&key) {
            return Findings::none();
        }
        // The answer has the days even where the call left them to the default.
        let days = event.number("/responseElements/pendingWindowInDays");
        Finding::new(&key)
            .title(format!("The deletion of the KMS key {key} was scheduled"))
            .detail("key", &key)
            .detail("days", days)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<KeyDeletionScheduled>("{}", "events/key_deletion_scheduled");
    }

    #[test]
    fn a_key_that_is_expected_may_be_deleted() {
        let scheduled = include_str!("../../events/key_deletion_scheduled/fires_scheduled.json");
        let expected = r#"{"expected": ["1234abcd-12ab-34cd-56ef-1234567890ab"]}"#;
        testing::given::<KeyDeletionScheduled>(expected).stays_quiet(scheduled);
    }
}
