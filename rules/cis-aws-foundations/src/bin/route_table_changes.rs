//! `cis.route-table-changes`: where traffic goes was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Informational, Low, Medium};

rule! {
    /// Reports routes and route tables that were created, replaced or deleted, and subnets that got another table.
    ///
    /// ## What it does
    ///
    /// Reports the 7 operations that control 4.13 (5.13 from version 6.0 on) lists, where they were called on EC2, and `AssociateRouteTable`,
    /// which the control leaves out although it lists the opposite. The finding says where the route leads.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 7 names, whatever
    /// service was called. Calls that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// A route decides who sees the traffic. One that leads to an instance of the attacker reads everything; one to an internet gateway opens a
    /// private network.
    ///
    /// ## What it misses
    ///
    /// * Routes that come by themselves from a virtual private gateway or a transit gateway.
    /// * What stands at the other end of the route.
    ///
    /// ## What to do
    ///
    /// Look at where the route leads and which subnets use the table. If nobody asked for it, put the route before back, as the finding says.
    RouteTableChanges,
    id: "cis.route-table-changes",
    version: "1.0.0",
    title: "A route table was changed",
    severity: Low,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1562.007", "T1578"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.13",
        "CIS AWS Foundations 6.0 and 7.0 §5.13",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html",
    ],
    false_positives: [
        "Networks that are set up or taken down by infrastructure as code: list its role in `expected_automation`",
    ],
}

struct RouteTableChanges(Changes);

const CONTROL: Control = Control {
    source: "ec2.amazonaws.com",
    filter: controls::ROUTE_TABLE_CHANGES,
    operations: &[
        beyond(
            "AssociateRouteTable",
            Low,
            "DisassociateRouteTable, or ReplaceRouteTableAssociation with the table before",
        ),
        listed("CreateRoute", Medium, "DeleteRoute with the same destination"),
        listed("CreateRouteTable", Informational, "DeleteRouteTable"),
        listed("DeleteRoute", Low, "CreateRoute with the route before"),
        listed("DeleteRouteTable", Low, "CreateRouteTable with the routes before"),
        listed("DisassociateRouteTable", Low, "AssociateRouteTable with the same subnet"),
        listed("ReplaceRoute", Medium, "ReplaceRoute with the target before"),
        listed("ReplaceRouteTableAssociation", Medium, "ReplaceRouteTableAssociation with the table before"),
    ],
    targets: &[
        ("route_table", "/requestParameters/routeTableId"),
        ("route_table", "/responseElements/routeTable/routeTableId"),
        ("association", "/requestParameters/associationId"),
        ("subnet", "/requestParameters/subnetId"),
        ("vpc", "/requestParameters/vpcId"),
        ("destination", "/requestParameters/destinationCidrBlock"),
        ("destination", "/requestParameters/destinationIpv6CidrBlock"),
        ("gateway", "/requestParameters/gatewayId"),
        ("nat_gateway", "/requestParameters/natGatewayId"),
        ("transit_gateway", "/requestParameters/transitGatewayId"),
        ("instance", "/requestParameters/instanceId"),
        ("interface", "/requestParameters/networkInterfaceId"),
        ("peering", "/requestParameters/vpcPeeringConnectionId"),
    ],
};

impl Rule for RouteTableChanges {
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

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/route_table_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<RouteTableChanges>("{}", EVENTS);
    }
}
