//! `cis.network-gateway-changes`: a gateway out of the network was changed.

use orgwatch_rules_cis_aws_foundations::changes::{Changes, Control, beyond, listed};
use orgwatch_rules_cis_aws_foundations::controls;
use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Low, Medium};

rule! {
    /// Reports gateways that were created, attached, detached or deleted: doors between a network and the outside.
    ///
    /// ## What it does
    ///
    /// Reports the 6 operations that control 4.12 (5.12 from version 6.0 on) lists, where they were called on EC2, and the 2 on egress-only
    /// internet gateways, which the control leaves out.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: the 6 names, whatever
    /// service was called. Calls that failed are reported in both readings, as the filter counts them; they are graded one step lower.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose. See
    /// `strict` for the control's own reading, which makes no exceptions.
    ///
    /// ## Why it matters
    ///
    /// A private network becomes a public one when an internet gateway is attached and a route leads to it. A customer gateway is one end of a
    /// tunnel to somewhere else.
    ///
    /// ## What it misses
    ///
    /// * NAT gateways, transit gateways and virtual private gateways.
    /// * The route that makes a gateway useful: see `cis.route-table-changes`.
    ///
    /// ## What to do
    ///
    /// Find the change ticket, or ask the caller. If nobody asked for it, take the gateway away, as the finding says, and look for routes that
    /// lead to it.
    NetworkGatewayChanges,
    id: "cis.network-gateway-changes",
    version: "1.0.0",
    title: "A network gateway was changed",
    severity: Low,
    status: Test,
    matches: [(CONTROL.pattern(true))],
    attack: ["T1562.007", "T1578"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.12",
        "CIS AWS Foundations 6.0 and 7.0 §5.12",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    false_positives: [
        "Networks that are set up or taken down by infrastructure as code: list its role in `expected_automation`",
    ],
}

struct NetworkGatewayChanges(Changes);

const CONTROL: Control = Control {
    source: "ec2.amazonaws.com",
    filter: controls::NETWORK_GATEWAY_CHANGES,
    operations: &[
        listed("AttachInternetGateway", Medium, "DetachInternetGateway from the same VPC"),
        listed("CreateCustomerGateway", Medium, "DeleteCustomerGateway"),
        beyond("CreateEgressOnlyInternetGateway", Low, "DeleteEgressOnlyInternetGateway"),
        listed("CreateInternetGateway", Low, "DeleteInternetGateway"),
        listed("DeleteCustomerGateway", Low, "CreateCustomerGateway with the address before"),
        beyond("DeleteEgressOnlyInternetGateway", Low, "CreateEgressOnlyInternetGateway, and the routes to it"),
        listed("DeleteInternetGateway", Low, "CreateInternetGateway, and attach it"),
        listed("DetachInternetGateway", Low, "AttachInternetGateway to the same VPC"),
    ],
    targets: &[
        ("internet_gateway", "/requestParameters/internetGatewayId"),
        ("internet_gateway", "/responseElements/internetGateway/internetGatewayId"),
        ("customer_gateway", "/requestParameters/customerGatewayId"),
        ("customer_gateway", "/responseElements/customerGateway/customerGatewayId"),
        (
            "egress_only_gateway",
            "/requestParameters/DeleteEgressOnlyInternetGatewayRequest/EgressOnlyInternetGatewayId",
        ),
        (
            "egress_only_gateway",
            "/responseElements/CreateEgressOnlyInternetGatewayResponse/egressOnlyInternetGateway/egressOnlyInternetGatewayId",
        ),
        ("vpc", "/requestParameters/vpcId"),
        ("vpc", "/requestParameters/CreateEgressOnlyInternetGatewayRequest/VpcId"),
        ("address", "/requestParameters/ipAddress"),
    ],
};

impl Rule for NetworkGatewayChanges {
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

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/network_gateway_changes");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<NetworkGatewayChanges>("{}", EVENTS);
    }
}
