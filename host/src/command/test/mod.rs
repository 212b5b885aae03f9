//! `test`: the cases beside the rules, judged, and what they do not show.

mod junit;
mod text;
mod warning;
mod watch;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use self::warning::{AskedByPacks, Warning};
use super::args::{Color, Output};
use super::found::tell_of_broken;
use super::screen::Screen;
use super::{Failure, build, compiler, print, warn};
use crate::encoding::harmless_json;
use crate::escape;
use crate::exit::Exit;
use crate::pack::Pack;
use crate::parallel::processors;
use crate::rule::discover;
use crate::sandbox::{Compiler, Limits};
use crate::testing::{Case, Coverage, FuzzFailure, Fuzzed, Mutations, Outcome, Suite, Workbench, attack, fuzz};

#[derive(Debug, Args)]
pub(in crate::command) struct TestArgs {
    /// A pack folder, a folder of those, or a .wasm in a pack's dist/
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Build the packs first; needs cargo
    #[arg(long)]
    build: bool,
    /// Build and test now and whenever a file of a pack changes, until interrupted
    #[arg(long, conflicts_with = "junit")]
    watch: bool,
    #[command(flatten)]
    options: TestOptions,
}

/// Which cases are judged, how, and what becomes of the results.
#[derive(Debug, Args)]
pub(in crate::command) struct TestOptions {
    /// Only cases whose name, or whose rule's id, has this in it; repeatable. What the others show is not asked for then
    #[arg(short, long, value_name = "TEXT")]
    filter: Vec<String>,
    #[command(flatten)]
    further: FurtherArgs,
    /// Fail on warnings, too
    #[arg(long)]
    deny_warnings: bool,
    /// Write the results as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    output: Option<Output>,
    /// Where compiled rules are kept [default: ~/.cache/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_CACHE_DIR")]
    pub(in crate::command) cache_dir: Option<PathBuf>,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// What is done beyond judging the cases.
#[derive(Debug, Args)]
struct FurtherArgs {
    /// Show what the cases showed each rule: the alternatives of what it asks for, the values of what it read
    #[arg(long)]
    coverage: bool,
    /// Change what each rule read in the events that fire, and its settings, one thing at a time: which changes does no case notice?
    #[arg(long)]
    mutate: bool,
    /// Change what the caller of an API chooses in the events that fire: with which changes is the rule silent?
    #[arg(long)]
    attack: bool,
    /// Have each rule judge so many generated records: it may not trap, run out of anything, or answer differently the second time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    fuzz: Option<u64>,
    /// What the generated records are made from: the same number, the same records
    #[arg(long, value_name = "N", default_value_t = 1, requires = "fuzz")]
    seed: u64,
}

/// A suite that has been judged.
struct Tested {
    suite: Suite,
    /// Whether all cases of the suite were judged.
    whole: bool,
    results: Vec<Tried>,
    coverage: Coverage,
    /// How many changes of what the rule read were tried.
    changes: usize,
    fuzzed: Option<Fuzzed>,
    warnings: Vec<Warning>,
}

/// A case that has been judged: its place in the suite.
struct Tried {
    case: usize,
    outcome: Outcome,
    took: Duration,
}

/// What was done, in numbers.
#[derive(Clone, Copy, Default)]
struct Sum {
    rules: usize,
    passed: usize,
    failed: usize,
    warnings: usize,
    changes: usize,
    /// Rules that lack a sign.
    unsound: usize,
    /// Rules that failed on generated records.
    broken: usize,
}

pub(super) fn run(arguments: &TestArgs) -> Result<Exit, Failure> {
    if arguments.watch {
        return watch::run(arguments);
    }
    once(arguments)
}

/// Builds where that is asked for, and tests once.
fn once(arguments: &TestArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(arguments.options.cache_dir.as_deref(), &limits)?;
    let packs = packs(arguments)?;
    if arguments.build || arguments.watch {
        let sources: Vec<Pack> = packs.into_iter().filter(|pack| arguments.build || pack.has_source()).collect();
        build::build(&sources, &compiler, &limits)?;
    } else {
        for pack in packs.iter().filter(|pack| pack.changed_since_built()) {
            let folder = escape::path(pack.folder());
            warn(&format!("`{folder}` has changed since it was built\nhint: add --build to test what it is now"));
        }
    }
    judge(&arguments.paths, &arguments.options, &compiler, &limits)
}

/// Judges the cases of what these paths name, and tells how they ended.
pub(super) fn judge(
    paths: &[PathBuf],
    options: &TestOptions,
    compiler: &Compiler,
    limits: &Limits,
) -> Result<Exit, Failure> {
    let (tested, broken) = test(paths, options, compiler, limits)?;
    if let Some(path) = &options.junit {
        junit::write(&tested, options.deny_warnings, path).map_err(Failure::input_output)?;
    }
    let sum = Sum::of(&tested);
    let json = options.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let text = if json {
        as_json(&tested, options.further.coverage)
    } else {
        text::text(&tested, sum, options, Screen::new(options.color))
    };
    let mut exit = print(text)?;
    if sum.failed + sum.unsound + sum.broken > 0 || (options.deny_warnings && sum.warnings > 0) {
        exit = exit.max(Exit::Failed);
    }
    Ok(if broken { exit.max(Exit::Rules) } else { exit })
}

/// The packs that the arguments name.
fn packs(arguments: &TestArgs) -> Result<Vec<Pack>, Failure> {
    let mut packs = Vec::new();
    for path in &arguments.paths {
        packs.extend(discover(path).map_err(Failure::rules)?.packs);
    }
    Ok(packs)
}

/// Judges the cases. Returns also whether a file was no rule, which has been told.
fn test(
    paths: &[PathBuf],
    options: &TestOptions,
    compiler: &Compiler,
    limits: &Limits,
) -> Result<(Vec<Tested>, bool), Failure> {
    let mut suites = Vec::new();
    let mut any_broken = false;
    for path in paths {
        let (found, broken) = Suite::find(path, limits).map_err(Failure::rules)?;
        suites.extend(found);
        any_broken |= tell_of_broken(&broken);
    }
    let asked = AskedByPacks::of(&suites, limits).map_err(Failure::rules)?;
    for suite in &mut suites {
        let id = suite.id().to_owned();
        suite.cases.retain(|case| chosen(options, &id, case));
    }
    if !options.filter.is_empty() {
        suites.retain(|suite| !suite.cases.is_empty());
        if suites.is_empty() {
            let filter = options.filter.join("\" or \"");
            return Err(Failure::usage(format!(
                "no case and no rule has \"{}\" in its name",
                escape::message(&filter)
            )));
        }
    }
    let mut bench = Workbench::new(compiler, limits.clone(), processors())
        .map_err(|error| Failure::input_output(format!("failed to start the WebAssembly engine: {error:#}")))?;
    bench.prepare(&suites);
    let mut tested = Vec::new();
    for suite in suites {
        tested.push(Tested::of(suite, options.filter.is_empty(), &asked, &options.further, &mut bench)?);
    }
    Ok((tested, any_broken))
}

fn chosen(options: &TestOptions, id: &str, case: &Case) -> bool {
    options.filter.is_empty() || options.filter.iter().any(|text| id.contains(text) || case.name.contains(text))
}

impl Tested {
    fn of(
        suite: Suite,
        whole: bool,
        asked: &AskedByPacks,
        further: &FurtherArgs,
        bench: &mut Workbench<'_>,
    ) -> Result<Self, Failure> {
        let metadata = suite.component().metadata();
        let mut coverage = if metadata.generic { Coverage::default() } else { Coverage::of(&metadata.matches) };
        let mut results = Vec::new();
        for (place, case) in suite.cases.iter().enumerate() {
            let started = Instant::now();
            let verdict = suite.judge(case, bench).map_err(Failure::input_output)?;
            let took = started.elapsed();
            for record in case.story.documents() {
                coverage.add_event(&record);
            }
            for traced in verdict.found.iter().flat_map(|found| &found.verdicts.traces) {
                coverage.add_trace(&traced.trace);
            }
            results.push(Tried { case: place, outcome: verdict.outcome, took });
        }
        let mutations = further.mutate.then(|| Mutations::of(&suite, bench)).transpose();
        let mutations = mutations.map_err(Failure::input_output)?;
        let silenced = if further.attack { attack(&suite, bench).map_err(Failure::input_output)? } else { Vec::new() };
        let mut warnings = if whole { warning::never_matched(&coverage) } else { Vec::new() };
        warnings.extend(mutations.iter().flat_map(warning::unnoticed));
        warnings.extend(silenced.iter().map(warning::silenced));
        warnings.extend(warning::dead(&suite, &coverage, asked));
        let changes = mutations.as_ref().map_or(0, Mutations::tried);
        let fuzzed = further.fuzz.map(|number| fuzzed(&suite, bench, further.seed, number)).transpose()?.flatten();
        if fuzzed.as_ref().is_some_and(|fuzzed: &Fuzzed| fuzzed.asked == 0) {
            let message = "the rule asked for none of the generated records".to_owned();
            warnings.push(Warning { code: "fuzz-not-asked", message });
        }
        Ok(Self { suite, whole, results, coverage, changes, fuzzed, warnings })
    }

    /// Says which sign no case shows; nothing where both are shown.
    fn lacks(&self) -> Option<&'static str> {
        match self.suite.lacks() {
            _ if !self.whole => None,
            (true, true) => Some("it has no case"),
            (true, false) => Some("no case shows it firing"),
            (false, true) => Some("no case shows it staying quiet"),
            (false, false) => None,
        }
    }

    fn fuzz_failure(&self) -> Option<&FuzzFailure> {
        self.fuzzed.as_ref()?.failure.as_ref()
    }

    fn failures(&self) -> impl Iterator<Item = (&Case, &Outcome)> {
        let failed = self.results.iter().filter(|tried| tried.outcome != Outcome::Passed);
        failed.map(|tried| (&self.suite.cases[tried.case], &tried.outcome))
    }
}

/// Fuzzes a rule with the settings and the tables of its first case that the rule takes; nothing where it has none.
fn fuzzed(suite: &Suite, bench: &mut Workbench<'_>, seed: u64, number: u64) -> Result<Option<Fuzzed>, Failure> {
    let Some(judge) = suite.cases.iter().find_map(|case| bench.judge(suite, case).ok()) else { return Ok(None) };
    fuzz(suite.component().metadata(), &judge, seed, number).map(Some).map_err(Failure::input_output)
}

impl Sum {
    fn of(tested: &[Tested]) -> Self {
        let mut sum = Self { rules: tested.len(), ..Self::default() };
        for tested in tested {
            let failed = tested.failures().count();
            sum.failed += failed;
            sum.passed += tested.results.len() - failed;
            sum.warnings += tested.warnings.len();
            sum.changes += tested.changes;
            sum.unsound += usize::from(tested.lacks().is_some());
            sum.broken += usize::from(tested.fuzz_failure().is_some());
        }
        sum
    }
}

/// One object a case, a missing sign and a warning.
fn as_json(tested: &[Tested], coverage: bool) -> String {
    let mut text = String::new();
    let mut add = |value: &Value| {
        text += &harmless_json(value);
        text.push('\n');
    };
    for tested in tested {
        let rule = tested.suite.id();
        for tried in &tested.results {
            let case = &tested.suite.cases[tried.case];
            let mut object = json!({ "rule": rule, "case": case.name, "file": case.file, "outcome": "passed" });
            match &tried.outcome {
                Outcome::Passed => {}
                Outcome::Failed(differences) => {
                    let told = differences.iter().map(|difference| {
                        json!({ "what": difference.what, "expected": difference.expected, "found": difference.found })
                    });
                    object["outcome"] = json!("failed");
                    object["differences"] = told.collect();
                }
                Outcome::Fault(fault) => {
                    object["outcome"] = json!("fault");
                    object["fault"] = json!(fault);
                }
            }
            add(&object);
        }
        if let Some(lack) = tested.lacks() {
            add(&json!({ "rule": rule, "outcome": "failed", "lacks": lack }));
        }
        if coverage {
            add(&json!({ "rule": rule, "coverage": covered(&tested.coverage) }));
        }
        if let Some(fuzzed) = &tested.fuzzed {
            add(&match &fuzzed.failure {
                Some(failure) => json!({
                    "rule": rule,
                    "outcome": "failed",
                    "fuzz": failure.number,
                    "fault": failure.fault,
                    "records": failure.records,
                }),
                None => json!({
                    "rule": rule,
                    "outcome": "passed",
                    "fuzz": fuzzed.stories,
                    "asked": fuzzed.asked,
                    "findings": fuzzed.findings,
                    "most_fuel": fuzzed.most_fuel,
                }),
            });
        }
        for warning in &tested.warnings {
            add(&json!({ "rule": rule, "warning": warning.code, "message": warning.message }));
        }
    }
    text
}

/// What the cases showed a rule: the alternatives of what it asks for, and the values of what it read.
fn covered(coverage: &Coverage) -> Value {
    let asks_for: Vec<Value> = coverage
        .alternatives
        .iter()
        .map(
            |alternative| json!({ "field": alternative.field, "wanted": alternative.wanted, "seen": alternative.seen }),
        )
        .collect();
    let reads: Vec<Value> = coverage
        .fields()
        .map(|(path, field)| json!({ "path": path, "values": field.values, "more": field.more }))
        .collect();
    json!({ "asks_for": asks_for, "reads": reads })
}
