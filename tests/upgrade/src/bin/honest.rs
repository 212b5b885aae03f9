//! An honest new version: it asks for more, reads more, says more, and has a setting.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every bucket that is deleted or opened, from outside of the networks that the settings name.
    BucketDeleted,
    id: "upgrade.bucket-deleted",
    title: "A bucket was deleted or opened",
    severity: High,
    version: "1.1.0",
    status: Test,
    matches: [{ "eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteBucket", "DeleteBucketPolicy"] }],
    attack: ["T1485"],
}

struct BucketDeleted {
    expected: Vec<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Addresses that buckets are expected to be deleted from.
    expected: Vec<String>,
}

impl Rule for BucketDeleted {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { expected: settings.expected })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        match event.string("/sourceIPAddress") {
            Some(address) if self.expected.contains(&address) => Findings::none(),
            _ => orgwatch_test_upgrade::report(event),
        }
    }
}
