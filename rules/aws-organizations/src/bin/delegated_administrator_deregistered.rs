//! `org.delegated-administrator-deregistered`: an account lost a service that it administered for the whole organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations, services};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that ceased to be the administrator of a service for the whole organization.
    ///
    /// ## What it does
    ///
    /// Sees `DeregisterDelegatedAdministrator` of AWS Organizations and CloudTrail's own `DeregisterOrganizationDelegatedAdmin`. It is high for
    /// a service that watches the organization (GuardDuty, Security Hub, CloudTrail, Config, Access Analyzer and the like), medium for the
    /// rest, and one step lower for a call that failed. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// The security team's account sees the findings of all others because it is the delegated administrator. One call takes that sight away; for
    /// some services it deletes their organization-wide configuration too.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * A service whose trusted access is switched off, which has the same effect: see `org.trusted-access-disabled`.
    /// * An account that leaves the organization and so ceases to administer anything: see `org.account-departed`.
    ///
    /// ## What to do
    ///
    /// Ask the caller. If nobody planned it, register the account again, check in the service itself that all member accounts are still enabled,
    /// and look at what happened in the organization while nobody was watching.
    DelegatedAdministratorDeregistered,
    id: "org.delegated-administrator-deregistered",
    version: "1.0.0",
    title: "A delegated administrator was deregistered",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [
        { "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["DeregisterDelegatedAdministrator"] },
        { "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["DeregisterOrganizationDelegatedAdmin"] },
    ],
    attack: ["T1562.001", "T1484"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeregisterDelegatedAdministrator.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html",
    ],
    false_positives: ["A service that is handed over from one account to another, as planned"],
}

const ADVICE: Advice = Advice {
    check_next: "Ask the caller. Check in the service that its findings and settings for all member accounts are still there.",
    undo: "In the management account: aws organizations register-delegated-administrator with the same account and service principal.",
};

struct DelegatedAdministratorDeregistered {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles, users and services that may deregister any account.
    expected_automation: Automation,
}

impl Rule for DelegatedAdministratorDeregistered {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let by_cloudtrail = event.event_source().as_deref() == Some("cloudtrail.amazonaws.com");
        // Only what Organizations denied is reported elsewhere.
        let report = Report::of(event);
        let denied_elsewhere = report.outcome().is_denied() && !by_cloudtrail;
        if denied_elsewhere
            || operations::is_passing(report.outcome())
            || self.settings.expected_automation.expects(event)
        {
            return Findings::none();
        }
        let account = event.account("/requestParameters/accountId");
        let account = account.or_else(|| event.account("/requestParameters/delegatedAdminAccountId"));
        let service = if by_cloudtrail {
            Some("cloudtrail.amazonaws.com".to_owned())
        } else {
            event.request("/servicePrincipal").into_string()
        };

        let principal = service.as_deref().unwrap_or("a service whose name cannot be read");
        let severity = match service.as_deref() {
            Some(name) if !services::is_security(name) => Severity::Medium,
            _ => Severity::High,
        };
        let title = format!(
            "{} {} as delegated administrator of {}",
            report.who("deregistered", "deregister"),
            names::account(event, account),
            plain(principal)
        );
        let severity = report.severity(severity);
        let report = report.link("services", console::services(event)).account(account);
        let key = account.map_or_else(|| unreadable(event), |account| format!("{account} {}", plain(principal)));
        report
            .finding(key, ADVICE)
            .title(title)
            .severity(severity)
            .detail("administrator_account", account)
            .detail("service", service.as_deref().map(plain))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/delegated_administrator_deregistered");
    const GUARDDUTY: &str =
        include_str!("../../events/delegated_administrator_deregistered/fires_security_service.json");
    const STACKSETS: &str = include_str!("../../events/delegated_administrator_deregistered/fires_other_service.json");
    const FAILED: &str = include_str!("../../events/delegated_administrator_deregistered/fires_failed.json");
    const CLOUDTRAIL: &str = include_str!("../../events/delegated_administrator_deregistered/fires_by_cloudtrail.json");
    const BARE: &str = include_str!("../../events/delegated_administrator_deregistered/fires_without_parameters.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<DelegatedAdministratorDeregistered>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<DelegatedAdministratorDeregistered>("{}", EVENTS);
    }

    #[test]
    fn a_service_that_watches_the_organization_matters_more() {
        for (record, severity, title) in [
            (
                GUARDDUTY,
                Severity::High,
                "Role deploy of 111122223333 (session build-7) deregistered account 444455556666 as delegated administrator of \
                 guardduty.amazonaws.com",
            ),
            (
                STACKSETS,
                Severity::Medium,
                "Identity Center user anaya@example.com as OrgAdmin of 111122223333 deregistered account 444455556666 as delegated \
                 administrator of member.org.stacksets.cloudformation.amazonaws.com",
            ),
            (
                FAILED,
                Severity::Medium,
                "User carlos of 111122223333 failed to deregister account 444455556666 as delegated administrator of \
                 securityhub.amazonaws.com",
            ),
            (
                CLOUDTRAIL,
                Severity::High,
                "User carlos of 111122223333 deregistered account 444455556666 as delegated administrator of cloudtrail.amazonaws.com",
            ),
            (
                BARE,
                Severity::High,
                "User carlos of 111122223333 deregistered an account whose id cannot be read as delegated administrator of a service \
                 whose name cannot be read",
            ),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_letter_case_of_a_service_hides_nothing() {
        let record = GUARDDUTY.replace("guardduty.amazonaws.com", "GuardDuty.amazonaws.com");
        assert_eq!(judge("{}", &record).unwrap().get_severity(), Some(Severity::High));
    }

    #[test]
    fn expected_automation_is_quiet_and_its_name_as_a_session_is_not() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/deploy"]}"#;
        assert_eq!(judge(expected, GUARDDUTY), None);
        let disguised = GUARDDUTY.replace("role/deploy\"", "role/build\"");
        assert!(judge(expected, &disguised).is_some());
    }

    #[test]
    fn the_finding_groups_by_account_and_service() {
        assert_eq!(judge("{}", GUARDDUTY).unwrap().key(), "444455556666 guardduty.amazonaws.com");
        let finding = judge("{}", CLOUDTRAIL).unwrap();
        assert_eq!(finding.key(), "444455556666 cloudtrail.amazonaws.com");
        assert_eq!(finding.details()["administrator_account"], "444455556666");
    }
}
