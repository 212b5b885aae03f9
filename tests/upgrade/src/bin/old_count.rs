//! Looks back: the version that is in use.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account in which two buckets are deleted within an hour.
    BucketsDeleted,
    id: "upgrade.buckets-deleted",
    title: "Buckets were deleted",
    severity: High,
    version: "1.0.0",
    matches: [{ "eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteBucket"] }],
    state_version: 1,
}

/// How far the rule looks back.
const WITHIN: Duration = Duration::from_hours(1);

struct BucketsDeleted;

impl Rule for BucketsDeleted {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn keep(&self) -> Duration {
        WITHIN
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let bucket = event.string("/requestParameters/bucketName").unwrap_or_default();
        vec![Note::new("deleted", event.string("/recipientAccountId").unwrap_or_default()).value(bucket)]
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let account = event.string("/recipientAccountId").unwrap_or_default();
        let deleted = event.notes("deleted", &account).within(WITHIN).count(2);
        if deleted.actions >= 2 { Finding::new(account).once_per(WITHIN).into() } else { Findings::none() }
    }
}
