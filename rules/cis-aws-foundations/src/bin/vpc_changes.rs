//! `cis.vpc-changes`: a VPC, or what it is joined with, was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Informational, Low, Medium};

rule! {
    /// Reports VPCs that were created, deleted or changed, and those that were joined with others.
    ///
    /// ## What it does
    ///
    /// Reports the 11 operations that control 4.14 (5.14 from version 6.0 on) lists, where they were called on EC2, and
    /// `ModifyVpcPeeringConnectionOptions`, which the control leaves out. Accepting a connection with another VPC is medium.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 11 names, whatever
    /// service was called. Calls that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// A peering connection joins two networks that were apart, perhaps with one of another owner. A new VPC in an account that needs none is a
    /// place to work unseen.
    ///
    /// ## What it misses
    ///
    /// * Networks that are joined in other ways: transit gateways, VPN, PrivateLink, shared subnets.
    /// * EC2-Classic, which the ClassicLink operations are about, was retired in 2022.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. For a peering connection look at whose the other VPC is, and at the routes and security groups
    /// that let it in.
    VpcChanges,
    id: "cis.vpc-changes",
    version: "1.0.0",
    title: "A VPC was changed",
    severity: Low,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1578"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.14",
        "CIS AWS Foundations 6.0 and 7.0 §5.14",
        "https://docs.aws.amazon.com/vpc/latest/peering/what-is-vpc-peering.html",
    ],
    false_positives: [
        "Networks that are set up or taken down by infrastructure as code: list its role in `expected_automation`",
    ],
}

struct VpcChanges(Changes);

const CONTROL: Control = Control {
    source: "ec2.amazonaws.com",
    filter: controls::VPC_CHANGES,
    operations: &[
        listed("AcceptVpcPeeringConnection", Medium, "DeleteVpcPeeringConnection"),
        listed("AttachClassicLinkVpc", Medium, "DetachClassicLinkVpc"),
        listed("CreateVpc", Low, "DeleteVpc"),
        listed("CreateVpcPeeringConnection", Medium, "DeleteVpcPeeringConnection"),
        listed("DeleteVpc", Low, "CreateVpc: what was in it is gone"),
        listed("DeleteVpcPeeringConnection", Low, "CreateVpcPeeringConnection, and have it accepted"),
        listed("DetachClassicLinkVpc", Low, "AttachClassicLinkVpc"),
        listed("DisableVpcClassicLink", Low, "EnableVpcClassicLink"),
        listed("EnableVpcClassicLink", Medium, "DisableVpcClassicLink"),
        listed("ModifyVpcAttribute", Low, "ModifyVpcAttribute with the value before"),
        beyond("ModifyVpcPeeringConnectionOptions", Low, "ModifyVpcPeeringConnectionOptions with the options before"),
        listed("RejectVpcPeeringConnection", Informational, ""),
    ],
    targets: &[
        ("vpc", "/requestParameters/vpcId"),
        ("vpc", "/responseElements/vpc/vpcId"),
        ("peering", "/requestParameters/vpcPeeringConnectionId"),
        ("peering", "/requestParameters/ModifyVpcPeeringConnectionOptionsRequest/VpcPeeringConnectionId"),
        ("peering", "/responseElements/vpcPeeringConnection/vpcPeeringConnectionId"),
        ("peer_vpc", "/requestParameters/peerVpcId"),
        ("peer_account", "/requestParameters/peerOwnerId"),
        ("instance", "/requestParameters/instanceId"),
    ],
};

impl Rule for VpcChanges {
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

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/vpc_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<VpcChanges>("{}", EVENTS);
    }
}
