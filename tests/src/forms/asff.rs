//! ASFF, against the model that botocore ships, and the enumerations of PyPI's `aws-resource-validator-securityhub`.

use orgwatch_host::encoding::{AsffProduct, asff};
use serde_json::{Value, json};

use super::{assert_valid, deliveries, python};

const BOTOCORE: &str = r"
import json, sys
from botocore.session import get_session
from botocore.validate import ParamValidator
shape = get_session().get_service_model('securityhub').operation_model('BatchImportFindings').input_shape
def faults(document):
    report = ParamValidator().validate({'Findings': [document]}, shape)
    return [report.generate_report()] if report.has_errors() else []
print(json.dumps([faults(d) for d in json.load(sys.stdin)]))
";

const ENUMERATIONS: &str = r"
import json, sys
from aws_resource_validator.pydantic_models.securityhub.securityhub_classes import AwsSecurityFindingTypeDef
from pydantic import ValidationError
def faults(document):
    try:
        AwsSecurityFindingTypeDef.model_validate(document)
        return []
    except ValidationError as error:
        return [str(error)]
print(json.dumps([faults(d) for d in json.load(sys.stdin)]))
";

fn documents() -> Vec<Value> {
    let product = AsffProduct { region: "eu-central-1".to_owned(), account: "999988887777".to_owned() };
    deliveries().iter().map(|delivery| asff(delivery, &product)).collect()
}

#[test]
fn every_finding_is_one_by_the_model_of_security_hub() {
    let broken = [
        ("/Title", Value::Null),
        ("/Resources", Value::Null),
        ("/ProductFields/orgwatch~1rule", json!(1)),
        ("/Severity", json!({ "Level": "HIGH" })),
        ("/Unknown", json!("x")),
        ("/FindingProviderFields/Types", json!("TTPs")),
    ];
    assert_valid(|| python("validators-asff", BOTOCORE), &documents(), &broken);
}

#[test]
fn every_enumeration_of_asff_has_a_value_that_it_knows() {
    let broken = [
        ("/FindingProviderFields/Severity/Label", json!("SERIOUS")),
        ("/RecordState", json!("LIVE")),
        ("/Workflow", json!({ "Status": "OLD" })),
    ];
    assert_valid(|| python("validators-asff", ENUMERATIONS), &documents(), &broken);
}

/// What neither of them checks.
#[test]
fn no_text_of_asff_is_empty_or_longer_than_security_hub_takes() {
    for document in documents() {
        assert!(document.to_string().len() < 240_000);
        for (path, limit) in
            [("/Title", 256), ("/Description", 1024), ("/Id", 512), ("/GeneratorId", 512), ("/ProductArn", 2048)]
        {
            let length = document.pointer(path).and_then(Value::as_str).expect(path).len();
            assert!((1..=limit).contains(&length), "{path}: {length}");
        }
        let fields = document["ProductFields"].as_object().expect("an object");
        assert!(fields.len() <= 50);
        for (key, value) in fields {
            assert!((1..=128).contains(&key.len()) && (1..=2048).contains(&value.as_str().expect("a text").len()));
        }
    }
}
