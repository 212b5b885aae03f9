//! `explain`: why a rule found what it found in an event, or did not.

mod json;
mod text;

use std::io::{self, IsTerminal};
use std::path::Path;

use clap::Args;
use orgwatch_rules_sdk::json::Document;

use super::args::{Color, Output, RuleSource};
use super::found::RulesFound;
use super::inputs::Inputs;
use super::run::{RuleFailure, load_rules};
use super::screen::Screen;
use super::{Failure, print, tell, warn};
use crate::escape::{self, terminal};
use crate::exit::Exit;
use crate::judge::Judge;
use crate::parallel::processors;
use crate::replay::TimeRange;
use crate::rule::{Place, Places};
use crate::source::decode::{DecodeLimits, Decoded, Decoder};
use crate::testing::{Explanation, explain};

/// Records that are explained at most: all of them are held in memory, with everything that rules looked at.
const MOST_RECORDS: usize = 20_000;

/// How much is printed at a time, in bytes.
const PRINTED_AT: usize = 1 << 16;

/// What stands for every rule.
const EVERY_RULE: &str = "*";

#[derive(Debug, Args)]
pub(in crate::command) struct ExplainArgs {
    /// The rule's id, its .wasm, or `*` for every rule
    rule: String,
    /// Files, folders, glob patterns or `s3://bucket/prefix` of events; `-` is standard input. A rule that looks back sees all of them
    #[arg(required = true, value_name = "EVENT")]
    events: Vec<String>,
    /// Only the event with this eventID, or whose digest begins so
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Only what was found or could not be judged
    #[arg(long)]
    found: bool,
    #[command(flatten)]
    source: RuleSource,
    /// Build the rule packs first; needs cargo
    #[arg(long)]
    build: bool,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    output: Option<Output>,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

pub(super) fn run(arguments: &ExplainArgs) -> Result<Exit, Failure> {
    let mut source = arguments.source.clone();
    let is_file = Path::new(&arguments.rule).extension().is_some_and(|extension| extension == "wasm");
    if is_file {
        source.rules = vec![Places(vec![Place::Path(arguments.rule.clone().into())])];
    }
    let mut found = RulesFound::find_building(&source, arguments.build, None)?;
    if arguments.rule != EVERY_RULE && !is_file {
        let known: Vec<String> = found.instances.iter().map(|instance| instance.id.clone()).collect();
        found.instances.retain(|instance| instance.id == arguments.rule);
        if found.instances.is_empty() {
            if known.is_empty() {
                return Err(Failure::usage(
                    "no rule runs\nhint: the configuration may switch them off, or they are generic",
                ));
            }
            let (rule, known) = (terminal(&arguments.rule), terminal(&known.join(", ")));
            return Err(Failure::usage(format!("there is no rule `{rule}`\nhint: the rules are {known}")));
        }
    }
    let mut exit = found.tell_of_broken();
    let rules = load_rules(&found, &source, processors())?;
    for rule in &rules {
        if let Err(fault) = &rule.judge {
            tell(&RuleFailure { rule: rule.id.clone(), reason: fault.to_string() });
            exit = Exit::Rules;
        }
    }
    if rules.is_empty() {
        let hint = "the configuration may switch it off; a generic rule runs where the configuration uses it, under the id that it has there";
        return Err(Failure::usage(format!("no rule runs\nhint: {hint}")));
    }
    let judge = Judge::new(rules).redacting(found.redacts).tuned(found.tuning.clone()).recording();
    let (records, failed) = read(&arguments.events)?;
    if failed {
        exit = exit.max(Exit::InputOutput);
    }
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let mut out = String::new();
    let mut screen = Screen::new(arguments.color);
    let (mut named, mut shown) = (0, 0);
    let mut printed = Ok(Exit::Done);
    explain(&judge, records, |explanation| {
        named += usize::from(is_named(arguments, &explanation));
        if is_named(arguments, &explanation) && is_wanted(arguments, &explanation) {
            shown += 1;
            if explanation.fault.is_some() {
                exit = exit.max(Exit::Rules);
            }
            if json {
                out += &json::line(&explanation);
            } else {
                text::add(&explanation, &found, &mut screen);
                out += &screen.take();
            }
            if out.len() > PRINTED_AT && printed.is_ok() {
                printed = print(&out);
                out.clear();
            }
        }
    })
    .map_err(Failure::input_output)?;
    if named == 0 {
        return Err(match &arguments.event {
            _ if failed => Failure::input_output("no event could be read"),
            Some(id) => {
                let hint = "give its eventID, or its digest as findings have it";
                Failure::usage(format!("no event is `{}`\nhint: {hint}", terminal(id)))
            }
            None => Failure::usage("there is no event to explain"),
        });
    }
    if shown == 0 {
        warn("nothing was found\nhint: leave out --found to see why");
    }
    printed?;
    Ok(exit.max(print(out)?))
}

/// Tells whether an explanation is of the event that was asked for.
fn is_named(arguments: &ExplainArgs, explanation: &Explanation<'_>) -> bool {
    arguments.event.as_ref().is_none_or(|id| {
        let digest = explanation.event.digest.to_string();
        explanation.event.id.as_ref() == Some(id)
            || (id.trim_start_matches("sha256:").len() >= 8
                && digest.starts_with(id.strip_prefix("sha256:").unwrap_or(id)))
    })
}

fn is_wanted(arguments: &ExplainArgs, explanation: &Explanation<'_>) -> bool {
    !arguments.found || !explanation.findings.is_empty() || explanation.fault.is_some()
}

/// Reads the records. Returns also whether something could not be read, which has been told.
pub(super) fn read(inputs: &[String]) -> Result<(Vec<Document>, bool), Failure> {
    let mut inputs = Inputs::find(inputs, TimeRange::default())?;
    let list = inputs.list();
    let mut failed = inputs.any_failed;
    let mut records = Vec::new();
    for input in &list {
        let mut read = || -> io::Result<()> {
            let mut decoder = Decoder::new(input.open()?, DecodeLimits::default());
            while let Some(decoded) = decoder.next()? {
                match decoded {
                    Decoded::Record(record) => records.push(record.document),
                    Decoded::Skipped(_) | Decoded::Unasked => {}
                    Decoded::Unreadable(unreadable) => {
                        let reason = terminal(&unreadable.reason.to_string());
                        tell(&io::Error::other(format!(
                            "`{}` has a part that is no record: {reason}",
                            terminal(&input.name)
                        )));
                        failed = true;
                    }
                }
                if records.len() > MOST_RECORDS {
                    return Err(io::Error::other(format!("there are more than {MOST_RECORDS} records to explain")));
                }
            }
            Ok(())
        };
        if let Err(error) = read() {
            let name = escape::message(&input.name);
            return Err(Failure::input_output(format!("failed to read `{name}`: {error}")));
        }
    }
    Ok((records, failed))
}
