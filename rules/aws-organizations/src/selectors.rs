//! Event selectors of a trail: what is left of the management events that it logs.
//!
//! CloudTrail has two languages for it, classic and advanced selectors, and both say by leaving out what they leave out. Data events
//! do not matter here: organizations are changed by management events.

use std::collections::BTreeSet;

use orgwatch_rules_sdk::{Event, Severity, Value};
use serde_json::Value as Json;

use crate::text::plain;

/// The services that AWS itself proposes to leave out, because of the number of their events.
const TALKATIVE: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

/// What the selectors of a trail let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Coverage {
    writes: bool,
    reads: bool,
    /// Services whose events are left out.
    excluded: BTreeSet<String>,
    /// Other conditions that management events have to meet.
    conditions: BTreeSet<String>,
}

/// Returns what a `PutEventSelectors` call leaves out, each in words with its severity; nothing where all management events are logged.
pub fn left_out(event: &Event) -> Vec<(Severity, String)> {
    let classic = list(event, "/eventSelectors");
    let advanced = list(event, "/advancedEventSelectors");
    let mut coverage = Coverage::default();
    match (classic, advanced) {
        (None, None) => return vec![(Severity::High, "its selectors cannot be read".to_owned())],
        (classic, advanced) => {
            for selector in classic.unwrap_or_default() {
                coverage.add_classic(&selector);
            }
            for selector in advanced.unwrap_or_default() {
                coverage.add_advanced(&selector);
            }
        }
    }
    coverage.left_out()
}

impl Coverage {
    fn add_classic(&mut self, selector: &Json) {
        let included = match selector.get("includeManagementEvents") {
            // The API's default.
            None | Some(Json::Null) => true,
            Some(included) => is_true(included),
        };
        if !included {
            return;
        }
        let kind = selector.get("readWriteType").and_then(Json::as_str).unwrap_or("All").to_ascii_lowercase();
        self.writes |= kind != "readonly";
        self.reads |= kind != "writeonly";
        self.excluded.extend(strings(selector.get("excludeManagementEventSources")));
    }

    fn add_advanced(&mut self, selector: &Json) {
        let fields: Vec<&Json> = match selector.get("fieldSelectors") {
            Some(Json::Array(fields)) => fields.iter().collect(),
            Some(field @ Json::Object(_)) => vec![field],
            _ => Vec::new(),
        };
        let named = |field: &Json, name: &str| {
            field.get("field").and_then(Json::as_str).is_some_and(|field| field.eq_ignore_ascii_case(name))
        };
        let management = fields.iter().any(|field| {
            named(field, "eventCategory") && strings(field.get("equals")).any(|category| category == "Management")
        });
        if !management {
            return;
        }
        let (mut writes, mut reads, mut narrowed) = (true, true, false);
        for field in fields.iter().filter(|field| !named(field, "eventCategory")) {
            let conditions =
                field.as_object().into_iter().flatten().filter(|(key, value)| *key != "field" && !is_empty(value));
            for (operator, value) in conditions {
                match operator.as_str() {
                    "equals" if named(field, "readOnly") => {
                        reads &= strings(Some(value)).any(|value| value == "true");
                        writes &= strings(Some(value)).any(|value| value == "false");
                    }
                    "notEquals" if named(field, "readOnly") => {
                        reads &= strings(Some(value)).all(|value| value != "true");
                        writes &= strings(Some(value)).all(|value| value != "false");
                    }
                    "notEquals" if named(field, "eventSource") => self.excluded.extend(strings(Some(value))),
                    _ => {
                        narrowed = true;
                        let name = field.get("field").and_then(Json::as_str).unwrap_or("an unknown field");
                        self.conditions.insert(plain(&format!("{name} {operator} {value}")));
                    }
                }
            }
        }
        self.writes |= writes && !narrowed;
        self.reads |= reads && !narrowed;
    }

    fn left_out(&self) -> Vec<(Severity, String)> {
        let mut left_out = Vec::new();
        match (self.writes, self.reads) {
            (true, true) => {}
            (true, false) => left_out.push((Severity::Medium, "it no longer logs calls that only read".to_owned())),
            (false, true) => {
                left_out.push((Severity::Critical, "it no longer logs calls that change something".to_owned()));
            }
            (false, false) if self.conditions.is_empty() => {
                left_out.push((Severity::Critical, "it no longer logs management events".to_owned()));
            }
            (false, false) => {
                let conditions: Vec<&str> = self.conditions.iter().take(3).map(String::as_str).collect();
                left_out.push((Severity::High, format!("it logs only where {}", conditions.join(" and "))));
            }
        }
        let (usual, others): (Vec<&String>, Vec<&String>) =
            self.excluded.iter().partition(|source| TALKATIVE.contains(&source.to_ascii_lowercase().as_str()));
        for (severity, sources) in [(Severity::High, others), (Severity::Low, usual)] {
            if !sources.is_empty() {
                let sources: Vec<&str> = sources.iter().take(5).map(|source| source.as_str()).collect();
                left_out.push((severity, format!("it leaves out {}", plain(&sources.join(", ")))));
            }
        }
        left_out
    }
}

/// Reads a list of selectors, which some records hold as a text.
fn list(event: &Event, name: &str) -> Option<Vec<Json>> {
    let text = match event.request(name) {
        Value::Absent | Value::Null => return None,
        Value::String(text) => text,
        _ => event.json(&format!("/requestParameters{name}"))?,
    };
    match serde_json::from_str(&text).ok()? {
        Json::Array(selectors) => Some(selectors),
        selector @ Json::Object(_) => Some(vec![selector]),
        _ => None,
    }
}

fn is_true(value: &Json) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}

fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Walks a list of strings, or the one string that stands in its place.
fn strings(value: Option<&Json>) -> impl Iterator<Item = String> + '_ {
    let list: Vec<&Json> = match value {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(other) => vec![other],
        None => Vec::new(),
    };
    list.into_iter().filter_map(|value| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(parameters: &str) -> Vec<(Severity, String)> {
        left_out(&Event::from_json(&format!(r#"{{"requestParameters":{parameters}}}"#)).unwrap())
    }

    fn worst(parameters: &str) -> Option<Severity> {
        judged(parameters).into_iter().map(|(severity, _)| severity).max()
    }

    #[test]
    fn selectors_that_log_everything_leave_nothing_out() {
        for parameters in [
            r#"{"eventSelectors":[{"readWriteType":"All","includeManagementEvents":true,"dataResources":[],"excludeManagementEventSources":[]}]}"#,
            r#"{"eventSelectors":[{}]}"#,
            r#"{"eventSelectors":[{"readWriteType":"WriteOnly"},{"readWriteType":"ReadOnly"}]}"#,
            r#"{"advancedEventSelectors":[{"name":"all","fieldSelectors":[{"field":"eventCategory","equals":["Management"]}]}]}"#,
            r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"readOnly","equals":["true"]}]},
                {"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"readOnly","notEquals":["true"]}]},
                {"fieldSelectors":[{"field":"eventCategory","equals":["Data"]},{"field":"eventName","equals":["GetObject"]}]}]}"#,
            r#"{"eventSelectors":[],"advancedEventSelectors":[{"fieldSelectors":{"field":"eventCategory","equals":"Management"}}]}"#,
        ] {
            assert_eq!(judged(parameters), [], "{parameters}");
        }
    }

    #[test]
    fn what_is_left_out_is_said_and_weighed() {
        for (parameters, severity) in [
            (r#"{"eventSelectors":[{"includeManagementEvents":false,"readWriteType":"All"}]}"#, Severity::Critical),
            (r#"{"eventSelectors":[{"includeManagementEvents":"False"}]}"#, Severity::Critical),
            (r#"{"eventSelectors":[{"readWriteType":"ReadOnly"}]}"#, Severity::Critical),
            (r#"{"eventSelectors":[{"readWriteType":"readonly"}]}"#, Severity::Critical),
            (r#"{"eventSelectors":[]}"#, Severity::Critical),
            (r#"{"eventSelectors":[{"readWriteType":"WriteOnly"}]}"#, Severity::Medium),
            (r#"{"eventSelectors":[{"excludeManagementEventSources":["kms.amazonaws.com"]}]}"#, Severity::Low),
            (
                r#"{"eventSelectors":[{"excludeManagementEventSources":["organizations.amazonaws.com","kms.amazonaws.com"]}]}"#,
                Severity::High,
            ),
            (
                r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Data"]}]}]}"#,
                Severity::Critical,
            ),
            (
                r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"readOnly","equals":["true"]}]}]}"#,
                Severity::Critical,
            ),
            (
                r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"readOnly","equals":"false"}]}]}"#,
                Severity::Medium,
            ),
            (
                r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"eventName","notEquals":["LeaveOrganization"]}]}]}"#,
                Severity::High,
            ),
            (
                r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"eventSource","notEquals":["organizations.amazonaws.com"]}]}]}"#,
                Severity::High,
            ),
            (
                r#"{"advancedEventSelectors":[{"fieldSelectors":[{"field":"eventCategory","equals":["Management"]},{"field":"eventSource","equals":["kms.amazonaws.com"]}]}]}"#,
                Severity::High,
            ),
            ("{}", Severity::High),
            ("null", Severity::High),
            (r#"{"advancedEventSelectors":"no JSON"}"#, Severity::High),
        ] {
            assert_eq!(worst(parameters), Some(severity), "{parameters}");
        }
    }

    #[test]
    fn selectors_in_a_text_are_read_too() {
        let text = r#"{"advancedEventSelectors":"[{\"fieldSelectors\":[{\"field\":\"eventCategory\",\"equals\":[\"Data\"]}]}]"}"#;
        assert_eq!(worst(text), Some(Severity::Critical));
    }
}
