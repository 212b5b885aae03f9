//! `org.account-invited`: an outside account was invited into the organization.

use orgwatch_rules_aws_organizations::invitation::Handshake;
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account from outside that was invited into the organization.
    ///
    /// ## What it does
    ///
    /// Sees `InviteAccountToOrganization` that succeeded: medium, by a root user high. Accounts that the settings list are expected.
    ///
    /// ## Why it matters
    ///
    /// An account from outside brings its own users and keys along. Once it is in, everything that is granted to the whole organization is granted
    /// to them: shared resources, buckets and keys with `aws:PrincipalOrgID` in their policies.
    ///
    /// ## What it misses
    ///
    /// * Whether the account accepts: see `org.unexpected-join`.
    /// * The account behind an invitation by e-mail address: the record does not say it before the account has accepted.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the caller whose account it is. An invitation that nobody wanted can be cancelled for 15 days, as long as it is not accepted.
    AccountInvited,
    id: "org.account-invited",
    version: "1.0.0",
    title: "An account was invited into the organization",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["InviteAccountToOrganization"] }],
    attack: ["T1666", "T1199"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteAccountToOrganization.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html",
    ],
    false_positives: ["Accounts of a company that is taken over, until expected_accounts lists them"],
}

const ADVICE: Advice = Advice {
    check_next: "Whose account it is, and which policies grant access to the whole organization (aws:PrincipalOrgID).",
    undo: "Cancel the invitation: aws organizations cancel-handshake --handshake-id HANDSHAKE. After it is accepted, remove the account.",
};

struct AccountInvited {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may be invited.
    expected_accounts: BTreeSet<AccountId>,
    /// Roles and users by their ARNs, and services by their names, that may invite any account.
    expected_automation: Automation,
}

impl Rule for AccountInvited {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("InviteAccountToOrganization") {
            return Findings::none();
        }
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let target = event.request("/target/id").into_string();
        // AWS took the request, so the account that it names is the one that was invited.
        let account: Option<AccountId> = target.as_deref().and_then(|id| id.parse().ok());
        let expected = account.is_some_and(|account| self.settings.expected_accounts.contains(&account));
        if expected || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let handshake = Handshake::of(event);
        let whom = match (account, &target) {
            (Some(_), _) => names::account(event, account),
            (None, Some(_)) => "an account by its e-mail address".to_owned(),
            (None, None) => "an account that the record does not name".to_owned(),
        };
        let title = format!("{} {whom} into the organization", report.who("invited", "invite"));
        let severity = report.raised_for_root(Severity::Medium);
        let report = report.account(account).link("invitations", console::invitations(event));
        let key = account.map(|account| account.to_string()).or_else(|| handshake.id.clone());
        let finding = report.finding(key.unwrap_or_else(|| unreadable(event)), ADVICE).title(title).severity(severity);
        finding
            .detail("account", account)
            .detail("invited", target.map(|target| plain(&target)))
            .detail("handshake", &handshake.id)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_invited");
    const BY_ID: &str = include_str!("../../events/account_invited/fires_by_id.json");
    const BY_MAIL: &str = include_str!("../../events/account_invited/fires_by_e_mail_address.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<AccountInvited>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountInvited>("{}", EVENTS);
    }

    #[test]
    fn the_invited_account_is_named_where_the_record_does() {
        let finding = judge("{}", BY_ID).unwrap();
        assert_eq!(
            finding.get_title(),
            Some("Role OrgAdmin of 111122223333 (session anaya) invited account 444455556666 into the organization")
        );
        assert_eq!((finding.get_severity(), finding.key()), (Some(Severity::Medium), "444455556666"));
        let finding = judge("{}", BY_MAIL).unwrap();
        assert_eq!(finding.key(), "h-examplehandshakeid3");
        assert!(
            finding.get_title().unwrap().ends_with("invited an account by its e-mail address into the organization")
        );
    }

    #[test]
    fn an_expected_account_is_expected_by_its_id_alone() {
        let expected = r#"{"expected_accounts": ["444455556666"]}"#;
        assert_eq!(judge(expected, BY_ID), None);
        assert!(judge(expected, BY_MAIL).is_some());
        let with_notes = BY_ID.replace("444455556666", "777788889999").replace("****", "444455556666");
        assert!(judge(expected, &with_notes).is_some());
    }
}
