//! `cis.organizations-changes`: the organization was changed, as CIS AWS Foundations lists it.

use orgwatch_rules_sdk::prelude::*;
use orgwatch_rules_sdk::serde_json::json;

use Severity::{High, Low, Medium};

rule! {
    /// Reports the changes to AWS Organizations that CIS AWS Foundations asks to monitor.
    ///
    /// ## What it does
    ///
    /// Reports every record of the service `organizations.amazonaws.com` with one of the 18 event names of control 4.15 (5.15 from version
    /// 6.0 on; the list is the same from 1.3 to 7.0). Calls that failed are reported too, because the control's metric filter counts
    /// them: this rule fires for the same records as that filter. A call that failed is graded one step lower.
    ///
    /// With `all_writes = true` it also reports the 16 write operations that the control leaves out, such as
    /// `RegisterDelegatedAdministrator` and `CloseAccount`.
    ///
    /// ## Why it matters
    ///
    /// Service control policies, organizational units and membership decide what every account may do. Whoever detaches a policy or moves an
    /// account takes the guard rails away, and needs a single call for it.
    ///
    /// ## What it misses
    ///
    /// * Without `all_writes`, the 16 other write operations.
    /// * What happens in a member account's own trail, when only the management account's trail is read: `LeaveOrganization`, and an invited
    ///   account's `AcceptHandshake` and `DeclineHandshake`.
    /// * Membership changes themselves, which are service events: see `org.unexpected-join` and `org.account-departed`.
    /// * Changes of root access through IAM, such as `EnableOrganizationsRootSessions`.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. If nobody asked for the change, undo it, revoke the caller's sessions and look at what the
    /// caller did before. Take a series of denied calls as an attempt.
    OrganizationsChanges,
    id: "cis.organizations-changes",
    version: "1.0.0",
    title: "AWS Organizations was changed",
    severity: Medium,
    status: Test,
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": (names_of(Listed::ByCis)) }],
    attack: ["T1484", "T1666"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.15",
        "CIS AWS Foundations 6.0 and 7.0 §5.15",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html",
    ],
    false_positives: ["Planned changes to accounts, organizational units and policies"],
}

struct OrganizationsChanges {
    all_writes: bool,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Report the 16 write operations too that the CIS control leaves out.
    all_writes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    ByCis,
    Not,
}

/// The write operations of AWS Organizations, whether the CIS control lists them, and how much a successful call matters.
const OPERATIONS: [(&str, Listed, Severity); 34] = [
    ("AcceptHandshake", Listed::ByCis, High),
    ("AttachPolicy", Listed::ByCis, Medium),
    ("CancelHandshake", Listed::Not, Low),
    ("CloseAccount", Listed::Not, High),
    ("CreateAccount", Listed::ByCis, Medium),
    ("CreateGovCloudAccount", Listed::Not, Medium),
    ("CreateOrganization", Listed::Not, High),
    ("CreateOrganizationalUnit", Listed::ByCis, Low),
    ("CreatePolicy", Listed::ByCis, Low),
    ("DeclineHandshake", Listed::ByCis, Low),
    ("DeleteOrganization", Listed::ByCis, Severity::Critical),
    ("DeleteOrganizationalUnit", Listed::ByCis, Medium),
    ("DeletePolicy", Listed::ByCis, High),
    ("DeleteResourcePolicy", Listed::Not, Medium),
    ("DeregisterDelegatedAdministrator", Listed::Not, High),
    ("DetachPolicy", Listed::ByCis, High),
    ("DisableAWSServiceAccess", Listed::Not, High),
    ("DisablePolicyType", Listed::ByCis, Severity::Critical),
    ("EnableAWSServiceAccess", Listed::Not, Medium),
    ("EnableAllFeatures", Listed::Not, Medium),
    ("EnablePolicyType", Listed::ByCis, Medium),
    ("InviteAccountToOrganization", Listed::ByCis, Medium),
    ("InviteOrganizationToTransferResponsibility", Listed::Not, High),
    ("LeaveOrganization", Listed::ByCis, High),
    ("MoveAccount", Listed::ByCis, High),
    ("PutResourcePolicy", Listed::Not, High),
    ("RegisterDelegatedAdministrator", Listed::Not, High),
    ("RemoveAccountFromOrganization", Listed::ByCis, High),
    ("TagResource", Listed::Not, Low),
    ("TerminateResponsibilityTransfer", Listed::Not, Medium),
    ("UntagResource", Listed::Not, Low),
    ("UpdateOrganizationalUnit", Listed::ByCis, Low),
    ("UpdatePolicy", Listed::ByCis, High),
    ("UpdateResponsibilityTransfer", Listed::Not, Medium),
];

/// Where a record names what was changed: the detail's name and the path. What a response names is trusted over the request.
const TARGETS: [(&str, &str); 20] = [
    ("account", "/requestParameters/accountId"),
    ("account", "/requestParameters/target/id"),
    ("request", "/responseElements/createAccountStatus/id"),
    ("handshake", "/requestParameters/handshakeId"),
    ("handshake", "/responseElements/handshake/id"),
    ("organization", "/responseElements/organization/id"),
    ("organizational_unit", "/requestParameters/organizationalUnitId"),
    ("organizational_unit", "/responseElements/organizationalUnit/id"),
    ("parent", "/requestParameters/parentId"),
    ("policy", "/requestParameters/policyId"),
    ("policy", "/responseElements/policy/policySummary/id"),
    ("policy_type", "/requestParameters/policyType"),
    ("root", "/requestParameters/rootId"),
    ("service", "/requestParameters/servicePrincipal"),
    ("source_parent", "/requestParameters/sourceParentId"),
    ("destination_parent", "/requestParameters/destinationParentId"),
    ("target", "/requestParameters/targetId"),
    ("tagged_resource", "/requestParameters/resourceId"),
    ("transfer", "/requestParameters/id"),
    ("transfer", "/responseElements/responsibilityTransfer/id"),
];

impl Rule for OrganizationsChanges {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { all_writes: settings.all_writes })
    }

    fn matches(&self) -> Option<Matches> {
        let mut names = names_of(Listed::ByCis);
        if self.all_writes {
            names.extend(names_of(Listed::Not));
        }
        let pattern = json!({ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": names });
        Some(Matches::Patterns(vec![pattern]))
    }

    fn evaluate(&self, event: &Event) -> Findings {
        // A pattern also matches a list of names, a metric filter does not: only a string is a name.
        if event.event_source().as_deref() != Some(event::organizations::EVENT_SOURCE) {
            return Findings::none();
        }
        let name = event.event_name().unwrap_or_default();
        let Some((name, listed, severity)) = OPERATIONS.into_iter().find(|(known, ..)| *known == name) else {
            return Findings::none();
        };
        if listed == Listed::Not && !self.all_writes {
            return Findings::none();
        }

        let outcome = event.outcome();
        let (severity, manner) = match outcome {
            Outcome::Succeeded => (severity, ""),
            Outcome::Denied { .. } => (one_step_lower(severity), " denied"),
            Outcome::Failed { .. } => (one_step_lower(severity), " failed"),
        };
        let targets = targets(event);
        let account = event.recipient_account_id().or_else(|| event.user_identity().account_id());
        let account_name = account.map_or_else(|| "an unknown account".to_owned(), |account| account.to_string());
        let named: Vec<String> =
            targets.iter().map(|(detail, id)| format!("{} {id}", detail.replace('_', " "))).collect();
        let named = named.join(", ");

        // Outcome and targets are part of the key, so that a harmless call made first cannot hide the real one in its group.
        let key = format!("{account_name} {name}{manner} {named}");
        let mut title = format!("{name}{manner} in {account_name}");
        if !named.is_empty() {
            title = format!("{title}: {named}");
        }
        let mut finding = Finding::new(key.trim_end())
            .title(title)
            .severity(severity)
            .detail("caller_account", event.user_identity().account_id())
            .detail("in_cis_control", listed == Listed::ByCis);
        for (detail, id) in targets {
            finding = finding.detail(detail, id);
        }
        finding.into()
    }
}

fn names_of(listed: Listed) -> Vec<&'static str> {
    OPERATIONS.into_iter().filter(|operation| operation.1 == listed).map(|(name, ..)| name).collect()
}

fn one_step_lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => High,
        High => Medium,
        Medium => Low,
        Low | Severity::Informational => Severity::Informational,
    }
}

/// Returns what was changed, each detail once, in the order of the table.
fn targets(event: &Event) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = ["/requestParameters", "/responseElements"]
        .into_iter()
        .filter(|part| matches!(event.read(part), Value::Object(_)))
        .collect();
    let mut targets: Vec<(&str, String)> = Vec::new();
    for (detail, path) in TARGETS.into_iter().filter(|(_, path)| parts.iter().any(|part| path.starts_with(part))) {
        if let Some(id) = event.string(path).filter(|id| is_plain_id(id)) {
            targets.retain(|(earlier, _)| *earlier != detail);
            targets.push((detail, id));
        }
    }
    targets
}

/// Tells an id from other text: the caller of a call that fails may write anything of any length where an id belongs.
fn is_plain_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=130).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/organizations_changes");
    const DETACHED: &str = include_str!("../../events/organizations_changes/fires_policy_detached.json");
    const DENIED: &str = include_str!("../../events/organizations_changes/fires_leave_denied.json");
    const FAILED: &str = include_str!("../../events/organizations_changes/fires_attach_failed.json");
    const MOVED: &str = include_str!("../../events/organizations_changes/fires_account_moved_in_console.json");
    const DELEGATED: &str = include_str!("../../events/organizations_changes/quiet_delegated_administrator.json");

    fn only_finding(settings: &str, record: &str) -> Finding {
        let mut findings = testing::evaluate::<OrganizationsChanges>(settings, record).unwrap();
        assert_eq!(findings.len(), 1);
        findings.remove(0)
    }

    fn fires(settings: &str, name: &str) -> bool {
        let record = json!({ "eventSource": "organizations.amazonaws.com", "eventName": name }).to_string();
        !testing::evaluate::<OrganizationsChanges>(settings, &record).unwrap().is_empty()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<OrganizationsChanges>("{}", EVENTS);
    }

    #[test]
    fn the_control_lists_18_names_and_leaves_out_16() {
        assert_eq!(names_of(Listed::ByCis).len(), 18);
        assert_eq!(names_of(Listed::Not).len(), 16);
        for (name, listed, _) in OPERATIONS {
            assert_eq!(fires("{}", name), listed == Listed::ByCis, "{name}");
            assert!(fires(r#"{"all_writes": true}"#, name), "{name}");
        }
        for name in [
            "DescribeOrganization",
            "CreateAccountResult",
            "AccountJoinedOrganization",
            "detachpolicy",
            "DetachPolicy ",
        ] {
            assert!(!fires(r#"{"all_writes": true}"#, name), "{name}");
        }
    }

    #[test]
    fn the_rule_asks_for_what_it_reports() {
        for (settings, count) in [(Settings::default(), 18), (Settings { all_writes: true }, 34)] {
            let Some(Matches::Patterns(patterns)) = OrganizationsChanges::load(settings).unwrap().matches() else {
                panic!("the rule asks for nothing");
            };
            assert_eq!(patterns[0]["eventName"].as_array().unwrap().len(), count);
        }
    }

    #[test]
    fn only_a_string_is_a_name_as_in_a_metric_filter() {
        for record in [
            r#"{"eventSource": "organizations.amazonaws.com", "eventName": ["DetachPolicy"]}"#,
            r#"{"eventSource": ["organizations.amazonaws.com"], "eventName": "DetachPolicy"}"#,
            r#"{"eventSource": "iam.amazonaws.com", "eventName": "CreatePolicy"}"#,
            r#"{"eventName": "DetachPolicy"}"#,
        ] {
            assert!(testing::evaluate::<OrganizationsChanges>("{}", record).unwrap().is_empty(), "{record}");
        }
    }

    #[test]
    fn a_detached_policy_names_policy_target_and_caller() {
        let finding = only_finding("{}", DETACHED);
        assert_eq!(
            finding.get_title(),
            Some("DetachPolicy in 111122223333: policy p-exampledenyexit, target ou-ex1a-exampleouid1")
        );
        assert_eq!(finding.get_severity(), Some(High));
        assert_eq!(finding.key(), "111122223333 DetachPolicy policy p-exampledenyexit, target ou-ex1a-exampleouid1");
        assert_eq!(finding.details()["policy"], "p-exampledenyexit");
        assert_eq!(finding.details()["target"], "ou-ex1a-exampleouid1");
        assert_eq!(finding.details()["caller_account"], "111122223333");
    }

    #[test]
    fn a_moved_account_is_named_before_where_it_came_from_and_went() {
        assert_eq!(
            only_finding("{}", MOVED).get_title(),
            Some(
                "MoveAccount in 111122223333: account 444455556666, source parent r-ex1a, destination parent ou-ex1a-exampleouid1"
            )
        );
    }

    #[test]
    fn a_call_that_failed_is_graded_one_step_lower_and_has_a_key_of_its_own() {
        let denied = only_finding("{}", DENIED);
        assert_eq!(denied.get_title(), Some("LeaveOrganization denied in 444455556666"));
        assert_eq!(denied.get_severity(), Some(Medium));
        assert_eq!(denied.key(), "444455556666 LeaveOrganization denied");
        let failed = only_finding("{}", FAILED);
        assert!(failed.get_title().unwrap().starts_with("AttachPolicy failed in 111122223333: "), "{failed:?}");
        assert_eq!(failed.get_severity(), Some(Low));
    }

    #[test]
    fn what_the_control_leaves_out_is_marked() {
        let finding = only_finding(r#"{"all_writes": true}"#, DELEGATED);
        assert_eq!(finding.details()["in_cis_control"], false);
        assert_eq!(finding.details()["account"], "444455556666");
        assert_eq!(finding.details()["service"], "guardduty.amazonaws.com");
    }

    #[test]
    fn text_that_is_no_id_stays_out_of_the_title() {
        let long = "p".repeat(131);
        for id in ["p-1\u{1b}[2J", "see https://example.com", "", long.as_str()] {
            let record = json!({ "eventSource": "organizations.amazonaws.com", "eventName": "DeletePolicy",
                "recipientAccountId": "111122223333", "errorCode": "InvalidInputException", "requestParameters": { "policyId": id } });
            let finding = only_finding("{}", &record.to_string());
            assert_eq!(finding.get_title(), Some("DeletePolicy failed in 111122223333"));
        }
    }
}
