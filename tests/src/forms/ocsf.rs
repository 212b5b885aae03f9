//! OCSF, against the schema that PyPI's `ocsf-json-schema` ships and PyPI's `jsonschema`.

use orgwatch_host::encoding::ocsf;
use serde_json::{Value, json};

use super::{assert_valid, deliveries, python};

const VALIDATOR: &str = r"
import json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema import get_ocsf_schema, OcsfJsonSchemaEmbedded
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version='1.8.0')).get_class_schema('detection_finding', ['cloud'])
validator = Draft202012Validator(schema)
print(json.dumps([[f'{e.json_path}: {e.message[:300]}' for e in validator.iter_errors(d)] for d in json.load(sys.stdin)]))
";

#[test]
fn every_finding_is_a_detection_finding_by_the_schema_of_ocsf() {
    let documents: Vec<Value> = deliveries().iter().map(ocsf).collect();
    let broken = [
        ("/finding_info", Value::Null),
        ("/finding_info/uid", Value::Null),
        ("/severity_id", json!(7)),
        ("/time", json!("2026-11-01T10:00:00Z")),
        ("/cloud", Value::Null),
        ("/src_endpoint", json!({ "ip": "192.0.2.1" })),
        ("/metadata/version", Value::Null),
        ("/finding_info/analytic/type_id", json!("1")),
        ("/evidences", json!([{ "name": "nothing else" }])),
    ];
    assert_valid(|| python("validators-ocsf", VALIDATOR), &documents, &broken);
}

/// What the schema does not check.
#[test]
fn the_numbers_of_a_detection_finding_agree_with_each_other() {
    for delivery in deliveries() {
        let document = ocsf(&delivery);
        let number = |name: &str| document[name].as_i64().expect(name);
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(document["metadata"]["version"], "1.8.0");
        // Milliseconds since 1970, in this century.
        assert!((1_000_000_000_000..4_000_000_000_000).contains(&number("time")));
    }
}
