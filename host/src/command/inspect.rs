//! `inspect`: what a component is and may do, without running it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal};

use orgwatch_rules_sdk::Matches;
use serde_json::json;

use super::args::{InspectArgs, Output};
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
    let text = if json { as_json(&component, size) } else { as_text(&component, size) };
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

fn as_text(component: &Component, size: usize) -> String {
    let metadata = component.metadata();
    let reads = component.imports().iter().any(|import| import.contains("/event@"));
    let may = if reads { "read the event under evaluation, and nothing else" } else { "nothing" };
    let matches = match &metadata.matches {
        Matches::Everything => "every record".to_owned(),
        Matches::Patterns(patterns) => patterns.iter().map(harmless_json).collect::<Vec<_>>().join("\n              "),
    };
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12}  {value}");
        }
    };
    line("id", &metadata.id);
    line("title", &terminal(&metadata.title));
    line("version", &metadata.version);
    line("severity", metadata.severity.name());
    line("status", metadata.status.name());
    line("may", may);
    line("asks for", if metadata.generic { "what its settings say" } else { &matches });
    line("ATT&CK", &terminal(&metadata.attack.join(", ")));
    line("references", &terminal(&metadata.references.join(", ")));
    line("interface", &terminal(&metadata.interface));
    line("digest", &component.digest().tagged());
    line("size", &format!("{size} bytes"));
    line("settings", &harmless_json(&metadata.settings["properties"]));
    let _ = writeln!(text);
    for paragraph in metadata.description.lines() {
        let _ = writeln!(text, "{}", terminal(paragraph));
    }
    text
}
