//! `org.effective-policy-invalid`: an account's effective policy became invalid, and so does not apply.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account whose effective policy of some type became invalid, so that it does not apply.
    ///
    /// ## What it does
    ///
    /// Sees the service event `EffectivePolicyValidation` in the state `INVALID`: the policies of one type that an account inherits do not add up
    /// to a valid one. Medium; high for the types that guard something (`DECLARATIVE_POLICY_EC2`, `SECURITYHUB_POLICY`, `INSPECTOR_POLICY`,
    /// `BACKUP_POLICY`, `S3_POLICY`, `BEDROCK_POLICY`, `NETWORK_SECURITY_DIRECTOR_POLICY`), and for a type that the record does not name. The
    /// state `VALID`, by which AWS tells that it is over, is quiet; any other state is reported.
    ///
    /// ## Why it matters
    ///
    /// An invalid policy is not enforced, or stays as it last was. Nothing fails visibly: backups are not made, settings are not declared, and the
    /// only sign of it is this event. A policy that breaks the ones it is merged with is a way to switch them off without detaching any.
    ///
    /// ## What it misses
    ///
    /// * Service control and resource control policies, which AWS does not merge and so does not validate in this way.
    /// * Organizations whose EventBridge rule leaves read-only events out: AWS marks this one as read-only.
    ///
    /// ## What to do
    ///
    /// Read the errors and the `contributing_policies` in the finding, and look for the `UpdatePolicy`, `CreatePolicy` or `AttachPolicy` just before it. Correct
    /// that policy or detach it. Validation runs again by itself and tells that the state is `VALID`.
    EffectivePolicyInvalid,
    id: "org.effective-policy-invalid",
    version: "1.0.0",
    title: "The effective policy of an account became invalid",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["EffectivePolicyValidation"] }],
    attack: ["T1562.001", "T1484"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/invalid-policy-alerts.html",
    ],
    false_positives: ["A mistake in a policy that its author is already correcting"],
}

/// The types of policy that guard something.
const GUARDS: [&str; 7] = [
    "BACKUP_POLICY",
    "BEDROCK_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "INSPECTOR_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
    "S3_POLICY",
    "SECURITYHUB_POLICY",
];

/// The errors and policies that a finding shows; a record may hold hundreds.
const SHOWN: usize = 20;

const ADVICE: Advice = Advice {
    check_next: "Read errors and contributing_policies. Look for the UpdatePolicy, CreatePolicy or AttachPolicy just before this event, and who made it.",
    undo: "Correct the policy at fault or detach it. AWS validates again by itself and sends the same event with the state VALID.",
};

struct EffectivePolicyInvalid;

impl Rule for EffectivePolicyInvalid {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let text = |path: &str| event.service_event_details(path).as_str().map(plain);
        let state = text("/state");
        if state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("VALID")) {
            return Findings::none();
        }
        let kind = text("/policyType").map(|kind| kind.to_ascii_uppercase());
        let account = event.account("/serviceEventDetails/accountId");
        let severity = match kind.as_deref() {
            Some(kind) if !GUARDS.contains(&kind) => Severity::Medium,
            _ => Severity::High,
        };
        let title = format!(
            "The effective {} of {} {}",
            kind.as_deref().unwrap_or("policy of unknown type"),
            names::account(event, account),
            if state.is_some() { "is invalid" } else { "may be invalid: the record does not say" }
        );
        let policy_type = kind.clone().unwrap_or_default();
        let key = account.map_or_else(|| unreadable(event), |account| format!("{account} {policy_type}"));
        let (errors, policies) = errors(event);
        let report = Report::of(event).account(account);
        let first = policies.first().and_then(|policy| console::policy(event, policy, kind.as_deref()));
        report
            .link("policy", first)
            .finding(key, ADVICE)
            .title(title)
            .severity(severity)
            .detail("account", account)
            .detail("policy_type", kind)
            .detail("state", state)
            .detail("errors", errors)
            .detail("contributing_policies", policies)
            .into()
    }
}

/// Returns the errors in words, and the policies that contribute to them.
fn errors(event: &Event) -> (Vec<String>, Vec<String>) {
    let (mut errors, mut policies) = (Vec::new(), Vec::new());
    let Value::Array(length) = event.service_event_details("/validationErrors") else {
        return (errors, policies);
    };
    for index in 0..length.min(SHOWN) {
        let at = format!("/validationErrors/{index}");
        let text = |field: &str| event.service_event_details(&format!("{at}/{field}")).as_str().map(plain);
        let (code, message) = (text("errorCode"), text("errorMessage"));
        errors.push([code, message].into_iter().flatten().collect::<Vec<_>>().join(": "));
        let Value::Array(length) = event.service_event_details(&format!("{at}/contributingPolicies")) else {
            continue;
        };
        for index in 0..length.min(SHOWN) {
            let policy = text(&format!("contributingPolicies/{index}"));
            // Of the same policy once, in the order of the record.
            policies.extend(policy.filter(|policy| !policies.contains(policy) && policies.len() < SHOWN));
        }
    }
    (errors, policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/effective_policy_invalid");
    const BACKUP: &str = include_str!("../../events/effective_policy_invalid/fires_backup_policy.json");
    const TAGS: &str = include_str!("../../events/effective_policy_invalid/fires_tag_policy.json");
    const BARE: &str = include_str!("../../events/effective_policy_invalid/fires_without_details.json");

    fn judge(record: &str) -> Option<Finding> {
        testing::evaluate::<EffectivePolicyInvalid>("{}", record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<EffectivePolicyInvalid>("{}", EVENTS);
    }

    #[test]
    fn a_policy_that_guards_something_matters_more() {
        for (record, severity, title) in [
            (BACKUP, Severity::High, "The effective BACKUP_POLICY of account 444455556666 is invalid"),
            (TAGS, Severity::Medium, "The effective TAG_POLICY of account 444455556666 is invalid"),
            (
                BARE,
                Severity::High,
                "The effective policy of unknown type of an account whose id cannot be read may be invalid: the record does not say",
            ),
        ] {
            let finding = judge(record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_finding_says_which_policies_are_at_fault() {
        let finding = judge(BACKUP).unwrap();
        assert_eq!(finding.key(), "444455556666 BACKUP_POLICY");
        assert_eq!(finding.details()["contributing_policies"], serde_json::json!(["p-a1b2c3d4e5", "p-f6a7b8c9d0"]));
        assert_eq!(
            finding.details()["errors"][0],
            "ELEMENTS_TOO_MANY: 'hourly' exceeds the allowed maximum limit of 10 selections"
        );
        let link = finding.details()["console"]["policy"].as_str().unwrap();
        assert!(link.ends_with("/policies/backup-policy/p-a1b2c3d4e5"), "{link}");
    }

    #[test]
    fn only_the_word_valid_is_quiet() {
        for (state, quiet) in [("VALID", true), ("Valid", true), ("invalid", false), ("NOT_VALID", false), ("", false)]
        {
            let record = BACKUP.replace("\"INVALID\"", &format!("\"{state}\""));
            assert_eq!(judge(&record).is_none(), quiet, "{state}");
        }
    }

    #[test]
    fn the_letter_case_of_a_type_hides_nothing() {
        let record = BACKUP.replace("BACKUP_POLICY", "backup_policy");
        assert_eq!(judge(&record).unwrap().get_severity(), Some(Severity::High));
    }
}
