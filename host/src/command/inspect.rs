//! `inspect`: what a component is and may do, without running it.

use std::fs;
use std::io::{self, IsTerminal};

use orgwatch_rules_sdk::Matches;
use serde_json::{Value, json};

use super::args::{Color, InspectArgs, Output};
use super::run::digits;
use super::screen::{Screen, Tone};
use super::{Failure, print};
use crate::encoding::harmless_json;
use crate::escape::{self, terminal};
use crate::exit::Exit;
use crate::sandbox::{Component, Limits};

pub(super) fn run(arguments: &InspectArgs) -> Result<Exit, Failure> {
    let path = &arguments.file;
    let limits = Limits::default();
    let size = fs::metadata(path).map_err(|error| unreadable(arguments, &error))?.len();
    if size > limits.component as u64 {
        let message = format!("`{}` is {size} bytes large, more than {}", escape::path(path), limits.component);
        return Err(Failure::rules(message));
    }
    let bytes = fs::read(path).map_err(|error| unreadable(arguments, &error))?;
    let size = bytes.len();
    let component = Component::check(bytes, &limits).map_err(|fault| {
        Failure::rules(format!("`{}` is no rule: {}", escape::path(path), terminal(&fault.to_string())))
    })?;
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let text = if json { as_json(&component, size) } else { as_text(&component, size, Screen::new(Color::Auto)) };
    print(text)
}

fn unreadable(arguments: &InspectArgs, error: &io::Error) -> Failure {
    Failure::input_output(format!("failed to read `{}`: {error}", escape::path(&arguments.file)))
}

fn as_json(component: &Component, size: usize) -> String {
    let value = json!({
        "metadata": component.metadata(),
        "imports": component.imports(),
        "digest": component.digest().tagged(),
        "size": size,
    });
    harmless_json(&value) + "\n"
}

fn as_text(component: &Component, size: usize, mut screen: Screen) -> String {
    let metadata = component.metadata();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let head = screen.paint(&format!("{name:<WIDTH$}"), Tone::Faint);
            screen.hanging(0, &head, value);
        }
    };
    line("id", &metadata.id);
    line("title", &terminal(&metadata.title));
    line("version", &metadata.version);
    line("severity", metadata.severity.name());
    line("status", metadata.status.name());
    line("may", &may(component));
    if metadata.generic {
        line("asks for", "what its settings say");
    } else {
        for (place, pattern) in asked(&metadata.matches).into_iter().enumerate() {
            line(if place == 0 { "asks for" } else { "or for" }, &pattern);
        }
    }
    line("ATT&CK", &terminal(&metadata.attack.join(", ")));
    line("references", &lines(&metadata.references));
    line("runbook", &terminal(metadata.runbook.as_deref().unwrap_or_default()));
    line("interface", &terminal(&metadata.interface));
    line("imports", &lines(component.imports()));
    line("size", &format!("{} bytes", digits(size as u64)));
    // Nearer than the others: a digest that is broken in two cannot be copied.
    screen.hanging(0, &screen.paint("digest  ", Tone::Faint), &component.digest().tagged());
    settings(&metadata.settings, &mut screen);
    screen.line("");
    for (head, text) in paragraphs(&metadata.description) {
        screen.hanging(0, head, &terminal(&text));
    }
    screen.finish()
}

/// Splits Markdown into headings, paragraphs and list items, each in one line, with what stands before it; empty lines stay.
fn paragraphs(markdown: &str) -> Vec<(&'static str, String)> {
    let mut paragraphs: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in markdown.lines() {
        let (head, text) = match line.strip_prefix("* ") {
            Some(item) => ("* ", item),
            None => ("", line.trim_start()),
        };
        match paragraphs.last_mut() {
            Some((_, paragraph)) if open && head.is_empty() && !text.is_empty() => {
                paragraph.push(' ');
                paragraph.push_str(text);
            }
            _ => paragraphs.push((head, text.to_owned())),
        }
        open = !text.is_empty() && !text.starts_with('#');
    }
    paragraphs
}

/// Puts each text on a line of its own.
fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| terminal(text)).collect::<Vec<_>>().join("\n")
}

/// The column that values start in.
const WIDTH: usize = 12;

/// Says what the rule may do: what it imports, and nothing else.
fn may(component: &Component) -> String {
    let metadata = component.metadata();
    let imports = |part: &str| component.imports().iter().any(|import| import.contains(&format!("/{part}@")));
    let mut may = Vec::new();
    if imports("event") {
        may.push("read the event".to_owned());
    }
    if imports("tables") && !metadata.tables.is_empty() {
        may.push(format!("read your tables {}", terminal(&metadata.tables.join(", "))));
    }
    if imports("state") {
        may.push("look back at what it noted of earlier events".to_owned());
    }
    if imports("log") {
        may.push("log".to_owned());
    }
    match may.as_slice() {
        [] => "do nothing".to_owned(),
        may => format!("{}, and nothing else", may.join(", ")),
    }
}

fn asked(matches: &Matches) -> Vec<String> {
    match matches {
        Matches::Everything => vec!["every record".to_owned()],
        Matches::Patterns(patterns) => patterns.iter().map(harmless_json).collect(),
    }
}

/// Lists the settings: name, type, default, and what they are for.
fn settings(schema: &Value, screen: &mut Screen) {
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        return screen.hanging(0, &format!("{:<WIDTH$}", "settings"), "none");
    };
    screen.line("settings");
    let required = |name: &str| schema["required"].as_array().is_some_and(|required| required.contains(&json!(name)));
    for (name, property) in properties {
        let kind = match &property["type"] {
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            _ => "see the JSON Schema".to_owned(),
        };
        let default = match (&property["default"], required(name)) {
            (_, true) => ", required".to_owned(),
            (Value::Null, false) => String::new(),
            (default, false) => format!(", default {}", harmless_json(default)),
        };
        screen.hanging(
            2,
            "",
            &format!("{} ({}{default})", screen.paint(&terminal(name), Tone::Strong), terminal(&kind)),
        );
        screen.hanging(4, "", &terminal(property["description"].as_str().unwrap_or_default()));
    }
}
