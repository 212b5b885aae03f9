//! The version that is in use.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every bucket that is deleted.
    BucketDeleted,
    id: "upgrade.bucket-deleted",
    title: "A bucket was deleted",
    severity: Medium,
    version: "1.0.0",
    matches: [{ "eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteBucket"] }],
}

struct BucketDeleted;

impl Rule for BucketDeleted {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        orgwatch_test_upgrade::report(event)
    }
}
