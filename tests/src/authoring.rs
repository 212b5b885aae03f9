//! The tools for authors of rules: `test`, `explain`, `bench`, each on rules with faults that it is there to find.

mod bench;
mod explain;
mod terminal;
mod test;

use crate::support::{Run, pack};

/// The manifest of a pack that a test puts together.
const PACK: &str = "schema_version = 1\nid = \"tests/pack\"\nversion = \"0.1.0\"\ntitle = \"Pack\"\ndescription = \"Of a test.\"\nlicense = \"MIT\"\n";

/// A bucket that is deleted by a role's session.
const DELETED: &str = r#"{
  "eventVersion": "1.11",
  "userIdentity": {
    "type": "AssumedRole",
    "principalId": "AROACKCEVSQ6C2EXAMPLE:anaya",
    "arn": "arn:aws:sts::111122223333:assumed-role/Storage/anaya",
    "accountId": "111122223333"
  },
  "eventTime": "2026-11-01T10:00:00Z",
  "eventSource": "s3.amazonaws.com",
  "eventName": "DeleteBucket",
  "awsRegion": "us-east-1",
  "sourceIPAddress": "192.0.2.44",
  "userAgent": "aws-cli/2.31.0",
  "requestParameters": { "bucketName": "audit-log", "Host": "audit-log.s3.us-east-1.amazonaws.com" },
  "responseElements": null,
  "eventID": "5d1f0c3a-0000-4000-8000-000000000001",
  "readOnly": false,
  "eventType": "AwsApiCall",
  "managementEvent": true,
  "recipientAccountId": "111122223333",
  "eventCategory": "Management"
}"#;

/// A run on a pack `pack` of one guest, with an event that fires and one that stays quiet.
fn with_pack(arguments: &[&str], guest: &str) -> Run {
    let component = std::fs::read(pack("tests/guests").join(format!("dist/{guest}.wasm"))).expect("the guest is built");
    let run = Run::new(arguments).file("pack/pack.toml", PACK).file(&format!("pack/dist/{guest}.wasm"), component);
    run.file(&format!("pack/events/{guest}/fires_deleted.json"), DELETED)
        .file(&format!("pack/events/{guest}/quiet_other.json"), DELETED.replace("\"audit-log\"", "\"holiday-photos\""))
}

/// Asserts that a text fits on a terminal of 80 columns.
fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
}
