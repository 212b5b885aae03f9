//! `findings`, `gaps` and `dead-letters`: what stands in the ledger, and what is to be tried again. All of them work beside a running service.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use jiff::Timestamp;
use serde_json::json;

use super::args::{DeadLettersCommand, FindingsCommand, FindingsListArgs, GapsCommand, LedgerPlace, Output, ReadArgs};
use super::live::state_folder;
use super::run::count;
use super::{Failure, print};
use crate::config::Config;
use crate::encoding::{Encoding, harmless_json};
use crate::escape::terminal;
use crate::exit::Exit;
use crate::ledger::{FindingQuery, Reader, Sort, StoredFinding};

/// Where a hint leads that says what happens next.
const NEXT: &str = "the running service takes them up within seconds, or the next one when it starts";

pub(super) fn findings(command: &FindingsCommand) -> Result<Exit, Failure> {
    match command {
        FindingsCommand::List(arguments) => list_findings(arguments),
        FindingsCommand::Show { id, read } => show_finding(id, read),
    }
}

pub(super) fn gaps(command: &GapsCommand) -> Result<Exit, Failure> {
    match command {
        GapsCommand::List { all, read } => list_gaps(*all, read),
        GapsCommand::Retry { numbers, all, state } => {
            if numbers.is_empty() && !all {
                return Err(Failure::usage(
                    "no gap is named\nhint: name gaps by their numbers in `gaps list`, or say --all",
                ));
            }
            let retried = open(state)?.retry_gaps(numbers).map_err(Failure::input_output)?;
            print(format!("{} will be tried again: {NEXT}\n", count(retried as u64, "gap")))
        }
    }
}

pub(super) fn dead_letters(command: &DeadLettersCommand) -> Result<Exit, Failure> {
    match command {
        DeadLettersCommand::List { sink, read } => list_dead_letters(sink.as_deref(), read),
        DeadLettersCommand::Retry { sink, all, state } => {
            if sink.is_none() && !all {
                return Err(Failure::usage("no sink is named\nhint: name one with --sink, or say --all"));
            }
            let retried = open(state)?.retry_dead_letters(sink.as_deref(), Timestamp::now());
            let retried = retried.map_err(Failure::input_output)?;
            print(format!("{} will be sent again: {NEXT}\n", count(retried as u64, "dead letter")))
        }
    }
}

/// Opens the ledger of the state directory that the arguments and the configuration name.
pub(super) fn open(place: &LedgerPlace) -> Result<Reader, Failure> {
    let config = Config::read(place.config.as_deref()).map_err(Failure::usage)?;
    let folder = state_folder(place.folder.state_dir.as_deref(), &config.state)?;
    Reader::open(&folder).map_err(Failure::input_output)
}

pub(super) fn as_json(output: Option<Output>) -> bool {
    output.map_or(!io::stdout().is_terminal(), |output| output != Output::Text)
}

fn list_findings(arguments: &FindingsListArgs) -> Result<Exit, Failure> {
    let query = FindingQuery {
        rule: arguments.rule.clone(),
        severity: arguments.severity,
        since: arguments.since.map(|time| time.0),
        sort: match (arguments.suppressed, arguments.grouped) {
            (true, _) => Sort::Suppressed,
            (_, true) => Sort::Grouped,
            _ => Sort::Delivered,
        },
        limit: Some(arguments.limit),
    };
    let found = open(&arguments.read.state)?.findings(&query).map_err(Failure::input_output)?;
    let json = as_json(arguments.read.output);
    let mut text = String::new();
    for stored in &found {
        let finding = &stored.finding;
        match (&stored.suppressed, json) {
            (None, true) => text += &harmless_json(finding),
            (Some(reason), true) => text += &harmless_json(&json!({ "suppressed": reason, "finding": finding })),
            (reason, false) => {
                // Writing to a String cannot fail.
                let _ = write!(
                    text,
                    "{}  {:<13}  {}  {}",
                    &finding.id.to_string()[..12],
                    finding.severity,
                    terminal(finding.event.time.as_deref().unwrap_or("-")),
                    terminal(&finding.title)
                );
                if let Some(reason) = reason {
                    let _ = write!(text, "  ({})", terminal(reason));
                }
            }
        }
        text.push('\n');
    }
    print(text)
}

fn show_finding(id: &str, read: &ReadArgs) -> Result<Exit, Failure> {
    if id.is_empty() || !id.chars().all(|character| character.is_ascii_hexdigit()) {
        return Err(Failure::usage(
            "an id is made of the digits 0 to 9 and a to f\nhint: `findings list` shows the ids",
        ));
    }
    let mut found = open(&read.state)?.finding(id).map_err(Failure::input_output)?;
    match (found.pop(), found.pop()) {
        (Some(stored), None) => print(show(&stored, as_json(read.output))),
        (None, _) => Err(Failure::usage(format!("no finding has an id that begins with {id}"))),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("several findings have ids that begin with {id}\nhint: say more of it")))
        }
    }
}

fn show(stored: &StoredFinding, json: bool) -> Vec<u8> {
    if json {
        let deliveries: serde_json::Map<String, serde_json::Value> =
            stored.deliveries.iter().map(|(sink, became)| (sink.clone(), became.as_str().into())).collect();
        let value = json!({
            "finding": stored.finding,
            "revision": stored.revision,
            "filed": stored.filed.to_string(),
            "updated": stored.updated.to_string(),
            "late": stored.late,
            "suppressed": stored.suppressed,
            "deliveries": deliveries,
        });
        return (harmless_json(&value) + "\n").into_bytes();
    }
    let mut text = Vec::new();
    Encoding::Text { color: false }.encode(&stored.finding, &mut text);
    let mut more = format!("          filed {}, revision {} of {}\n", stored.filed, stored.revision, stored.updated);
    if stored.late {
        more.push_str("          late: rules that look back had judged this time for good when its event came\n");
    }
    if let Some(reason) = &stored.suppressed {
        let _ = writeln!(more, "          delivered to nobody: {}", terminal(reason));
    }
    for (sink, became) in &stored.deliveries {
        let _ = writeln!(more, "          {}: {}", terminal(sink), terminal(became));
    }
    text.extend(more.into_bytes());
    text
}

fn list_gaps(all: bool, read: &ReadArgs) -> Result<Exit, Failure> {
    let gaps = open(&read.state)?.gaps(all).map_err(Failure::input_output)?;
    let json = as_json(read.output);
    let mut text = String::new();
    for gap in gaps {
        if json {
            let value = json!({
                "number": gap.number,
                "source": gap.source,
                "input": gap.input,
                "record": gap.record,
                "rule": gap.rule,
                "cause": gap.cause,
                "opened": gap.opened.to_string(),
                "retry": gap.retry,
                "closed": gap.closed.map(|closed| closed.to_string()),
            });
            text += &harmless_json(&value);
            text.push('\n');
        } else {
            let state = match (gap.closed, gap.retry) {
                (Some(_), _) => "closed",
                (None, true) => "to be tried again",
                (None, false) => "open",
            };
            let place = format!("{}, record {}", gap.input, gap.record);
            let _ = writeln!(text, "{:>6}  {state}  {}: {}", gap.number, terminal(&place), terminal(&gap.cause));
        }
    }
    print(text)
}

fn list_dead_letters(sink: Option<&str>, read: &ReadArgs) -> Result<Exit, Failure> {
    let letters = open(&read.state)?.dead_letters(sink).map_err(Failure::input_output)?;
    let json = as_json(read.output);
    let mut text = String::new();
    for letter in letters {
        if json {
            let value = json!({
                "sink": letter.sink,
                "reason": letter.reason,
                "attempts": letter.attempts,
                "since": letter.since.to_string(),
                "finding": letter.finding,
            });
            text += &harmless_json(&value);
            text.push('\n');
        } else {
            let id = &letter.finding.id.to_string()[..12];
            let tries = count(letter.attempts.into(), "try");
            let _ = writeln!(
                text,
                "{id}  {}  {tries}: {}  ({})",
                terminal(&letter.sink),
                terminal(&letter.reason),
                terminal(&letter.finding.title)
            );
        }
    }
    print(text)
}
