//! Trusts that the record says how much was read.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every bucket that is deleted, and panics where the record does not say how much was read.
    BucketDeleted,
    id: "upgrade.bucket-deleted",
    title: "A bucket was deleted",
    severity: Medium,
    version: "1.0.1",
    matches: [{ "eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteBucket"] }],
}

struct BucketDeleted;

impl Rule for BucketDeleted {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        event.number("/additionalEventData/bytesTransferredOut").expect("the record says how much was read");
        orgwatch_test_upgrade::report(event)
    }
}
