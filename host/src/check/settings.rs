//! The JSON Schema of a rule's settings.

use orgwatch_rules_sdk::Metadata;

use super::remark::{Code, Remark};

pub(super) fn check(metadata: &Metadata, remarks: &mut Vec<Remark>) {
    let schema = &metadata.settings;
    if schema["additionalProperties"] != false {
        let message = "a setting that is misspelt would be passed over without a word";
        let hint = "put #[serde(deny_unknown_fields)] on the settings";
        remarks.push(Remark::new(Code::SettingsOpen, "settings", message).hint(hint));
    }
    for (setting, schema) in schema["properties"].as_object().into_iter().flatten() {
        let documented = schema["description"].as_str().is_some_and(|text| text.trim_end().ends_with('.'));
        if !documented {
            let message = format!("the setting `{setting}` is not explained in a sentence");
            let hint = "write a doc comment on its field";
            let place = format!("settings.{setting}");
            remarks.push(Remark::new(Code::SettingUndocumented, place, message).hint(hint));
        }
    }
}
