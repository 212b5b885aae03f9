//! OCSF 1.8.0: a Detection Finding (class 2004) with the profile `cloud`.
//!
//! The finding's id is the `finding_info.uid`, so that an update of it is one to the receiver too. Fields of the record go where the schema has a
//! place for them, which for a finding is among the evidence; what a rule says in its own words goes into `unmapped`.

use std::net::IpAddr;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use serde_json::{Value, json};

use super::{attack, partition};
use crate::finding::{EventReference, Finding};
use crate::sink::Delivery;

/// The version of the schema.
const VERSION: &str = "1.8.0";

/// Detection Finding.
const CLASS: u32 = 2004;

/// The account type for an account of AWS.
const AWS_ACCOUNT: u32 = 10;

/// Returns a finding as an OCSF Detection Finding.
pub fn ocsf(delivery: &Delivery) -> Value {
    let Delivery { finding, revision, filed, updated } = delivery;
    let Finding { rule, event, .. } = finding;
    let (activity, activity_name) = if *revision <= 1 { (1, "Create") } else { (2, "Update") };
    let (severity, severity_name) = severity(finding.severity);
    let mut out = json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": format!("Detection Finding: {activity_name}"),
        "severity_id": severity,
        "severity": severity_name,
        "status_id": 1,
        "status": "New",
        "is_alert": finding.severity >= Severity::Medium,
        "time": updated.as_millisecond(),
        "message": finding.title,
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "uid": format!("{}-{revision}", finding.id),
            "product": { "name": "orgwatch", "vendor_name": "orgwatch", "version": env!("CARGO_PKG_VERSION") },
        },
        "cloud": cloud(event),
        "finding_info": {
            "uid": finding.id.to_string(),
            "title": finding.title,
            "created_time": filed.as_millisecond(),
            "modified_time": updated.as_millisecond(),
            "analytic": {
                "type_id": 1,
                "type": "Rule",
                "uid": rule.id,
                "name": rule.id,
                "version": rule.version,
            },
            "data_sources": ["AWS CloudTrail"],
        },
        "evidences": [evidence(event)],
        "unmapped": {
            "key": finding.key,
            "details": finding.details,
            "rule": rule,
            "event": { "action": event.action, "digest": event.digest.tagged() },
            "references": finding.references,
        },
    });
    let info = &mut out["finding_info"];
    let attacks: Vec<Value> = finding.attack.iter().map(|id| technique(id)).collect();
    if !attacks.is_empty() {
        info["attacks"] = attacks.into();
    }
    let seen = event.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    if let Some(id) = &event.id {
        let mut related = json!({ "uid": id, "type": "AWS CloudTrail" });
        put(&mut related, "title", event.name.as_deref());
        if let Some(time) = seen {
            related["created_time"] = time.as_millisecond().into();
        }
        info["related_events"] = json!([related]);
    }
    if let Some(time) = seen {
        let time = time.as_millisecond();
        info["first_seen_time"] = time.into();
        info["last_seen_time"] = time.into();
        out["start_time"] = time.into();
        out["end_time"] = time.into();
    }
    if let Some(account) = &event.account {
        let mut resource = json!({ "uid": account, "type": "AWS::Account", "role_id": 3, "role": "Affected" });
        put(&mut resource, "region", event.region.as_deref());
        resource["owner"] = json!({ "account": account_of(account) });
        resource["cloud_partition"] = partition(event.region.as_deref()).into();
        out["resources"] = json!([resource]);
    }
    let observables = observables(event);
    if !observables.is_empty() {
        out["observables"] = observables.into();
    }
    out
}

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn cloud(event: &EventReference) -> Value {
    let mut cloud = json!({ "provider": "AWS", "cloud_partition": partition(event.region.as_deref()) });
    put(&mut cloud, "region", event.region.as_deref());
    if let Some(account) = &event.account {
        cloud["account"] = account_of(account);
    }
    cloud
}

fn account_of(account: &str) -> Value {
    json!({ "uid": account, "type_id": AWS_ACCOUNT, "type": "AWS Account" })
}

/// Who did what, from where. A record need not say any of it; the digest of the record is there for certain.
fn evidence(event: &EventReference) -> Value {
    let mut evidence = json!({ "data": { "event_digest": event.digest.tagged() } });
    if let Some(actor) = &event.actor {
        evidence["actor"] = if actor.starts_with("arn:") {
            let mut user = json!({ "uid": actor });
            if let Some(account) = account_of_arn(actor) {
                user["account"] = account_of(account);
            }
            json!({ "user": user })
        } else {
            // A service that acts by itself.
            json!({ "app_name": actor })
        };
    }
    if let Some(name) = &event.name {
        let mut api = json!({ "operation": name });
        if let Some(source) = &event.source {
            api["service"] = json!({ "name": source });
        }
        if let Some(code) = &event.error_code {
            api["response"] = json!({ "error": code });
        }
        evidence["api"] = api;
    }
    if let Some(source) = &event.source_ip {
        // An address is written in its shortest form: the longest is longer than the schema allows.
        evidence["src_endpoint"] = match source.parse::<IpAddr>() {
            Ok(address) => json!({ "ip": address.to_string() }),
            Err(_) => json!({ "domain": source }),
        };
    }
    evidence
}

fn account_of_arn(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

/// Names a technique with its tactics where it is known, and by its id alone where it is not.
fn technique(id: &str) -> Value {
    let named = |id: &str| {
        let mut out = json!({ "uid": id });
        put(&mut out, "name", attack::technique(id).map(|technique| technique.name));
        out
    };
    let mut out = match id.split_once('.') {
        Some((parent, _)) => json!({ "technique": named(parent), "sub_technique": named(id) }),
        None => json!({ "technique": named(id) }),
    };
    if let Some(technique) = attack::technique(id) {
        let tactics = technique.tactics.iter().map(|tactic| json!({ "uid": tactic.id(), "name": tactic.name() }));
        out["tactics"] = tactics.collect();
    }
    out
}

/// What a receiver may want to search by.
fn observables(event: &EventReference) -> Vec<Value> {
    let mut observables = Vec::new();
    let address = event.source_ip.as_deref().and_then(|source| source.parse::<IpAddr>().ok());
    if let Some(address) = address {
        let name = "evidences[0].src_endpoint.ip";
        observables.push(json!({ "name": name, "type_id": 2, "type": "IP Address", "value": address.to_string() }));
    }
    if let Some(account) = &event.account {
        let name = "cloud.account.uid";
        observables.push(json!({ "name": name, "type_id": 35, "type": "Account Object: uid", "value": account }));
    }
    observables
}

fn put(object: &mut Value, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

/// One line for a replay: a first revision whose times are the event's own, so that the line is the same whenever it is made.
pub(super) fn encode(finding: &Finding, out: &mut Vec<u8>) {
    super::json::write(&ocsf(&super::as_of_event(finding)), out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::tests::finding;

    #[test]
    fn an_update_says_so_and_keeps_the_uid() {
        let delivery = crate::encoding::as_of_event(&finding());
        let first = ocsf(&delivery);
        let second = ocsf(&Delivery { revision: 2, ..delivery });
        assert_eq!(first["type_uid"], 200_401);
        assert_eq!(second["type_uid"], 200_402);
        assert_eq!(first["finding_info"]["uid"], second["finding_info"]["uid"]);
        assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
        assert_eq!(first["time"], 1_793_527_200_000_i64);
    }

    #[test]
    fn techniques_have_names_where_they_are_known() {
        assert_eq!(technique("T9999"), json!({ "technique": { "uid": "T9999" } }));
        let expected = json!({
            "technique": { "uid": "T1136", "name": "Create Account" },
            "sub_technique": { "uid": "T1136.003", "name": "Cloud Account" },
            "tactics": [{ "uid": "TA0003", "name": "Persistence" }]
        });
        assert_eq!(technique("T1136.003"), expected);
    }
}
