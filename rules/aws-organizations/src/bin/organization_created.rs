//! `org.organization-created`: an account made itself the management account of a new organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that made itself the management account of a new organization.
    ///
    /// ## What it does
    ///
    /// Sees `CreateOrganization`: high, and low where the call failed because the account is in an organization already, medium for other failures.
    ///
    /// ## Why it matters
    ///
    /// An account can do this only outside any organization. If you read its records, it was one of yours a moment ago, or it is an account that you watch: now nobody
    /// can invite it without its consent, and it can invite others. To call it from a member of your organization says that somebody tried.
    ///
    /// ## What it misses
    ///
    /// * Accounts whose records do not reach orgwatch, which is what becomes of an account that has left.
    /// * How it came to be outside: see `org.leave-attempt`, `org.account-removed` and `org.account-departed`.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the owners of the account. If it was part of your organization, handle it as an account that has departed.
    OrganizationCreated,
    id: "org.organization-created",
    version: "1.0.0",
    title: "An organization was created",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["CreateOrganization"] }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_org_create.html",
    ],
    false_positives: ["Organizations that are made for a test, until expected_accounts lists their management accounts"],
}

const ADVICE: Advice = Advice {
    check_next: "How the account came to be outside your organization, and whether it has invited others since.",
    undo: "In the account: aws organizations delete-organization. Then invite the account back into yours.",
};

struct OrganizationCreated {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may create an organization.
    expected_accounts: BTreeSet<AccountId>,
}

impl Rule for OrganizationCreated {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("CreateOrganization") {
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
        let severity = match report.outcome().code() {
            Some("AlreadyInOrganizationException") => Severity::Low,
            _ => report.severity(Severity::High),
        };
        let text = |field: &str| event.response(&format!("/organization/{field}")).into_string();
        let who = report.who("created", "create");
        let title = format!("{who} an organization with {} as its management account", names::account(event, account));
        let features = text("featureSet").or_else(|| event.request("/featureSet").into_string());
        let report = report.account(account).link("settings", console::settings(event));
        let key = account.map_or_else(|| unreadable(event), |account| account.to_string());
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding
            .detail("management_account", account)
            .detail("organization", text("id").map(|id| plain(&id)))
            .detail("features", features.map(|features| plain(&features)))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/organization_created");
    const CREATED: &str = include_str!("../../events/organization_created/fires_created.json");
    const MEMBER: &str = include_str!("../../events/organization_created/fires_member_already.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<OrganizationCreated>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<OrganizationCreated>("{}", EVENTS);
    }

    #[test]
    fn a_new_organization_matters_more_than_a_member_that_wanted_one() {
        let created = judge("{}", CREATED).unwrap();
        assert_eq!(created.get_severity(), Some(Severity::High));
        assert_eq!(
            created.get_title(),
            Some(
                "Role build of 444455556666 (session nightly) created an organization with account 444455556666 as its management account"
            )
        );
        assert_eq!(created.details()["organization"], "o-exampleorg2");
        assert_eq!(judge("{}", MEMBER).unwrap().get_severity(), Some(Severity::Low));
        assert_eq!(judge(r#"{"expected_accounts": ["444455556666"]}"#, CREATED), None);
    }
}
