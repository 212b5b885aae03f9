//! An explanation as one JSON object.

use serde_json::{Value, json};

use crate::encoding::harmless_json;
use crate::index::Part;
use crate::judge::Traced;
use crate::sandbox::Step;
use crate::state::Scope;
use crate::testing::Explanation;
use orgwatch_rules_sdk::Value as Read;

pub(super) fn line(explanation: &Explanation<'_>) -> String {
    let patterns: Vec<Value> = explanation
        .patterns
        .iter()
        .map(
            |pattern| json!({ "matches": pattern.matches, "parts": pattern.parts.iter().map(part).collect::<Value>() }),
        )
        .collect();
    let findings: Vec<Value> = explanation
        .findings
        .iter()
        .map(|explained| {
            json!({
                "finding": explained.finding,
                "severity_before": explained.before,
                "withheld": explained.why.as_ref().map(crate::tuning::Why::text),
            })
        })
        .collect();
    let object = json!({
        "rule": explanation.rule.id,
        "event": explanation.event,
        "asked": explanation.asked,
        "patterns": patterns,
        "noted": explanation.noted.as_ref().map(traced),
        "judged": explanation.judged.as_ref().map(traced),
        "findings": findings,
        "fault": explanation.fault,
    });
    harmless_json(&object) + "\n"
}

fn part(part: &Part) -> Value {
    match part {
        Part::Field { field, wanted, found, holds } => {
            let parse = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()));
            let found: Vec<Value> = found.iter().map(parse).collect();
            json!({ "field": field, "wanted": parse(wanted), "found": found, "holds": holds })
        }
        Part::Any { branches } => {
            let branches: Vec<Value> = branches.iter().map(|branch| branch.iter().map(self::part).collect()).collect();
            json!({ "any": branches, "holds": part.holds() })
        }
    }
}

fn traced(traced: &Traced) -> Value {
    let log: Vec<Value> =
        traced.log.iter().map(|(level, message)| json!({ "level": level.to_string(), "message": message })).collect();
    json!({
        "fuel": traced.fuel,
        "steps": traced.trace.steps.iter().map(step).collect::<Value>(),
        "more_steps": traced.trace.beyond,
        "log": log,
    })
}

fn step(step: &Step) -> Value {
    match step {
        Step::Read { path, found } => {
            let (kind, value) = match found {
                Read::Absent => ("absent", Value::Null),
                Read::Null => ("null", Value::Null),
                Read::Boolean(value) => ("boolean", json!(value)),
                Read::Number(text) => ("number", json!(text)),
                Read::String(text) => ("string", json!(text)),
                Read::Array(len) => ("array", json!(len)),
                Read::Object(keys) => ("object", json!(keys)),
            };
            json!({ "read": path, "is": kind, "value": value })
        }
        Step::Json { path, text } => json!({ "json": path, "text": text }),
        Step::Row { table, key, row } => {
            let row = row.as_ref().map(|row| row.iter().cloned().collect::<std::collections::BTreeMap<_, _>>());
            json!({ "table": table, "key": key, "row": row })
        }
        Step::Count { scope, tally } => json!({ "count": of(scope), "actions": tally.actions, "values": tally.values }),
        Step::Notes { scope, latest_first, notes } => {
            let notes: Vec<Value> = notes
                .iter()
                .map(|note| json!({ "time": note.time, "action": note.action, "value": note.value }))
                .collect();
            json!({ "notes": of(scope), "latest_first": latest_first, "found": notes })
        }
    }
}

fn of(scope: &Scope) -> Value {
    json!({ "series": scope.series, "key": scope.key, "seconds": scope.seconds, "others": scope.others })
}
