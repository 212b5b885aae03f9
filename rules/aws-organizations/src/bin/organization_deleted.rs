//! `org.organization-deleted`: the organization was deleted, or was about to be.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports the end of an organization, and who brought it about.
    ///
    /// ## What it does
    ///
    /// Sees `DeleteOrganization`: critical, and high where the call failed for a reason other than permission, mostly because there are still accounts
    /// in the organization.
    ///
    /// ## Why it matters
    ///
    /// With the organization everything ends that hangs on it: policies, the organization trail, delegated administrators, shared resources, consolidated billing. There is no
    /// undo. AWS takes the call only when all member accounts are gone, so it is the last step of taking an organization apart.
    ///
    /// ## What it misses
    ///
    /// * The steps before: see `org.account-removed`, `org.account-departed` and `org.unit-changed`.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Unless it was a test organization, call AWS Support and everybody who is on duty. Save the records of the management account before anything else: they are
    /// all that tells which accounts, units and policies there were.
    OrganizationDeleted,
    id: "org.organization-deleted",
    version: "1.0.0",
    title: "An organization was deleted",
    severity: Critical,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["DeleteOrganization"] }],
    attack: ["T1666", "T1485"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeleteOrganization.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_org_delete.html",
    ],
    false_positives: ["Organizations that are made for a test, until expected_accounts lists their management accounts"],
}

const ADVICE: Advice = Advice {
    check_next: "Which accounts were removed or closed before, and by whom.",
    undo: "There is no way back: a new organization has to be created, its policies and units rebuilt and every account invited.",
};

struct OrganizationDeleted {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Management accounts whose organizations may be deleted.
    expected_accounts: BTreeSet<AccountId>,
}

impl Rule for OrganizationDeleted {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("DeleteOrganization") {
            return Findings::none();
        }
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        let account = report.actor().account().or_else(|| event.recipient_account_id());
        let expected = account.is_some_and(|account| self.settings.expected_accounts.contains(&account));
        if expected || operations::is_passing(report.outcome()) {
            return Findings::none();
        }
        let who = report.who("deleted", "delete");
        let title = format!("{who} the organization of {}", names::account(event, account));
        let severity = report.severity(Severity::Critical);
        let report = report.account(account).link("settings", console::settings(event));
        let key = account.map_or_else(|| unreadable(event), |account| account.to_string());
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding.detail("management_account", account).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/organization_deleted");
    const DELETED: &str = include_str!("../../events/organization_deleted/fires_deleted.json");
    const NOT_EMPTY: &str = include_str!("../../events/organization_deleted/fires_not_empty_yet.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<OrganizationDeleted>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<OrganizationDeleted>("{}", EVENTS);
    }

    #[test]
    fn the_attempt_is_one_step_below_the_deed() {
        let deleted = judge("{}", DELETED).unwrap();
        assert_eq!(deleted.get_severity(), Some(Severity::Critical));
        assert_eq!(
            deleted.get_title(),
            Some("Role OrgAdmin of 111122223333 (session anaya) deleted the organization of account 111122223333")
        );
        assert_eq!(judge("{}", NOT_EMPTY).unwrap().get_severity(), Some(Severity::High));
        assert_eq!(judge(r#"{"expected_accounts": ["111122223333"]}"#, DELETED), None);
        assert!(judge(r#"{"expected_accounts": ["444455556666"]}"#, DELETED).is_some());
    }
}
