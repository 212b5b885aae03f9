//! Variants of records: fields missing, `null`, of other types, in other letter case, with other values and beside others.

use serde_json::{Map, Value, json};

use super::filters;

/// How many variants are drawn by lot, beside those of every operation with every service.
const DRAWN: usize = 6_000;

/// The fields that the filters and the rules look at.
const FIELDS: [&str; 15] = [
    "eventName",
    "eventSource",
    "errorCode",
    "errorMessage",
    "sourceIPAddress",
    "eventType",
    "userIdentity",
    "userIdentity.type",
    "userIdentity.invokedBy",
    "additionalEventData",
    "additionalEventData.MFAUsed",
    "responseElements",
    "responseElements.ConsoleLogin",
    "requestParameters",
    "recipientAccountId",
];

/// Values that matter to some filter or rule.
const VALUES: [&str; 28] = [
    "ConsoleLogin",
    "HeadBucket",
    "AssociateRouteTable",
    "SetDefaultPolicyVersion",
    "PutBucketPublicAccessBlock",
    "AccessDenied",
    "AccessDeniedException",
    "Client.UnauthorizedOperation",
    "UnauthorizedOperation",
    "AuthorizationError",
    "delivery.logs.amazonaws.com",
    "signin.amazonaws.com",
    "autoscaling.amazonaws.com",
    "iam.amazonaws.com",
    "ec2.amazonaws.com",
    "organizations.amazonaws.com",
    "AwsServiceEvent",
    "AwsApiCall",
    "Root",
    "IAMUser",
    "AssumedRole",
    "Yes",
    "YES",
    "No",
    "Success",
    "Failure",
    "Failed authentication",
    "",
];

/// Makes variants of records: every operation with every service, and some thousands by lot. The same ones each time.
pub(super) fn of(records: &[String]) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(4_15);
    let mut variants = every_operation_with_every_service();
    for _ in 0..DRAWN {
        let text = &records[random.usize(..records.len())];
        let mut record: Value = serde_json::from_str(text).expect("a record is JSON");
        for _ in 0..random.usize(1..4) {
            change(&mut record, &mut random);
        }
        variants.push(record.to_string());
    }
    variants
}

/// The words of the filters that look like an operation or a service.
fn words() -> (Vec<String>, Vec<String>) {
    let ends = |character: char| !(character.is_ascii_alphanumeric() || character == '.');
    let texts: String = filters().into_values().collect::<Vec<_>>().join(" ");
    let mut words: Vec<String> = texts.split(ends).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    let services = words.iter().filter(|word| word.ends_with(".amazonaws.com")).cloned().collect();
    let operations =
        words.into_iter().filter(|word| !word.contains('.') && word.starts_with(|c: char| c.is_ascii_uppercase()));
    (operations.collect(), services)
}

fn every_operation_with_every_service() -> Vec<String> {
    let (operations, mut services) = words();
    services.extend(
        ["iam.amazonaws.com", "ec2.amazonaws.com", "cloudtrail.amazonaws.com", "iot.amazonaws.com"].map(str::to_owned),
    );
    assert!(operations.len() > 90, "the filters name more operations than {}", operations.len());
    let mut records = Vec::new();
    for operation in &operations {
        for service in &services {
            let record = json!({ "eventVersion": "1.11", "eventSource": service, "eventName": operation, "eventType": "AwsApiCall",
                "userIdentity": { "type": "AssumedRole" }, "sourceIPAddress": "192.0.2.44", "recipientAccountId": "111122223333" });
            records.push(record.to_string());
        }
    }
    records
}

/// Changes one field of a record.
fn change(record: &mut Value, random: &mut fastrand::Rng) {
    let field = FIELDS[random.usize(..FIELDS.len())];
    let (parent, name) = match field.split_once('.') {
        Some((parent, name)) => (&mut record[parent], name),
        None => (record, field),
    };
    // What is no object becomes one where a field is put into it.
    if !parent.is_object() {
        *parent = json!({});
    }
    let Value::Object(fields) = parent else { return };
    let now = fields.get(name).cloned().unwrap_or(Value::Null);
    let text = now.as_str().unwrap_or("AccessDenied").to_owned();
    let value = match random.u8(..14) {
        0 | 1 => {
            fields.remove(name);
            return;
        }
        2 => Value::Null,
        3 => json!(random.bool()),
        4 => json!(random.u8(..)),
        5 => json!([now]),
        6 => json!({ name: now }),
        7 => json!(text.to_uppercase()),
        8 => json!(text.to_lowercase()),
        9 => json!(format!("{text} ")),
        10 => json!(format!("*{text}")),
        11 => {
            // The same name in another place, and beside the field.
            fields.insert(format!("{name} "), now.clone());
            fields.insert(
                "nested".to_owned(),
                Value::Object(Map::from_iter([(name.to_owned(), json!(VALUES[random.usize(..VALUES.len())]))])),
            );
            return;
        }
        _ => json!(VALUES[random.usize(..VALUES.len())]),
    };
    fields.insert(name.to_owned(), value);
}
