//! `sinks test`: sends a finding that says it is a test, to see whether it arrives.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use serde_json::{Map, Value};

use super::args::SinksCommand;
use super::{Failure, print};
use crate::config::Config;
use crate::digest::Digest;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::finding::{EventReference, Finding, RuleReference};
use crate::sink::{Delivery, Receipt, SinkConfig};

/// The id of the rule that a test finding names. No route takes it anywhere: it goes to the sinks that are tested.
const RULE: &str = "orgwatch.test";

pub(super) fn run(command: &SinksCommand) -> Result<Exit, Failure> {
    let SinksCommand::Test { sinks, config } = command;
    let config = Config::read(config.as_deref()).map_err(Failure::usage)?;
    let known: Vec<&str> = config.sink.iter().map(SinkConfig::name).collect();
    if known.is_empty() {
        return Err(Failure::usage("no sinks are configured\nhint: add a [[sink]] to the configuration"));
    }
    if let Some(unknown) = sinks.iter().find(|name| !known.contains(&name.as_str())) {
        let message = format!("there is no sink `{unknown}`\nhint: the sinks are {}", known.join(", "));
        return Err(Failure::usage(message));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::input_output)?;
    let delivery = test_delivery(Timestamp::now());
    let mut text = String::new();
    let mut exit = Exit::Done;
    for sink in config.sink.iter().filter(|sink| sinks.is_empty() || sinks.iter().any(|name| name == sink.name())) {
        let name = terminal(sink.name());
        match runtime.block_on(send(sink, &delivery)) {
            // Writing to a String cannot fail.
            Ok(()) => _ = writeln!(text, "{name}: taken"),
            Err(reason) => {
                let _ = writeln!(text, "{name}: not taken: {}", terminal(&reason));
                exit = Exit::InputOutput;
            }
        }
    }
    Ok(exit.max(print(text)?))
}

async fn send(sink: &SinkConfig, delivery: &Delivery) -> Result<(), String> {
    let sink = sink.build().await.map_err(|error| error.to_string())?;
    match sink.send(std::slice::from_ref(delivery)).await.pop() {
        Some(Receipt::Taken) => Ok(()),
        Some(Receipt::Again { reason, .. } | Receipt::Refused { reason }) => Err(reason),
        None => Err("the sink said nothing of it".to_owned()),
    }
}

/// Makes a finding that nobody can take for a real one.
fn test_delivery(now: Timestamp) -> Delivery {
    let rule = RuleReference {
        id: RULE.to_owned(),
        component: "orgwatch".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: String::new(),
        settings: String::new(),
        pack: None,
    };
    let event = EventReference::none(Digest::of(now.to_string()), &now);
    let mut details = Map::new();
    details.insert("test".to_owned(), Value::Bool(true));
    let finding = Finding {
        id: Digest::of_parts([RULE.as_bytes(), event.digest.as_bytes().as_slice(), b"test"]),
        rule: Arc::new(rule),
        title: "Test: this is no finding, only a check that findings arrive".to_owned(),
        severity: Severity::Informational,
        key: "test".to_owned(),
        event,
        details,
        attack: Arc::default(),
        references: Arc::default(),
    };
    Delivery { finding, revision: 1, filed: now, updated: now }
}
