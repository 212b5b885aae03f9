//! `bench`: what evaluating a rule costs, in fuel, which is the same on every machine, and in time, which is not.

mod baseline;
mod text;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use orgwatch_rules_sdk::json::Document;
use serde_json::json;

use self::baseline::{Baseline, BaselineError, Change};
use super::args::{Color, Output};
use super::found::tell_of_broken;
use super::run::RuleFailure;
use super::screen::Screen;
use super::{Failure, build, compiler, explain, print, tell};
use crate::encoding::harmless_json;
use crate::exit::Exit;
use crate::judge::Judge;
use crate::parallel::processors;
use crate::rule::discover;
use crate::sandbox::{Compiler, Limits};
use crate::testing::{Expected, Story, Suite, Trial, Workbench};

/// How long a measurement of time goes on, for each rule and case.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(in crate::command) struct BenchArgs {
    /// A pack folder, a folder of those, or a .wasm in a pack's dist/
    path: PathBuf,
    /// Events to judge [default: those of each rule's test cases]
    events: Vec<String>,
    /// Build the packs first; needs cargo
    #[arg(long)]
    build: bool,
    /// Fail where a rule takes more fuel than this file says
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How much more fuel than the baseline's is in order, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5, requires = "baseline")]
    tolerance: u64,
    /// Write what was measured as a baseline for later
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    output: Option<Output>,
    /// Where compiled rules are kept [default: ~/.cache/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// What one rule costs on the events of one case, or on all events that were given.
struct Measure {
    rule: String,
    /// The case, or [`ALL_EVENTS`].
    case: String,
    /// Evaluations, and what was noted, for one time through.
    evaluations: u64,
    /// Fuel for one time through.
    fuel: u64,
    /// The most that one evaluation took.
    most: u64,
    /// Time for one time through: the least of many.
    time: Duration,
}

/// Stands for the events of the command line.
const ALL_EVENTS: &str = "events";

pub(super) fn run(arguments: &BenchArgs) -> Result<Exit, Failure> {
    let baseline = arguments.baseline.as_deref().map(Baseline::read).transpose().map_err(|error| match error {
        error @ BaselineError::File { .. } => Failure::input_output(error),
        error @ BaselineError::Json { .. } => Failure::usage(error),
    })?;
    let limits = Limits::default();
    let compiler = compiler(arguments.cache_dir.as_deref(), &limits)?;
    if arguments.build {
        build::build(&discover(&arguments.path).map_err(Failure::rules)?.packs, &compiler, &limits)?;
    }
    let (measures, broken) = measure(arguments, &compiler, &limits)?;
    if let Some(path) = &arguments.write_baseline {
        Baseline::of(&measures).write(path).map_err(Failure::input_output)?;
    }
    let changes = baseline.map(|baseline| baseline.compare(&measures, arguments.tolerance)).unwrap_or_default();
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let text = if json {
        as_json(&measures, &changes)
    } else {
        let mut screen = Screen::new(arguments.color);
        text::add(&measures, &changes, limits.fuel, &mut screen);
        screen.finish()
    };
    let mut exit = print(text)?;
    if changes.iter().any(Change::is_worse) {
        exit = exit.max(Exit::Failed);
    }
    Ok(if broken { exit.max(Exit::Rules) } else { exit })
}

/// Measures every rule. Returns also whether one could not be measured, which has been told.
fn measure(arguments: &BenchArgs, compiler: &Compiler, limits: &Limits) -> Result<(Vec<Measure>, bool), Failure> {
    let (mut suites, broken) = Suite::find(&arguments.path, limits).map_err(Failure::rules)?;
    let mut failed = tell_of_broken(&broken);
    let given = if arguments.events.is_empty() { None } else { Some(given(arguments)?) };
    if let Some(story) = &given {
        // Each rule judges them with the settings and tables of its first case.
        for suite in &mut suites {
            suite.cases.retain(|case| !matches!(case.expected, Expected::Refused(_)));
            suite.cases.truncate(1);
            for case in &mut suite.cases {
                (case.name, case.story) = (ALL_EVENTS.to_owned(), story.clone());
            }
        }
    }
    let mut bench = Workbench::new(compiler, limits.clone(), processors())
        .map_err(|error| Failure::input_output(format!("failed to start the WebAssembly engine: {error:#}")))?;
    bench.prepare(&suites);
    let mut measures = Vec::new();
    for suite in &suites {
        for case in &suite.cases {
            match bench.judge(suite, case) {
                Ok(judge) => measures.extend(one(suite, &case.name, &case.story, &judge)?),
                Err(_) if matches!(case.expected, Expected::Refused(_)) => {}
                Err(fault) => {
                    tell(&RuleFailure { rule: suite.id().to_owned(), reason: fault.to_string() });
                    failed = true;
                }
            }
        }
    }
    if measures.is_empty() && !failed {
        let hint = "name events that the rules ask for, or add test cases that fire";
        return Err(Failure::usage(format!("no rule was asked to judge anything\nhint: {hint}")));
    }
    Ok((measures, failed))
}

/// The events of the command line.
fn given(arguments: &BenchArgs) -> Result<Story, Failure> {
    let (records, failed) = explain::read(&arguments.events)?;
    if failed {
        return Err(Failure::input_output("some of the events cannot be read"));
    }
    let records = records.iter().map(|record: &Document| record.text().to_owned()).collect();
    Story::new(records).map_err(Failure::input_output)
}

/// Measures a rule on a story; nothing where it asks for none of its events.
fn one(suite: &Suite, case: &str, story: &Story, judge: &Judge) -> Result<Option<Measure>, Failure> {
    let trial = Trial::new(judge);
    let found = trial.run(story.documents()).map_err(Failure::input_output)?;
    let fuel = &found.verdicts.fuel;
    if fuel.is_empty() {
        return Ok(None);
    }
    let mut time = Duration::MAX;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let documents = story.documents();
        let once = Instant::now();
        trial.run(documents).map_err(Failure::input_output)?;
        time = time.min(once.elapsed());
    }
    Ok(Some(Measure {
        rule: suite.id().to_owned(),
        case: case.to_owned(),
        evaluations: fuel.len() as u64,
        fuel: fuel.iter().map(|(_, fuel)| fuel).sum(),
        most: fuel.iter().map(|&(_, fuel)| fuel).max().unwrap_or_default(),
        time,
    }))
}

fn as_json(measures: &[Measure], changes: &[Change]) -> String {
    let mut text = String::new();
    for measure in measures {
        let object = json!({
            "rule": measure.rule,
            "case": measure.case,
            "evaluations": measure.evaluations,
            "fuel": measure.fuel,
            "most_fuel": measure.most,
            "nanoseconds": u64::try_from(measure.time.as_nanos()).unwrap_or(u64::MAX),
        });
        text += &(harmless_json(&object) + "\n");
    }
    for change in changes {
        text += &(harmless_json(&change.as_json()) + "\n");
    }
    text
}
