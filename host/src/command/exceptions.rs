//! `exceptions`: what the configuration excepts, until when, and how often that held.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{ExceptionsCommand, ReadArgs};
use super::ledger::{as_json, open};
use super::run::count;
use super::{Failure, print};
use crate::config::Config;
use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::ledger::ExceptionCount;
use crate::table::Tables;
use crate::tuning::{Exception, Tuning};

pub(super) fn run(command: &ExceptionsCommand) -> Result<Exit, Failure> {
    match command {
        ExceptionsCommand::List(read) => list(read),
    }
}

/// Lists the exceptions in the order of the configuration, then those that held once and are no longer configured.
fn list(read: &ReadArgs) -> Result<Exit, Failure> {
    let config = Config::read(read.state.config.as_deref()).map_err(Failure::usage)?;
    let tuning = Tuning::new(&config, &[], &Tables::default()).map_err(Failure::usage)?;
    let mut counts = open(&read.state)?.exception_counts().map_err(Failure::input_output)?;
    let json = as_json(read.output);
    let now = Timestamp::now();
    let mut text = String::new();
    for exception in tuning.exceptions() {
        let known = counts.iter().position(|count| count.exception == exception.id());
        let counted = known.map(|place| counts.remove(place));
        let show = if json { as_value } else { line };
        text += &show(exception, counted.as_ref(), now);
        text.push('\n');
    }
    for counted in counts {
        if json {
            let latest = counted.latest.to_string();
            let value =
                json!({ "id": counted.exception, "configured": false, "findings": counted.findings, "latest": latest });
            text += &harmless_json(&value);
        } else {
            let _ = write!(text, "{}  no longer configured  {}", counted.exception, held(Some(&counted)));
        }
        text.push('\n');
    }
    print(text)
}

fn as_value(exception: &Exception, counted: Option<&ExceptionCount>, now: Timestamp) -> String {
    harmless_json(&json!({
        "id": exception.id(),
        "configured": true,
        "rule": exception.rules().as_str(),
        "owner": exception.owner(),
        "reason": exception.reason(),
        "expires": exception.expires().as_str(),
        "expired": exception.is_over(now),
        "when": serde_json::from_str::<Value>(exception.when()).unwrap_or_default(),
        "findings": counted.map_or(0, |counted| counted.findings),
        "latest": counted.map(|counted| counted.latest.to_string()),
    }))
}

fn line(exception: &Exception, counted: Option<&ExceptionCount>, now: Timestamp) -> String {
    let state = if exception.is_over(now) { "expired on" } else { "until" };
    format!(
        "{}  {state} {}  {}  {}: {} ({})",
        exception.id(),
        exception.expires().as_str(),
        held(counted),
        terminal(exception.rules().as_str()),
        terminal(exception.reason()),
        terminal(exception.owner())
    )
}

fn held(counted: Option<&ExceptionCount>) -> String {
    match counted {
        None => "never held".to_owned(),
        Some(counted) => format!("held for {}, last at {}", count(counted.findings, "finding"), counted.latest),
    }
}
