//! CloudTrail records in their real shape, made for the tests, and what AWS wraps them in.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A policy was detached: a call that `cis.organizations-changes` reports. Each number makes another record, each minute a later one.
pub(crate) fn policy_detached(number: u32) -> Value {
    let mut record = call("DetachPolicy", number);
    record["requestParameters"] = json!({ "policyId": format!("p-{number:08x}"), "targetId": "r-ex1a" });
    record
}

/// A policy was attached: reported by the same rule, and less serious.
pub(crate) fn policy_attached(number: u32) -> Value {
    let mut record = policy_detached(number);
    record["eventName"] = json!("AttachPolicy");
    record
}

/// The organization was looked at: a call of the same service that no rule asks for.
pub(crate) fn organization_described(number: u32) -> Value {
    let mut record = call("DescribeOrganization", number);
    record["readOnly"] = json!(true);
    record
}

/// An account left the organization: a service event, which names nobody and `org.account-departed` reports.
pub(crate) fn account_left(number: u32) -> Value {
    let mut record = call("AccountDepartedOrganization", number);
    record["userIdentity"] = json!({ "accountId": "111122223333", "invokedBy": "organizations.amazonaws.com" });
    record["sourceIPAddress"] = json!("organizations.amazonaws.com");
    record["userAgent"] = json!("organizations.amazonaws.com");
    record["eventType"] = json!("AwsServiceEvent");
    record["serviceEventDetails"] = json!({
        "accountId": format!("{:012}", 444_400_000_000_u64 + u64::from(number)),
        "departureMethod": "LEFT",
        "departureTime": time(number),
    });
    record
}

fn call(name: &str, number: u32) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROACKCEVSQ6C2EXAMPLE:anaya",
            "arn": "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya",
            "accountId": "111122223333",
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROACKCEVSQ6C2EXAMPLE",
                    "arn": "arn:aws:iam::111122223333:role/OrgAdmin",
                    "accountId": "111122223333",
                    "userName": "OrgAdmin"
                },
                "attributes": { "creationDate": "2026-10-05T09:58:01Z", "mfaAuthenticated": "true" }
            }
        },
        "eventTime": time(number),
        "eventSource": "organizations.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.44",
        "userAgent": "aws-cli/2.31.9 md/command#organizations",
        "requestParameters": null,
        "responseElements": null,
        "requestID": format!("7d5f6071-8293-44a5-8617-{number:012x}"),
        "eventID": format!("4e5f6071-8293-44a5-8617-{number:012x}"),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
}

fn time(number: u32) -> String {
    format!("2026-10-05T{:02}:{:02}:00Z", 10 + number / 60 % 12, number % 60)
}

/// A file as CloudTrail writes it to S3, before it is compressed.
pub(crate) fn file(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// One record a line.
pub(crate) fn lines(records: &[Value]) -> String {
    each(records, Value::to_string)
}

/// The records as EventBridge hands them over, one a line.
pub(crate) fn envelopes(records: &[Value]) -> String {
    each(records, |record| {
        let envelope = json!({
            "version": "0",
            "id": "c0ffee00-aaaa-4bbb-8ccc-ddddeeee0001",
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.organizations",
            "account": "111122223333",
            "time": record["eventTime"],
            "region": "us-east-1",
            "resources": [],
            "detail": record,
        });
        envelope.to_string()
    })
}

/// A page of what `aws cloudtrail lookup-events` prints.
pub(crate) fn looked_up(records: &[Value]) -> String {
    let event = |record: &Value| {
        json!({
            "EventId": record["eventID"],
            "EventName": record["eventName"],
            "ReadOnly": "false",
            "EventTime": "2026-10-05T10:01:00+00:00",
            "EventSource": record["eventSource"],
            "Username": "anaya",
            "Resources": [],
            "CloudTrailEvent": record.to_string(),
        })
    };
    let events: Vec<Value> = records.iter().map(event).collect();
    serde_json::to_string_pretty(&json!({ "Events": events, "NextToken": "AAAAexample" })).expect("plain data")
}

/// A message of a CloudWatch Logs subscription, as Lambda gets it.
pub(crate) fn log_payload(records: &[Value]) -> String {
    let event =
        |record: &Value| json!({ "id": "38", "timestamp": 1_791_194_460_000_u64, "message": record.to_string() });
    let message = json!({
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "organization-trail",
        "logStream": "111122223333_CloudTrail_us-east-1",
        "subscriptionFilters": ["all"],
        "logEvents": records.iter().map(event).collect::<Vec<Value>>(),
    });
    json!({ "awslogs": { "data": STANDARD.encode(gzip(message.to_string())) } }).to_string()
}

/// The lines of a CloudWatch Logs export: a time stamp, then the record.
pub(crate) fn export_lines(records: &[Value]) -> String {
    each(records, |record| format!("2026-10-05T10:01:00.000Z {record}"))
}

fn each(records: &[Value], write: impl Fn(&Value) -> String) -> String {
    records.iter().map(|record| write(record) + "\n").collect()
}

pub(crate) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_ref()).expect("a vector takes everything");
    writer.finish().expect("a vector takes everything")
}

pub(crate) fn zstd(text: impl AsRef<[u8]>) -> Vec<u8> {
    ::zstd::encode_all(text.as_ref(), 1).expect("a vector takes everything")
}
