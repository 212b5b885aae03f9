//! `pack diff`: what an upgrade changes.

mod json;
mod text;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orgwatch_rules_sdk::json::Document;

use super::registry::RegistryArgs;
use super::target::Target;
use crate::command::args::{Color, Output};
use crate::command::found::tell_of_broken;
use crate::command::screen::Screen;
use crate::command::{Failure, compiler, explain, print};
use crate::exit::Exit;
use crate::pack::diff::{Diff, DiffError, Given};
use crate::parallel::processors;
use crate::rule::Place;
use crate::testing::{Story, Workbench};

pub(super) const EXIT_CODES: &str = "\
Both versions judge the events of each other's test cases, and EVENTS. Those are
judged with the settings and tables of the configuration; what else it makes of
findings, such as exceptions and severities, is left out.

Each literal that is new in a rule's component is put into the fields that the
rule reads, where it finds something: a verdict that flips to silence has the
shape of a back door. What a rule computes, hashes or hides is not found.

Exit codes:
  0  nothing is lost
  1  a finding is lost, a rule no longer takes its settings, or a new literal
     flips a verdict
  2  a pack or a rule could not be loaded
  3  wrong usage or configuration
  4  input or output failed
When several apply: 3, then 4, then 2, then 1.";

#[derive(Debug, Args)]
pub(in crate::command) struct DiffArgs {
    /// The pack that is in use: a packed file, an image layout, a pack in a registry, or a pack's folder, built
    old: Place,
    /// The pack that is to replace it
    new: Place,
    /// Events to judge beside those of the test cases: files, folders, glob patterns or `s3://bucket/prefix`; `-` is standard input
    events: Vec<String>,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    output: Option<Output>,
    /// Where compiled rules are kept [default: ~/.cache/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(arguments: &DiffArgs) -> Result<Exit, Failure> {
    let config = arguments.registry.config()?;
    let limits = config.limits.limits();
    let old = Target::open(&arguments.old, &arguments.registry, &limits)?.folder()?;
    let new = Target::open(&arguments.new, &arguments.registry, &limits)?.folder()?;
    let mut exit = Exit::Done;
    let mut story = None;
    if !arguments.events.is_empty() {
        let (records, failed) = explain::read(&arguments.events)?;
        if failed {
            exit = exit.max(Exit::InputOutput);
        }
        let records = records.iter().map(|record: &Document| record.text().to_owned()).collect();
        story = Some(Story::new(records).map_err(Failure::input_output)?);
    }
    let given = Given::new(story, config).map_err(Failure::usage)?;
    let compiler = compiler(arguments.cache_dir.as_deref(), &limits)?;
    let mut bench = Workbench::new(&compiler, limits.clone(), processors())
        .map_err(|error| Failure::input_output(format!("failed to start the WebAssembly engine: {error:#}")))?;
    let bar = progress_bar();
    let report = |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let diff = Diff::of(&old.path, &new.path, &given, &mut bench, &limits, report);
    bar.finish_and_clear();
    let diff = diff.map_err(|error| match error {
        DiffError::NotAPack(_) | DiffError::Given(_) => Failure::usage(error),
        DiffError::State(_) => Failure::input_output(error),
        DiffError::Pack(_) | DiffError::Suite(_) | DiffError::SameRule { .. } => Failure::rules(error),
    })?;
    if tell_of_broken(&diff.broken) {
        exit = exit.max(Exit::Rules);
    }
    if diff.loses() {
        exit = exit.max(Exit::Failed);
    }
    let is_json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let text = if is_json { json::lines(&diff) } else { text::text(&diff, Screen::new(arguments.color)) };
    Ok(exit.max(print(text)?))
}

/// A bar over the rules, on a terminal only.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let template = "{bar:30} {pos} of {len} rules, {eta} to go";
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
