//! `org.policy-deleted`: a policy of the organization was deleted.

use orgwatch_rules_aws_organizations::ids::PolicyId;
use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{Operation, PolicyCall};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a policy of the organization that was deleted.
    ///
    /// ## What it does
    ///
    /// Sees `DeletePolicy` that succeeded: medium, one step more by a root user. Policies that the settings list as `guardrails` are
    /// critical, those listed as `minor_policies` informational. AWS deletes a policy only when it is attached nowhere, so the harm was done
    /// when it was detached; the deletion makes sure that nobody attaches it again.
    ///
    /// ## Why it matters
    ///
    /// AWS keeps no copy. Where the text is in no repository, the guardrail has to be written anew, while the accounts are open.
    ///
    /// ## What it misses
    ///
    /// * The text and the type of the policy: the record has its id alone.
    /// * Calls that were denied: see `org.unauthorized-attempt`. A deletion that failed, mostly because the policy is attached, changed nothing.
    ///
    /// ## What to do
    ///
    /// Look for `org.policy-detached` findings with the same key: they say where the policy was. Its text stands in the `CreatePolicy` or
    /// `UpdatePolicy` record of the same id, or in your repository.
    PolicyDeleted,
    id: "org.policy-deleted",
    version: "1.0.0",
    title: "A policy was deleted",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["DeletePolicy"] }],
    attack: ["T1666", "T1562"],
    references: ["https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeletePolicy.html"],
    false_positives: ["Policies that are tidied up, or that infrastructure as code replaces"],
}

const ADVICE: Advice = Advice {
    check_next: "Where the policy was detached before, by DetachPolicy records with its id.",
    undo: "Create the policy again from your repository or from its last CreatePolicy or UpdatePolicy record, and attach it. Its id is new.",
};

struct PolicyDeleted {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may delete policies.
    expected_automation: Automation,
    /// Policies that hold the organization together: to delete one is critical, whoever does it.
    guardrails: BTreeSet<PolicyId>,
    /// Policies that permit and forbid nothing, such as those for tags: to delete one is informational.
    minor_policies: BTreeSet<PolicyId>,
}

impl Rule for PolicyDeleted {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(call) = PolicyCall::of(event).filter(|call| call.operation == Operation::Delete) else {
            return Findings::none();
        };
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let guardrail = call.may_be_one_of(&self.settings.guardrails);
        if !guardrail && self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let severity = if guardrail {
            Severity::Critical
        } else if call.is_one_of(&self.settings.minor_policies) {
            Severity::Informational
        } else {
            report.raised_for_root(Severity::Medium)
        };
        let what = if guardrail { "the guardrail " } else { "" };
        let title = format!("{} {what}{}", report.who("deleted", "delete"), call.policy());
        let finding = report.finding(call.key(event), ADVICE).title(title).severity(severity);
        finding.detail("policy", &call.id).detail("policy_type", &call.kind).detail("guardrail", guardrail).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/policy_deleted");
    const DELETED: &str = include_str!("../../events/policy_deleted/fires_deleted.json");

    fn judge(settings: &str) -> Option<Finding> {
        testing::evaluate::<PolicyDeleted>(settings, DELETED).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<PolicyDeleted>("{}", EVENTS);
    }

    #[test]
    fn a_deletion_is_graded_by_what_the_policy_was_for() {
        let finding = judge("{}").unwrap();
        assert_eq!(
            finding.get_title(),
            Some("Role OrgAdmin of 111122223333 (session anaya) deleted policy p-a1b2c3d4")
        );
        assert_eq!(finding.get_severity(), Some(Severity::Medium));
        assert_eq!(finding.key(), "p-a1b2c3d4");
        let guardrail = judge(r#"{"guardrails": ["p-a1b2c3d4"]}"#).unwrap();
        assert_eq!(guardrail.get_severity(), Some(Severity::Critical));
        let minor = judge(r#"{"minor_policies": ["p-a1b2c3d4"]}"#).unwrap();
        assert_eq!(minor.get_severity(), Some(Severity::Informational));
        assert_eq!(judge(r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#), None);
    }
}
