//! `cis.security-group-changes`: a security group was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{High, Informational, Low, Medium};

rule! {
    /// Reports security groups that were created, deleted, opened or closed.
    ///
    /// ## What it does
    ///
    /// Reports the 6 operations that control 4.10 (5.10 from version 6.0 on) lists, where they were called on EC2, and
    /// `ModifySecurityGroupRules`, which does the same in another way and which the control leaves out. Opening a group to the whole internet is
    /// high; the finding lists the blocks of addresses.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 6 names, whatever
    /// service was called. Calls that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// A security group is the firewall of what stands behind it. A rule for `0.0.0.0/0` puts a database on the internet, and scanners find it
    /// within minutes.
    ///
    /// ## What it misses
    ///
    /// * Instances that are moved into another group, and groups that are given to an interface.
    /// * Rules that name a prefix list or another group instead of addresses: whom they let in is not in the record.
    /// * What stands behind the group.
    ///
    /// ## What to do
    ///
    /// Look at what stands behind the group and what the rule lets in. If nobody asked for it, undo it as the finding says, and look in the flow
    /// logs for who came in meanwhile.
    SecurityGroupChanges,
    id: "cis.security-group-changes",
    version: "1.0.0",
    title: "A security group was changed",
    severity: Low,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1562.007"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.10",
        "CIS AWS Foundations 6.0 and 7.0 §5.10",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",
    ],
    false_positives: [
        "Everyday work of developers",
        "Load balancers, clusters and infrastructure as code that keep groups of their own: list their roles and services in `expected_automation`",
    ],
}

struct SecurityGroupChanges(Changes);

const CONTROL: Control = Control {
    source: "ec2.amazonaws.com",
    filter: controls::SECURITY_GROUP_CHANGES,
    operations: &[
        listed("AuthorizeSecurityGroupEgress", Low, "RevokeSecurityGroupEgress with the same rules"),
        listed("AuthorizeSecurityGroupIngress", Medium, "RevokeSecurityGroupIngress with the same rules"),
        listed("CreateSecurityGroup", Informational, "DeleteSecurityGroup"),
        listed("DeleteSecurityGroup", Low, "CreateSecurityGroup with the rules before"),
        beyond("ModifySecurityGroupRules", Medium, "ModifySecurityGroupRules with the rules before"),
        listed("RevokeSecurityGroupEgress", Low, "AuthorizeSecurityGroupEgress with the same rules"),
        listed("RevokeSecurityGroupIngress", Low, "AuthorizeSecurityGroupIngress with the same rules"),
    ],
    targets: &[
        ("security_group", "/requestParameters/groupId"),
        ("security_group", "/requestParameters/ModifySecurityGroupRulesRequest/GroupId"),
        ("security_group", "/responseElements/groupId"),
        ("name", "/requestParameters/groupName"),
        ("vpc", "/requestParameters/vpcId"),
    ],
};

impl Rule for SecurityGroupChanges {
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
        let blocks = blocks(event);
        let opened = change.operation.name == "AuthorizeSecurityGroupIngress";
        if opened && blocks.iter().any(|block| is_everyone(block)) {
            change.severity = High;
        }
        let open = change.severity == High && change.outcome.is_success();
        let mut finding = change.finding(event);
        if open {
            let title = format!("{}, open to the whole internet", finding.get_title().unwrap_or_default());
            finding = finding.title(title);
        }
        if blocks.is_empty() { finding.into() } else { finding.detail("addresses", blocks).into() }
    }
}

/// The most permissions of a call, and the most blocks of each, that are looked at: a call may carry a thousand.
const MOST: usize = 100;

/// Returns true for a block of addresses that is the internet, or half of it: two halves are the whole. EC2 takes any address before the length
/// and keeps the network, so the address says nothing: `192.0.2.1/0` is `0.0.0.0/0`. All public addresses of IPv6 are in `2000::/3`.
fn is_everyone(block: &str) -> bool {
    let Some((address, length)) = block.rsplit_once('/') else {
        return false;
    };
    let most = if address.contains(':') { 3 } else { 1 };
    length.trim().parse::<u8>().is_ok_and(|length| length <= most)
}

/// Returns the blocks of addresses that a call is about, as written, each once.
fn blocks(event: &Event) -> BTreeSet<String> {
    let mut blocks = BTreeSet::new();
    for permission in 0..length(event, "/requestParameters/ipPermissions/items") {
        for (list, field) in [("ipRanges", "cidrIp"), ("ipv6Ranges", "cidrIpv6")] {
            let path = format!("/requestParameters/ipPermissions/items/{permission}/{list}/items");
            for range in 0..length(event, &path) {
                let block = event.string(&format!("{path}/{range}/{field}"));
                blocks.extend(block.filter(|block| block.len() <= 50));
            }
        }
    }
    // The oldest form of the call names one block beside the group, the newest one a rule by its id.
    for path in [
        "/requestParameters/cidrIp",
        "/requestParameters/ModifySecurityGroupRulesRequest/SecurityGroupRule/SecurityGroupRule/CidrIpv4",
        "/requestParameters/ModifySecurityGroupRulesRequest/SecurityGroupRule/SecurityGroupRule/CidrIpv6",
    ] {
        blocks.extend(event.string(path).filter(|block| block.len() <= 50));
    }
    blocks
}

fn length(event: &Event, path: &str) -> usize {
    match event.read(path) {
        Value::Array(length) => length.min(MOST),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/security_group_changes");
    const OPENED: &str = include_str!("../../events/security_group_changes/fires_opened_to_everyone.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<SecurityGroupChanges>("{}", EVENTS);
    }

    #[test]
    fn a_group_that_is_opened_to_everyone_is_worse_than_one_that_is_closed() {
        let finding = |record: &str| testing::evaluate::<SecurityGroupChanges>("{}", record).unwrap().remove(0);
        let opened = finding(OPENED);
        assert_eq!(opened.get_severity(), Some(High));
        assert_eq!(opened.details()["addresses"], serde_json::json!(["0.0.0.0/0", "::/0"]));
        let closed = finding(&OPENED.replace("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"));
        assert_eq!(closed.get_severity(), Some(Low));
        let narrow = finding(&OPENED.replace("0.0.0.0/0", "192.0.2.0/24").replace("::/0", "2001:db8::/32"));
        assert_eq!(narrow.get_severity(), Some(Medium));
    }

    #[test]
    fn everyone_is_everyone_however_it_is_written() {
        for block in ["0.0.0.0/0", "192.0.2.1/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2001:db8::1/0", "2000::/3"] {
            assert!(is_everyone(block), "{block}");
        }
        for block in ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "192.0.2.1", "sg-0", ""] {
            assert!(!is_everyone(block), "{block}");
        }
    }

    #[test]
    fn one_bad_block_among_many_good_ones_is_found() {
        let mut record: serde_json::Value = serde_json::from_str(OPENED).unwrap();
        let ranges = &mut record["requestParameters"]["ipPermissions"]["items"][0]["ipRanges"]["items"];
        let many = (0..90).map(|number| serde_json::json!({ "cidrIp": format!("192.0.2.{number}/32") }));
        *ranges = many.chain([serde_json::json!({ "cidrIp": "0.0.0.0/0" })]).collect();
        let finding = testing::evaluate::<SecurityGroupChanges>("{}", &record.to_string()).unwrap().remove(0);
        assert_eq!(finding.get_severity(), Some(High));
    }
}
