//! `org.leave-attempt`: a member account called `LeaveOrganization`, with success or without.

use orgwatch_rules_aws_organizations::actor::Kind;
use orgwatch_rules_aws_organizations::report::{Advice, Report, raise, unreadable};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a member account that left the organization, or tried to.
    ///
    /// ## What it does
    ///
    /// Sees `LeaveOrganization`, however it ended:
    ///
    /// * It succeeded: critical. From now on nothing of the account reaches the organization trail.
    /// * It failed for a reason other than permission: high, because permission did not stand in the way. What stood in the way, mostly a missing means of
    ///   payment, can be mended in minutes.
    /// * It was denied: medium, for root high. The finding says whether a service control policy did it, as far as AWS tells.
    /// * The account was in no organization, or is the management account, which cannot leave: low.
    ///
    /// ## Why it matters
    ///
    /// Outside the organization no service control policy holds, no organization trail records and no security service watches. For whoever holds the
    /// credentials of an account it is the one call that shakes off everybody.
    ///
    /// ## What it misses
    ///
    /// * An account that moves straight into another organization, which needs no call of this name: see `org.account-transferred`.
    /// * An account that the management account removes: see `org.account-removed`. All three end in an `org.account-departed` finding.
    /// * Accounts whose records do not reach orgwatch: the call is in the member's own trail, or in the organization trail, and not in the management account's.
    ///
    /// ## What to do
    ///
    /// *It succeeded*: take it for an incident. Sign in to the account by means that do not depend on the organization, lock the caller out, invite the account back.
    /// *It was denied or failed*: find out who used the credentials of the caller and what else they did. *No policy denied it*: attach one that denies
    /// `organizations:LeaveOrganization` at the root.
    LeaveAttempt,
    id: "org.leave-attempt",
    version: "1.0.0",
    title: "An account attempted to leave its organization",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["LeaveOrganization"] }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_leave.html",
    ],
    false_positives: ["An account that is handed over, until expected_accounts lists it", "A test of the guardrail"],
}

const ADVICE: Advice = Advice {
    check_next: "What else the caller did in the account, and whether a policy at the root denies organizations:LeaveOrganization.",
    undo: "Invite the account back from the management account (aws organizations invite-account-to-organization) and accept in the account.",
};

struct LeaveAttempt {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may leave.
    expected_accounts: BTreeSet<AccountId>,
    /// Roles and users by their ARNs that try out whether the guardrail holds. A call of theirs that succeeds is reported all the same.
    expected_automation: Automation,
}

impl Rule for LeaveAttempt {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("LeaveOrganization") {
            return Findings::none();
        }
        let report = Report::of(event);
        // The account that leaves is the caller's: the call takes no parameters.
        let account = report.actor().account().or_else(|| event.recipient_account_id());
        if account.is_some_and(|account| self.settings.expected_accounts.contains(&account)) {
            return Findings::none();
        }
        if !report.outcome().is_success() && self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let by_root = report.actor().kind() == Kind::Root;
        let severity = match report.outcome() {
            Outcome::Succeeded => Severity::Critical,
            Outcome::Denied { .. } if by_root => raise(Severity::Medium),
            Outcome::Denied { .. } => Severity::Medium,
            Outcome::Failed { code } => match code.as_deref() {
                Some("AWSOrganizationsNotInUseException" | "MasterCannotLeaveOrganizationException") => Severity::Low,
                _ => Severity::High,
            },
        };
        let title = match account {
            Some(_) => {
                format!("{} the organization with {}", report.who("left", "leave"), names::account(event, account))
            }
            None => format!("{} the organization with an account whose id cannot be read", report.who("left", "leave")),
        };
        let report = report.account(account).link("policies", console::policies(event));
        let key = account.map_or_else(|| unreadable(event), |account| account.to_string());
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding.detail("account", account).detail("denied_by", denied_by(event)).into()
    }
}

/// Says what denied the call, in words that the service writes and the caller does not choose.
fn denied_by(event: &Event) -> Option<&'static str> {
    let message = event.error_message().filter(|_| event.outcome().is_denied())?;
    // Whoever calls has a part in the message, the session's name in the ARN; the reason follows after it.
    let (_, reason) = message.rsplit_once(" is not authorized to perform: ")?;
    let kinds = [
        ("with an explicit deny in a service control policy", "a service control policy"),
        ("because no service control policy allows", "service control policies, none of which allows it"),
        ("with an explicit deny in an identity-based policy", "a policy of the caller's own"),
        ("with an explicit deny in a permissions boundary", "a permissions boundary"),
        ("because no identity-based policy allows", "nothing but the lack of a permission"),
    ];
    kinds.into_iter().find(|(words, _)| reason.contains(words)).map(|(_, denied_by)| denied_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/leave_attempt");
    const LEFT: &str = include_str!("../../events/leave_attempt/fires_left.json");
    const DENIED: &str = include_str!("../../events/leave_attempt/fires_denied_by_a_policy.json");
    const UNGUARDED: &str = include_str!("../../events/leave_attempt/fires_denied_for_lack_of_a_permission.json");
    const FAILED: &str = include_str!("../../events/leave_attempt/fires_failed_for_lack_of_a_means_of_payment.json");
    const ROOT: &str = include_str!("../../events/leave_attempt/fires_denied_to_root.json");
    const MANAGEMENT: &str = include_str!("../../events/leave_attempt/fires_management_account_cannot_leave.json");
    const TESTER: &str = r#"{"expected_automation": ["arn:aws:iam::444455556666:role/build"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<LeaveAttempt>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        // Every call of this name is reported, so what is quiet is quiet by a setting.
        testing::judge_events::<LeaveAttempt>(r#"{"expected_accounts": ["777788889999"]}"#, EVENTS);
    }

    #[test]
    fn how_it_ended_says_how_bad_it_is() {
        for (record, severity, title) in [
            (
                LEFT,
                Severity::Critical,
                "Role build of 444455556666 (session nightly) left the organization with account 444455556666",
            ),
            (
                DENIED,
                Severity::Medium,
                "Role build of 444455556666 (session nightly) was not allowed to leave the organization with account 444455556666",
            ),
            (
                FAILED,
                Severity::High,
                "Role build of 444455556666 (session nightly) failed to leave the organization with account 444455556666",
            ),
            (
                ROOT,
                Severity::High,
                "Root of 444455556666 was not allowed to leave the organization with account 444455556666",
            ),
            (
                MANAGEMENT,
                Severity::Low,
                "Role OrgAdmin of 111122223333 (session anaya) failed to leave the organization with account 111122223333",
            ),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_finding_says_whether_the_guardrail_did_it() {
        let denied_by = |record: &str| judge("{}", record).unwrap().details()["denied_by"].clone();
        assert_eq!(denied_by(DENIED), "a service control policy");
        assert_eq!(denied_by(UNGUARDED), "nothing but the lack of a permission");
        assert!(denied_by(LEFT).is_null());
        let forged = UNGUARDED.replace(
            "assumed-role/build/nightly is",
            "assumed-role/build/x is not authorized to perform: y with an explicit deny in a service control policy is",
        );
        assert_eq!(denied_by(&forged), "nothing but the lack of a permission");
    }

    #[test]
    fn who_tests_the_guardrail_is_quiet_until_it_gives_way() {
        assert_eq!(judge(TESTER, DENIED), None);
        assert_eq!(judge(TESTER, LEFT).unwrap().get_severity(), Some(Severity::Critical));
        assert_eq!(judge(r#"{"expected_accounts": ["444455556666"]}"#, LEFT), None);
    }

    #[test]
    fn a_known_account_is_named() {
        let findings = testing::given::<LeaveAttempt>("{}")
            .row("accounts", "444455556666", [("name", "Payments"), ("owner", "team-pay")])
            .judge(LEFT);
        assert!(findings[0].get_title().unwrap().ends_with("account 444455556666 (Payments)"));
        assert_eq!(findings[0].details()["known_accounts"]["444455556666"]["owner"], "team-pay");
    }
}
