//! `rules`: the rules that would run.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use serde_json::json;

use super::Failure;
use super::args::{Output, RulesArgs, RulesCommand};
use super::run::RulesFound;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::rule::{Instance, RuleFile};
use crate::sandbox::Component;

pub(super) fn run(arguments: &RulesArgs) -> Result<Exit, Failure> {
    let RulesCommand::List = arguments.what.unwrap_or(RulesCommand::List);
    let found = RulesFound::find(&arguments.source, false)?;
    let broken = found.tell_of_broken_files();
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let mut text = String::new();
    for instance in &found.instances {
        let file = &found.files[instance.file];
        if let Ok(component) = &file.component {
            text += &if json { as_json(instance, file, component) } else { as_text(instance, component) };
        }
    }
    if !json {
        for component in found.files.iter().filter_map(|file| file.component.as_ref().ok()) {
            let metadata = component.metadata();
            if metadata.generic {
                let _ = writeln!(text, "{}  generic: runs where the configuration says `use = {0:?}`", metadata.id);
            }
        }
    }
    io::stdout().write_all(text.as_bytes()).map_err(Failure::input_output)?;
    Ok(if broken { Exit::Rules } else { Exit::Done })
}

fn as_text(instance: &Instance, component: &Component) -> String {
    let metadata = component.metadata();
    let severity = instance.severity.unwrap_or(metadata.severity);
    let of = if instance.id == metadata.id { String::new() } else { format!(" (uses {})", metadata.id) };
    format!("{}{of}  {}  {severity}  {}\n", instance.id, metadata.version, terminal(&metadata.title))
}

fn as_json(instance: &Instance, file: &RuleFile, component: &Component) -> String {
    let metadata = component.metadata();
    let value = json!({
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
    });
    format!("{value}\n")
}
