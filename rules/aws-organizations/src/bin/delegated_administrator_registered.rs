//! `org.delegated-administrator-registered`: an account became the administrator of a service for the whole organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations, services};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that was made the administrator of a service for the whole organization.
    ///
    /// ## What it does
    ///
    /// Sees `RegisterDelegatedAdministrator` of AWS Organizations and CloudTrail's own `RegisterOrganizationDelegatedAdmin`. It is high for a
    /// service through which one account can act in every other (IAM, Identity Center, CloudFormation StackSets, Systems Manager, Backup and
    /// the like) and for a security service, whose administrator can switch it off everywhere; medium for the rest. A call that failed
    /// is one step lower. Accounts that the settings expect for a service, and expected automation, are quiet.
    ///
    /// ## Why it matters
    ///
    /// The management account is guarded; the accounts that it delegates to often are not. An attacker who makes an account of theirs the
    /// administrator of StackSets runs code in all the others, and who makes it the administrator of GuardDuty decides what GuardDuty says.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * Delegation of the organization's own policies, which is not done by registering: see `org.delegation-policy-changed`.
    /// * Services that keep a list of administrators of their own and do not ask Organizations.
    ///
    /// ## What to do
    ///
    /// Ask the caller, and the owner of the account, whether this was planned. If not, deregister the account, end the caller's sessions, and look
    /// at what the account has done with the service since.
    DelegatedAdministratorRegistered,
    id: "org.delegated-administrator-registered",
    version: "1.0.0",
    title: "A delegated administrator was registered",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [
        { "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["RegisterDelegatedAdministrator"] },
        { "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["RegisterOrganizationDelegatedAdmin"] },
    ],
    attack: ["T1098.003", "T1484"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html",
    ],
    false_positives: ["The security team hands a service over to its own account, until expected_administrators lists it"],
}

const ADVICE: Advice = Advice {
    check_next: "Ask the caller and the account's owner. Then look in the account's trail for calls of that service since the registration.",
    undo: "In the management account: aws organizations deregister-delegated-administrator with the same account and service principal.",
};

struct DelegatedAdministratorRegistered {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may be registered, by the service's principal, such as `"guardduty.amazonaws.com" = ["444455556666"]`.
    expected_administrators: BTreeMap<String, BTreeSet<AccountId>>,
    /// Roles, users and services that may register any account.
    expected_automation: Automation,
}

impl Rule for DelegatedAdministratorRegistered {
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
        let account = account.or_else(|| event.account("/requestParameters/memberAccountId"));
        let service = if by_cloudtrail {
            Some("cloudtrail.amazonaws.com".to_owned())
        } else {
            event.request("/servicePrincipal").into_string()
        };
        if self.expects(account, service.as_deref()) {
            return Findings::none();
        }

        let principal = service.as_deref().unwrap_or("a service whose name cannot be read");
        let severity = match service.as_deref() {
            Some(name) if !services::is_powerful(name) && !services::is_security(name) => Severity::Medium,
            _ => Severity::High,
        };
        let title = format!(
            "{} {} as delegated administrator of {}",
            report.who("registered", "register"),
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

impl DelegatedAdministratorRegistered {
    /// Judges by account and service together; an account or service that cannot be read is never expected.
    fn expects(&self, account: Option<AccountId>, service: Option<&str>) -> bool {
        let (Some(account), Some(service)) = (account, service) else {
            return false;
        };
        self.settings.expected_administrators.get(service).is_some_and(|accounts| accounts.contains(&account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/delegated_administrator_registered");
    const GUARDDUTY: &str = include_str!("../../events/delegated_administrator_registered/fires_security_service.json");
    const STACKSETS: &str = include_str!("../../events/delegated_administrator_registered/fires_powerful_service.json");
    const OTHER: &str = include_str!("../../events/delegated_administrator_registered/fires_other_service.json");
    const FAILED: &str = include_str!("../../events/delegated_administrator_registered/fires_failed.json");
    const CLOUDTRAIL: &str = include_str!("../../events/delegated_administrator_registered/fires_by_cloudtrail.json");
    const BARE: &str = include_str!("../../events/delegated_administrator_registered/fires_without_parameters.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<DelegatedAdministratorRegistered>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<DelegatedAdministratorRegistered>("{}", EVENTS);
    }

    #[test]
    fn the_service_decides_how_serious_it_is() {
        for (record, severity, title) in [
            (
                GUARDDUTY,
                Severity::High,
                "Identity Center user anaya@example.com as OrgAdmin of 111122223333 registered account 444455556666 as delegated \
                 administrator of guardduty.amazonaws.com",
            ),
            (
                STACKSETS,
                Severity::High,
                "Role deploy of 111122223333 (session build-7) registered account 444455556666 as delegated administrator of \
                 member.org.stacksets.cloudformation.amazonaws.com",
            ),
            (
                OTHER,
                Severity::Medium,
                "User carlos of 111122223333 registered account 444455556666 as delegated administrator of \
                 cost-optimization-hub.bcm.amazonaws.com",
            ),
            (
                FAILED,
                Severity::Medium,
                "Role deploy of 111122223333 (session build-7) failed to register account 444455556666 as delegated administrator of \
                 sso.amazonaws.com",
            ),
            (
                CLOUDTRAIL,
                Severity::High,
                "User carlos of 111122223333 registered account 444455556666 as delegated administrator of cloudtrail.amazonaws.com",
            ),
            (
                BARE,
                Severity::High,
                "User carlos of 111122223333 registered an account whose id cannot be read as delegated administrator of a service \
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
        let record = OTHER.replace("cost-optimization-hub.bcm.amazonaws.com", "SSO.amazonaws.com");
        assert_eq!(judge("{}", &record).unwrap().get_severity(), Some(Severity::High));
    }

    #[test]
    fn an_account_is_expected_for_the_service_it_is_listed_under_and_no_other() {
        let expected = r#"{"expected_administrators": {"guardduty.amazonaws.com": ["444455556666"]}}"#;
        assert_eq!(judge(expected, GUARDDUTY), None);
        assert!(judge(expected, STACKSETS).is_some());
        assert!(judge(expected, &GUARDDUTY.replace("444455556666", "777788889999")).is_some());
        assert!(judge(expected, BARE).is_some());
        let other = r#"{"expected_administrators": {"cloudtrail.amazonaws.com": ["444455556666"]}}"#;
        assert_eq!(judge(other, CLOUDTRAIL), None);
    }

    #[test]
    fn automation_is_expected_by_its_role_and_not_by_what_it_calls_its_session() {
        let role = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/deploy"]}"#;
        assert_eq!(judge(role, STACKSETS), None);
        assert!(judge(role, &STACKSETS.replace("role/deploy", "role/elsewhere")).is_some());
        let session = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/build-7"]}"#;
        assert!(judge(session, STACKSETS).is_some());
    }

    #[test]
    fn the_finding_groups_by_account_and_service() {
        let finding = judge("{}", GUARDDUTY).unwrap();
        assert_eq!(finding.key(), "444455556666 guardduty.amazonaws.com");
        assert_eq!(finding.details()["administrator_account"], "444455556666");
        assert_eq!(finding.details()["service"], "guardduty.amazonaws.com");
        assert_eq!(judge("{}", BARE).unwrap().key(), "unreadable 7b1f0e2d-5c4b-4a39-8281-706f5e4d3c2b");
    }

    #[test]
    fn what_cloudtrail_itself_denied_is_reported_here() {
        let denied = CLOUDTRAIL.replace(
            "\"requestParameters\"",
            "\"errorCode\": \"AccessDenied\", \"errorMessage\": \"not authorized\", \"requestParameters\"",
        );
        let finding = judge("{}", &denied).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::Medium));
        assert_eq!(finding.details()["outcome"], "denied");
    }
}
