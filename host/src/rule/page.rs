//! The page of one rule, and the index of all, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use orgwatch_rules_sdk::{Matches, Metadata};
use serde_json::Value;

use crate::encoding::technique;
use crate::escape::terminal;

/// What every page begins with, so that a page can be told from what somebody wrote.
pub const MARK: &str = "<!-- Written by `orgwatch-host rules docs` from what the rules say of themselves. -->";

/// A rule with the pack that it comes from.
pub struct Subject<'a> {
    /// What the rule says of itself.
    pub metadata: &'a Metadata,
    /// The pack, as `publisher/name@version`.
    pub pack: Option<&'a str>,
}

/// Writes the page of a rule.
pub fn of(rule: &Subject<'_>) -> String {
    let metadata = rule.metadata;
    let mut page = format!("{MARK}\n\n# {}\n\n", plain(&metadata.title));
    let pack = rule.pack.map(|pack| format!(" · {}", plain(pack))).unwrap_or_default();
    let kind = if metadata.generic { " · generic: it is nothing until a rule uses it" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        page,
        "`{}` {} · severity {} · {}{pack}{kind}\n",
        metadata.id,
        plain(&metadata.version),
        metadata.severity,
        metadata.status.name()
    );
    let _ = writeln!(page, "{}\n", metadata.description.trim());
    let parts: [(&str, String); 6] = [
        ("Settings", settings(&metadata.settings)),
        ("False positives", list(&metadata.false_positives)),
        ("Lookup tables", list(&metadata.tables)),
        ("ATT&CK", techniques(&metadata.attack)),
        ("What it asks for", matches(&metadata.matches)),
        ("References", references(metadata)),
    ];
    for (heading, text) in parts {
        if !text.is_empty() {
            let _ = writeln!(page, "## {heading}\n\n{}\n", text.trim_end());
        }
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

/// Writes the index: a table for each pack.
pub fn index(rules: &[Subject<'_>]) -> String {
    let mut packs: BTreeMap<&str, Vec<&Metadata>> = BTreeMap::new();
    for rule in rules {
        packs.entry(rule.pack.unwrap_or("in no pack")).or_default().push(rule.metadata);
    }
    let mut page = format!("{MARK}\n\n# Rules\n");
    for (pack, rules) in packs {
        let _ = write!(
            page,
            "\n## {}\n\n| rule | severity | status | what it sees |\n| --- | --- | --- | --- |\n",
            plain(pack)
        );
        for rule in rules {
            let (id, title) = (&rule.id, plain(&rule.title));
            let _ = writeln!(page, "| [`{id}`]({id}.md) | {} | {} | {title} |", rule.severity, rule.status.name());
        }
    }
    page
}

/// Writes the settings' JSON Schema as a table.
fn settings(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        return "None.".to_owned();
    };
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name));
    let mut table = "| setting | type | meaning |\n| --- | --- | --- |\n".to_owned();
    for (name, property) in properties {
        let more = match &property["default"] {
            _ if required(name) => "Required.".to_owned(),
            Value::Null => String::new(),
            default => format!("Default: `{default}`."),
        };
        let meaning = format!("{} {more}", text(&property["description"]));
        let _ = writeln!(table, "| `{name}` | {} | {} |", plain(&kind(property, schema, 0)), plain(&meaning));
    }
    table
}

/// How deep a schema is looked into: one that leads back to itself has no end.
const DEEPEST: usize = 8;

/// Says what a setting may be, in words.
fn kind(property: &Value, schema: &Value, depth: usize) -> String {
    if depth > DEEPEST {
        return "anything".to_owned();
    }
    let inner = |property: &Value| kind(property, schema, depth + 1);
    if let Some(name) = property["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return inner(&schema["$defs"][name]);
    }
    for joined in ["anyOf", "oneOf"] {
        if let Some(choices) = property[joined].as_array() {
            return either(choices.iter().map(inner).filter(|choice| choice != "null").collect());
        }
    }
    if let Some(value) = property.get("const") {
        return format!("`{value}`");
    }
    if let Some(values) = property["enum"].as_array() {
        return either(values.iter().filter(|value| !value.is_null()).map(|value| format!("`{value}`")).collect());
    }
    match &property["type"] {
        Value::Array(names) => either(names.iter().map(text).filter(|name| name != "null").collect()),
        Value::String(name) if name == "array" => match &property["items"] {
            Value::Object(items) if items.contains_key("description") => {
                format!("list: {}", uncapitalised(&text(&property["items"]["description"])))
            }
            items @ Value::Object(_) => format!("list of {}", inner(items)),
            _ => "list".to_owned(),
        },
        Value::String(name) => name.clone(),
        _ => "anything".to_owned(),
    }
}

/// Writes a description as the end of a sentence.
fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().to_string() + characters.as_str()).unwrap_or_default()
}

/// Joins what may stand in one place, each once.
fn either(mut choices: Vec<String>) -> String {
    choices.dedup();
    choices.join(" or ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(items: &[String]) -> String {
    bullets(items.iter().map(|item| plain(item)))
}

fn bullets(items: impl Iterator<Item = String>) -> String {
    items.map(|item| format!("* {item}")).collect::<Vec<_>>().join("\n")
}

fn techniques(ids: &[String]) -> String {
    let line = |id: &String| {
        let address = format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/"));
        let known = technique(id).map(|technique| {
            let tactics: Vec<&str> = technique.tactics.iter().map(|tactic| tactic.name()).collect();
            format!(" {}: {}", technique.name, tactics.join(", "))
        });
        format!("[{}]({address}){}", plain(id), known.unwrap_or_default())
    };
    bullets(ids.iter().map(line))
}

fn matches(matches: &Matches) -> String {
    match matches {
        Matches::Everything => "Every record.".to_owned(),
        Matches::Patterns(patterns) if patterns.is_empty() => "What its settings say.".to_owned(),
        Matches::Patterns(patterns) => {
            let patterns: Vec<String> =
                patterns.iter().map(|pattern| serde_json::to_string_pretty(pattern).unwrap_or_default()).collect();
            format!(
                "The records that one of these EventBridge patterns matches, with its default settings:\n\n```json\n{}\n```",
                patterns.join("\n")
            )
        }
    }
}

fn references(metadata: &Metadata) -> String {
    let link = |reference: &String| {
        if reference.starts_with("https://") { format!("<{reference}>") } else { reference.clone() }
    };
    let runbook = metadata.runbook.iter().map(|address| format!("Runbook: {}", link(address)));
    bullets(runbook.chain(metadata.references.iter().map(link)).map(|line| line.replace(['\n', '\r'], " ")))
}

/// Writes a text of a rule on one line, where no character of it ends a cell or begins a tag.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    terminal(&line).replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata() -> Metadata {
        let settings = json!({
            "required": ["title"],
            "$defs": { "Severity": { "type": "string", "enum": ["low", "high"] } },
            "properties": {
                "title": { "type": "string", "description": "What it\nis | called." },
                "severity": { "anyOf": [{ "$ref": "#/$defs/Severity" }, { "type": "null" }] },
                "accounts": { "type": "array", "items": { "type": "string", "description": "The id" }, "default": [] },
                "many": { "type": ["integer", "null"], "default": 5 },
            }
        });
        let mut metadata = Metadata::new(" Sees it.\n\n ## What it does\n\n Much.\n", "1.0.0", settings);
        metadata.id = "team.rule".to_owned();
        metadata.title = "It | <b>happened".to_owned();
        metadata.attack = vec!["T1562.008".to_owned(), "T9999".to_owned()];
        metadata.references = vec!["CIS 4.5".to_owned(), "https://example.com/".to_owned()];
        metadata
    }

    #[test]
    fn a_page_says_what_the_metadata_says() {
        let page = of(&Subject { metadata: &metadata(), pack: Some("team/pack@1.0.0") });
        for line in [
            "# It \\| &lt;b>happened",
            "`team.rule` 1.0.0 · severity medium · experimental · team/pack@1.0.0",
            "## What it does",
            "| `title` | string | What it is \\| called. Required. |",
            "| `severity` | `\"low\"` or `\"high\"` |  |",
            "| `accounts` | list: the id | Default: `[]`. |",
            "| `many` | integer | Default: `5`. |",
            "* [T1562.008](https://attack.mitre.org/techniques/T1562/008/) Disable or Modify Cloud Logs: Defense Evasion",
            "* [T9999](https://attack.mitre.org/techniques/T9999/)",
            "What its settings say.",
            "* <https://example.com/>",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }

    #[test]
    fn the_index_has_a_table_for_each_pack() {
        let metadata = metadata();
        let page = index(&[
            Subject { metadata: &metadata, pack: Some("team/pack@1.0.0") },
            Subject { metadata: &metadata, pack: None },
        ]);
        assert!(page.contains("## team/pack@1.0.0") && page.contains("## in no pack"), "{page}");
        assert!(
            page.contains("| [`team.rule`](team.rule.md) | medium | experimental | It \\| &lt;b>happened |"),
            "{page}"
        );
    }

    #[test]
    fn a_schema_that_leads_back_to_itself_has_an_end() {
        let schema = json!({ "$defs": { "A": { "anyOf": [{ "$ref": "#/$defs/A" }] } }, "properties": { "a": { "$ref": "#/$defs/A" } } });
        assert!(settings(&schema).contains("| `a` | anything |"));
    }

    #[test]
    fn a_rule_without_settings_says_so() {
        assert_eq!(settings(&json!({ "type": "object" })), "None.");
    }
}
