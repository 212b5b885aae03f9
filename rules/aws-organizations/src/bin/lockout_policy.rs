//! `org.lockout-policy`: a policy that denies everything was written.

use orgwatch_rules_aws_organizations::ids::PolicyId;
use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{Operation, PolicyCall, Story};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a policy that was written so that it denies everything to everybody.
    ///
    /// ## What it does
    ///
    /// Sees `UpdatePolicy` and `CreatePolicy` that succeeded and reads the text as IAM does. A text that denies every action on every resource, without a
    /// condition that exempts anybody, is high in an update, because it works at once wherever the policy is attached, and medium in a
    /// new policy, which is attached nowhere yet. A root user makes each one step worse. Policies that the settings list as
    /// `quarantine_policies` are meant to be like that.
    ///
    /// ## Why it matters
    ///
    /// A guardrail that denies everything stops every workload below it and locks out those who would repair it: ransom without malware, from the
    /// management account, which alone is not bound by it.
    ///
    /// ## What it misses
    ///
    /// * Policies that deny nearly everything, or everything under a condition: every quarantine with an exempt responder has one.
    /// * `AttachPolicy` of a policy that denies everything: the record has the id alone. `org.policy-changed` reports the attachment.
    /// * `DetachPolicy` of the full-access policy, which has the same effect: see `org.policy-detached`.
    ///
    /// ## What to do
    ///
    /// If it is no quarantine, write the old text back, or detach the policy; do it from the management account, the only one that still can. Then find
    /// out who has the credentials of the caller.
    LockoutPolicy,
    id: "org.lockout-policy",
    version: "1.0.0",
    title: "A lockout policy, which denies everything, was written",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["CreatePolicy", "UpdatePolicy"] }],
    attack: ["T1531", "T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html",
    ],
    false_positives: ["A new policy for the quarantine of accounts, until quarantine_policies lists it"],
}

const ADVICE: Advice = Advice {
    check_next: "Where the policy is attached, and whether it is meant as a quarantine.",
    undo: "From the management account, write the old text back or detach the policy: it works at once.",
};

struct LockoutPolicy {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may write such policies.
    expected_automation: Automation,
    /// Policies that are meant to deny everything.
    quarantine_policies: BTreeSet<PolicyId>,
}

impl Rule for LockoutPolicy {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(call) = PolicyCall::of(event) else {
            return Findings::none();
        };
        let (severity, did, do_it) = match call.operation {
            Operation::Update => (Severity::High, "changed", "change"),
            Operation::Create => (Severity::Medium, "created", "create"),
            _ => return Findings::none(),
        };
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        let quarantine = call.is_one_of(&self.settings.quarantine_policies);
        let locks_out = matches!(call.story(event), Story::Lockout);
        if !locks_out || quarantine || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let title = format!("{} {}: it denies everything to everybody", report.who(did, do_it), call.policy());
        let report = call.shown(event, report);
        let finding = report.finding(call.key(event), ADVICE).title(title).severity(report.raised_for_root(severity));
        finding.detail("policy", &call.id).detail("policy_name", &call.name).detail("policy_type", &call.kind).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/lockout_policy");
    const UPDATED: &str = include_str!("../../events/lockout_policy/fires_updated.json");
    const CREATED: &str = include_str!("../../events/lockout_policy/fires_created.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<LockoutPolicy>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<LockoutPolicy>("{}", EVENTS);
    }

    #[test]
    fn what_works_at_once_is_more_severe_than_what_is_attached_nowhere() {
        let updated = judge("{}", UPDATED).unwrap();
        assert_eq!(updated.get_severity(), Some(Severity::High));
        assert_eq!(
            updated.get_title(),
            Some(
                "Role OrgAdmin of 111122223333 (session anaya) changed service control policy p-a1b2c3d4 (Stay): it denies everything to everybody"
            )
        );
        assert_eq!(judge("{}", CREATED).unwrap().get_severity(), Some(Severity::Medium));
        let by_root = UPDATED.replace(r#""type": "AssumedRole""#, r#""type": "Root""#);
        assert_eq!(judge("{}", &by_root).unwrap().get_severity(), Some(Severity::Critical));
    }

    #[test]
    fn a_quarantine_is_meant_to_be_like_that() {
        assert_eq!(judge(r#"{"quarantine_policies": ["p-a1b2c3d4"]}"#, UPDATED), None);
        assert!(judge(r#"{"quarantine_policies": ["p-b2c3d4e5"]}"#, UPDATED).is_some());
    }

    #[test]
    fn however_the_denial_is_written_it_locks_out() {
        for text in [
            r#"{"Statement":{"Effect":"Deny","Action":"*:*","Resource":"arn:*"}}"#,
            r#"{"Statement":[{"Effect":"Deny","NotAction":"none:none","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Action":"\u002a","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"*"}}}]}"#,
        ] {
            let mut record: serde_json::Value = serde_json::from_str(UPDATED).unwrap();
            record["requestParameters"]["content"] = text.into();
            record["responseElements"]["policy"]["content"] = text.into();
            assert!(judge("{}", &record.to_string()).is_some(), "{text}");
        }
    }
}
