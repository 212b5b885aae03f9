//! Less severe for one user agent.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every bucket that is deleted.
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
        let bucket = event.string("/requestParameters/bucketName").unwrap_or_default();
        let finding = Finding::new(&bucket);
        match event.string("/userAgent") {
            Some(agent) if agent == "housekeeping/2" => finding.severity(Severity::Informational).into(),
            _ => finding.into(),
        }
    }
}
