//! `org.policy-weakened`: a policy was given a text that leaves open what it is there to close.

use orgwatch_rules_aws_organizations::ids::PolicyId;
use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{PolicyCall, Story};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a policy that was given a text which leaves open what the policy is there to close.
    ///
    /// ## What it does
    ///
    /// Sees `UpdatePolicy` that succeeded and reads the new text as IAM does. It reports a service or resource control policy whose new text
    ///
    /// * allows everything and denies nothing (critical), or denies nothing (high). An allow list, which names what it allows, is none of these;
    /// * has no `Deny` but those that are never met, or that whoever makes the call can get around: by a user agent, a session's name, a role of any name (high);
    /// * still denies something and has such a hollow `Deny` beside it (medium);
    /// * cannot be read, or does not stand in the record, because CloudTrail leaves out what is longer than 100 KB (high).
    ///
    /// A policy that the settings list as a guardrail is critical in every case but the third. Policies of other types are medium when the new text sets
    /// nothing any more or is not shown: an emptied backup policy ends the backups of the whole organization.
    ///
    /// ## Why it matters
    ///
    /// The policy stays attached and keeps its name, so it looks intact in every list. This is the quiet way to take a guardrail down.
    ///
    /// ## What it misses
    ///
    /// * The old text: the record has only the new one. A policy that denied ten things and now denies one is not told from one that always did:
    ///   see `org.policy-changed`, which reports every other update.
    /// * Actions and resources that do not exist: nobody has a list of all. A `Deny` of `cloudtrial:*` looks like any other.
    /// * Exemptions for roles whose names the administrators of an account may take, such as `arn:aws:iam::*:role/Break*`: too many honest policies have one.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Compare the text in the console with your repository, or with the last `UpdatePolicy` or `CreatePolicy` record of the policy. Restore it first,
    /// ask later. Then look for what was done in the accounts below in between.
    PolicyWeakened,
    id: "org.policy-weakened",
    version: "1.0.0",
    title: "A policy was weakened",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["UpdatePolicy"] }],
    attack: ["T1666", "T1562"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_UpdatePolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html",
    ],
    false_positives: ["A policy that is emptied on purpose before it is deleted"],
}

const ADVICE: Advice = Advice {
    check_next: "The policy's text in the console against your repository, and what was done below its targets since then.",
    undo: "Write the old text back: aws organizations update-policy --policy-id POLICY --content file://OLD.json.",
};

struct PolicyWeakened {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may write any text.
    expected_automation: Automation,
    /// Policies that hold the organization together: to weaken one is critical, whoever does it.
    guardrails: BTreeSet<PolicyId>,
}

impl Rule for PolicyWeakened {
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
        let guardrail = call.may_be_one_of(&self.settings.guardrails);
        if !guardrail && self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let Story::Weakened(weakness) = call.story(event) else {
            return Findings::none();
        };
        let severity = if guardrail && weakness.severity >= Severity::High {
            Severity::Critical
        } else {
            report.raised_for_root(weakness.severity)
        };
        let what = if guardrail { "the guardrail " } else { "" };
        let title = format!("{} {what}{}: its text {}", report.who("changed", "change"), call.policy(), weakness.words);
        let report = call.shown(event, report);
        let finding = report.finding(call.key(event), ADVICE).title(title).severity(severity);
        finding
            .detail("policy", &call.id)
            .detail("policy_name", &call.name)
            .detail("policy_type", &call.kind)
            .detail("guardrail", guardrail)
            .detail("remarks", weakness.remarks)
            .detail("still_denies", weakness.denies)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/policy_weakened");
    const EVERYTHING: &str = include_str!("../../events/policy_weakened/fires_everything_is_allowed.json");
    const OMITTED: &str = include_str!("../../events/policy_weakened/fires_text_omitted_for_its_size.json");
    const HOLLOW: &str = include_str!("../../events/policy_weakened/fires_exemption_by_user_agent.json");
    const PARTLY: &str = include_str!("../../events/policy_weakened/fires_one_of_two_denials_is_hollow.json");
    const BACKUP: &str = include_str!("../../events/policy_weakened/fires_backup_policy_emptied.json");
    const HONEST: &str = include_str!("../../events/policy_weakened/quiet_still_denies.json");
    const RENAMED: &str = include_str!("../../events/policy_weakened/quiet_renamed.json");
    const GUARDRAIL: &str =
        r#"{"guardrails": ["p-a1b2c3d4"], "expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<PolicyWeakened>(settings, record).unwrap().pop()
    }

    /// Gives another text to the policy of an event, in the request, and takes it out of the response.
    fn with_text(text: &str) -> String {
        let mut record: serde_json::Value = serde_json::from_str(HONEST).unwrap();
        record["requestParameters"]["content"] = text.into();
        record["responseElements"]["policy"].as_object_mut().unwrap().remove("content");
        record.to_string()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<PolicyWeakened>("{}", EVENTS);
    }

    #[test]
    fn each_weakness_has_its_words_and_its_severity() {
        for (record, severity, end) in [
            (
                EVERYTHING,
                Severity::Critical,
                "service control policy p-a1b2c3d4 (Stay): its text allows everything and denies nothing",
            ),
            (OMITTED, Severity::High, "a policy that the record does not name: its text is not shown in the record"),
            (HOLLOW, Severity::High, "its text denies nothing that a caller cannot get around"),
            (PARTLY, Severity::Medium, "its text denies less than it says"),
            (BACKUP, Severity::Medium, "backup policy p-b2c3d4e5 (Nightly): its text sets nothing any more"),
        ] {
            let finding = judge("{}", record).expect(end);
            let title = finding.get_title().unwrap();
            assert!(
                title.starts_with("Role OrgAdmin of 111122223333 (session anaya) changed ") && title.ends_with(end),
                "{title}"
            );
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
        let finding = judge("{}", PARTLY).unwrap();
        assert_eq!(finding.details()["still_denies"], serde_json::json!(["organizations:leaveorganization"]));
        assert_eq!(finding.details()["remarks"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_guardrail_is_critical_whoever_weakens_it() {
        for record in [EVERYTHING, OMITTED, HOLLOW] {
            assert_eq!(judge(GUARDRAIL, record).unwrap().get_severity(), Some(Severity::Critical));
        }
        assert_eq!(judge(GUARDRAIL, HONEST), None);
        let automation = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;
        assert_eq!(judge(automation, EVERYTHING), None);
    }

    #[test]
    fn a_text_that_the_record_does_not_show_is_never_quiet() {
        for request in [
            "null",
            "\"omitted\"",
            "{}",
            r#"{"policyId": "p-a1b2c3d4"}"#,
            r#"{"policyId": "p-a1b2c3d4", "content": "HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
            r#"{"policyId": "p-a1b2c3d4", "content": "****"}"#,
            r#"{"policyId": "p-a1b2c3d4", "content": ""}"#,
            r#"{"policyId": "p-a1b2c3d4", "content": null, "name": "Stay"}"#,
            r#"{"policyId": "p-a1b2c3d4", "content": {}}"#,
            r#"{"policyId": "p-a1b2c3d4", "name": "Stay", "contentOmitted": true}"#,
            r#"{"requestParametersTruncated": true, "name": "Stay"}"#,
        ] {
            let mut record: serde_json::Value = serde_json::from_str(HONEST).unwrap();
            record["requestParameters"] = serde_json::from_str(request).unwrap();
            record["responseElements"] = serde_json::Value::Null;
            let finding = judge("{}", &record.to_string()).expect(request);
            assert_eq!(finding.get_severity(), Some(Severity::High), "{request}");
        }
    }

    #[test]
    fn of_two_different_texts_the_weaker_counts() {
        let mut record: serde_json::Value = serde_json::from_str(HONEST).unwrap();
        record["requestParameters"]["content"] =
            r#"{"Statement":{"Effect":"Allow","Action":"*:*","Resource":"*"}}"#.into();
        assert_eq!(judge("{}", &record.to_string()).unwrap().get_severity(), Some(Severity::Critical));
    }

    #[test]
    fn the_tricks_with_a_text_do_not_make_it_quiet() {
        for text in [
            r#"{"Statement":{"Effect":"Allow","Action":"*:*","Resource":"*"}}"#,
            r#"{"Statement":[{"\u0045ffect":"Allow","Action":"\u002a","Resource":"*"}]}"#,
            r#"{"statement":{"EFFECT":"allow","ACTION":["?*"],"resource":"*"}}"#,
            r#"{"Statement":[{"Effect":"Deny","NotAction":"*:*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"deny","Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Action":"*","NotResource":"arn:*"}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}],"Statement":[]}"#,
            r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:PrincipalArn":"*"}}}]}"#,
            r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:UserAgent":"x"}}}]}"#,
            r#"{"Statement":[]}"#,
            "{not JSON at all",
        ] {
            let finding = judge("{}", &with_text(text)).expect(text);
            assert!(finding.get_severity() >= Some(Severity::High), "{text}");
        }
    }

    #[test]
    fn a_new_name_is_no_new_text() {
        assert_eq!(judge(GUARDRAIL, RENAMED), None);
    }

    #[test]
    fn a_record_without_a_response_is_judged_by_the_text_alone() {
        let tags = r#"{"tags":{"owner":{"tag_key":{"@@assign":"Owner"}}}}"#;
        let mut record: serde_json::Value = serde_json::from_str(&with_text(tags)).unwrap();
        record["responseElements"] = serde_json::Value::Null;
        assert_eq!(judge("{}", &record.to_string()), None);
        record["requestParameters"]["content"] = "{}".into();
        assert!(judge("{}", &record.to_string()).is_some());
    }
}
