//! `org.all-features-enabled`: the organization began to switch on all features.

use orgwatch_rules_aws_organizations::invitation::Handshake;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an organization that began to switch on all features, after it had consolidated billing alone.
    ///
    /// ## What it does
    ///
    /// Sees `EnableAllFeatures` that succeeded: medium, by a root user high.
    ///
    /// ## Why it matters
    ///
    /// Until then the management account only pays. Afterwards it can forbid its members anything by service control policies, reach into them by trusted services and keep
    /// them from leaving. For the organization that wants guardrails it is a good step; it cannot be taken back, and nobody else has to agree once the members have.
    ///
    /// ## What it misses
    ///
    /// * Whether the members agree: `org.handshake-answered` sees it in each member.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the caller. As long as the members have not agreed, the handshake can be cancelled. Afterwards, check that service control policies, trusted access and
    /// delegated administrators are what you want them to be.
    AllFeaturesEnabled,
    id: "org.all-features-enabled",
    version: "1.0.0",
    title: "All features of an organization are being enabled",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["EnableAllFeatures"] }],
    attack: ["T1666", "T1484"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAllFeatures.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_org_support-all-features.html",
    ],
    false_positives: ["The planned move to guardrails, once in the life of an organization"],
}

const ADVICE: Advice = Advice {
    check_next: "Who planned it, and which members have agreed.",
    undo: "Cancel the handshake before all members have agreed. Afterwards there is no way back to consolidated billing alone.",
};

struct AllFeaturesEnabled;

impl Rule for AllFeaturesEnabled {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if operations::called(event).as_deref() != Some("EnableAllFeatures") {
            return Findings::none();
        }
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let account = report.actor().account().or_else(|| event.recipient_account_id());
        let handshake = Handshake::of(event);
        let who = report.who("began to switch on", "switch on");
        let title = format!("{who} all features of the organization of {}", names::account(event, account));
        let severity = report.raised_for_root(Severity::Medium);
        let report = report.account(account).link("settings", console::settings(event));
        let key = account.map(|account| account.to_string()).or_else(|| handshake.id.clone()).unwrap_or_default();
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding
            .detail("management_account", account)
            .detail("organization", &handshake.organization)
            .detail("handshake", &handshake.id)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/all_features_enabled");
    const ENABLED: &str = include_str!("../../events/all_features_enabled/fires_enabled.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AllFeaturesEnabled>("{}", EVENTS);
    }

    #[test]
    fn the_finding_says_for_which_organization() {
        let findings = testing::evaluate::<AllFeaturesEnabled>("{}", ENABLED).unwrap();
        assert_eq!(
            findings[0].get_title(),
            Some(
                "Role OrgAdmin of 111122223333 (session anaya) began to switch on all features of the organization of account 111122223333"
            )
        );
        assert_eq!(findings[0].get_severity(), Some(Severity::Medium));
        assert_eq!(findings[0].details()["handshake"], "h-examplehandshakeid4");
    }
}
