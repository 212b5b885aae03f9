//! What a rule, or a pack, says of itself: compared as it stands.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_rules_sdk::Matches;
use serde::Serialize;
use serde_json::Value;

use crate::encoding::harmless_json;
use crate::pack::Manifest;
use crate::sandbox::Component;

/// Something that is said otherwise. Nothing on one side is something that was added, or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is: the name of a member of the metadata, `import`, `setting NAME`, `size`.
    pub what: String,
    /// What the old version says.
    pub old: Option<String>,
    /// What the new version says.
    pub new: Option<String>,
}

/// Compares what two versions of a pack say of themselves.
pub(super) fn manifests(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let mut changes = Vec::new();
    members(&members_of(old), &members_of(new), &mut changes);
    changes
}

/// Compares what two versions of a rule say of themselves, and what they import.
pub(super) fn components(old: &Component, new: &Component) -> Vec<Change> {
    let mut changes = Vec::new();
    let [mut before, mut after] = [old, new].map(|component| members_of(component.metadata()));
    let [old_settings, new_settings] =
        [&mut before, &mut after].map(|sides| sides.remove("settings").unwrap_or_default());
    for sides in [&mut before, &mut after] {
        sides.remove("matches");
    }
    members(&before, &after, &mut changes);
    let asked = |component: &Component| component.metadata().matches.clone();
    items("matches", &patterns(&asked(old)), &patterns(&asked(new)), &mut changes);
    settings(&old_settings, &new_settings, &mut changes);
    items("import", old.imports(), new.imports(), &mut changes);
    replaced("size", Some(old.bytes().len().to_string()), Some(new.bytes().len().to_string()), &mut changes);
    changes
}

fn members_of(value: &impl Serialize) -> BTreeMap<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

fn patterns(matches: &Matches) -> Vec<String> {
    match matches {
        Matches::Everything => vec!["every record".to_owned()],
        Matches::Patterns(patterns) => patterns.iter().map(harmless_json).collect(),
    }
}

/// Compares members: lists by what is in them, everything else as a whole.
fn members(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>, changes: &mut Vec<Change>) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let [old, new] = [old.get(name), new.get(name)].map(|value| value.unwrap_or(&Value::Null));
        if old.is_array() || new.is_array() {
            let [old, new] =
                [old, new].map(|value| value.as_array().into_iter().flatten().filter_map(told).collect::<Vec<_>>());
            items(name, &old, &new, changes);
        } else {
            replaced(name, told(old), told(new), changes);
        }
    }
}

fn told(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(harmless_json(other)),
    }
}

fn replaced(what: &str, old: Option<String>, new: Option<String>, changes: &mut Vec<Change>) {
    if old != new {
        changes.push(Change { what: what.to_owned(), old, new });
    }
}

fn items(what: &str, old: &[String], new: &[String], changes: &mut Vec<Change>) {
    for item in old.iter().filter(|item| !new.contains(item)) {
        replaced(what, Some(item.clone()), None, changes);
    }
    for item in new.iter().filter(|item| !old.contains(item)) {
        replaced(what, None, Some(item.clone()), changes);
    }
}

/// Compares settings by name: kind, default and what else limits them, but not the words that explain them.
fn settings(old: &Value, new: &Value, changes: &mut Vec<Change>) {
    let before = changes.len();
    let of = |schema: &Value| -> BTreeMap<String, Option<String>> {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let is_required = |name: &String| {
            schema["required"].as_array().is_some_and(|required| required.iter().any(|other| other == name.as_str()))
        };
        properties.map(|(name, property)| (name.clone(), Some(setting(property, is_required(name))))).collect()
    };
    let [old_settings, new_settings] = [old, new].map(of);
    let names: BTreeSet<&String> = old_settings.keys().chain(new_settings.keys()).collect();
    for name in names {
        let [old, new] = [&old_settings, &new_settings].map(|settings| settings.get(name).cloned().flatten());
        replaced(&format!("setting {name}"), old, new, changes);
    }
    // What the names do not show, such as a kind that several settings share.
    if changes.len() == before && undescribed(old) != undescribed(new) {
        let [old, new] = [old, new].map(|schema| Some(harmless_json(&undescribed(schema))));
        replaced("settings", old, new, changes);
    }
}

fn setting(property: &Value, is_required: bool) -> String {
    let property = undescribed(property);
    let text = harmless_json(&property);
    if is_required { format!("{text}, required") } else { text }
}

/// Returns a schema without the words that explain it.
fn undescribed(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter(|(name, value)| !(matches!(name.as_str(), "description" | "title") && value.is_string()));
            Value::Object(kept.map(|(name, value)| (name.clone(), undescribed(value))).collect())
        }
        Value::Array(elements) => elements.iter().map(undescribed).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(what: &str, old: Option<&str>, new: Option<&str>) -> Change {
        Change { what: what.to_owned(), old: old.map(str::to_owned), new: new.map(str::to_owned) }
    }

    #[test]
    fn lists_are_compared_by_what_is_in_them_and_the_rest_as_a_whole() {
        let old = json!({ "title": "a", "attack": ["T1531", "T1485"], "runbook": null, "same": 1 });
        let new = json!({ "title": "b", "attack": ["T1485", "T1070"], "runbook": "x", "same": 1 });
        let mut changes = Vec::new();
        members(&members_of(&old), &members_of(&new), &mut changes);
        let expected = [
            change("attack", Some("T1531"), None),
            change("attack", None, Some("T1070")),
            change("runbook", None, Some("x")),
            change("title", Some("a"), Some("b")),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn a_setting_is_compared_by_its_kind_and_default_and_not_by_its_words() {
        let old = json!({ "properties": {
            "many": { "type": "integer", "default": 3, "description": "How many." },
            "gone": { "type": "boolean" },
            "same": { "type": "string", "description": "one" },
        } });
        let new = json!({ "properties": {
            "many": { "type": "integer", "default": 9, "description": "How many." },
            "fresh": { "type": "string" },
            "same": { "type": "string", "description": "two" },
        }, "required": ["fresh"] });
        let mut changes = Vec::new();
        settings(&old, &new, &mut changes);
        let many = |default| format!("{{\"default\":{default},\"type\":\"integer\"}}");
        let expected = [
            change("setting fresh", None, Some("{\"type\":\"string\"}, required")),
            change("setting gone", Some("{\"type\":\"boolean\"}"), None),
            change("setting many", Some(&many(3)), Some(&many(9))),
        ];
        assert_eq!(changes, expected);
        let [one, two] = ["string", "integer"].map(|kind| json!({ "$defs": { "X": { "type": kind } } }));
        let mut changes = Vec::new();
        settings(&one, &two, &mut changes);
        assert_eq!(changes.len(), 1, "{changes:?}");
    }
}
