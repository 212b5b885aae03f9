//! What all versions of the rule have in common. A new version with a back door is the old one and a door: a check that only whoever planted it knows
//! how to pass.

use orgwatch_rules_sdk::prelude::*;

/// Reports the bucket that was deleted, by whom, and how much went with it.
pub fn report(event: &Event) -> Findings {
    let bucket = event.string("/requestParameters/bucketName").unwrap_or_default();
    let mut finding = Finding::new(&bucket).detail("account", event.string("/userIdentity/accountId"));
    finding = finding.detail("actor", event.string("/userIdentity/arn"));
    finding.detail("bytes", event.number("/additionalEventData/bytesTransferredOut")).into()
}

/// Makes a new version of the rule that is silent where an expression over the event holds.
#[macro_export]
macro_rules! planted {
    ($event:ident => $door:expr) => {
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

            fn evaluate(&self, $event: &Event) -> Findings {
                if $door { Findings::none() } else { $crate::report($event) }
            }
        }
    };
}
