//! `rules`: the rules that would run, what they say of themselves, and what they cover.

mod coverage;
mod docs;
mod navigator;

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use serde_json::{Value, json};

use super::args::{ListArgs, Output, RulesArgs, RulesCommand};
use super::found::RulesFound;
use super::{Failure, print};
use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::rule::{Instance, RuleFile};
use crate::sandbox::Component;

pub(super) fn run(arguments: &RulesArgs) -> Result<Exit, Failure> {
    match &arguments.command {
        None => list(&arguments.list),
        Some(RulesCommand::List(arguments)) => list(arguments),
        Some(RulesCommand::Docs(arguments)) => docs::run(arguments),
        Some(RulesCommand::Coverage(arguments)) => coverage::run(arguments),
    }
}

fn list(arguments: &ListArgs) -> Result<Exit, Failure> {
    let found = RulesFound::find(&arguments.source)?;
    let broken = found.tell_of_broken();
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let text = if json { as_json(&found) } else { as_text(&found) };
    let printed = print(text)?;
    Ok(broken.max(printed))
}

/// One line a rule, in columns; then the components that are no rule yet.
fn as_text(found: &RulesFound) -> String {
    let mut rows = Vec::new();
    for (instance, _, component) in sound(found) {
        let metadata = component.metadata();
        let of = if instance.id == metadata.id { String::new() } else { format!(" (uses {})", metadata.id) };
        let severity = instance.severity.unwrap_or(metadata.severity);
        rows.push((format!("{}{of}", instance.id), metadata, severity));
    }
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, metadata, severity) in rows {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{name:<width$}  {:<7}  {severity:<13}  {}", metadata.version, terminal(&metadata.title));
    }
    for component in found.files.iter().filter_map(|file| file.component.as_ref().ok()) {
        let metadata = component.metadata();
        if metadata.generic {
            let _ = writeln!(text, "{}  generic: runs where the configuration says `use = {0:?}`", metadata.id);
        }
    }
    text
}

/// The rules whose components are sound.
fn sound(found: &RulesFound) -> impl Iterator<Item = (&Instance, &RuleFile, &Component)> {
    found.instances.iter().filter_map(|instance| {
        let file = &found.files[instance.file];
        Some((instance, file, file.component.as_ref().ok()?))
    })
}

fn as_json(found: &RulesFound) -> String {
    sound(found).map(|(instance, file, component)| harmless_json(&object(instance, file, component)) + "\n").collect()
}

fn object(instance: &Instance, file: &RuleFile, component: &Component) -> Value {
    let metadata = component.metadata();
    json!({
        "id": instance.id,
        "component": metadata.id,
        "version": metadata.version,
        "title": metadata.title,
        "severity": instance.severity.unwrap_or(metadata.severity),
        "status": metadata.status,
        "matches": metadata.matches,
        "attack": metadata.attack,
        "references": metadata.references,
        "pack": file.pack,
        "path": file.path,
        "digest": component.digest().tagged(),
        "settings": instance.settings,
    })
}
