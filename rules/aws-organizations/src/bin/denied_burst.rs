//! `org.denied-burst`: one actor is denied again and again by AWS Organizations.

use std::time::Duration;

use orgwatch_rules_aws_organizations::actor::Actor;
use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::operations::is_write;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::event::organizations::EVENT_SOURCE;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an actor who is denied many calls of AWS Organizations within a short time.
    ///
    /// ## What it does
    ///
    /// Counts the denied calls of one role, user or account, reading ones too: ten within ten minutes by default. All sessions of a role are one
    /// actor, whatever they are called. One finding an hour and actor; its last form says how many there were. Where all of them would only have
    /// read, it is medium and a finding of its own, so that reading can never make one about changes look smaller.
    ///
    /// ## Why it matters
    ///
    /// Whoever has stolen credentials tries what they are good for. A single denied call is often a missing permission; a row of different ones
    /// is somebody feeling their way.
    ///
    /// ## What it misses
    ///
    /// * Somebody who is patient, or uses several roles.
    /// * Calls that are allowed: most roles may read the organization.
    ///
    /// ## What to do
    ///
    /// Look at the list of operations. One operation repeated is a tool that lacks a permission: ask its owner. Many different ones are a search: end the
    /// role's sessions, exchange its credentials, and look at what else they were used for.
    DeniedBurst,
    id: "org.denied-burst",
    version: "1.0.0",
    title: "A burst of denied calls to AWS Organizations by one actor",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    state_version: 1,
    matches: [{ "eventSource": [EVENT_SOURCE], "errorCode": [{ "exists": true }] }],
    attack: ["T1078.004", "T1087.004"],
    references: ["https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html"],
    false_positives: ["A scanner or an inventory tool that lacks a permission and tries again"],
}

const ADVICE: Advice = Advice {
    check_next: "Look at the operations: many different ones are a search, one repeated is a tool that lacks a permission.",
    undo: "",
};

/// The series of denied calls, under the actor; the values are the operations.
const DENIED: &str = "denied";

/// How many calls the details tell apart, at most: as many as the host gives.
const LISTED: u32 = 1_000;

/// One finding of an actor in this time.
const PERIOD: Duration = Duration::from_hours(1);

struct DeniedBurst {
    settings: Settings,
    within: Duration,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// How many denied calls are a burst: 10 by default, 2 at least.
    calls: u64,
    /// Within how many minutes: 10 by default, a day at most.
    minutes: u64,
    /// Roles, users and services whose denied calls do not count.
    expected_automation: Automation,
}

impl Default for Settings {
    fn default() -> Self {
        Self { calls: 10, minutes: 10, expected_automation: Automation::default() }
    }
}

impl Rule for DeniedBurst {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if settings.calls < 2 {
            return Err("`calls` is less than 2: for single calls there is org.unauthorized-attempt".into());
        }
        if !(1..=24 * 60).contains(&settings.minutes) {
            return Err("`minutes` is not between 1 and 1440, which is a day".into());
        }
        Ok(Self { within: Duration::from_mins(settings.minutes), settings })
    }

    fn keep(&self) -> Duration {
        self.within
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        if !self.counts(event) {
            return Vec::new();
        }
        vec![Note::new(DENIED, Actor::of(event).key()).value(event.event_name().map(|name| plain(&name)))]
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if !self.counts(event) {
            return Findings::none();
        }
        let report = Report::of(event);
        let key = report.actor().key();
        let denied = event.notes(DENIED, &key).within(self.within);
        let tally = denied.count(10_000);
        if tally.actions < self.settings.calls {
            return Findings::none();
        }
        let mut operations: BTreeMap<String, u64> = BTreeMap::new();
        let notes = denied.latest(LISTED);
        for note in &notes {
            *operations.entry(note.value.as_str().unwrap_or("unknown").to_owned()).or_default() += 1;
        }
        let title = format!(
            "{} was denied {} calls of AWS Organizations within {} minutes",
            report.actor(),
            tally.actions,
            self.settings.minutes
        );
        // Among more than are listed there may be any.
        let all_listed = notes.len() < LISTED as usize;
        let only_reading = all_listed && !operations.keys().any(|operation| is_write(operation));
        let (key, title, severity) = if only_reading {
            (format!("{key} reading"), title + ", all of them to read", Severity::Medium)
        } else {
            (key, title, Severity::High)
        };
        report
            .finding(key, ADVICE)
            .title(title)
            .severity(severity)
            .once_per(PERIOD)
            .detail("calls", tally.actions)
            .detail("operations", operations)
            .into()
    }
}

impl DeniedBurst {
    fn counts(&self, event: &Event) -> bool {
        event.outcome().is_denied() && !self.settings.expected_automation.expects(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/denied_burst");
    const DENIED_CALL: &str = include_str!("../../events/unauthorized_attempt/fires_detach_policy.json");

    /// A denied call of the story: each number is another call, a second after the one before.
    fn call(number: u32, operation: &str, session: &str) -> String {
        let mut record: serde_json::Value = serde_json::from_str(DENIED_CALL).unwrap();
        record["eventID"] = format!("5a1c7e90-0000-4000-8000-{number:012}").into();
        record["eventTime"] = format!("2026-11-01T10:00:{number:02}Z").into();
        record["eventName"] = operation.into();
        record.to_string().replace("/anaya", &format!("/{session}")).replace(":anaya", &format!(":{session}"))
    }

    fn given(calls: u32, settings: &str) -> testing::Given<DeniedBurst> {
        (0..calls).fold(testing::given(settings), |given, number| {
            given.earlier(call(number, ["DetachPolicy", "ListRoots"][number as usize % 2], &format!("session{number}")))
        })
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<DeniedBurst>("{}", EVENTS);
    }

    #[test]
    fn ten_calls_of_one_role_are_a_burst_whatever_its_sessions_are_called() {
        assert_eq!(given(8, "{}").judge(call(20, "LeaveOrganization", "x")), []);
        let finding = given(9, "{}").judge(call(20, "LeaveOrganization", "x")).remove(0);
        assert_eq!(finding.details()["calls"], 10);
        assert_eq!(
            finding.details()["operations"],
            serde_json::json!({ "DetachPolicy": 5, "LeaveOrganization": 1, "ListRoots": 4 })
        );
        assert_eq!(finding.period(), Some(3600));
    }

    #[test]
    fn calls_that_would_only_have_read_are_a_lesser_finding_of_their_own() {
        let reading = (0..12).fold(testing::given::<DeniedBurst>("{}"), |given, number| {
            given.earlier(call(number, ["ListRoots", "DescribePolicy"][number as usize % 2], "x"))
        });
        let finding = reading.judge(call(20, "ListAccounts", "x")).remove(0);
        assert_eq!(finding.get_severity(), Some(Severity::Medium));
        assert_eq!(finding.key(), "arn:aws:iam::444455556666:role/build reading");
        assert!(
            finding
                .get_title()
                .unwrap()
                .ends_with("was denied 13 calls of AWS Organizations within 10 minutes, all of them to read")
        );

        // One change among them, earlier or now, makes it the other finding.
        for (earlier, now) in
            [("DetachPolicy", "ListAccounts"), ("ListAccounts", "DetachPolicy"), ("ListAccounts", "OpenTheGates")]
        {
            let mixed = (0..12).fold(testing::given::<DeniedBurst>("{}"), |given, number| {
                given.earlier(call(number, if number == 3 { earlier } else { "ListRoots" }, "x"))
            });
            let finding = mixed.judge(call(20, now, "x")).remove(0);
            assert_eq!(finding.get_severity(), Some(Severity::High), "{earlier} {now}");
            assert_eq!(finding.key(), "arn:aws:iam::444455556666:role/build");
        }
    }

    #[test]
    fn more_calls_than_are_listed_may_hide_a_change_and_count_as_one() {
        let many = (0..1_200).fold(testing::given::<DeniedBurst>("{}"), |given, number| {
            let record = call(1, "ListRoots", "x")
                .replace("5a1c7e90-0000-4000-8000-000000000001", &format!("5a1c7e90-0000-4000-8000-{number:012}"));
            given.earlier(&record)
        });
        assert_eq!(many.judge(call(20, "ListRoots", "x")).remove(0).get_severity(), Some(Severity::High));
    }

    #[test]
    fn a_call_that_succeeds_or_fails_otherwise_does_not_count() {
        let failed = call(20, "DetachPolicy", "x").replace("AccessDeniedException", "PolicyNotFoundException");
        assert_eq!(given(12, "{}").judge(&failed), []);
    }

    #[test]
    fn a_copy_of_a_call_counts_once() {
        let copies =
            (0..20).fold(testing::given::<DeniedBurst>("{}"), |given, _| given.earlier(call(1, "ListRoots", "x")));
        assert_eq!(copies.judge(call(2, "ListRoots", "x")), []);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for settings in [r#"{"calls": 1}"#, r#"{"minutes": 0}"#, r#"{"minutes": 1441}"#] {
            assert!(testing::evaluate::<DeniedBurst>(settings, DENIED_CALL).is_err(), "{settings}");
        }
    }
}
