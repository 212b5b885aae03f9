//! `org.policy-changed`: a policy was created, attached or updated, or a type of policies was enabled.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{Operation, PolicyCall, Reading, Story, Strength, Target};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports the daily work on policies: those that were created, attached or updated, and types that were enabled.
    ///
    /// ## What it does
    ///
    /// Sees `CreatePolicy` (informational), `AttachPolicy` and `UpdatePolicy` (low) and `EnablePolicyType` (low) that succeeded, and stays quiet
    /// where another rule of this pack says more about the same call: `org.policy-weakened`, `org.full-access-policy`, `org.lockout-policy`. A policy created with a
    /// text that the record does not show, or that cannot be read, is medium. A root user makes each one step worse.
    ///
    /// ## Why it matters
    ///
    /// Every policy is part of what holds the accounts. When an account turns out to be open, this is the list of what changed and who did it. And an
    /// attachment that nobody planned can stop workloads, whatever the policy is called.
    ///
    /// ## What it misses
    ///
    /// * What an attached policy says: the record has its id alone. The finding links to it.
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that failed changed nothing.
    ///
    /// ## What to do
    ///
    /// Nothing by itself, if changes come by infrastructure as code and the caller is its role: list it in `expected_automation`. A change by hand is
    /// worth a question.
    PolicyChanged,
    id: "org.policy-changed",
    version: "1.0.0",
    title: "A policy was changed: created, attached, updated, or its type enabled",
    severity: Low,
    status: Test,
    tables: (names::TABLES),
    matches: [{
        "eventSource": [event::organizations::EVENT_SOURCE],
        "eventName": ["AttachPolicy", "CreatePolicy", "EnablePolicyType", "UpdatePolicy"]
    }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreatePolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnablePolicyType.html",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html",
    ],
    false_positives: ["Planned work on policies, until expected_automation lists who does it"],
}

const ADVICE: Advice = Advice {
    check_next: "The change request or the commit that goes with it.",
    undo: "Detach what was attached, or write the old text back from your repository.",
};

struct PolicyChanged {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that do the daily work on policies.
    expected_automation: Automation,
}

impl Rule for PolicyChanged {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(call) = PolicyCall::of(event) else {
            return Findings::none();
        };
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        if self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let Story::Ordinary(reading) = call.story(event) else {
            return Findings::none();
        };
        let unread = reading.as_ref().filter(|reading| reading.strength <= Strength::Unreadable);
        let (severity, title) = match call.operation {
            Operation::Attach => {
                let who = report.who("attached", "attach");
                (Severity::Low, format!("{who} {} to {}", call.policy(), call.place(event)))
            }
            Operation::Create => {
                let title = format!("{} {}", report.who("created", "create"), call.policy());
                match unread {
                    Some(reading) => (Severity::Medium, format!("{title}, whose text {}", reading.in_words())),
                    None => (Severity::Informational, title),
                }
            }
            Operation::Update => (Severity::Low, format!("{} {}", report.who("changed", "change"), call.policy())),
            Operation::EnableType => {
                let types = call.kind.noun().replace("policy", "policies");
                (Severity::Low, format!("{} {types} for the organization", report.who("enabled", "enable")))
            }
            Operation::Delete | Operation::Detach | Operation::DisableType => return Findings::none(),
        };
        let key = match call.operation {
            Operation::EnableType => call.kind.name().unwrap_or("unknown").to_owned(),
            _ => call.key(event),
        };
        let report = call.shown(event, report);
        let finding = report.finding(key, ADVICE).title(title).severity(report.raised_for_root(severity));
        finding
            .detail("policy", &call.id)
            .detail("policy_name", &call.name)
            .detail("policy_type", &call.kind)
            .detail("target", call.target.as_ref().map(Target::id))
            .detail("text", reading.as_ref().map(Reading::in_words))
            .detail("denies", reading.map(|reading| reading.denies))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/policy_changed");
    const ATTACHED: &str = include_str!("../../events/policy_changed/fires_attached.json");
    const CREATED: &str = include_str!("../../events/policy_changed/fires_created.json");
    const HIDDEN: &str =
        include_str!("../../events/policy_changed/fires_created_with_a_text_omitted_for_its_size.json");
    const UPDATED: &str = include_str!("../../events/policy_changed/fires_updated.json");
    const ENABLED: &str = include_str!("../../events/policy_changed/fires_type_enabled.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<PolicyChanged>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<PolicyChanged>("{}", EVENTS);
    }

    #[test]
    fn the_daily_work_is_low_and_a_hidden_text_is_not() {
        for (record, severity, end) in [
            (ATTACHED, Severity::Low, "attached policy p-a1b2c3d4 to organizational unit ou-ab12-cdef3456"),
            (CREATED, Severity::Informational, "created service control policy p-a1b2c3d4 (Stay)"),
            (
                HIDDEN,
                Severity::Medium,
                "created service control policy p-a1b2c3d4 (Stay), whose text is not shown in the record",
            ),
            (UPDATED, Severity::Low, "changed service control policy p-a1b2c3d4 (Stay)"),
            (ENABLED, Severity::Low, "enabled resource control policies for the organization"),
        ] {
            let finding = judge("{}", record).expect(end);
            let title = finding.get_title().unwrap();
            assert!(title.ends_with(end), "{title}");
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
            assert_eq!(judge(r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#, record), None);
        }
        let finding = judge("{}", UPDATED).unwrap();
        assert_eq!(finding.details()["text"], "denies some actions");
        assert_eq!(finding.details()["denies"], serde_json::json!(["organizations:leaveorganization"]));
    }
}
