//! ASFF: a finding as `BatchImportFindings` of AWS Security Hub takes it.
//!
//! Security Hub takes findings of the calling account alone, so that account is given, and the account that the event happened in stands among
//! the resources. Every text is cut to what the service allows, at a character's boundary, and characters that deceive are escaped: these
//! texts are read in a console.

use std::net::IpAddr;

use orgwatch_rules_sdk::Severity;
use serde_json::{Map, Value, json};

use super::attack::{self, Tactic};
use super::{harmless_json, partition};
use crate::escape::terminal;
use crate::finding::{EventReference, Finding};
use crate::sink::Delivery;

/// As whose product and finding Security Hub gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsffProduct {
    /// The region of Security Hub.
    pub region: String,
    /// The account that calls it.
    pub account: String,
}

/// The longest identifiers, in bytes.
const ID: usize = 512;

/// The most pairs of `ProductFields`.
const PAIRS: usize = 50;

/// The longest key of `ProductFields`, in bytes.
const PAIR_KEY: usize = 128;

/// The longest value of `ProductFields`, in bytes.
const PAIR_VALUE: usize = 2048;

/// The longest field without a documented limit of its own, in bytes.
const FIELD: usize = 512;

/// Returns a finding in the AWS Security Finding Format.
pub fn asff(delivery: &Delivery, product: &AsffProduct) -> Value {
    let Delivery { finding, filed, updated, .. } = delivery;
    let AsffProduct { region, account } = product;
    let arn_partition = partition(Some(region));
    let event = &finding.event;
    let mut out = json!({
        "SchemaVersion": "2018-10-08",
        "Id": finding.id.to_string(),
        "ProductArn": format!("arn:{arn_partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "orgwatch",
        "CompanyName": "orgwatch",
        "GeneratorId": cut(&finding.rule.id, ID),
        "AwsAccountId": account,
        "CreatedAt": filed.to_string(),
        "UpdatedAt": updated.to_string(),
        "Title": cut(&finding.title, 256),
        "Description": cut(&description(finding), 1024),
        "FindingProviderFields": {
            "Severity": { "Label": severity(finding.severity), "Original": finding.severity.name() },
            "Types": types(&finding.attack),
        },
        "ProductFields": fields(finding),
        "Resources": resources(event, account),
        "RecordState": "ACTIVE",
    });
    if let Some(time) = event.time.as_deref() {
        out["FirstObservedAt"] = time.into();
        out["LastObservedAt"] = time.into();
    }
    if let Some(url) =
        finding.references.iter().find(|reference| reference.starts_with("https://") && reference.len() <= FIELD)
    {
        out["SourceUrl"] = terminal(url).into();
    }
    if let Some(action) = action(event) {
        out["Action"] = action;
    }
    out
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}

/// Says in a sentence what the record says; the title is the rule's.
fn description(finding: &Finding) -> String {
    let event = &finding.event;
    let mut text = finding.title.clone();
    let parts = [
        (": ", event.name.as_deref()),
        (" by ", event.actor.as_deref()),
        (" from ", event.source_ip.as_deref()),
        (" in account ", event.account.as_deref()),
        (", ", event.region.as_deref()),
        (", refused with ", event.error_code.as_deref()),
    ];
    for (word, part) in parts {
        if let Some(part) = part {
            text.push_str(word);
            text.push_str(part);
        }
    }
    text
}

/// Names what the techniques serve in Security Hub's own terms, which know fewer tactics than ATT&CK, and effects beside them.
fn types(techniques: &[String]) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for technique in techniques.iter().filter_map(|id| attack::technique(id)) {
        for tactic in technique.tactics {
            let name = match (tactic, technique.id) {
                (Tactic::Exfiltration, _) => "Effects/Data Exfiltration".to_owned(),
                (Tactic::Impact, "T1485" | "T1486" | "T1490") => "Effects/Data Destruction".to_owned(),
                (Tactic::Impact, "T1496") => "Effects/Resource Consumption".to_owned(),
                (Tactic::Impact, _) => "Effects/Denial of Service".to_owned(),
                (tactic, _) => format!("TTPs/{}", tactic.name()),
            };
            if !types.contains(&name) {
                types.push(name);
            }
        }
    }
    if types.is_empty() {
        types.push("Unusual Behaviors/User".to_owned());
    }
    types.truncate(50);
    types
}

fn fields(finding: &Finding) -> Map<String, Value> {
    let event = &finding.event;
    let digest = event.digest.tagged();
    let fixed = [
        ("rule", Some(finding.rule.id.as_str())),
        ("rule-version", Some(&finding.rule.version)),
        ("rule-digest", Some(&finding.rule.digest)),
        ("pack", finding.rule.pack.as_deref()),
        ("key", Some(&finding.key)),
        ("event-id", event.id.as_deref()),
        ("event-digest", Some(&digest)),
        ("event-name", event.name.as_deref()),
        ("event-source", event.source.as_deref()),
        ("event-time", event.time.as_deref()),
        ("account", event.account.as_deref()),
        ("region", event.region.as_deref()),
        ("actor", event.actor.as_deref()),
        ("source-ip", event.source_ip.as_deref()),
        ("error-code", event.error_code.as_deref()),
    ];
    let mut fields = Map::new();
    for (name, value) in fixed {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields.insert(format!("orgwatch/{name}"), cut(value, PAIR_VALUE).into());
        }
    }
    for (number, reference) in finding.references.iter().take(4).enumerate() {
        if !reference.is_empty() {
            fields.insert(format!("orgwatch/reference-{}", number + 1), cut(reference, PAIR_VALUE).into());
        }
    }
    let mut left_out = 0_usize;
    for (name, value) in &finding.details {
        let value = match value {
            Value::String(text) => text.clone(),
            other => harmless_json(other),
        };
        if value.is_empty() {
            continue;
        }
        let key = cut(&format!("orgwatch/detail/{name}"), PAIR_KEY);
        // One pair is kept for the number of those that have no place.
        if fields.len() >= PAIRS - 1 || fields.contains_key(&key) {
            left_out += 1;
        } else {
            fields.insert(key, cut(&value, PAIR_VALUE).into());
        }
    }
    if left_out > 0 {
        fields.insert("orgwatch/details-left-out".to_owned(), left_out.to_string().into());
    }
    fields
}

/// Names the account that the event happened in, and who acted.
fn resources(event: &EventReference, calling: &str) -> Value {
    let region = event.region.as_deref();
    let account = event.account.as_deref().unwrap_or(calling);
    let resource = |kind: &str, id: &str| {
        let mut resource = json!({ "Type": kind, "Id": cut(id, ID), "Partition": partition(region) });
        if let Some(region) = region {
            resource["Region"] = cut(region, 64).into();
        }
        resource
    };
    let mut resources = vec![resource("AwsAccount", &format!("AWS::::Account:{account}"))];
    if let Some(actor) = event.actor.as_deref().filter(|actor| actor.starts_with("arn:")) {
        let kind = if actor.contains(":user/") { "AwsIamUser" } else { "Other" };
        resources.push(resource(kind, actor));
    }
    resources.into()
}

fn action(event: &EventReference) -> Option<Value> {
    let name = event.name.as_deref()?;
    let mut call = json!({ "Api": cut(name, FIELD) });
    if let Some(source) = &event.source {
        call["ServiceName"] = cut(source, FIELD).into();
    }
    match event.source_ip.as_deref().map(|source| (source, source.parse::<IpAddr>())) {
        Some((_, Ok(IpAddr::V4(address)))) => {
            call["CallerType"] = "remoteIp".into();
            call["RemoteIpDetails"] = json!({ "IpAddressV4": address.to_string() });
        }
        // There is no place for an IPv6 address; it stands in the product fields.
        Some((_, Ok(IpAddr::V6(_)))) | None => {}
        Some((domain, Err(_))) => {
            call["CallerType"] = "domain".into();
            call["DomainDetails"] = json!({ "Domain": cut(domain, FIELD) });
        }
    }
    Some(json!({ "ActionType": "AWS_API_CALL", "AwsApiCallAction": call }))
}

/// Escapes what deceives and cuts to so many bytes, at a character's boundary. No text of ASFF may be empty.
fn cut(text: &str, bytes: usize) -> String {
    let mut text = terminal(text);
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes - '…'.len_utf8()));
        text.push('…');
    }
    if text.is_empty() { "-".to_owned() } else { text }
}

/// One line for a replay, as of the event and for the account that it happened in.
pub(super) fn encode(finding: &Finding, out: &mut Vec<u8>) {
    let product = AsffProduct {
        region: finding.event.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        account: finding.event.account.clone().unwrap_or_else(|| "000000000000".to_owned()),
    };
    super::json::write(&asff(&super::as_of_event(finding), &product), out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::as_of_event;
    use crate::encoding::tests::finding;

    #[test]
    fn every_text_keeps_to_its_limit_at_a_characters_boundary() {
        let mut finding = finding();
        let long = "ü\u{1b}".repeat(3000);
        finding.title.clone_from(&long);
        finding.key.clone_from(&long);
        finding.event.actor = Some(format!("arn:{long}"));
        for number in 0..100 {
            finding.details.insert(format!("{number}{long}"), long.clone().into());
        }
        let product = AsffProduct { region: "eu-central-1".to_owned(), account: "999988887777".to_owned() };
        let out = asff(&as_of_event(&finding), &product);
        let length = |path: &str| out.pointer(path).and_then(Value::as_str).unwrap().len();
        assert!((250..=256).contains(&length("/Title")));
        assert!(length("/Description") <= 1024);
        assert!(length("/Resources/1/Id") <= 512);
        let fields = out["ProductFields"].as_object().unwrap();
        assert!(fields.len() <= 50, "{}", fields.len());
        assert!(fields.iter().all(|(key, value)| key.len() <= 128 && value.as_str().unwrap().len() <= 2048));
        assert!(fields.contains_key("orgwatch/details-left-out"));
        assert!(out.to_string().len() < 240_000);
        assert!(!out.to_string().contains("\\u001b"));
    }

    #[test]
    fn a_finding_belongs_to_the_calling_account_and_names_its_own() {
        let product = AsffProduct { region: "us-gov-west-1".to_owned(), account: "999988887777".to_owned() };
        let out = asff(&as_of_event(&finding()), &product);
        assert_eq!(out["AwsAccountId"], "999988887777");
        assert_eq!(
            out["ProductArn"],
            "arn:aws-us-gov:securityhub:us-gov-west-1:999988887777:product/999988887777/default"
        );
        assert_eq!(out["Resources"][0]["Id"], "AWS::::Account:111122223333");
        assert_eq!(out["FindingProviderFields"]["Types"], json!(["TTPs/Defense Evasion"]));
    }

    #[test]
    fn details_with_one_beginning_do_not_take_each_others_place_silently() {
        let mut finding = finding();
        finding.details.clear();
        let long = "x".repeat(200);
        for number in 0..3 {
            finding.details.insert(format!("{long}{number}"), number.into());
        }
        let product = AsffProduct { region: "us-east-1".to_owned(), account: "999988887777".to_owned() };
        let out = asff(&as_of_event(&finding), &product);
        assert_eq!(out["ProductFields"]["orgwatch/details-left-out"], "2");
    }
}
