//! The files of a rule that is equivalent to a pattern, as a person would have written them: what rustfmt would change is not written so.

use std::path::Path;

use serde_json::Value as Json;

use super::{Filter, Original};
use crate::pack::PackId;
use crate::scaffold::sdk::quoted;
use crate::scaffold::template::{self, fill};
use crate::scaffold::{NewFile, RuleName, events_folder, source_file};

/// How wide lines are, as rustfmt would have them.
const WIDTH: usize = 100;

/// How many values a pattern has before the compiler has to be told that the macro may go deeper: it takes one at a time.
const FEW: usize = 25;

/// Returns the files of a rule that is equivalent to a pattern out of a file, tested on records that fire and records that stay quiet.
pub fn rule_files(
    original: &Original,
    pack: &PackId,
    rule: &RuleName,
    file: &Path,
    (fires, quiet): (&[&Json], &[&Json]),
) -> Vec<NewFile> {
    let events = events_folder(rule);
    let mut written = vec![NewFile::new(source_file(rule), source(original, pack, rule, file))];
    for (sign, records) in [("fires", fires), ("quiet", quiet)] {
        for (place, record) in records.iter().enumerate() {
            written.push(NewFile::new(events.join(format!("{sign}_{}.json", place + 1)), format!("{record:#}\n")));
        }
    }
    if let Some(first) = fires.first() {
        written.push(NewFile::new(events.join("cases.toml"), cases(first)));
    }
    written
}

fn source(original: &Original, pack: &PackId, rule: &RuleName, file: &Path) -> String {
    let asked = match original {
        Original::EventBridge(pattern) => Some(vec![pattern.json.clone()]),
        Original::MetricFilter(filter) => filter.asked.clone(),
    };
    let values: usize = asked.iter().flatten().map(size).sum();
    // A blank line follows in either case.
    let recursion = if values > FEW {
        format!("\n#![recursion_limit = \"{}\"]\n", (128 + 8 * values).next_multiple_of(128))
    } else {
        String::new()
    };
    let (id, kind, what) = (rule.id(pack), rule.type_name(), what(asked.as_deref()));
    let title = format!("{:?}", what.trim_end_matches('.'));
    let matches = asked.map_or_else(|| "everything".to_owned(), |patterns| matches(&patterns));
    let mut values = vec![
        ("id", id.as_str()),
        ("what", &what),
        ("recursion", &recursion),
        ("type", &kind),
        ("title", &title),
        ("matches", &matches),
        ("rule", rule.as_str()),
    ];
    let file = shown(file);
    values.push(("file", &file));
    match original {
        Original::EventBridge(pattern) => {
            let left_out = if pattern.left_out { LEFT_OUT } else { "" };
            values.push(("left_out", left_out));
            fill(template::EVENT_PATTERN, &values)
        }
        Original::MetricFilter(filter) => {
            let literal = filter.literal();
            values.push(("filter", &literal));
            fill(template::METRIC_FILTER, &values)
        }
    }
}

const LEFT_OUT: &str = " Its `detail-type` is left out: a record does not say under which type
    /// EventBridge sent it. To ask for calls alone, add `\"eventType\": [\"AwsApiCall\"]`.";

/// Says in a few words what was asked for.
fn what(asked: Option<&[Json]>) -> String {
    let names = |pattern: &Json| -> Option<Vec<String>> {
        let names = pattern.get("eventName")?.as_array()?;
        let plain = |name: &Json| {
            let name = name.as_str()?;
            name.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| name.to_owned())
        };
        names.iter().map(plain).collect()
    };
    let names: Option<Vec<Vec<String>>> = asked.unwrap_or_default().iter().map(names).collect();
    match names.unwrap_or_default().concat().as_slice() {
        [] => "A record matched a pattern.".to_owned(),
        [name] => format!("{name} was called."),
        [name, other] => format!("{name} or {other} was called."),
        [name, rest @ ..] => format!("{name} or one of {} others was called.", rest.len()),
    }
}

/// Names a file in a comment.
fn shown(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    if name.chars().all(plain) && name.len() <= 40 { format!("in `{name}`") } else { "that it was given".to_owned() }
}

/// Counts the values in a value, itself among them.
fn size(value: &Json) -> usize {
    let inside: usize = match value {
        Json::Array(elements) => elements.iter().map(size).sum(),
        Json::Object(members) => members.values().map(size).sum(),
        _ => 0,
    };
    inside + 1
}

fn cases(record: &Json) -> String {
    let text = |name: &str| record.get(name).and_then(Json::as_str).unwrap_or_default();
    let (name, account) = (text("eventName"), text("recipientAccountId"));
    let title = quoted(&format!("{name} in account {account}"));
    let key = quoted(&format!("{account}/{name}"));
    fill(template::PATTERN_CASES, &[("finding_title", &title), ("finding_key", &key)])
}

/// Writes patterns as the list that `rule!` takes.
fn matches(patterns: &[Json]) -> String {
    let list = Json::Array(patterns.to_vec());
    literal(&list, 4, "matches: ".len() + 1)
}

/// Writes a value as a literal of `json!`: on one line where it fits, behind what stands on the line already, else one member or as many
/// elements a line as fit.
fn literal(value: &Json, indent: usize, before: usize) -> String {
    let flat = flat(value);
    if indent + before + flat.len() <= WIDTH {
        return flat;
    }
    let inner = indent + 4;
    let [margin, end] = [inner, indent].map(|width| " ".repeat(width));
    match value {
        Json::Object(members) => {
            let mut out = "{\n".to_owned();
            for (name, value) in members {
                let name = format!("{name:?}: ");
                let value = literal(value, inner, name.len() + 1);
                out += &[&margin, &name, &value, ",\n"].concat();
            }
            out + &end + "}"
        }
        Json::Array(elements) if elements.iter().all(|element| !element.is_object()) => {
            let mut out = "[\n".to_owned();
            let mut line = margin.clone();
            for element in elements {
                let element = self::flat(element) + ",";
                if line.trim().is_empty() {
                    line = format!("{margin}{element}");
                } else if line.len() + 1 + element.len() <= WIDTH {
                    line.push(' ');
                    line.push_str(&element);
                } else {
                    out += &(line + "\n");
                    line = format!("{margin}{element}");
                }
            }
            out + &line + "\n" + &end + "]"
        }
        Json::Array(elements) => {
            let mut out = "[\n".to_owned();
            for element in elements {
                out += &[&margin, &literal(element, inner, 1), ",\n"].concat();
            }
            out + &end + "]"
        }
        _ => flat,
    }
}

fn flat(value: &Json) -> String {
    match value {
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name:?}: {}", flat(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Json::Array(elements) => format!("[{}]", elements.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::String(text) => format!("{text:?}"),
        // A whole number that says nothing else is one of 32 bits.
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) if i32::try_from(whole).is_err() => format!("{whole}_i64"),
            (None, Some(whole)) => format!("{whole}_u64"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

impl Filter {
    /// Writes the pattern as a raw string behind `const FILTER: &str =`: as it is, or over several lines where it is long and means the same so.
    fn literal(&self) -> String {
        let one_line = !self.text.contains('\n');
        let raw = raw_string(&self.text);
        if one_line && "const FILTER: &str = ;".len() + raw.len() <= WIDTH {
            return format!(" {raw}");
        }
        let broken = broken(&self.text);
        let same = Self::parse(&broken).is_ok_and(|other| format!("{:?}", other.given) == format!("{:?}", self.given));
        let raw = if same { raw_string(&broken) } else { raw };
        if raw.contains('\n') { format!(" {raw}") } else { format!("\n    {raw}") }
    }
}

/// Writes a text as a raw string with as many `#` as it needs.
fn raw_string(text: &str) -> String {
    let mut hashes = "#".to_owned();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// Begins a new line behind `&&` and `||` where the line would be long. What stands between quotes or `%` may be torn apart by this: whoever
/// calls it compares.
fn broken(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(['&', '|']) {
        let line = lines.last().map(String::as_str).unwrap_or_default();
        if line.chars().count() + word.len() > WIDTH - 10 && (line.ends_with("&&") || line.ends_with("||")) {
            lines.push("    ".to_owned() + word.trim_start());
        } else if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_are_written_as_json_macros_take_them() {
        assert_eq!(
            matches(&[json!({ "eventName": ["A", { "prefix": "B\"" }], "x": [null, -1] })]),
            r#"[{ "eventName": ["A", { "prefix": "B\"" }], "x": [null, -1] }]"#
        );
        let numbers = json!([{ "x": [2_147_483_647, 2_147_483_648_i64, -5_000_000_000_i64, u64::MAX, 0.5] }]);
        assert_eq!(
            flat(&numbers),
            r#"[{ "x": [2147483647, 2147483648_i64, -5000000000_i64, 18446744073709551615_u64, 0.5] }]"#
        );
        let long: Vec<String> = (0..12).map(|number| format!("AnOperation{number}")).collect();
        assert_written_over_lines(&matches(&[json!({ "eventName": long, "eventSource": ["s"] })]));
    }

    /// Every line is within the width, and stands where rustfmt would have it.
    fn assert_written_over_lines(text: &str) {
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(
            text.starts_with("[\n        {\n            \"eventName\": [\n                \"AnOperation0\","),
            "{text}"
        );
        assert!(text.ends_with("            \"eventSource\": [\"s\"],\n        },\n    ]"), "{text}");
    }

    #[test]
    fn a_long_filter_is_written_over_several_lines_and_means_the_same() {
        let conditions: Vec<String> = (0..20).map(|number| format!("($.eventName = Operation{number})")).collect();
        let Ok(Original::MetricFilter(filter)) = Original::parse(&format!("{{ {} }}", conditions.join(" || "))) else {
            panic!("it is a metric filter");
        };
        let literal = filter.literal();
        assert!(literal.lines().count() > 3 && literal.lines().all(|line| line.len() <= WIDTH), "{literal}");
        let Ok(Original::MetricFilter(quotes)) = Original::parse("{ $.a = \"b\" && $.c = %x#% && $.d = \"#\" }") else {
            panic!("it is a metric filter");
        };
        assert_eq!(quotes.literal(), " r##\"{ $.a = \"b\" && $.c = %x#% && $.d = \"#\" }\"##");
    }

    #[test]
    fn a_filter_out_of_any_editor_is_one_that_the_compiler_takes() {
        let Ok(Original::MetricFilter(filter)) = Original::parse("{ $.a = b &&\r\n $.c = d }\r\n") else {
            panic!("it is a metric filter");
        };
        assert_eq!(filter.literal(), " r#\"{ $.a = b &&\n $.c = d }\"#");
        assert!(Original::parse("{ $.a = \"b\u{202e}\" }").is_err());
    }

    #[test]
    fn what_happened_is_said_in_a_few_words() {
        let said = |names: Json| what(Some(&[json!({ "eventName": names })]));
        assert_eq!(said(json!(["A"])), "A was called.");
        assert_eq!(said(json!(["A", "B"])), "A or B was called.");
        assert_eq!(said(json!(["A", "B", "C"])), "A or one of 2 others was called.");
        assert_eq!(said(json!([{ "prefix": "A" }])), "A record matched a pattern.");
        assert_eq!(what(None), "A record matched a pattern.");
    }
}
