//! A finding in the AWS Security Finding Format.

use serde_json::{Value, json};

use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::finding::Finding;
use crate::sink::Delivery;
use crate::sink::fit::cut;

/// Returns the id that a finding has in Security Hub.
pub(super) fn id(finding: &Finding) -> String {
    finding.id.to_string()
}

/// Returns a finding for the account that hands it over.
pub(super) fn finding(delivery: &Delivery, region: &str, account: &str) -> Value {
    let partition = match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let Delivery { finding, filed, updated, .. } = delivery;
    let event = &finding.event;
    let concerned = event.account.as_deref().filter(|account| account.len() == 12).unwrap_or(account);
    let severity = json!({ "Label": finding.severity.name().to_uppercase(), "Original": finding.severity.name() });
    let what = event.name.as_deref().unwrap_or("an event");
    let description = format!("{}: {} {}", finding.title, what, harmless_json(&finding.details));
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": id(finding),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "GeneratorId": cut(&finding.rule.id, 512),
        "AwsAccountId": account,
        "CreatedAt": filed.to_string(),
        "UpdatedAt": updated.to_string(),
        "Title": cut(&terminal(&finding.title), 256),
        "Description": cut(&terminal(&description), 1_024),
        "Types": ["Unusual Behaviors/User"],
        "FindingProviderFields": { "Severity": severity, "Types": ["Unusual Behaviors/User"] },
        "Resources": [{ "Type": "AwsAccount", "Id": format!("AWS::::Account:{concerned}"), "Partition": partition, "Region": region }],
        "RecordState": "ACTIVE",
    })
}
