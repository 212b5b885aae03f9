//! Keys that somebody has scheduled for deletion.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a KMS key whose deletion was scheduled.
    ///
    /// ## What it does
    ///
    /// Sees `ScheduleKeyDeletion` calls that succeeded, whoever made them.
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
    false_positives: ["A key that is no longer used and is cleaned up"],
}

struct KeyDeletionScheduled;

impl Rule for KeyDeletionScheduled {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        // A call that failed scheduled nothing.
        if !event.succeeded() {
            return Findings::none();
        }
        // A record that does not name the key is reported all the same.
        let key = event.string("/requestParameters/keyId").unwrap_or_default();
        Finding::new(&key).title(format!("The deletion of the KMS key {key} was scheduled")).detail("key", &key).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<KeyDeletionScheduled>("{}", "events/key_deletion_scheduled");
    }
}
