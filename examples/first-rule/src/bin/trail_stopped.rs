//! A first rule, as an author outside this project has it. `docs/writing-rules.md` goes through it.

use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a CloudTrail trail that was stopped or deleted.
    ///
    /// ## What it does
    ///
    /// Sees `StopLogging` and `DeleteTrail` calls that succeeded, whoever made them. Trails that the settings expect may be stopped.
    ///
    /// ## Why it matters
    ///
    /// Without a trail nobody sees what an attacker does next, neither this program nor the people who look into it later.
    ///
    /// ## What it misses
    ///
    /// A trail that goes on but records less, because `PutEventSelectors` or `UpdateTrail` narrowed it.
    ///
    /// ## What to do
    ///
    /// Ask the caller. If nobody knows, start the trail again and look at what the caller did before.
    TrailStopped,
    id: "demo.trail-stopped",
    title: "A CloudTrail trail was stopped",
    severity: High,
    matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging", "DeleteTrail"] }],
    attack: ["T1562.008"],
    references: ["https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html"],
    false_positives: ["A trail that is replaced by another one: list it in `expected`"],
}

struct TrailStopped {
    expected: BTreeSet<String>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Names or ARNs of trails that may be stopped.
    expected: BTreeSet<String>,
}

impl Rule for TrailStopped {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if settings.expected.contains("") {
            return Err("`expected` holds an empty text, which is no trail's name".into());
        }
        Ok(Self { expected: settings.expected })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        // A call that failed stopped nothing.
        if !event.succeeded() {
            return Findings::none();
        }
        // A record that does not name the trail is reported all the same.
        let trail = event.string("/requestParameters/name").unwrap_or_default();
        if self.expected.contains(&trail) {
            return Findings::none();
        }
        Finding::new(&trail).title(format!("Trail {trail} was stopped")).detail("trail", &trail).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOPPED: &str = include_str!("../../events/trail_stopped/fires_stopped.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<TrailStopped>("{}", "events/trail_stopped");
    }

    #[test]
    fn a_stopped_trail_is_reported_by_its_name() {
        let finding = testing::given::<TrailStopped>("{}").fires(STOPPED);
        assert_eq!(finding.key(), "main");
        assert_eq!(finding.get_title(), Some("Trail main was stopped"));
    }

    #[test]
    fn a_record_that_does_not_name_the_trail_is_reported_all_the_same() {
        let unnamed = testing::record(STOPPED).null("/requestParameters");
        assert_eq!(testing::given::<TrailStopped>("{}").fires(unnamed).key(), "");
    }

    #[test]
    fn a_call_that_failed_is_no_finding() {
        let denied = testing::record(STOPPED).with("/errorCode", "AccessDeniedException");
        testing::given::<TrailStopped>("{}").stays_quiet(denied);
    }

    #[test]
    fn a_trail_that_is_expected_may_be_stopped() {
        testing::given::<TrailStopped>(r#"{"expected": ["main"]}"#).stays_quiet(STOPPED);
    }

    #[test]
    fn an_empty_name_is_refused() {
        let refusal = testing::evaluate::<TrailStopped>(r#"{"expected": [""]}"#, STOPPED).unwrap_err();
        assert!(refusal.to_string().contains("`expected`"), "{refusal}");
    }
}
