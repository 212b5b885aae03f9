//! `org.invitation-by-newcomer`: somebody who never changed the organization before invites an account or an organization.

use std::time::Duration;

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::operations::is_write;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::event::organizations::EVENT_SOURCE;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an invitation by a role or user who has not changed the organization in the last 90 days.
    ///
    /// ## What it does
    ///
    /// Remembers who made successful calls that change the organization. An `InviteAccountToOrganization` or an
    /// `InviteOrganizationToTransferResponsibility` by somebody who made none in the last 90 days is reported. All sessions of a role are one actor. As an event
    /// that is still on its way could show that the actor is no newcomer, the finding waits for some minutes. For the first seven days of
    /// history everybody would be a newcomer: nothing is reported then.
    ///
    /// ## Why it matters
    ///
    /// Few people ever invite accounts. One who has never done anything of the kind and begins with an invitation is worth a question.
    ///
    /// ## What it misses
    ///
    /// * A newcomer who makes another change first.
    /// * The first seven days, and everything that happened before orgwatch began to look.
    ///
    /// ## What to do
    ///
    /// Ask the person behind the role. Cancel the handshake if nobody knows of it (`CancelHandshake`).
    InvitationByNewcomer,
    id: "org.invitation-by-newcomer",
    version: "1.0.0",
    title: "An invitation by a newcomer, who never changed the organization before",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    state_version: 1,
    matches: [{ "eventSource": [EVENT_SOURCE], "errorCode": [{ "exists": false }] }],
    attack: ["T1666", "T1078.004"],
    references: ["https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html"],
    false_positives: ["A new administrator's first day", "A role that was renamed"],
}

const ADVICE: Advice = Advice {
    check_next: "Ask the person behind the role, and look at what else the same access key did.",
    undo: "Cancel the handshake while it is open (CancelHandshake).",
};

/// Who changed the organization, each under the actor's own name.
const CALLERS: &str = "callers";

/// That the organization was changed at all: how far back anything is known.
const HISTORY: &str = "history";

const DAY: Duration = Duration::from_hours(24);

struct InvitationByNewcomer {
    settings: Settings,
}

/// Settings of the rule.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// For how many days somebody who made a change is known: 90 by default, 365 at most.
    days: u32,
    /// How many days of history there have to be before anybody is called a newcomer: 7 by default.
    learning_days: u32,
    /// Roles, users and services that may invite.
    expected_automation: Automation,
}

impl Default for Settings {
    fn default() -> Self {
        Self { days: 90, learning_days: 7, expected_automation: Automation::default() }
    }
}

impl Rule for InvitationByNewcomer {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        if !(1..=365).contains(&settings.days) {
            return Err("`days` is not between 1 and 365".into());
        }
        if settings.learning_days >= settings.days {
            return Err("`learning_days` is not less than `days`: nobody would ever be a newcomer".into());
        }
        Ok(Self { settings })
    }

    fn keep(&self) -> Duration {
        DAY * self.settings.days
    }

    fn note(&self, event: &Event) -> Vec<Note> {
        let changes = event.event_name().is_some_and(|name| is_write(&name)) && event.outcome().is_success();
        if !changes {
            return Vec::new();
        }
        let actor = orgwatch_rules_aws_organizations::actor::Actor::of(event);
        vec![Note::new(CALLERS, actor.key()), Note::new(HISTORY, "")]
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let invites = ["InviteAccountToOrganization", "InviteOrganizationToTransferResponsibility"];
        if !event.event_name().is_some_and(|name| invites.contains(&name.as_str())) {
            return Findings::none();
        }
        let report = Report::of(event);
        if !report.outcome().is_success() || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let key = report.actor().key();
        if event.notes(CALLERS, &key).of_others().count(1).actions > 0 || !self.has_learnt(event) {
            return Findings::none();
        }
        let target = event.request("/target/id").into_string().map(|target| plain(&target));
        let whom = target.as_deref().unwrap_or("somebody");
        let title = format!(
            "{} invited {whom}, and has not changed the organization in {} days",
            report.actor(),
            self.settings.days
        );
        report.finding(key, ADVICE).title(title).when_settled().detail("invited", &target).into()
    }
}

impl InvitationByNewcomer {
    /// Tells whether there is enough history to call anybody a newcomer.
    fn has_learnt(&self, event: &Event) -> bool {
        let earliest = event.notes(HISTORY, "").earliest(1);
        let since = earliest.first().and_then(|note| note.time.parse::<Timestamp>().ok());
        let learning = i64::from(self.settings.learning_days) * 86_400_000;
        since
            .zip(event.event_time())
            .is_some_and(|(since, now)| now.epoch_milliseconds() - since.epoch_milliseconds() >= learning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/invitation_by_newcomer");
    const INVITED: &str = include_str!("../../events/account_invited/fires_by_id.json");
    const REMOVED: &str = include_str!("../../events/account_removed/fires_removed.json");

    fn by(record: &str, role: &str, time: &str) -> String {
        let mut record: serde_json::Value = serde_json::from_str(record).unwrap();
        record["eventTime"] = time.into();
        record["eventID"] = format!("{role} {time}").into();
        record.to_string().replace("/OrgAdmin", &format!("/{role}"))
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<InvitationByNewcomer>("{}", EVENTS);
    }

    #[test]
    fn somebody_who_changed_something_before_is_no_newcomer() {
        let given = testing::given::<InvitationByNewcomer>("{}")
            .earlier(by(REMOVED, "OrgAdmin", "2026-10-01T10:00:00Z"))
            .earlier(by(REMOVED, "Operator", "2026-10-20T10:00:00Z"));
        let finding = given.judge(by(INVITED, "Newcomer", "2026-11-01T10:00:00Z")).remove(0);
        assert!(finding.waits(), "an event on its way could take it back");
        assert_eq!(given.judge(by(INVITED, "Operator", "2026-11-01T10:00:00Z")), []);
        assert_eq!(
            given.judge(by(INVITED, "Operator", "2026-10-19T10:00:00Z")).len(),
            1,
            "what comes later does not count"
        );
    }

    #[test]
    fn nobody_is_a_newcomer_while_there_is_no_history() {
        let given =
            testing::given::<InvitationByNewcomer>("{}").earlier(by(REMOVED, "OrgAdmin", "2026-10-26T10:00:00Z"));
        assert_eq!(given.judge(by(INVITED, "Newcomer", "2026-11-01T10:00:00Z")), []);
        assert_eq!(given.judge(by(INVITED, "Newcomer", "2026-11-02T10:00:00Z")).len(), 1);
        assert_eq!(testing::given::<InvitationByNewcomer>("{}").judge(INVITED), []);
    }

    #[test]
    fn a_denied_call_makes_nobody_known() {
        let denied = by(REMOVED, "Newcomer", "2026-10-20T10:00:00Z")
            .replace("\"eventName\"", "\"errorCode\":\"AccessDeniedException\",\"eventName\"");
        let given = testing::given::<InvitationByNewcomer>("{}")
            .earlier(by(REMOVED, "OrgAdmin", "2026-10-01T10:00:00Z"))
            .earlier(&denied);
        assert_eq!(given.judge(by(INVITED, "Newcomer", "2026-11-01T10:00:00Z")).len(), 1);
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for settings in [r#"{"days": 0}"#, r#"{"days": 366}"#, r#"{"days": 7, "learning_days": 7}"#] {
            assert!(testing::evaluate::<InvitationByNewcomer>(settings, INVITED).is_err(), "{settings}");
        }
    }
}
