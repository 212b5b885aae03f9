//! Does more than is needed where its settings say so.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports every bucket that is deleted, and reads its name as often as the settings say.
    Thorough,
    id: "guest.thorough",
    title: "A thorough rule",
    severity: Low,
    matches: [{ "eventSource": ["s3.amazonaws.com"], "eventName": ["DeleteBucket"] }],
}

struct Thorough {
    times: usize,
}

/// How often.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// How often the name is read beyond the once that is needed.
    times: usize,
}

impl Rule for Thorough {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { times: settings.times })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let bucket = (0..=self.times)
            .find_map(|time| event.string("/requestParameters/bucketName").filter(|_| time == self.times));
        Finding::new(bucket.unwrap_or_default()).into()
    }
}
