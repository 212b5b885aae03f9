//! `pack inspect`: one page that tells an engineer whether to trust a pack.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use orgwatch_rules_sdk::{Matches, Severity};
use serde_json::{Value, json};

use super::registry::RegistryArgs;
use super::sign::{judge, signers};
use super::target::Target;
use crate::command::args::{Color, Output};
use crate::command::run::{count, digits};
use crate::command::screen::{Screen, Tone};
use crate::command::{Failure, compiler, print};
use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::pack::packed::{Contents, Packed};
use crate::pack::signature::PublicKey;
use crate::parallel::processors;
use crate::rule::Place;
use crate::sandbox::{Compiler, Limits};
use crate::testing::{Coverage, Outcome, Suite, Workbench};
use crate::trust::Policy;

#[derive(Debug, Args)]
pub(in crate::command) struct InspectArgs {
    /// A packed file, an image layout, a pack in a registry, or a pack's folder
    pack: Place,
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

/// What came of a pack's tests when they were run here.
struct Tests {
    passed: usize,
    /// The rule and the name of each case that failed.
    failed: Vec<(String, String)>,
    /// The fields that the rules read, with how many rules read each.
    reads: BTreeMap<String, usize>,
}

/// What the pack is to the one who looks at it.
struct Standing {
    signatures: usize,
    /// The keys of the trust policy that signed it.
    signers: Vec<PublicKey>,
    /// What the trust policy makes of it; nothing for a folder, which nobody signs, and where there is no policy.
    verdict: Option<Result<(), String>>,
}

pub(super) fn run(arguments: &InspectArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let compiler = compiler(arguments.cache_dir.as_deref(), &limits)?;
    let target = Target::open(&arguments.pack, &arguments.registry, &limits)?;
    let is_folder = matches!(target, Target::Folder(_));
    let unpacked = target.folder()?;
    let tests = Tests::run(&unpacked.path, &compiler, &limits)?;
    let packed = target.into_packed(arguments.cache_dir.as_deref(), &limits)?;
    let standing = Standing::of(&packed, is_folder, arguments)?;
    let json = arguments.output.map_or(!io::stdout().is_terminal(), |output| output == Output::Json);
    let text = if json {
        as_json(&packed, &tests, &standing)
    } else {
        as_text(&packed, &tests, &standing, Screen::new(arguments.color))
    };
    print(text)
}

impl Standing {
    fn of(packed: &Packed, is_folder: bool, arguments: &InspectArgs) -> Result<Self, Failure> {
        let policy = Policy::new(arguments.registry.config()?.trust.as_ref()).map_err(Failure::usage)?;
        let judged = policy.is_set() && !is_folder;
        let verdict = judged.then(|| judge(packed, &arguments.pack, &policy));
        Ok(Self {
            signatures: packed.signatures(),
            signers: signers(packed, policy.keys()),
            verdict: verdict.map(|verdict| verdict.map(|_| ()).map_err(|error| error.to_string())),
        })
    }

    fn signed(&self) -> String {
        let mut text = match self.signatures {
            0 => "nobody".to_owned(),
            number => count(number as u64, "signature"),
        };
        let unknown = self.signatures.saturating_sub(self.signers.len());
        for key in &self.signers {
            text += "\nthe key ";
            text += &key.id().short();
            text += " of your [trust]";
        }
        if unknown > 0 && self.signers.is_empty() {
            text.push_str(", and none by a key of your [trust]");
        }
        text
    }

    fn told(&self) -> String {
        match &self.verdict {
            None => String::new(),
            Some(Ok(())) => "it loads with your [trust]".to_owned(),
            Some(Err(reason)) => {
                let reason = reason.split("\nhint: ").next().unwrap_or_default();
                format!("it does not load: {reason}")
            }
        }
    }
}

impl Tests {
    fn run(folder: &std::path::Path, compiler: &Compiler, limits: &Limits) -> Result<Self, Failure> {
        let (suites, _) = Suite::find(folder, limits).map_err(Failure::rules)?;
        let mut bench = Workbench::new(compiler, limits.clone(), processors())
            .map_err(|error| Failure::input_output(format!("failed to start the WebAssembly engine: {error:#}")))?;
        bench.prepare(&suites);
        let mut tests = Self { passed: 0, failed: Vec::new(), reads: BTreeMap::new() };
        for suite in &suites {
            let mut coverage = Coverage::default();
            for case in &suite.cases {
                let verdict = suite.judge(case, &mut bench).map_err(Failure::input_output)?;
                match verdict.outcome {
                    Outcome::Passed => tests.passed += 1,
                    Outcome::Failed(_) | Outcome::Fault(_) => {
                        tests.failed.push((suite.id().to_owned(), case.name.clone()));
                    }
                }
                for traced in verdict.found.iter().flat_map(|found| &found.verdicts.traces) {
                    coverage.add_trace(&traced.trace);
                }
            }
            for (path, _) in coverage.fields() {
                *tests.reads.entry(path.to_owned()).or_default() += 1;
            }
        }
        Ok(tests)
    }
}

fn as_json(packed: &Packed, tests: &Tests, standing: &Standing) -> String {
    let failed: Vec<Value> = tests.failed.iter().map(|(rule, case)| json!({ "rule": rule, "case": case })).collect();
    let value = json!({
        "contents": packed.contents(),
        "digest": packed.digest().tagged(),
        "size": size(packed),
        "tests": { "passed": tests.passed, "failed": failed },
        "reads": tests.reads,
        "signatures": standing.signatures,
        "signed_by": standing.signers.iter().map(|key| key.id().to_string()).collect::<Vec<_>>(),
        "loads": standing.verdict.as_ref().map(Result::is_ok),
        "refusal": standing.verdict.as_ref().and_then(|verdict| verdict.as_ref().err()),
    });
    harmless_json(&value) + "\n"
}

/// The column that values start in.
const WIDTH: usize = 12;

fn as_text(packed: &Packed, tests: &Tests, standing: &Standing, mut screen: Screen) -> String {
    let contents = packed.contents();
    let pack = &contents.pack;
    let name = screen.paint(&pack.reference(), Tone::Strong);
    screen.line(&format!("{name}  {}", terminal(&pack.title)));
    screen.line(&terminal(&pack.description));
    screen.line("");
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let head = screen.paint(&format!("{name:<WIDTH$}"), Tone::Faint);
            screen.hanging(0, &head, value);
        }
    };
    line("authors", &terminal(&pack.authors.join(", ")));
    line("licence", &terminal(&pack.license));
    line("homepage", &terminal(pack.homepage.as_deref().unwrap_or_default()));
    line("size", &format!("{} bytes", digits(size(packed))));
    let needs = pack.min_host_version.as_ref().map(|version| format!("orgwatch-host {version} or newer"));
    line("needs", &needs.unwrap_or_default());
    line("signed by", &standing.signed());
    line("trust", &standing.told());
    line("may", &may(contents));
    line("asks for", &asks_for(contents));
    line("reads", &reads(tests));
    line("tests", &told(tests, packed));
    // Nearer than the others: a digest that is broken in two cannot be copied.
    screen.hanging(0, &screen.paint("digest  ", Tone::Faint), &packed.digest().tagged());
    screen.line("");
    rules(contents, &mut screen);
    screen.finish()
}

fn size(packed: &Packed) -> u64 {
    packed.layout().blobs().map(|(_, blob)| blob.len() as u64).sum()
}

/// Says what the rules may do, from what they import, and which do more than read the event.
fn may(contents: &Contents) -> String {
    let mut may = vec!["read the event, log".to_owned()];
    let with = |part: &str| {
        let imports = |imports: &[String]| imports.iter().any(|import| import.contains(&format!("/{part}@")));
        let rules = contents.rules.iter().filter(|rule| imports(&rule.imports));
        rules.map(|rule| rule.metadata.id.as_str()).collect::<Vec<_>>()
    };
    let looking_back = with("state");
    if !looking_back.is_empty() {
        may.push(format!("look back at earlier events ({})", terminal(&looking_back.join(", "))));
    }
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in &contents.rules {
        for table in &rule.metadata.tables {
            tables.entry(table).or_default().push(&rule.metadata.id);
        }
    }
    for (table, rules) in tables {
        may.push(format!("read your table {} ({})", terminal(table), count(rules.len() as u64, "rule")));
    }
    format!("{}, and nothing else", may.join("; "))
}

/// Says which events the rules ask for: the services, with the number of names.
fn asks_for(contents: &Contents) -> String {
    let mut everything = Vec::new();
    let mut sources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut others = 0_u64;
    for rule in &contents.rules {
        match &rule.metadata.matches {
            _ if rule.metadata.generic => {}
            Matches::Everything => everything.push(rule.metadata.id.clone()),
            Matches::Patterns(patterns) => {
                for pattern in patterns {
                    let literals = |field: &str| {
                        let values = pattern[field].as_array().into_iter().flatten();
                        values.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
                    };
                    let names = literals("eventName");
                    for source in literals("eventSource") {
                        sources.entry(source).or_default().extend(names.iter().cloned());
                    }
                    others += u64::from(literals("eventSource").is_empty());
                }
            }
        }
    }
    let mut texts: Vec<String> = sources
        .iter()
        .map(|(source, names)| format!("{} ({})", terminal(source), count(names.len() as u64, "event name")))
        .collect();
    if others > 0 {
        texts.push(format!("events of any service ({})", count(others, "pattern")));
    }
    if !everything.is_empty() {
        texts.push(format!("every record ({})", terminal(&everything.join(", "))));
    }
    texts.join(", ")
}

/// How many fields are named.
const FIELDS: usize = 12;

/// Says which fields the rules read in their tests, those first that most rules read.
fn reads(tests: &Tests) -> String {
    let mut fields: Vec<(&String, &usize)> = tests.reads.iter().collect();
    fields.sort_by(|left, right| right.1.cmp(left.1).then_with(|| left.0.cmp(right.0)));
    let mut shown: Vec<String> = fields.iter().take(FIELDS).map(|(path, _)| terminal(path)).collect();
    if fields.len() > FIELDS {
        shown.push(format!("and {} more", count((fields.len() - FIELDS) as u64, "field")));
    }
    shown.join(", ")
}

fn told(tests: &Tests, packed: &Packed) -> String {
    let cases = count((tests.passed + tests.failed.len()) as u64, "case");
    let mut text = format!("{cases}, run here: {} passed, {} failed", tests.passed, tests.failed.len());
    for (rule, case) in &tests.failed {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{}: {}", terminal(rule), terminal(case));
    }
    let untested: Vec<String> = packed
        .contents()
        .rules
        .iter()
        .filter(|rule| rule.fuel.is_none() && !rule.metadata.generic)
        .map(|rule| terminal(&rule.metadata.id))
        .collect();
    if !untested.is_empty() {
        let _ = write!(text, "\nno case has these judge anything: {}", untested.join(", "));
    }
    text
}

/// Lists the rules: severity, fuel, id, version.
fn rules(contents: &Contents, screen: &mut Screen) {
    let mut severities: BTreeMap<Severity, u64> = BTreeMap::new();
    for rule in &contents.rules {
        *severities.entry(rule.metadata.severity).or_default() += 1;
    }
    let severities: Vec<String> =
        severities.iter().rev().map(|(severity, number)| format!("{number} {severity}")).collect();
    screen.line(&format!("{} ({})", count(contents.rules.len() as u64, "rule"), severities.join(", ")));
    for rule in &contents.rules {
        let fuel = rule.fuel.map_or("-".to_owned(), |fuel| digits(fuel.most));
        let head = format!("{:<14}{fuel:>9} fuel  ", rule.metadata.severity.name());
        let id = screen.paint(&terminal(&rule.metadata.id), Tone::Strong);
        screen.hanging(2, &head, &format!("{id} {}", terminal(&rule.metadata.version)));
    }
}
