//! `org.trusted-access-disabled`: a service lost its access to the accounts of the organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations, services};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a service whose trusted access to the organization was switched off.
    ///
    /// ## What it does
    ///
    /// Sees `DisableAWSServiceAccess`. Critical for CloudTrail, because the organization trail ends with it; high for the other services that
    /// watch the organization (GuardDuty, Security Hub, Config, Access Analyzer and the like) and medium for the rest; one step lower for a call
    /// that failed. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// Without trusted access a service no longer works across the organization: the organization trail stops in every account, new accounts are
    /// not protected, findings no longer reach the security team. It is one call, and no alarm of the service itself tells of it.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * A security service that is switched off in single accounts, by calls of that service.
    /// * A delegated administrator who is removed instead: see `org.delegated-administrator-deregistered`.
    ///
    /// ## What to do
    ///
    /// Ask the caller at once. If nobody planned it, switch the service on again in its own console, which also restores what it needs, and check
    /// which accounts it did not see in the meantime.
    TrustedAccessDisabled,
    id: "org.trusted-access-disabled",
    version: "1.0.0",
    title: "Trusted access was disabled for a service",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["DisableAWSServiceAccess"] }],
    attack: ["T1562.001", "T1562.008"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisableAWSServiceAccess.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services.html",
    ],
    false_positives: ["A service that is given up as planned"],
}

const ADVICE: Advice = Advice {
    check_next: "Ask the caller. Check in the service whether it still covers all accounts: for CloudTrail, that the organization trail is still logging.",
    undo: "Switch trusted access on again in the service's own console, or: aws organizations enable-aws-service-access --service-principal with the same service.",
};

struct TrustedAccessDisabled {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles, users and services that may disable any service.
    expected_automation: Automation,
}

impl Rule for TrustedAccessDisabled {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        if operations::is_passing(report.outcome()) || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let service = event.request("/servicePrincipal").into_string();
        let severity = match service.as_deref() {
            Some(name) if services::is_cloudtrail(name) => Severity::Critical,
            Some(name) if !services::is_security(name) => Severity::Medium,
            _ => Severity::High,
        };
        let service = service.as_deref().map(plain);
        let principal = service.as_deref().unwrap_or("a service whose name cannot be read");
        let title = format!("{} trusted access for {principal}", report.who("disabled", "disable"));
        let severity = report.severity(severity);
        let report = report.link("services", console::services(event));
        let key = service.clone().unwrap_or_else(|| unreadable(event));
        report.finding(key, ADVICE).title(title).severity(severity).detail("service", service).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/trusted_access_disabled");
    const CLOUDTRAIL: &str = include_str!("../../events/trusted_access_disabled/fires_cloudtrail.json");
    const SECURITY: &str = include_str!("../../events/trusted_access_disabled/fires_security_service.json");
    const OTHER: &str = include_str!("../../events/trusted_access_disabled/fires_other_service.json");
    const FAILED: &str = include_str!("../../events/trusted_access_disabled/fires_failed.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<TrustedAccessDisabled>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<TrustedAccessDisabled>("{}", EVENTS);
    }

    #[test]
    fn what_the_service_watches_decides_how_serious_it_is() {
        let anaya = "Identity Center user anaya@example.com as OrgAdmin of 111122223333";
        for (record, severity, title) in [
            (
                CLOUDTRAIL,
                Severity::Critical,
                "User carlos of 111122223333 disabled trusted access for cloudtrail.amazonaws.com".to_owned(),
            ),
            (SECURITY, Severity::High, format!("{anaya} disabled trusted access for config.amazonaws.com")),
            (OTHER, Severity::Medium, format!("{anaya} disabled trusted access for compute-optimizer.amazonaws.com")),
            (
                FAILED,
                Severity::Medium,
                "User carlos of 111122223333 failed to disable trusted access for guardduty.amazonaws.com".to_owned(),
            ),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_letter_case_of_a_service_hides_nothing() {
        let record = CLOUDTRAIL.replace("cloudtrail.amazonaws.com", "CloudTrail.AMAZONAWS.com");
        assert_eq!(judge("{}", &record).unwrap().get_severity(), Some(Severity::Critical));
    }

    #[test]
    fn expected_automation_is_quiet_and_what_says_to_be_it_is_not() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:user/carlos"]}"#;
        assert_eq!(judge(expected, CLOUDTRAIL), None);
        assert!(judge(expected, SECURITY).is_some());
        let renamed = CLOUDTRAIL.replace("user/carlos", "user/other/carlos");
        assert!(judge(expected, &renamed).is_some());
    }
}
