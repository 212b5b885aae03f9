//! `cis.network-acl-changes`: a network ACL was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Low, Medium};

rule! {
    /// Reports network ACLs that were created, deleted, changed or given to another subnet.
    ///
    /// ## What it does
    ///
    /// Reports the 6 operations that control 4.11 (5.11 from version 6.0 on) lists, where they were called on EC2. The finding of a changed entry
    /// says what it allows or denies.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 6 names, whatever
    /// service was called. Calls that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// A network ACL is the second wall around a subnet, and seldom touched. Who opens it has usually found the security group in the way.
    ///
    /// ## What it misses
    ///
    /// * Which subnets the ACL stands before, and what is in them.
    /// * Network Firewall and its policies.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. If nobody asked for it, put the entry before back, as the finding says, and look at the
    /// security groups behind it: they may have been changed as well.
    NetworkAclChanges,
    id: "cis.network-acl-changes",
    version: "1.0.0",
    title: "A network ACL was changed",
    severity: Low,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1562.007"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.11",
        "CIS AWS Foundations 6.0 and 7.0 §5.11",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
    ],
    false_positives: [
        "Planned changes by infrastructure as code: list its role in `expected_automation`",
    ],
}

struct NetworkAclChanges(Changes);

const CONTROL: Control = Control {
    source: "ec2.amazonaws.com",
    filter: controls::NETWORK_ACL_CHANGES,
    operations: &[
        listed("CreateNetworkAcl", Low, "DeleteNetworkAcl"),
        listed("CreateNetworkAclEntry", Medium, "DeleteNetworkAclEntry with the same rule number"),
        listed("DeleteNetworkAcl", Medium, "CreateNetworkAcl with the entries before"),
        listed("DeleteNetworkAclEntry", Medium, "CreateNetworkAclEntry with the entry before"),
        listed("ReplaceNetworkAclAssociation", Medium, "ReplaceNetworkAclAssociation with the ACL before"),
        listed("ReplaceNetworkAclEntry", Medium, "ReplaceNetworkAclEntry with the entry before"),
    ],
    targets: &[
        ("network_acl", "/requestParameters/networkAclId"),
        ("network_acl", "/responseElements/networkAcl/networkAclId"),
        ("association", "/requestParameters/associationId"),
        ("vpc", "/requestParameters/vpcId"),
        ("addresses", "/requestParameters/cidrBlock"),
        ("addresses", "/requestParameters/ipv6CidrBlock"),
        ("action", "/requestParameters/ruleAction"),
    ],
};

impl Rule for NetworkAclChanges {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Changes::load(&CONTROL, settings).map(Self)
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
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/network_acl_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<NetworkAclChanges>("{}", EVENTS);
    }
}
