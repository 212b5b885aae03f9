//! `config`: is the configuration right, what does it come to, and what may stand in it.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{ConfigCommand, RuleSource};
use super::found::RulesFound;
use super::live::{check, check_trust};
use super::run::{count, load_rules};
use super::{Failure, print, tell, warn};
use crate::config::Config;
use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::exit::Exit;
use crate::health::Condition;
use crate::parallel::processors;

pub(super) fn run(command: &ConfigCommand) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Check(source) => check_all(source),
        ConfigCommand::Show { config } => {
            let file = Config::text(config.as_deref()).map_err(Failure::usage)?;
            print(show(&Config::read(config.as_deref()).map_err(Failure::usage)?, file.as_deref()))
        }
        ConfigCommand::Schema => {
            let schema = schemars::schema_for!(Config);
            print(serde_json::to_string_pretty(&schema).map_err(Failure::input_output)? + "\n")
        }
    }
}

/// Checks everything that a start would, with no more of the network than packs that are in a registry and not here yet: rules and their settings, tables, sources, sinks, secrets, routes.
fn check_all(source: &RuleSource) -> Result<Exit, Failure> {
    let mut config = Config::read(source.config.as_deref()).map_err(Failure::usage)?;
    let found = RulesFound::find(source)?;
    let mut exit = found.tell_of_broken();
    let rules = load_rules(&found, source, processors())?;
    let routes = check(&mut config)?.granted_to(&rules);
    check_trust(config.trust.as_ref(), &config)?;
    for rule in &rules {
        if let Err(fault) = &rule.judge {
            tell(&super::run::RuleFailure { rule: rule.id.clone(), reason: fault.to_string() });
            exit = Exit::Rules;
        }
        if !routes.can_take(&rule.id, rule.defaults.worst()) {
            let granted = rule.grant.as_ref().filter(|grant| grant.sinks.is_some());
            let hint = match granted {
                Some(grant) => format!("widen a route, or `sinks` of [[trust.publisher]] `{}`", grant.publisher),
                None => "widen a route, or add one without conditions".to_owned(),
            };
            let message = format!("no route takes findings of {} to any sink\nhint: {hint}", rule.id);
            tell(&*Box::<dyn std::error::Error>::from(message));
            exit = exit.max(Exit::Usage);
        }
    }
    for condition in
        Condition::ALL.into_iter().filter(|condition| !routes.can_take(condition.id(), condition.severity()))
    {
        let message = format!(
            "no route takes {} to any sink\nhint: add a [[route]] with rules = [\"orgwatch.*\"], or nobody hears of trouble with the service",
            condition.id()
        );
        tell(&*Box::<dyn std::error::Error>::from(message));
        exit = exit.max(Exit::Usage);
    }
    for warning in found.warnings.iter().cloned().chain(found.tuning.warnings(Timestamp::now())) {
        warn(&warning);
    }
    for (rule, table) in found.missing_tables() {
        warn(&format!(
            "{rule} reads the table `{table}`, which is not configured: to the rule it is empty\nhint: add a [[table]] with name = \"{table}\""
        ));
    }
    for (publisher, table) in config.trust.iter().flat_map(|trust| trust.missing_tables(&found.tables)) {
        warn(&format!(
            "[[trust.publisher]] `{publisher}` may read the table `{}`, which is not configured\nhint: add a [[table]] with that name, or take it out of `tables` there",
            terminal(table)
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::input_output)?;
    for sink in &config.sink {
        runtime.block_on(sink.build()).map_err(|error| super::live::failed("sink", sink.name(), &error))?;
    }
    for source in &config.source {
        runtime.block_on(source.build()).map_err(|error| super::live::failed("source", source.name(), &error))?;
    }
    if exit != Exit::Done {
        return Ok(exit);
    }
    let [rules, tables, sources, sinks] = [
        (rules.len(), "rule"),
        (config.table.len(), "table"),
        (config.source.len(), "source"),
        (config.sink.len(), "sink"),
    ]
    .map(|(number, noun)| count(number as u64, noun));
    print(format!("the configuration is sound: {rules}, {tables}, {sources}, {sinks}\n"))
}

/// The environment variables that win over a setting of the file. A flag wins over both, in the command that it is given to.
const VARIABLES: [(&str, &str); 3] = [
    ("state.dir", "ORGWATCH_STATE_DIR"),
    ("telemetry.log_level", "ORGWATCH_LOG_LEVEL"),
    ("telemetry.log_format", "ORGWATCH_LOG_FORMAT"),
];

/// Writes every setting on a line of its own, as a path, with where its value comes from.
fn show(config: &Config, file: Option<&str>) -> String {
    let file: Value = file.and_then(|text| toml::from_str(text).ok()).unwrap_or_else(|| json!({}));
    let config = serde_json::to_value(config).unwrap_or_default();
    let mut lines = Vec::new();
    walk(&config, Some(&file), &mut String::new(), &mut lines);
    for (setting, origin) in &mut lines {
        let path = setting.split(" = ").next().unwrap_or_default();
        if let Some((_, variable)) = VARIABLES.iter().find(|(known, _)| *known == path)
            && let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty())
        {
            *setting = format!("{path} = {}", harmless_json(&value));
            *origin = variable;
        }
    }
    let width = lines.iter().map(|(setting, _)| setting.chars().count()).max().unwrap_or_default().min(80);
    let mut text = String::new();
    for (setting, origin) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{setting:<width$}  # {origin}");
    }
    text
}

fn walk(value: &Value, file: Option<&Value>, path: &mut String, lines: &mut Vec<(String, &'static str)>) {
    let length = path.len();
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let bare = key
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '_' || character == '-');
                let dot = if path.is_empty() { "" } else { "." };
                path.push_str(dot);
                path.push_str(&if bare { key.clone() } else { harmless_json(key) });
                walk(value, file.and_then(|file| file.get(key)), path, lines);
                path.truncate(length);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, value) in items.iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(path, "[{place}]");
                walk(value, file.and_then(|file| file.get(place)), path, lines);
                path.truncate(length);
            }
        }
        value => {
            let origin = if file.is_some() { "file" } else { "default" };
            let value = if value.is_null() { "not set".to_owned() } else { harmless_json(value) };
            lines.push((format!("{path} = {value}"), origin));
        }
    }
}
