//! What a rule refers to: techniques, controls, documents.

use orgwatch_rules_sdk::Metadata;

use super::remark::{Code, Remark};
use crate::encoding::technique;

pub(super) fn check(metadata: &Metadata, remarks: &mut Vec<Remark>) {
    if !metadata.generic && metadata.attack.is_empty() {
        let message = "no technique of ATT&CK is named";
        let hint = "name in attack what the rule sees, such as T1562.008";
        remarks.push(Remark::new(Code::TechniqueMissing, "attack", message).hint(hint));
    }
    for (place, id) in metadata.attack.iter().enumerate() {
        let place = format!("attack[{place}]");
        if !is_technique(id) {
            let message = format!("`{id}` is not written like a technique of ATT&CK");
            let hint = "write it like T1666 or T1136.003";
            remarks.push(Remark::new(Code::TechniqueMalformed, place, message).hint(hint));
        } else if technique(id).is_none() {
            let message = format!("`{id}` is not among the techniques that are known to be seen in CloudTrail");
            let hint = "look it up at https://attack.mitre.org/matrices/enterprise/cloud/";
            remarks.push(Remark::new(Code::TechniqueUnknown, place, message).hint(hint));
        }
    }
    if metadata.references.is_empty() {
        let message = "it refers to nothing";
        let hint = "name in references a document, or the control that the rule answers to";
        remarks.push(Remark::new(Code::ReferenceMissing, "references", message).hint(hint));
    }
    for (place, reference) in metadata.references.iter().enumerate() {
        if !reference.starts_with("https://") && !reference.contains('§') {
            let message = format!("`{reference}` is neither an https address nor a control");
            let hint = "write a control with its §, such as CIS AWS Foundations 3.0.0 §4.15";
            let place = format!("references[{place}]");
            remarks.push(Remark::new(Code::ReferenceMalformed, place, message).hint(hint));
        }
    }
    if let Some(runbook) = metadata.runbook.as_ref().filter(|runbook| !runbook.starts_with("https://")) {
        let message = format!("the runbook `{runbook}` is no https address");
        let hint = "whoever gets a finding opens it from there";
        remarks.push(Remark::new(Code::RunbookMalformed, "runbook", message).hint(hint));
    }
}

fn is_technique(id: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = id.strip_prefix('T').unwrap_or_default();
    let (main, sub) = number.split_once('.').unwrap_or((number, "000"));
    digits(main, 4) && digits(sub, 3)
}
