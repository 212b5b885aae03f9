//! `cis.s3-bucket-policy-changes`: who may reach a bucket, or what becomes of its content, was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{High, Low, Medium};

rule! {
    /// Reports changes to the policies of S3 buckets: access, cross-origin use, lifecycle and replication.
    ///
    /// ## What it does
    ///
    /// Reports the 9 operations that control 4.8 (5.8 from version 6.0 on) lists, and 5 that came later and decide the same:
    /// `PutBucketLifecycleConfiguration` and those that block public access, of buckets and of the account.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 9 operations. Calls
    /// that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// A bucket becomes public, is copied to another account or is emptied by a lifecycle rule with one call each, and none of them touches an
    /// object.
    ///
    /// ## What it misses
    ///
    /// * What the policy says: whether the bucket is public now is for a person, or IAM Access Analyzer, to read.
    /// * Ownership controls, access points and their policies.
    /// * Access to objects, which trails record only where they are told to.
    ///
    /// ## What to do
    ///
    /// Look at the bucket: may everyone read it, where is it copied to, what is deleted? If nobody asked for the change, put the configuration
    /// before back. Where it was public, take everything in it for read.
    S3BucketPolicyChanges,
    id: "cis.s3-bucket-policy-changes",
    version: "1.0.0",
    title: "An S3 bucket policy was changed",
    severity: Medium,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1530", "T1537", "T1485"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.8",
        "CIS AWS Foundations 6.0 and 7.0 §5.8",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-management.html",
    ],
    false_positives: [
        "Planned changes by infrastructure as code: list its role in `expected_automation`",
    ],
}

struct S3BucketPolicyChanges(Changes);

const CONTROL: Control = Control {
    source: "s3.amazonaws.com",
    filter: controls::S3_BUCKET_POLICY_CHANGES,
    operations: &[
        beyond("DeleteAccountPublicAccessBlock", High, "PutPublicAccessBlock for the account"),
        listed("DeleteBucketCors", Low, "PutBucketCors with the configuration before"),
        listed("DeleteBucketLifecycle", Low, "PutBucketLifecycleConfiguration with the rules before"),
        listed("DeleteBucketPolicy", Medium, "PutBucketPolicy with the policy before"),
        beyond("DeleteBucketPublicAccessBlock", High, "PutPublicAccessBlock for the bucket"),
        listed("DeleteBucketReplication", Medium, "PutBucketReplication with the configuration before"),
        beyond("PutAccountPublicAccessBlock", Medium, "PutPublicAccessBlock for the account with the settings before"),
        listed("PutBucketAcl", Medium, "PutBucketAcl with the grants before"),
        listed("PutBucketCors", Low, "PutBucketCors with the configuration before, or DeleteBucketCors"),
        listed(
            "PutBucketLifecycle",
            Medium,
            "PutBucketLifecycleConfiguration with the rules before, or DeleteBucketLifecycle",
        ),
        beyond(
            "PutBucketLifecycleConfiguration",
            Medium,
            "PutBucketLifecycleConfiguration with the rules before, or DeleteBucketLifecycle",
        ),
        listed("PutBucketPolicy", Medium, "PutBucketPolicy with the policy before, or DeleteBucketPolicy"),
        beyond("PutBucketPublicAccessBlock", Medium, "PutPublicAccessBlock for the bucket with the settings before"),
        listed(
            "PutBucketReplication",
            Medium,
            "PutBucketReplication with the configuration before, or DeleteBucketReplication",
        ),
    ],
    targets: &[("bucket", "/requestParameters/bucketName")],
};

impl Rule for S3BucketPolicyChanges {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Changes::load(&CONTROL, settings).map(Self)
    }

    fn matches(&self) -> Option<Matches> {
        Some(self.0.asked())
    }

    fn evaluate(&self, event: &Event) -> Findings {
        self.0.judge(event).map(|change| change.finding(event)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/s3_bucket_policy_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<S3BucketPolicyChanges>("{}", EVENTS);
    }
}
