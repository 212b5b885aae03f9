//! `org.account-transferred`: an account accepted an invitation into another organization.

use orgwatch_rules_aws_organizations::ids::OrganizationId;
use orgwatch_rules_aws_organizations::invitation::{Handshake, Kind};
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that accepted an invitation into another organization, and so left this one without a word.
    ///
    /// ## What it does
    ///
    /// Sees `AcceptHandshake` of an invitation. Since November 2025 an account may move straight from one organization into another; the call is
    /// the only one that it makes, there is no `LeaveOrganization`. With `own_organizations` set, an acceptance of theirs is quiet and one of
    /// any other organization's is critical. Without it each is high: the records that orgwatch reads come from accounts of your organization, which have
    /// no invitation to accept. An acceptance whose response is missing from the record is high too, and one that failed is medium.
    ///
    /// ## Why it matters
    ///
    /// The account takes its data, its roles and its trust relations along, and whoever runs the other organization has its policies, its root and its trail
    /// from then on.
    ///
    /// ## What it misses
    ///
    /// * Accounts whose records do not reach orgwatch: the call is in the member's trail. The old management account gets
    ///   `AccountDepartedOrganization`, which `org.account-departed` reports as *Left*.
    /// * Handshakes about other things: see `org.handshake-answered`. Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the owners of the account and the caller at once. The finding names the other organization's management account: if it is unknown, take the account
    /// for stolen, revoke what other accounts grant to it, and call AWS Support.
    AccountTransferred,
    id: "org.account-transferred",
    version: "1.0.0",
    title: "An account was transferred into another organization",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["AcceptHandshake"] }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html",
    ],
    false_positives: ["An account that joins your organization and whose records you read already, until own_organizations lists it"],
}

const ADVICE: Advice = Advice {
    check_next: "Who owns the organization that the account went to, and what your other accounts grant to the one that went.",
    undo: "Invite the account back from your management account, and have it accept: nobody can fetch it back without its consent.",
};

struct AccountTransferred {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Your organizations by their ids. Invitations of all others are a way out.
    own_organizations: BTreeSet<OrganizationId>,
    /// Accounts that may go to another organization.
    expected_accounts: BTreeSet<AccountId>,
}

impl Rule for AccountTransferred {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("AcceptHandshake") {
            return Findings::none();
        }
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        let handshake = Handshake::of(event);
        let succeeded = report.outcome().is_success();
        // A call that failed has no response: any handshake may have been meant.
        if !matches!(handshake.kind, Kind::Invite | Kind::Unknown) || operations::is_passing(report.outcome()) {
            return Findings::none();
        }
        let account = report.actor().account().or_else(|| event.recipient_account_id());
        let own = &self.settings.own_organizations;
        let joins_own = handshake.kind == Kind::Invite
            && handshake.organization.as_deref().is_some_and(|organization| own.contains(organization));
        let expected = account.is_some_and(|account| self.settings.expected_accounts.contains(&account));
        if joins_own || expected {
            return Findings::none();
        }
        let severity = match handshake.kind {
            _ if !succeeded => Severity::Medium,
            Kind::Invite if !own.is_empty() => Severity::Critical,
            _ => Severity::High,
        };
        let title = match handshake.kind {
            Kind::Invite => format!(
                "{} an invitation into {}: {} is in it now",
                report.who("accepted", "accept"),
                handshake.organization_of(event),
                names::account(event, account)
            ),
            _ if succeeded => format!(
                "{} a handshake that the record does not show: {} may have gone to another organization",
                report.who("accepted", "accept"),
                names::account(event, account)
            ),
            _ => format!(
                "{} a handshake: {} may be on its way to another organization",
                report.who("accepted", "accept"),
                names::account(event, account)
            ),
        };
        let report = report.account(account).link("invitations", console::invitations(event));
        let key = account.map_or_else(|| unreadable(event), |account| account.to_string());
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding
            .detail("account", account)
            .detail("handshake", &handshake.id)
            .detail("organization", &handshake.organization)
            .detail("management_account", handshake.management_account)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_transferred");
    const OUTSIDE: &str = include_str!("../../events/account_transferred/fires_into_another_organization.json");
    const HIDDEN: &str = include_str!("../../events/account_transferred/fires_response_missing.json");
    const FAILED: &str = include_str!("../../events/account_transferred/fires_failed.json");
    const OWN: &str = r#"{"own_organizations": ["o-exampleorg1"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<AccountTransferred>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountTransferred>("{}", EVENTS);
    }

    #[test]
    fn an_acceptance_is_a_departure_under_another_name() {
        let finding = judge("{}", OUTSIDE).unwrap();
        assert_eq!(
            finding.get_title(),
            Some(
                "Role build of 444455556666 (session nightly) accepted an invitation into organization o-exampleorg2 of account 777788889999: \
                 account 444455556666 is in it now"
            )
        );
        assert_eq!(finding.get_severity(), Some(Severity::High));
        assert_eq!(finding.key(), "444455556666");
        assert_eq!(finding.details()["management_account"], "777788889999");
        assert_eq!(judge(OWN, OUTSIDE).unwrap().get_severity(), Some(Severity::Critical));
    }

    #[test]
    fn joining_ones_own_organization_is_no_transfer() {
        let own = OUTSIDE.replace("exampleorg2", "exampleorg1");
        assert_eq!(judge(OWN, &own), None);
        assert!(judge("{}", &own).is_some());
        assert_eq!(judge(r#"{"expected_accounts": ["444455556666"]}"#, OUTSIDE), None);
    }

    #[test]
    fn what_the_record_does_not_show_is_not_excused() {
        assert_eq!(judge(OWN, HIDDEN).unwrap().get_severity(), Some(Severity::High));
        assert_eq!(judge(OWN, FAILED).unwrap().get_severity(), Some(Severity::Medium));
        let two_answers = OUTSIDE.replace("/invite/", "/enable_all_features/").replace("exampleorg2", "exampleorg1");
        assert_eq!(judge(OWN, &two_answers).unwrap().get_severity(), Some(Severity::High));
        let by_request = HIDDEN.replace("\"handshakeId\"", "\"organization\": \"o-exampleorg1\", \"handshakeId\"");
        assert!(judge(OWN, &by_request).is_some(), "the caller chooses the request");
    }
}
