//! Has the faults of a rule that was written in a hurry: a check that never works, one that is missing, and an equality that is easily avoided.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports that the bucket of the audit log was deleted, unless by root.
    Careless,
    id: "guest.careless",
    title: "A careless rule",
    severity: High,
    matches: [{ "eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteBucket"] }],
}

struct Careless;

impl Rule for Careless {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        // CloudTrail writes `Root`, and whether the call succeeded nobody asks.
        let by_root = event.string("/userIdentity/type").as_deref() == Some("ROOT");
        let bucket = event.string("/requestParameters/bucketName").unwrap_or_default();
        if by_root || bucket != "audit-log" {
            return Findings::none();
        }
        Finding::new(&bucket).title(format!("Bucket {bucket} was deleted")).detail("bucket", &bucket).into()
    }
}
