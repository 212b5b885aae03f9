//! `org.policy-type-disabled`: a whole type of policies was switched off.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{Operation, PolicyCall, Target};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a type of policies that was switched off for the whole organization.
    ///
    /// ## What it does
    ///
    /// Sees `DisablePolicyType` that succeeded. Critical for service control and resource control policies, and where the record does not say which
    /// type it was; medium for the other types, which set things up (tags, backups, declarative settings) and forbid no call. A root user makes
    /// it one step worse.
    ///
    /// ## Why it matters
    ///
    /// One call detaches every policy of the type from every account, unit and root at once. AWS does not remember what was attached where:
    /// enabled again, the type begins with the full-access policy everywhere.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that failed changed nothing.
    /// * Single policies that lose their effect: see `org.policy-detached` and `org.policy-weakened`.
    ///
    /// ## What to do
    ///
    /// Treat it as an incident. Enable the type again, then attach every policy anew from your repository: `EnablePolicyType` alone brings
    /// nothing back. Look for what was done in all accounts in between.
    PolicyTypeDisabled,
    id: "org.policy-type-disabled",
    version: "1.0.0",
    title: "A policy type was disabled for the organization",
    severity: Critical,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["DisablePolicyType"] }],
    attack: ["T1666", "T1562"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisablePolicyType.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/enable-policy-type.html",
    ],
    false_positives: ["A policy type that was tried out and is given up"],
}

const ADVICE: Advice = Advice {
    check_next: "What was done in all accounts since then that the policies would have denied.",
    undo: "Enable the type again (aws organizations enable-policy-type) and attach every policy anew: AWS has forgotten where they were.",
};

struct PolicyTypeDisabled {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may switch off the types that forbid no call. Nobody is expected to switch
    /// off service or resource control policies.
    expected_automation: Automation,
}

impl Rule for PolicyTypeDisabled {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(call) = PolicyCall::of(event).filter(|call| call.operation == Operation::DisableType) else {
            return Findings::none();
        };
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let guardrails = call.kind.may_be_guardrail();
        if !guardrails && self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let severity = if guardrails { Severity::Critical } else { report.raised_for_root(Severity::Medium) };
        let types = match call.kind.name() {
            Some(_) => call.kind.noun().replace("policy", "policies"),
            None => "a type of policies that the record does not name".to_owned(),
        };
        let title = format!("{} {types} for the whole organization", report.who("switched off", "switch off"));
        let report = call.shown(event, report);
        let key = call.kind.name().unwrap_or("unknown").to_owned();
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding.detail("policy_type", &call.kind).detail("root", call.target.as_ref().map(Target::id)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/policy_type_disabled");
    const CONTROL: &str = include_str!("../../events/policy_type_disabled/fires_service_control_policies.json");
    const TAGS: &str = include_str!("../../events/policy_type_disabled/fires_tag_policies.json");
    const AUTOMATION: &str = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<PolicyTypeDisabled>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<PolicyTypeDisabled>("{}", EVENTS);
    }

    #[test]
    fn the_types_that_forbid_calls_matter_most_and_are_nobodys_automation() {
        let finding = judge(AUTOMATION, CONTROL).unwrap();
        assert_eq!(
            finding.get_title(),
            Some(
                "Role OrgAdmin of 111122223333 (session anaya) switched off service control policies for the whole organization"
            )
        );
        assert_eq!(finding.get_severity(), Some(Severity::Critical));
        let finding = judge("{}", TAGS).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::Medium));
        assert_eq!(finding.key(), "TAG_POLICY");
        assert_eq!(judge(AUTOMATION, TAGS), None);
    }

    #[test]
    fn a_type_is_read_in_any_letter_case_and_an_unreadable_one_is_taken_for_the_worst() {
        let odd = CONTROL.replace("SERVICE_CONTROL_POLICY", "Service_Control_Policy");
        assert_eq!(judge(AUTOMATION, &odd).unwrap().key(), "SERVICE_CONTROL_POLICY");
        let resource = CONTROL.replace("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY");
        assert_eq!(judge(AUTOMATION, &resource).unwrap().get_severity(), Some(Severity::Critical));
        let unreadable = CONTROL.replace("policyType", "x");
        let finding = judge(AUTOMATION, &unreadable).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::Critical));
        assert!(finding.get_title().unwrap().contains("a type of policies that the record does not name"));
    }
}
