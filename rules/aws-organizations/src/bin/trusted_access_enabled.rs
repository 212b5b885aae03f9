//! `org.trusted-access-enabled`: a service was given access to every account of the organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations, services};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a service that was given trusted access, which is access to every account of the organization.
    ///
    /// ## What it does
    ///
    /// Sees `EnableAWSServiceAccess`. High for a service through which one account can act in every other (IAM, Identity Center,
    /// CloudFormation StackSets, Systems Manager, Backup, RAM and the like), low for a security service, medium for the rest; one step
    /// lower for a call that failed. Services and automation that the settings expect are quiet.
    ///
    /// ## Why it matters
    ///
    /// A service with trusted access makes its roles in every account and works there without asking the account's owners. It is what an attacker
    /// needs before StackSets or Identity Center carry them into all accounts at once.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * What the service then does: see `org.delegated-administrator-registered` for who may use it, and the service's own events.
    /// * Services that already had trusted access: compare with the list in the console once.
    ///
    /// ## What to do
    ///
    /// Ask the caller what the service is for. If nobody wants it, switch it off in the service's own console, which also cleans up, and look for
    /// roles and resources that it has made in the member accounts.
    TrustedAccessEnabled,
    id: "org.trusted-access-enabled",
    version: "1.0.0",
    title: "Trusted access was enabled for a service",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["EnableAWSServiceAccess"] }],
    attack: ["T1098.003", "T1484"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services.html",
    ],
    false_positives: ["A service that is rolled out to the organization as planned, until expected_services lists it"],
}

const ADVICE: Advice = Advice {
    check_next: "Ask the caller what the service is for. Look for a delegated administrator registered for it, and for its new roles in member accounts.",
    undo: "Switch trusted access off in the service's own console, or: aws organizations disable-aws-service-access --service-principal with the same service.",
};

struct TrustedAccessEnabled {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Services that may get trusted access, by their principals, such as `"guardduty.amazonaws.com"`.
    expected_services: BTreeSet<String>,
    /// Roles, users and services that may enable any service.
    expected_automation: Automation,
}

impl Rule for TrustedAccessEnabled {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        let service = event.request("/servicePrincipal").into_string();
        let expected = service.as_ref().is_some_and(|service| self.settings.expected_services.contains(service));
        if expected || operations::is_passing(report.outcome()) || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }

        let severity = match service.as_deref() {
            Some(name) if services::is_powerful(name) => Severity::High,
            Some(name) if services::is_security(name) => Severity::Low,
            Some(_) => Severity::Medium,
            None => Severity::High,
        };
        let service = service.as_deref().map(plain);
        let principal = service.as_deref().unwrap_or("a service whose name cannot be read");
        let title = format!("{} trusted access for {principal}", report.who("enabled", "enable"));
        let severity = report.severity(severity);
        let report = report.link("services", console::services(event));
        let key = service.clone().unwrap_or_else(|| unreadable(event));
        report.finding(key, ADVICE).title(title).severity(severity).detail("service", service).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/trusted_access_enabled");
    const POWERFUL: &str = include_str!("../../events/trusted_access_enabled/fires_powerful_service.json");
    const SECURITY: &str = include_str!("../../events/trusted_access_enabled/fires_security_service.json");
    const OTHER: &str = include_str!("../../events/trusted_access_enabled/fires_through_its_service.json");
    const FAILED: &str = include_str!("../../events/trusted_access_enabled/fires_failed.json");
    const BARE: &str = include_str!("../../events/trusted_access_enabled/fires_without_parameters.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<TrustedAccessEnabled>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<TrustedAccessEnabled>("{}", EVENTS);
    }

    #[test]
    fn the_reach_of_the_service_decides_how_serious_it_is() {
        let who = "Role deploy of 111122223333 (session build-7)";
        for (record, severity, title) in [
            (
                POWERFUL,
                Severity::High,
                format!("{who} enabled trusted access for member.org.stacksets.cloudformation.amazonaws.com"),
            ),
            (SECURITY, Severity::Low, "Root of 111122223333 enabled trusted access for guardduty.amazonaws.com".into()),
            (
                OTHER,
                Severity::Medium,
                format!(
                    "{who} through compute-optimizer.amazonaws.com enabled trusted access for compute-optimizer.amazonaws.com"
                ),
            ),
            (FAILED, Severity::Medium, format!("{who} failed to enable trusted access for sso.amazonaws.com")),
            (BARE, Severity::High, format!("{who} enabled trusted access for a service whose name cannot be read")),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_letter_case_of_a_service_hides_nothing_and_excuses_nothing() {
        let record = POWERFUL.replace("member.org.stacksets", "Member.Org.StackSets");
        let expected = r#"{"expected_services": ["member.org.stacksets.cloudformation.amazonaws.com"]}"#;
        assert_eq!(judge(expected, POWERFUL), None);
        assert_eq!(judge(expected, &record).unwrap().get_severity(), Some(Severity::High));
    }

    #[test]
    fn expected_automation_is_a_role_and_not_a_sessions_name() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/deploy"]}"#;
        assert_eq!(judge(expected, POWERFUL), None);
        let disguised = POWERFUL.replace("build-7", "deploy").replace("role/deploy\"", "role/build\"");
        assert!(judge(expected, &disguised).is_some());
    }

    #[test]
    fn a_list_of_one_service_is_not_taken_for_a_service_that_is_expected() {
        let record = POWERFUL.replace(
            "\"member.org.stacksets.cloudformation.amazonaws.com\"",
            "[\"member.org.stacksets.cloudformation.amazonaws.com\"]",
        );
        let expected = r#"{"expected_services": ["member.org.stacksets.cloudformation.amazonaws.com"]}"#;
        let finding = judge(expected, &record).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::High));
        assert!(finding.key().starts_with("unreadable "));
    }
}
