//! `org.account-removed`: the management account removed a member from the organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::{names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that somebody removed from the organization, and who it was.
    ///
    /// ## What it does
    ///
    /// Sees `RemoveAccountFromOrganization`: high, by a root user critical, and medium where the call failed for a reason other than permission. Failures that
    /// the caller just tries again are quiet.
    ///
    /// ## Why it matters
    ///
    /// From then on no service control policy binds the account, its records no longer reach the organization trail, and no security service of the organization watches it.
    /// Whoever has a foothold in the account keeps it.
    ///
    /// ## What it misses
    ///
    /// * Accounts that go by themselves: see `org.leave-attempt` and `org.account-transferred`. All of them end in an `org.account-departed` finding
    ///   with the same key.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the caller. If nobody planned it, invite the account back at once, and look into the account by means that do not depend on the
    /// organization: its own trail, if it has one, and the access that your other accounts grant to it.
    AccountRemoved,
    id: "org.account-removed",
    version: "1.0.0",
    title: "An account was removed from the organization",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["RemoveAccountFromOrganization"] }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_RemoveAccountFromOrganization.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_remove.html",
    ],
    false_positives: ["Accounts that are handed over as planned, until expected_accounts lists them"],
}

const ADVICE: Advice = Advice {
    check_next: "Whether the owners of the account know, what the caller did before, and what your other accounts grant to this one.",
    undo: "Invite the account back (aws organizations invite-account-to-organization) and accept in the account.",
};

struct AccountRemoved {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may be removed.
    expected_accounts: BTreeSet<AccountId>,
    /// Roles and users by their ARNs, and services by their names, that may remove any account.
    expected_automation: Automation,
}

impl Rule for AccountRemoved {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("RemoveAccountFromOrganization") {
            return Findings::none();
        }
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        let account = event.account("/requestParameters/accountId");
        let expected = account.is_some_and(|account| self.settings.expected_accounts.contains(&account))
            || self.settings.expected_automation.expects(event);
        if expected || operations::is_passing(report.outcome()) {
            return Findings::none();
        }
        let who = report.who("removed", "remove");
        let title = format!("{who} {} from the organization", names::account(event, account));
        let severity = report.severity(report.raised_for_root(Severity::High));
        let report = report.account(account);
        let key = account.map_or_else(|| unreadable(event), |account| account.to_string());
        report.finding(key, ADVICE).title(title).severity(severity).detail("account", account).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_removed");
    const REMOVED: &str = include_str!("../../events/account_removed/fires_removed.json");
    const BY_ROOT: &str = include_str!("../../events/account_removed/fires_removed_by_root_in_the_console.json");
    const FAILED: &str = include_str!("../../events/account_removed/fires_failed.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<AccountRemoved>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountRemoved>("{}", EVENTS);
    }

    #[test]
    fn a_removal_says_who_did_it() {
        for (record, severity, title) in [
            (
                REMOVED,
                Severity::High,
                "Role OrgAdmin of 111122223333 (session anaya) removed account 444455556666 from the organization",
            ),
            (BY_ROOT, Severity::Critical, "Root of 111122223333 removed account 444455556666 from the organization"),
            (
                FAILED,
                Severity::Medium,
                "Role OrgAdmin of 111122223333 (session anaya) failed to remove account 444455556666 from the organization",
            ),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!((finding.get_severity(), finding.key()), (Some(severity), "444455556666"), "{title}");
            assert_eq!(judge(r#"{"expected_accounts": ["444455556666"]}"#, record), None);
        }
        assert!(judge(r#"{"expected_accounts": ["777788889999"]}"#, REMOVED).is_some());
    }
}
