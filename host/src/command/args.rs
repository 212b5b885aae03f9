//! The arguments, which are also the help.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{Span, Timestamp, tz::TimeZone};
use orgwatch_rules_sdk::Severity;

use super::bench::BenchArgs;
use super::check::CheckArgs;
use super::explain::ExplainArgs;
use super::new::NewArgs;
use super::pack::PackCommand;
use super::test::TestArgs;
use crate::rule::Places;
use crate::telemetry::{LogFormat, LogLevel};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  what was to fail did: --fail-on, a test, a check, a baseline
  2  a rule could not be loaded, or gaps remain
  3  wrong usage or configuration
  4  input, output, credentials or the ledger failed
When several apply: 3, then 4, then 2, then 1.";

const CHECK_EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong
  1  there are errors, or warnings with --deny-warnings
  2  a file is no rule, or cannot be loaded
  3  wrong usage
  4  input or output failed
When several apply: 3, then 4, then 2, then 1.";

/// Runs detection rules compiled to WebAssembly on AWS CloudTrail events.
#[derive(Debug, Parser)]
#[command(name = "orgwatch-host", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) run: RunArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge events: the same as no subcommand at all
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Write a rule pack to begin with, a rule more in one, or a rule out of a pattern
    New(NewArgs),
    /// Build the rule packs under a path into their dist/ folders; needs cargo
    Build(BuildArgs),
    /// Show the rules
    Rules(RulesArgs),
    /// Check what rules say of themselves, and that what they ask for can happen
    #[command(after_help = CHECK_EXIT_CODES)]
    Check(CheckArgs),
    /// Judge the test cases beside the rules
    #[command(after_help = EXIT_CODES)]
    Test(TestArgs),
    /// Show why a rule found what it found in an event, or did not
    #[command(after_help = EXIT_CODES)]
    Explain(ExplainArgs),
    /// Measure what judging costs, in fuel and in time
    #[command(after_help = EXIT_CODES)]
    Bench(BenchArgs),
    /// Show what a component is and may do
    Inspect(InspectArgs),
    /// Hand rule packs on, and take them in: pack, sign, verify, compare
    #[command(subcommand)]
    Pack(PackCommand),
    /// Show what was found: the ledger's findings
    #[command(subcommand)]
    Findings(FindingsCommand),
    /// Show what the configuration excepts, and how often that held
    #[command(subcommand)]
    Exceptions(ExceptionsCommand),
    /// Show what could not be judged, and have it tried again
    #[command(subcommand)]
    Gaps(GapsCommand),
    /// Show what sinks did not take, and have it sent again
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Try the sinks
    #[command(subcommand)]
    Sinks(SinksCommand),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Files, folders, glob patterns or `s3://bucket/prefix` of events to replay; `-` is standard input. Without any: live, from the
    /// configured sources
    pub(super) events: Vec<String>,
    #[command(flatten)]
    pub(super) source: RuleSource,
    /// Build the rule packs first; needs cargo
    #[arg(long)]
    pub(super) build: bool,
    /// The form of the findings [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    pub(super) output: Option<Form>,
    /// Only events from this time on: RFC 3339, or a span back from now such as 24h or 7d
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<Time>,
    /// Only events before this time
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<Time>,
    /// Exit with 1 when a finding of this severity or above was made
    #[arg(long, value_name = "SEVERITY", env = "ORGWATCH_FAIL_ON")]
    pub(super) fail_on: Option<Severity>,
    /// How many files are read at a time [default: one a processor]
    #[arg(short, long, value_name = "N", env = "ORGWATCH_JOBS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: Option<u16>,
    #[command(flatten)]
    pub(super) replay: ReplayArgs,
    #[command(flatten)]
    pub(super) state: StateFolder,
    /// Load the rules, check everything, find the events, and stop there
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) look: Look,
}

/// What becomes of the findings of a replay, beside being printed.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Hand the findings of a replay to the configured sinks, too
    #[arg(long, requires = "events")]
    pub(super) deliver: bool,
    /// Print what rules under observation find in a replay, too
    #[arg(long, requires = "events")]
    pub(super) observed: bool,
}

/// Where the ledger lives.
#[derive(Clone, Debug, Args)]
pub(super) struct StateFolder {
    /// Where the ledger lives [default: the configuration's, or ~/.local/state/orgwatch; a replay uses one only where it is named]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_STATE_DIR")]
    pub(super) state_dir: Option<PathBuf>,
}

/// Which ledger is read, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    #[command(flatten)]
    pub(super) state: LedgerPlace,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    pub(super) output: Option<Output>,
}

/// Where a ledger is found.
#[derive(Debug, Args)]
pub(super) struct LedgerPlace {
    #[command(flatten)]
    pub(super) folder: StateFolder,
    /// The configuration [default: ./orgwatch.toml when it exists]
    #[arg(short, long, value_name = "FILE", env = "ORGWATCH_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum FindingsCommand {
    /// List findings, the latest last
    List(FindingsListArgs),
    /// Show one finding, and what became of it at each sink
    Show {
        /// Its id, or how it begins
        id: String,
        #[command(flatten)]
        read: ReadArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct FindingsListArgs {
    /// Only of this rule
    #[arg(long, value_name = "ID")]
    pub(super) rule: Option<String>,
    /// Only of this severity or above
    #[arg(long, value_name = "SEVERITY")]
    pub(super) severity: Option<Severity>,
    /// Only what was found from this time on: RFC 3339, or a span back from now such as 24h or 7d
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<Time>,
    /// Those that tuning keeps from every sink, with the reason
    #[arg(long, conflicts_with = "grouped")]
    pub(super) suppressed: bool,
    /// Those that were held at a sink for a summary
    #[arg(long)]
    pub(super) grouped: bool,
    /// The latest so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum ExceptionsCommand {
    /// List the exceptions with their owners and reasons, until when they last, and how many findings they have kept back
    List(ReadArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum GapsCommand {
    /// List what could not be judged
    List {
        /// Closed gaps, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Have gaps tried again
    Retry {
        /// Their numbers in `gaps list`
        numbers: Vec<i64>,
        /// All that are open
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
        #[command(flatten)]
        state: LedgerPlace,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// List deliveries that were given up
    List {
        /// Only of this sink
        #[arg(long, value_name = "NAME")]
        sink: Option<String>,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Have dead letters sent again
    Retry {
        /// Those of this sink
        #[arg(long, value_name = "NAME")]
        sink: Option<String>,
        /// Those of all sinks
        #[arg(long, conflicts_with = "sink")]
        all: bool,
        #[command(flatten)]
        state: LedgerPlace,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SinksCommand {
    /// Send a finding that says it is a test
    Test {
        /// The sinks [default: all]
        sinks: Vec<String>,
        /// The configuration [default: ./orgwatch.toml when it exists]
        #[arg(short, long, value_name = "FILE", env = "ORGWATCH_CONFIG")]
        config: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration: rules, settings, sources, sinks, routes. Needs no network
    Check(RuleSource),
    /// Show every setting with its value and where that comes from
    Show {
        /// The configuration [default: ./orgwatch.toml when it exists]
        #[arg(short, long, value_name = "FILE", env = "ORGWATCH_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

/// Where rules come from, and how they are loaded.
#[derive(Clone, Debug, Args)]
pub(super) struct RuleSource {
    /// A .wasm, a pack folder, a packed pack, a folder of those, or `oci://HOST/REPOSITORY:TAG`; repeatable [default: the configuration's]
    #[arg(short, long, value_name = "PATH", env = "ORGWATCH_RULES")]
    pub(super) rules: Vec<Places>,
    /// Load nothing but what orgwatch.lock has
    #[arg(long, env = "ORGWATCH_LOCKED", value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) locked: bool,
    /// The configuration [default: ./orgwatch.toml when it exists]
    #[arg(short, long, value_name = "FILE", env = "ORGWATCH_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Where compiled rules are kept [default: ~/.cache/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_CACHE_DIR")]
    pub(super) cache_dir: Option<PathBuf>,
}

/// How things are shown.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// What is logged, by rules too, from this level on [default: warn in a replay, else the configuration's]
    #[arg(long, value_name = "LEVEL", env = "ORGWATCH_LOG_LEVEL")]
    pub(super) log_level: Option<LogLevel>,
    /// The form of the logs [default: the configuration's]
    #[arg(long, value_name = "FORMAT", env = "ORGWATCH_LOG_FORMAT")]
    pub(super) log_format: Option<LogFormat>,
}

#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// A pack folder, or a folder of those
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RulesArgs {
    #[command(flatten)]
    pub(super) list: ListArgs,
    #[command(subcommand)]
    pub(super) command: Option<RulesCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RulesCommand {
    /// List the rules that would run: the same as no word at all
    List(ListArgs),
    /// Write a page in Markdown for each rule, and an index
    Docs(DocsArgs),
    /// Show which ATT&CK techniques and which controls the rules that would run cover
    Coverage(CoverageArgs),
}

#[derive(Debug, Args)]
pub(super) struct DocsArgs {
    #[command(flatten)]
    pub(super) source: RuleSource,
    /// The folder that the pages are written to; pages of rules that are gone are removed
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct CoverageArgs {
    #[command(flatten)]
    pub(super) source: RuleSource,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT")]
    pub(super) output: Option<CoverageForm>,
}

/// The form of a coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CoverageForm {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// A layer for the ATT&CK Navigator
    Navigator,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) source: RuleSource,
    /// The form of the list [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    pub(super) output: Option<Output>,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// The component
    pub(super) file: PathBuf,
    /// The form of what is shown [default: text on a terminal, json when piped]
    #[arg(short, long, value_name = "FORMAT", env = "ORGWATCH_OUTPUT")]
    pub(super) output: Option<Output>,
}

/// The form of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Text,
    /// One JSON object a line
    Json,
    /// One OCSF Detection Finding a line
    Ocsf,
    /// One finding in the format of AWS Security Hub a line
    Asff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// An instant, absolute or back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Timestamp);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse() {
            return Ok(Self(time));
        }
        let span: Span = text
            .parse()
            .map_err(|_| "give a time such as 2026-11-01T00:00:00Z, or a span such as 24h or 7d".to_owned())?;
        let now = Timestamp::now().to_zoned(TimeZone::UTC);
        let time = now.checked_sub(span.abs()).map_err(|_| "the span goes back beyond the calendar".to_owned())?;
        Ok(Self(time.timestamp()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_time_is_absolute_or_a_span_back_from_now() {
        assert_eq!("2026-11-01T00:00:00Z".parse::<Time>().unwrap().0.to_string(), "2026-11-01T00:00:00Z");
        let day = Timestamp::now().as_second() - "24h".parse::<Time>().unwrap().0.as_second();
        assert!((86_399..=86_401).contains(&day), "{day}");
        let week = Timestamp::now().as_second() - "7d".parse::<Time>().unwrap().0.as_second();
        assert!((604_799..=604_801).contains(&week), "{week}");
        assert!("yesterday".parse::<Time>().is_err());
    }
}
