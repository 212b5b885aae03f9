//! `org.full-access-policy`: a policy that allows everything was attached or created.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{Operation, PolicyCall, Story, Target};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a policy that allows everything: the one of AWS when it is attached, one's own when it is created.
    ///
    /// ## What it does
    ///
    /// Sees `AttachPolicy` of `p-FullAWSAccess` that succeeded: high at the root and at organizational units, medium at an account. AWS attaches this
    /// policy to everything by itself, without a call; a call that succeeds means that somebody had taken it away there, for an allow list or a
    /// quarantine. And it sees `CreatePolicy` whose text, read as IAM reads it, allows everything and denies nothing: medium. A root user makes each
    /// one step worse.
    ///
    /// ## Why it matters
    ///
    /// Where an organization lists what is allowed, one full-access policy undoes the whole list. A policy of one's own that allows everything has no
    /// other use, and its name may say anything.
    ///
    /// ## What it misses
    ///
    /// * `AttachPolicy` of one's own full-access policy: the record has the id alone. See `org.policy-changed` for every other attachment.
    /// * A policy that is made one by an update: see `org.policy-weakened`.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask whether the target was meant to have an allow list or to be in quarantine. If so, detach the policy and look for what was done there in
    /// between. Of one that was created, look for where it is attached.
    FullAccessPolicy,
    id: "org.full-access-policy",
    version: "1.0.0",
    title: "A full-access policy was attached or created",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [
        { "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["AttachPolicy"], "requestParameters": { "policyId": ["p-FullAWSAccess"] } },
        { "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["CreatePolicy"] },
    ],
    attack: ["T1666", "T1562"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html",
    ],
    false_positives: ["The end of a quarantine", "Infrastructure as code that writes out the default policy"],
}

const ADVICE: Advice = Advice {
    check_next: "Whether the target had an allow list or was in quarantine, and where else the policy is attached.",
    undo: "Detach the policy again: aws organizations detach-policy --policy-id POLICY --target-id TARGET. One of your own can be deleted then.",
};

struct FullAccessPolicy {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may attach and create such policies.
    expected_automation: Automation,
}

impl Rule for FullAccessPolicy {
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
        if self.settings.expected_automation.expects(event) || !matches!(call.story(event), Story::FullAccess) {
            return Findings::none();
        }
        let severity = match (call.operation, &call.target) {
            (Operation::Attach, Some(Target::Account(_))) | (Operation::Create, _) => Severity::Medium,
            _ => Severity::High,
        };
        let title = if call.operation == Operation::Attach {
            let who = report.who("attached", "attach");
            format!("{who} {}, which allows everything, to {}", call.policy(), call.place(event))
        } else {
            format!("{} {}, which allows everything", report.who("created", "create"), call.policy())
        };
        let report = call.shown(event, report);
        let key = match (&call.operation, &call.target) {
            (Operation::Attach, Some(target)) => target.id(),
            _ => call.key(event),
        };
        let finding = report.finding(key, ADVICE).title(title).severity(report.raised_for_root(severity));
        finding
            .detail("policy", &call.id)
            .detail("policy_name", &call.name)
            .detail("policy_type", &call.kind)
            .detail("target", call.target.as_ref().map(Target::id))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/full_access_policy");
    const UNIT: &str = include_str!("../../events/full_access_policy/fires_attached_to_a_unit.json");
    const ACCOUNT: &str = include_str!("../../events/full_access_policy/fires_attached_to_an_account.json");
    const CREATED: &str = include_str!("../../events/full_access_policy/fires_created.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<FullAccessPolicy>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<FullAccessPolicy>("{}", EVENTS);
    }

    #[test]
    fn a_full_access_policy_is_graded_by_where_it_is_attached() {
        for (record, severity, key) in [
            (UNIT, Severity::High, "ou-ab12-quar7890"),
            (ACCOUNT, Severity::Medium, "444455556666"),
            (CREATED, Severity::Medium, "p-c3d4e5f6"),
        ] {
            let finding = judge("{}", record).unwrap();
            assert_eq!((finding.get_severity(), finding.key()), (Some(severity), key));
        }
        assert_eq!(
            judge("{}", CREATED).unwrap().get_title(),
            Some(
                "Role OrgAdmin of 111122223333 (session anaya) created service control policy p-c3d4e5f6 (DenyRootUser), which allows everything"
            )
        );
        assert_eq!(judge(r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#, UNIT), None);
    }

    #[test]
    fn however_everything_is_written_it_is_everything() {
        for text in [
            r#"{"Statement":{"Effect":"Allow","Action":"*:*","Resource":"*"}}"#,
            r#"{"Statement":[{"Effect":"ALLOW","NotAction":"none:none","Resource":"arn:aws:*"}]}"#,
            r#"{"Statement":[{"Effect":"Allow","\u0041ction":"\u002a","Resource":"*"},{"Effect":"Deny","NotAction":"*","Resource":"*"}]}"#,
        ] {
            let mut record: serde_json::Value = serde_json::from_str(CREATED).unwrap();
            record["requestParameters"]["content"] = text.into();
            assert!(judge("{}", &record.to_string()).is_some(), "{text}");
        }
    }
}
