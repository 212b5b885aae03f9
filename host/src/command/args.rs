//! The arguments, which are also the help.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{Span, Timestamp, tz::TimeZone};
use orgwatch_rules_sdk::Severity;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  what --fail-on names was found
  2  a rule could not be loaded, or gaps remain
  3  wrong usage or configuration
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
    /// Build the rule packs under a path into their dist/ folders; needs cargo
    Build(BuildArgs),
    /// Show the rules
    Rules(RulesArgs),
    /// Show what a component is and may do
    Inspect(InspectArgs),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Files, folders or glob patterns of events to replay; `-` is standard input
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
    /// Load the rules and find the events, and stop there
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) look: Look,
}

/// Where rules come from, and how they are loaded.
#[derive(Debug, Args)]
pub(super) struct RuleSource {
    /// A .wasm, a pack folder, or a folder of those; repeatable [default: the configuration's]
    #[arg(short, long, value_name = "PATH", env = "ORGWATCH_RULES", value_delimiter = ':')]
    pub(super) rules: Vec<PathBuf>,
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
    /// What rules log is shown from this level on
    #[arg(long, value_name = "LEVEL", env = "ORGWATCH_LOG_LEVEL", default_value = "warn")]
    pub(super) log_level: LogLevel,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    /// Everything
    Debug,
    /// What happens
    Info,
    /// What is odd
    Warn,
    /// What is wrong
    Error,
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
