//! `org.policy-detached`: a policy was detached from the root, an organizational unit or an account.

use orgwatch_rules_aws_organizations::ids::PolicyId;
use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::policy::{FULL_ACCESS, Operation, PolicyCall, Target};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a policy that was detached from the root, an organizational unit or an account.
    ///
    /// ## What it does
    ///
    /// Sees `DetachPolicy` that succeeded. The record names the policy by its id and not its type, so any policy is taken for a guardrail unless the
    /// settings say otherwise. Detached from the root it is critical, from an organizational unit high, from an account medium; a root user makes
    /// it one step worse. Policies that the settings list as `guardrails` are critical wherever they were, those listed as `minor_policies`
    /// (tags, backups) low. Detaching `p-FullAWSAccess` is another story and high: where no other policy allows anything, everything below is
    /// locked out.
    ///
    /// ## Why it matters
    ///
    /// A service control policy is what even the administrator of an account cannot get around. Once it is detached, trails can be stopped,
    /// accounts can leave and Regions that nobody watches are open, in every account below, within seconds.
    ///
    /// ## What it misses
    ///
    /// * What the policy said, what its type was and which policies remain: the record has none of it. `guardrails` and `minor_policies` help.
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that failed changed nothing.
    /// * A policy that loses its effect without being detached: see `org.policy-weakened`, `org.policy-type-disabled` and
    ///   `org.account-moved`.
    ///
    /// ## What to do
    ///
    /// Follow the links to the policy and to what it was detached from. Unless there is a change request, attach it again first and ask later:
    /// attaching costs nothing. Then look for what was done in the accounts below since the time of the event.
    PolicyDetached,
    id: "org.policy-detached",
    version: "1.0.0",
    title: "A policy was detached",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["DetachPolicy"] }],
    attack: ["T1666", "T1562"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DetachPolicy.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html",
    ],
    false_positives: ["Policies that infrastructure as code moves about, until expected_automation lists its role"],
}

const ADVICE: Advice = Advice {
    check_next: "Which policies remain attached there and above, and what was done in the accounts below since then.",
    undo: "Attach the policy again: aws organizations attach-policy --policy-id POLICY --target-id TARGET.",
};

struct PolicyDetached {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may detach policies.
    expected_automation: Automation,
    /// Policies that hold the organization together: to detach one is critical, whoever does it.
    guardrails: BTreeSet<PolicyId>,
    /// Policies that permit and forbid nothing, such as those for tags: to detach one is low.
    minor_policies: BTreeSet<PolicyId>,
}

impl Rule for PolicyDetached {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(call) = PolicyCall::of(event).filter(|call| call.operation == Operation::Detach) else {
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
            Severity::Low
        } else if call.id.as_deref() == Some(FULL_ACCESS) {
            Severity::High
        } else {
            report.raised_for_root(severity_at(call.target.as_ref()))
        };
        let what = if guardrail { "the guardrail " } else { "" };
        let title = format!("{} {what}{} from {}", report.who("detached", "detach"), call.policy(), call.place(event));
        let report = call.shown(event, report);
        let finding = report.finding(call.key(event), ADVICE).title(title).severity(severity);
        finding
            .detail("policy", &call.id)
            .detail("policy_type", &call.kind)
            .detail("target", call.target.as_ref().map(Target::id))
            .detail("guardrail", guardrail)
            .into()
    }
}

/// The higher in the tree, the more accounts. What cannot be told may be the root.
fn severity_at(target: Option<&Target>) -> Severity {
    match target {
        Some(Target::Root(_)) => Severity::Critical,
        Some(Target::Account(_)) => Severity::Medium,
        Some(Target::Unit(_) | Target::Unknown(_)) | None => Severity::High,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/policy_detached");
    const ROOT: &str = include_str!("../../events/policy_detached/fires_from_the_root.json");
    const UNIT: &str = include_str!("../../events/policy_detached/fires_from_a_unit_in_the_console.json");
    const ACCOUNT: &str = include_str!("../../events/policy_detached/fires_from_an_account.json");
    const FULL: &str = include_str!("../../events/policy_detached/fires_full_access.json");
    const AUTOMATION: &str = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        let mut findings = testing::evaluate::<PolicyDetached>(settings, record).unwrap();
        assert!(findings.len() <= 1);
        findings.pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<PolicyDetached>("{}", EVENTS);
    }

    #[test]
    fn the_higher_in_the_tree_the_more_severe() {
        for (record, severity, title) in [
            (
                ROOT,
                Severity::Critical,
                "Role OrgAdmin of 111122223333 (session anaya) detached policy p-a1b2c3d4 from the root r-ab12, above all accounts",
            ),
            (
                UNIT,
                Severity::High,
                "Identity Center user anaya@example.com as OrgAdmin of 111122223333 detached policy p-a1b2c3d4 from organizational unit \
                 ou-ab12-cdef3456",
            ),
            (ACCOUNT, Severity::High, "Root of 111122223333 detached policy p-a1b2c3d4 from account 444455556666"),
            (
                FULL,
                Severity::High,
                "Role OrgAdmin of 111122223333 (session anaya) detached service control policy p-FullAWSAccess from account 444455556666",
            ),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
        let by_role = ACCOUNT.replace(r#""type": "Root""#, r#""type": "IAMUser""#);
        assert_eq!(judge("{}", &by_role).unwrap().get_severity(), Some(Severity::Medium));
    }

    #[test]
    fn a_guardrail_is_critical_whoever_detaches_it() {
        let settings =
            r#"{"guardrails": ["p-a1b2c3d4"], "expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;
        for record in [ROOT, UNIT, ACCOUNT] {
            let finding = judge(settings, record).unwrap();
            assert_eq!(finding.get_severity(), Some(Severity::Critical));
            assert_eq!(finding.details()["guardrail"], true);
        }
        assert_eq!(judge(r#"{"minor_policies": ["p-a1b2c3d4"]}"#, ROOT).unwrap().get_severity(), Some(Severity::Low));
    }

    #[test]
    fn automation_is_expected_by_its_role_and_by_no_session_name() {
        assert_eq!(judge(AUTOMATION, ROOT), None);
        let lookalike = ROOT
            .replace("assumed-role/OrgAdmin/anaya", "assumed-role/Intern/OrgAdmin")
            .replace("role/OrgAdmin", "role/Intern")
            .replace(":anaya", ":OrgAdmin");
        assert!(judge(AUTOMATION, &lookalike).is_some());
        assert!(judge(AUTOMATION, ACCOUNT).is_some());
    }

    #[test]
    fn a_record_that_names_nothing_is_reported_as_what_it_is() {
        let record = ROOT.replace("policyId", "x").replace("targetId", "y");
        let finding = judge("{}", &record).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::High));
        let guarded = judge(r#"{"guardrails": ["p-b2c3d4e5"]}"#, &record).unwrap();
        assert_eq!(guarded.get_severity(), Some(Severity::Critical), "it may be the guardrail");
        assert!(finding.key().starts_with("unreadable "));
        assert!(
            finding
                .get_title()
                .unwrap()
                .ends_with("a policy that the record does not name from a target that the record does not name")
        );
    }
}
