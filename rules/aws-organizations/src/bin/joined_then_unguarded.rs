//! `org.joined-then-unguarded`: an account that has just joined lost its guard rails.

use std::time::Duration;

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::event::organizations::EVENT_SOURCE;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that joined the organization and soon afterwards had a policy detached or was moved to the root.
    ///
    /// ## What it does
    ///
    /// Remembers when an account joined (`AccountJoinedOrganization`, `CreateAccountResult`) and reports a successful `DetachPolicy` from this very
    /// account, or a `MoveAccount` of it straight under the root, within a day. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// An attacker who brings an account in wants it free: with the organization's shares and without its rules. New accounts are also where a wrong
    /// step of account vending shows first.
    ///
    /// ## What it misses
    ///
    /// * A policy detached from an organizational unit or the root, which frees the accounts in it: see `org.policy-detached`.
    /// * Whoever waits longer than the setting says.
    ///
    /// ## What to do
    ///
    /// Attach the policy again, or move the account back to where it belongs, and ask the actor why.
    JoinedThenUnguarded,
    id: "org.joined-then-unguarded",
    version: "1.0.0",
    title: "An account that had just joined was then left unguarded",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    state_version: 1,
    matches: [{
        "eventSource": [EVENT_SOURCE],
        "eventName": ["AccountJoinedOrganization", "CreateAccountResult", "DetachPolicy", "MoveAccount"],
    }],
    attack: ["T1666", "T1136.003"],
    references: ["https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_attach.html"],
    false_positives: ["Account vending that attaches its own policies and then detaches the default one, until it is listed as automation"],
}

const ADVICE: Advice = Advice {
    check_next: "Find out who brought the account in and who freed it, and what runs in it.",
    undo: "Attach the policy to the account again, or move it back.",
};

/// The series of accounts that joined, each under its own id.
const JOINED: &str = "joined";

struct JoinedThenUnguarded {
    settings: Settings,
    within: Duration,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// For how many hours after it joined an account is new: 24 by default, 90 days at most.
    hours: u64,
    /// Roles, users and services that may do so.
    expected_automation: Automation,
}

impl Default for Settings {
    fn default() -> Self {
        Self { hours: 24, expected_automation: Automation::default() }
    }
}

impl Rule for JoinedThenUnguarded {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if !(1..=90 * 24).contains(&settings.hours) {
            return Err("`hours` is not between 1 and 2160, which is 90 days".into());
        }
        Ok(Self { within: Duration::from_hours(settings.hours), settings })
    }

    fn keep(&self) -> Duration {
        self.within
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let joined = event.account_joined().and_then(|joined| joined.member());
        let created = || event.account("/serviceEventDetails/createAccountStatus/accountId");
        let account = joined.or_else(created);
        account.map(|account| Note::new(JOINED, account.to_string())).into_iter().collect()
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let report = Report::of(event);
        if !report.outcome().is_success() || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let text = |path: &str| event.request(path).into_string().unwrap_or_default();
        let (account, did) = match event.event_name().as_deref() {
            Some("DetachPolicy") => (text("/targetId"), format!("detached policy {} from", plain(&text("/policyId")))),
            Some("MoveAccount") if text("/destinationParentId").starts_with("r-") => {
                (text("/accountId"), "moved straight under the root".to_owned())
            }
            _ => return Findings::none(),
        };
        let Ok(account) = account.parse::<AccountId>() else {
            return Findings::none();
        };
        let key = account.to_string();
        let joined = event.notes(JOINED, &key).within(self.within).of_others().earliest(1);
        let Some(joined) = joined.first() else {
            return Findings::none();
        };
        let name = names::account(event, Some(account));
        let title = format!("{} {did} {name}, which joined at {}", report.actor(), joined.time);
        let report = report.account(Some(account));
        report
            .finding(key, ADVICE)
            .title(title)
            .detail("member_account", account)
            .detail("joined_time", &joined.time)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/joined_then_unguarded");
    const JOIN: &str = include_str!("../../events/unexpected_join/fires_invited.json");
    const MOVED: &str = include_str!("../../events/account_moved/fires_to_the_root.json");

    fn at(record: &str, time: &str) -> String {
        let mut record: serde_json::Value = serde_json::from_str(record).unwrap();
        record["eventTime"] = time.into();
        record.to_string()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<JoinedThenUnguarded>("{}", EVENTS);
    }

    #[test]
    fn an_account_is_new_for_a_day() {
        let given = testing::given::<JoinedThenUnguarded>("{}").earlier(at(JOIN, "2026-11-01T10:00:00Z"));
        let finding = given.judge(at(MOVED, "2026-11-02T10:00:00Z")).remove(0);
        assert_eq!(finding.details()["joined_time"], "2026-11-01T10:00:00Z");
        assert_eq!(given.judge(at(MOVED, "2026-11-02T10:00:01Z")), []);
        assert_eq!(given.judge(at(MOVED, "2026-11-01T09:59:59Z")), [], "it had not joined yet");
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for settings in [r#"{"hours": 0}"#, r#"{"hours": 2161}"#] {
            assert!(testing::evaluate::<JoinedThenUnguarded>(settings, JOIN).is_err(), "{settings}");
        }
    }
}
