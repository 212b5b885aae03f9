//! `cis.organizations-changes`: the organization was changed, as CIS AWS Foundations lists it.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::{controls, settings};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Critical, High, Low, Medium};

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
    /// `RegisterDelegatedAdministrator` and `CloseAccount`. Calls by `expected_automation` are not reported: roles, users and services by
    /// fields of the record that a caller cannot choose. With `strict = true` the rule reports what the control's published metric filter matches,
    /// and no other record, whoever called.
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
    matches: [(CONTROL.pattern(false))],
    attack: ["T1484", "T1666"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.15",
        "CIS AWS Foundations 6.0 and 7.0 §5.15",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html",
    ],
    false_positives: [
        "Planned changes to accounts, organizational units and policies",
        "Account vending: list its role, or `controltower.amazonaws.com`, in `expected_automation`",
    ],
}

struct OrganizationsChanges(Changes);

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Report the 16 write operations too that the CIS control leaves out.
    all_writes: bool,
    /// Report the records that the control's published metric filter matches, and no others.
    strict: bool,
    /// Roles and users, by their ARNs, and AWS services, by their names, whose changes are expected and not reported.
    expected_automation: Automation,
}

const CONTROL: Control = Control {
    source: event::organizations::EVENT_SOURCE,
    filter: controls::ORGANIZATIONS_CHANGES,
    operations: &[
        listed(
            "AcceptHandshake",
            High,
            "LeaveOrganization or RemoveAccountFromOrganization, where an account joined by it",
        ),
        listed("AttachPolicy", Medium, "DetachPolicy with the same policy and target"),
        beyond("CancelHandshake", Low, "InviteAccountToOrganization again"),
        beyond("CloseAccount", High, "AWS Support, within 90 days"),
        listed("CreateAccount", Medium, "CloseAccount"),
        beyond("CreateGovCloudAccount", Medium, "CloseAccount"),
        beyond("CreateOrganization", High, "DeleteOrganization, once it is empty"),
        listed("CreateOrganizationalUnit", Low, "DeleteOrganizationalUnit, once it is empty"),
        listed("CreatePolicy", Low, "DeletePolicy, once it is attached to nothing"),
        listed("DeclineHandshake", Low, "InviteAccountToOrganization again"),
        listed("DeleteOrganization", Critical, "CreateOrganization, and invite every account again"),
        listed("DeleteOrganizationalUnit", Medium, "CreateOrganizationalUnit, and attach its policies again"),
        listed("DeletePolicy", High, "CreatePolicy with the text before, and attach it again"),
        beyond("DeleteResourcePolicy", Medium, "PutResourcePolicy with the policy before"),
        beyond(
            "DeregisterDelegatedAdministrator",
            High,
            "RegisterDelegatedAdministrator with the same account and service",
        ),
        listed("DetachPolicy", High, "AttachPolicy with the same policy and target"),
        beyond("DisableAWSServiceAccess", High, "EnableAWSServiceAccess, best from the console of the service"),
        listed("DisablePolicyType", Critical, "EnablePolicyType, and attach every policy of the type again"),
        beyond("EnableAWSServiceAccess", Medium, "DisableAWSServiceAccess, after switching it off in the service"),
        beyond("EnableAllFeatures", Medium, "CancelHandshake, as long as not every account has agreed"),
        listed("EnablePolicyType", Medium, "DisablePolicyType"),
        listed("InviteAccountToOrganization", Medium, "CancelHandshake"),
        beyond("InviteOrganizationToTransferResponsibility", High, "CancelHandshake"),
        listed("LeaveOrganization", High, "InviteAccountToOrganization, and have it accepted"),
        // Every new account is moved to its place: the name alone says no more. `org.account-moved` tells a way out of the guard rails.
        listed("MoveAccount", Medium, "MoveAccount back to the source parent"),
        beyond("PutResourcePolicy", High, "PutResourcePolicy with the policy before, or DeleteResourcePolicy"),
        beyond(
            "RegisterDelegatedAdministrator",
            High,
            "DeregisterDelegatedAdministrator with the same account and service",
        ),
        listed("RemoveAccountFromOrganization", High, "InviteAccountToOrganization, and have it accepted"),
        beyond("TagResource", Low, "UntagResource, or TagResource with the values before"),
        beyond("TerminateResponsibilityTransfer", Medium, "InviteOrganizationToTransferResponsibility again"),
        beyond("UntagResource", Low, "TagResource with the values before"),
        listed("UpdateOrganizationalUnit", Low, "UpdateOrganizationalUnit with the name before"),
        listed("UpdatePolicy", High, "UpdatePolicy with the text before"),
        beyond("UpdateResponsibilityTransfer", Medium, "UpdateResponsibilityTransfer with the settings before"),
    ],
    targets: &[
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
    ],
};

impl Rule for OrganizationsChanges {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        let Settings { all_writes, strict, expected_automation } = settings;
        if strict && all_writes {
            return Err(
                "`strict` reports the operations that the control lists, `all_writes` the others too: leave out one"
                    .into(),
            );
        }
        let shared = settings::Settings { strict, expected_automation };
        Changes::load_with(&CONTROL, shared, all_writes).map(Self)
    }

    fn matches(&self) -> Option<Matches> {
        Some(self.0.asked())
    }

    fn evaluate(&self, event: &Event) -> Findings {
        self.0.judge(event).map(|change| change.finding(event)).into()
    }
}

#[cfg(test)]
mod tests {
    use orgwatch_rules_cis_aws_foundations::changes::Listed;
    use orgwatch_rules_sdk::serde_json::json;

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
        let count = |kind| CONTROL.operations.iter().filter(|operation| operation.listed == kind).count();
        assert_eq!((count(Listed::ByCis), count(Listed::Not)), (18, 16));
        for operation in CONTROL.operations {
            let name = operation.name;
            assert_eq!(fires("{}", name), operation.listed == Listed::ByCis, "{name}");
            assert_eq!(fires(r#"{"strict": true}"#, name), operation.listed == Listed::ByCis, "{name}");
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
        for (all_writes, count) in [(false, 18), (true, 34)] {
            let rule = OrganizationsChanges::load(Settings { all_writes, ..Settings::default() }).unwrap();
            let Some(Matches::Patterns(patterns)) = rule.matches() else {
                panic!("the rule asks for nothing");
            };
            assert_eq!(patterns[0]["eventName"].as_array().unwrap().len(), count);
        }
    }

    #[test]
    fn expected_automation_is_quiet_and_nobody_else() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#;
        assert!(testing::evaluate::<OrganizationsChanges>(expected, DETACHED).unwrap().is_empty());
        let other = DETACHED.replace("111122223333:role/OrgAdmin", "111122223333:role/Intern");
        assert_eq!(testing::evaluate::<OrganizationsChanges>(expected, &other).unwrap().len(), 1);
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        for (settings, reason) in [
            (r#"{"strict": true, "all_writes": true}"#, "leave out one"),
            (
                r#"{"strict": true, "expected_automation": ["controltower.amazonaws.com"]}"#,
                "leave out `expected_automation`",
            ),
        ] {
            let refusal = testing::evaluate::<OrganizationsChanges>(settings, DETACHED).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
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
