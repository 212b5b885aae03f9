//! `run`: judging events.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orgwatch_rules_sdk::Severity;

use super::args::{Form, RuleSource, RunArgs};
use super::deliver::Keeping;
use super::found::RulesFound;
use super::inputs::Inputs;
use super::{Failure, compiler, live, print, tell, warn};
use crate::encoding::Encoding;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::judge::{Judge, Verdicts};
use crate::parallel::processors;
use crate::replay::{Keep, Queue, Replay, ReplayError, TimeRange, Totals};
use crate::rule::{Rule, load};
use crate::sandbox::{self, Engine};
use crate::telemetry::LogLevel;

/// A rule that does not run, told and not fatal.
#[derive(Debug, thiserror::Error)]
#[error("the rule {} is not loaded: {}", terminal(rule), terminal(reason))]
pub(super) struct RuleFailure {
    pub(super) rule: String,
    pub(super) reason: String,
}

pub(super) fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    if arguments.events.is_empty() {
        return live::run(arguments);
    }
    if let (Some(since), Some(until)) = (arguments.since, arguments.until)
        && since.0 >= until.0
    {
        return Err(Failure::usage(format!("no event lies between --since ({}) and --until ({})", since.0, until.0)));
    }
    let state = arguments.state.state_dir.as_deref();
    let mut found = RulesFound::find_building(&arguments.source, arguments.build, state)?;
    let jobs = arguments.jobs.map_or_else(processors, usize::from);
    let rules = load_rules(&found, &arguments.source, jobs)?;
    if !arguments.dry_run {
        found.remember();
    }
    for warning in &found.warnings {
        warn(warning);
    }
    let mut exit = found.tell_of_broken();
    for rule in &rules {
        if let Err(fault) = &rule.judge {
            tell(&RuleFailure { rule: rule.id.clone(), reason: fault.to_string() });
            exit = Exit::Rules;
        }
    }
    let range = TimeRange { since: arguments.since.map(|time| time.0), until: arguments.until.map(|time| time.0) };
    let mut inputs = Inputs::find(&arguments.events, range)?;
    let listed = arguments.dry_run.then(|| inputs.list().len());
    if inputs.any_failed {
        exit = exit.max(Exit::InputOutput);
    }
    if let Some(listed) = listed {
        let [rules, inputs] = [(rules.len(), "rule"), (listed, "input")].map(|(n, noun)| count(n as u64, noun));
        return Ok(exit.max(print(format!("{rules} would judge {inputs}\n"))?));
    }
    let judge = Judge::new(rules).redacting(found.redacts).tuned(Arc::clone(&found.tuning));
    let keeping = arguments.replay.deliver || arguments.state.state_dir.is_some();
    let totals = if keeping {
        let keeping = Keeping::start(arguments, judge)?;
        let keep = |verdicts: &Verdicts| keeping.keep(verdicts);
        let totals = replay(&keeping.judge(), &inputs, range, arguments, jobs, Some(&keep))?;
        keeping.finish()?;
        totals
    } else {
        replay(&judge, &inputs, range, arguments, jobs, None)?
    };
    if totals.failed_inputs > 0 {
        exit = exit.max(Exit::InputOutput);
    }
    if totals.gaps > 0 {
        exit = exit.max(Exit::Rules);
    }
    if arguments.fail_on.is_some_and(|severity| totals.at_least(severity) > 0) {
        exit = exit.max(Exit::Failed);
    }
    Ok(exit)
}

pub(super) fn load_rules(found: &RulesFound, source: &RuleSource, jobs: usize) -> Result<Vec<Rule>, Failure> {
    let concurrency = u32::try_from(jobs).unwrap_or(u32::MAX);
    let engine = Engine::for_evaluation(concurrency, found.limits.clone())
        .map_err(|error| Failure::input_output(format!("failed to start the WebAssembly engine: {error:#}")))?;
    let compiler = compiler(source.cache_dir.as_deref(), &found.limits)?;
    Ok(load(&found.files, &found.instances, &compiler, &engine, &found.tables, jobs))
}

fn replay(
    judge: &Judge,
    inputs: &Inputs,
    range: TimeRange,
    arguments: &RunArgs,
    jobs: usize,
    keep: Option<&Keep<'_>>,
) -> Result<Totals, Failure> {
    let started = Instant::now();
    let stdout = io::stdout();
    let encoding = match arguments.output {
        Some(Form::Json) => Encoding::Json,
        Some(Form::Ocsf) => Encoding::Ocsf,
        Some(Form::Asff) => Encoding::Asff,
        None if !stdout.is_terminal() => Encoding::Json,
        Some(Form::Text) | None => Encoding::Text { color: arguments.look.color.wanted(&stdout) },
    };
    let bar = progress_bar(inputs);
    let log_level = arguments.look.log_level.unwrap_or(LogLevel::Warn).into();
    let observed = arguments.replay.observed;
    let inputs = Queue::new(inputs.walk());
    let replay = Replay { judge, inputs, range, jobs, encoding, observed, log_level, keep };
    let output = Beside { bar: &bar, to: BufWriter::with_capacity(1 << 16, stdout) };
    let messages = Beside { bar: &bar, to: io::stderr() };
    let totals = replay.run(output, messages, |bytes| bar.inc(bytes)).map_err(|error| match error {
        ReplayError::Output(error) => Failure::output(error),
        error @ (ReplayError::Keep(_) | ReplayError::State(_)) => Failure::input_output(error),
    })?;
    bar.finish_and_clear();
    let summary = Summary {
        totals,
        rules: judge.rules().iter().filter(|rule| rule.judge.is_ok()).count(),
        took: started.elapsed(),
    };
    // A summary that cannot be written has nobody to be told to.
    let _ = writeln!(io::stderr(), "{summary}");
    Ok(summary.totals)
}

/// A bar over the bytes of the inputs, on a terminal only.
fn progress_bar(inputs: &Inputs) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // Somebody looks on: the way to the end is worth a walk of its own.
    let total: Option<u64> = inputs.walk().flatten().map(|input| input.size()).sum();
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
    let template = "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} to go";
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A stream that is written to while the progress bar is shown.
struct Beside<'a, W> {
    bar: &'a ProgressBar,
    to: W,
}

impl<W: Write> Write for Beside<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bar.is_hidden() { self.to.write(bytes) } else { self.bar.suspend(|| self.to.write(bytes)) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The last line on stderr: what was done and what came of it.
struct Summary {
    totals: Totals,
    rules: usize,
    took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { inputs, records, outside, skipped, asked, evaluations, findings, gaps, .. } = self.totals;
        for (exception, number) in &self.totals.excepted {
            writeln!(formatter, "kept back: {} by {}", count(*number, "finding"), terminal(exception))?;
        }
        for (exception, number) in &self.totals.expired {
            writeln!(
                formatter,
                "expired: {} would be kept back by {}",
                count(*number, "finding"),
                terminal(exception)
            )?;
        }
        write!(formatter, "read {} in {}", count(records, "record"), count(inputs, "input"))?;
        if outside > 0 {
            write!(formatter, " ({} outside the time range)", digits(outside))?;
        }
        if skipped > 0 {
            write!(formatter, ", skipped {} without records", count(skipped, "item"))?;
        }
        write!(formatter, "; {}", count(self.rules as u64, "rule"))?;
        write!(formatter, " judged {} of them in {}", digits(asked), count(evaluations, "evaluation"))?;
        write!(formatter, "; {}", count(findings.iter().sum(), "finding"))?;
        let by_severity: Vec<String> = Severity::ALL
            .iter()
            .zip(findings)
            .rev()
            .filter(|&(_, count)| count > 0)
            .map(|(severity, count)| format!("{} {severity}", digits(count)))
            .collect();
        if !by_severity.is_empty() {
            write!(formatter, " ({})", by_severity.join(", "))?;
        }
        if self.totals.observed > 0 {
            write!(formatter, ", {} observed", digits(self.totals.observed))?;
        }
        let excepted: u64 = self.totals.excepted.values().sum();
        if excepted > 0 {
            write!(formatter, ", {} excepted", digits(excepted))?;
        }
        write!(formatter, ", {}", count(gaps, "gap"))?;
        let seconds = self.took.as_secs_f64();
        write!(formatter, "; {seconds:.2} s")
    }
}

/// Writes a number of things: `1 rule`, `2 rules`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", digits(number), if number == 1 { "" } else { "s" })
}

/// Writes a number with commas between thousands.
pub(super) fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut out = String::new();
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl From<LogLevel> for sandbox::LogLevel {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_in_plain_words() {
        let totals = Totals {
            inputs: 1,
            records: 1_234_567,
            asked: 2,
            evaluations: 3,
            findings: [0, 1, 0, 2, 0],
            ..Totals::default()
        };
        let summary = Summary { totals, rules: 4, took: Duration::from_millis(1500) };
        let expected = "read 1,234,567 records in 1 input; 4 rules judged 2 of them in 3 evaluations; 3 findings (2 high, 1 low), 0 gaps; 1.50 s";
        assert_eq!(summary.to_string(), expected);
    }
}
