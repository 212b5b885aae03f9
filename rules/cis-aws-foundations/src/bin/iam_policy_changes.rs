//! `cis.iam-policy-changes`: IAM policies were changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{High, Low, Medium};

rule! {
    /// Reports changes to IAM policies and to what they are attached to.
    ///
    /// ## What it does
    ///
    /// Reports the 16 operations that control 4.4 (5.4 from version 6.0 on) lists, where they were called on IAM, and 6 more that change a
    /// policy's effect and that the control leaves out: `SetDefaultPolicyVersion`, `UpdateAssumeRolePolicy`, and those on permissions boundaries.
    /// Attaching `AdministratorAccess`, `IAMFullAccess` or `PowerUserAccess` is high.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 16 names, whatever
    /// service was called. That filter names no service, so it also counts the `CreatePolicy` and `DeletePolicy` of AWS Organizations, which are
    /// no IAM policies and which `cis.organizations-changes` reports, and operations of the same name of other services. Calls that failed are
    /// reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// Whoever may change policies may do everything. A policy attached to a user or role that an attacker holds is the shortest way from a
    /// foothold to the whole account, and lasts after the password is changed.
    ///
    /// ## What it misses
    ///
    /// * What the policy says: whether a new version allows more or less is for a person to read. The request is in the record.
    /// * Rights that come by other ways: membership of a group (`AddUserToGroup`), a role passed to a service, policies of resources such as
    ///   buckets and keys.
    /// * IAM Identity Center's permission sets.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. If nobody asked for the change, undo it as the finding says, revoke the sessions of the caller
    /// and of whoever got the right, and look at what they did with it since.
    IamPolicyChanges,
    id: "cis.iam-policy-changes",
    version: "1.0.0",
    title: "An IAM policy was changed",
    severity: Medium,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1098", "T1098.003", "T1484"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.4",
        "CIS AWS Foundations 6.0 and 7.0 §5.4",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage.html",
    ],
    false_positives: [
        "Planned changes by infrastructure as code: list its role in `expected_automation`",
        "Services that create their own roles and policies",
    ],
}

struct IamPolicyChanges(Changes);

const CONTROL: Control = Control {
    source: "iam.amazonaws.com",
    filter: controls::IAM_POLICY_CHANGES,
    operations: &[
        listed("AttachGroupPolicy", Medium, "DetachGroupPolicy with the same group and policy"),
        listed("AttachRolePolicy", Medium, "DetachRolePolicy with the same role and policy"),
        listed("AttachUserPolicy", Medium, "DetachUserPolicy with the same user and policy"),
        listed("CreatePolicy", Low, "DeletePolicy, once it is attached to nothing"),
        listed(
            "CreatePolicyVersion",
            Medium,
            "SetDefaultPolicyVersion to the version before, then DeletePolicyVersion",
        ),
        listed("DeleteGroupPolicy", Medium, "PutGroupPolicy with the document that was deleted"),
        listed("DeletePolicy", Medium, "CreatePolicy and attach it again"),
        listed("DeletePolicyVersion", Low, "CreatePolicyVersion with the document that was deleted"),
        beyond("DeleteRolePermissionsBoundary", High, "PutRolePermissionsBoundary with the boundary before"),
        listed("DeleteRolePolicy", Medium, "PutRolePolicy with the document that was deleted"),
        beyond("DeleteUserPermissionsBoundary", High, "PutUserPermissionsBoundary with the boundary before"),
        listed("DeleteUserPolicy", Medium, "PutUserPolicy with the document that was deleted"),
        listed("DetachGroupPolicy", Medium, "AttachGroupPolicy with the same group and policy"),
        listed("DetachRolePolicy", Medium, "AttachRolePolicy with the same role and policy"),
        listed("DetachUserPolicy", Medium, "AttachUserPolicy with the same user and policy"),
        listed("PutGroupPolicy", Medium, "DeleteGroupPolicy, or PutGroupPolicy with the document before"),
        beyond(
            "PutRolePermissionsBoundary",
            Medium,
            "PutRolePermissionsBoundary with the boundary before, or DeleteRolePermissionsBoundary",
        ),
        listed("PutRolePolicy", Medium, "DeleteRolePolicy, or PutRolePolicy with the document before"),
        beyond(
            "PutUserPermissionsBoundary",
            Medium,
            "PutUserPermissionsBoundary with the boundary before, or DeleteUserPermissionsBoundary",
        ),
        listed("PutUserPolicy", Medium, "DeleteUserPolicy, or PutUserPolicy with the document before"),
        beyond("SetDefaultPolicyVersion", Medium, "SetDefaultPolicyVersion to the version before"),
        beyond("UpdateAssumeRolePolicy", Medium, "UpdateAssumeRolePolicy with the document before"),
    ],
    targets: &[
        ("user", "/requestParameters/userName"),
        ("group", "/requestParameters/groupName"),
        ("role", "/requestParameters/roleName"),
        ("policy", "/requestParameters/policyName"),
        ("policy", "/requestParameters/policyArn"),
        ("policy", "/responseElements/policy/arn"),
        ("version", "/requestParameters/versionId"),
        ("version", "/responseElements/policyVersion/versionId"),
        ("boundary", "/requestParameters/permissionsBoundary"),
    ],
};

impl Rule for IamPolicyChanges {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Changes::load(&CONTROL, settings).map(Self)
    }

    fn matches(&self) -> Option<Matches> {
        Some(self.0.asked())
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(mut change) = self.0.judge(event) else {
            return Findings::none();
        };
        if change.operation.name.starts_with("Attach") && change.target("policy").is_some_and(is_powerful) {
            change.severity = High;
        }
        change.finding(event).into()
    }
}

/// Tells the policies of AWS that give the account away, by their ARNs in any partition.
fn is_powerful(policy: &str) -> bool {
    let name = policy.split_once(":iam::aws:policy/").map(|(_, name)| name);
    matches!(name, Some("AdministratorAccess" | "IAMFullAccess" | "PowerUserAccess"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/iam_policy_changes");
    const ADMINISTRATOR: &str =
        include_str!("../../events/iam_policy_changes/fires_administrator_access_attached.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<IamPolicyChanges>("{}", EVENTS);
    }

    #[test]
    fn the_rights_of_an_administrator_are_worse_than_others() {
        let severity = |record: &str| testing::evaluate::<IamPolicyChanges>("{}", record).unwrap()[0].get_severity();
        assert_eq!(severity(ADMINISTRATOR), Some(High));
        let lesser = ADMINISTRATOR.replace("AdministratorAccess", "ReadOnlyAccess");
        assert_eq!(severity(&lesser), Some(Medium));
        let own = ADMINISTRATOR.replace("iam::aws:policy", "iam::111122223333:policy");
        assert_eq!(severity(&own), Some(Medium), "an account's own policy may have any name");
        let detached = ADMINISTRATOR.replace("AttachUserPolicy", "DetachUserPolicy");
        assert_eq!(severity(&detached), Some(Medium));
    }
}
