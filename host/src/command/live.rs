//! `run` without events: the service, live.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::args::RunArgs;
use super::found::{RulesFound, paths};
use super::run::{count, load_rules};
use super::{Failure, print, user_state};
use crate::config::{Config, StateConfig};
use crate::digest::Digest;
use crate::exit::Exit;
use crate::health::Condition;
use crate::ledger::Ledger;
use crate::pack::lock::Lock;
use crate::parallel::processors;
use crate::route::Routes;
use crate::rule::{Places, discover};
use crate::service::{Loaded, ReadySink, Rules, RunningSource, Service};
use crate::sink::SinkConfig;
use crate::source::SourceConfig;
use crate::telemetry::{Metrics, Otlp, start_log};
use crate::trust::TrustConfig;

/// Runs live until somebody says stop.
pub(super) fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    let mut config = Config::read(arguments.source.config.as_deref()).map_err(Failure::usage)?;
    let routes = check(&mut config)?;
    let format = arguments.look.log_format.unwrap_or(config.telemetry.log_format);
    let level = arguments.look.log_level.unwrap_or(config.telemetry.log_level);
    let metrics = Arc::new(Metrics::default());
    let otlp = match &config.telemetry.otlp {
        Some(endpoint) => Some(
            Otlp::start(endpoint, &metrics)
                .map_err(|error| Failure::usage(format!("[telemetry] otlp = `{endpoint}` cannot work: {error}")))?,
        ),
        None => None,
    };
    start_log(format, level, otlp.as_ref().map(Otlp::tracer));
    let jobs = arguments.jobs.map_or_else(processors, usize::from);
    let state = arguments.state.state_dir.as_deref();
    let mut found = RulesFound::find_building(&arguments.source, arguments.build, state)?;
    let rules = load_rules(&found, &arguments.source, jobs)?;
    check_trust(found.trust.as_ref(), &config)?;
    if !arguments.dry_run {
        found.remember();
    }
    let tuning = Arc::clone(&found.tuning);
    warn_of(&found);
    let first = Loaded::new(rules, found.broken(), found.redacts, &found.tables, tuning, routes);
    for (rule, reason) in &first.refused {
        tracing::error!(rule, "not loaded, and what it asks for becomes gaps: {reason}");
    }
    for rule in first.judge.rules() {
        if !first.routes.can_take(&rule.id, rule.defaults.worst()) {
            tracing::warn!(rule = rule.id, "no route takes findings of this rule to any sink");
        }
    }
    for condition in
        Condition::ALL.into_iter().filter(|condition| !first.routes.can_take(condition.id(), condition.severity()))
    {
        tracing::warn!(condition = condition.id(), "no route takes this trouble with the service to any sink");
    }
    if arguments.dry_run {
        let [sources, rules, sinks] =
            [(config.source.len(), "source"), (first.judge.rules().len(), "rule"), (config.sink.len(), "sink")]
                .map(|(number, noun)| count(number as u64, noun));
        let exit = if first.refused.is_empty() { Exit::Done } else { Exit::Rules };
        return Ok(exit.max(print(format!("{rules} would judge what {sources} would bring, for {sinks}\n"))?));
    }
    let folder = state_folder(arguments.state.state_dir.as_deref(), &config.state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::input_output(format!("failed to start the runtime: {error}")))?;
    let source = arguments.source.clone();
    let sinks: Vec<String> = config.sink.iter().map(|sink| sink.name().to_owned()).collect();
    let state = arguments.state.state_dir.clone();
    let reload = move || {
        let mut found =
            RulesFound::find_building(&source, false, state.as_deref()).map_err(|failure| failure.to_string())?;
        let rules = load_rules(&found, &source, jobs).map_err(|failure| failure.to_string())?;
        let sinks: Vec<&str> = sinks.iter().map(String::as_str).collect();
        let routes = Routes::new(&found.routes, &sinks).map_err(|error| error.to_string())?;
        if let Some(trust) = &found.trust {
            trust.check_sinks(&sinks).map_err(|error| error.to_string())?;
        }
        // A set of which a rule is missing is not taken.
        if found.broken().is_empty() && rules.iter().all(|rule| rule.judge.is_ok()) {
            found.remember();
        }
        let tuning = Arc::clone(&found.tuning);
        warn_of(&found);
        Ok(Loaded::new(rules, found.broken(), found.redacts, &found.tables, tuning, routes))
    };
    let source = arguments.source.clone();
    let configured = config.clone();
    let places = move || {
        // A configuration that cannot be read just now has changed: that is seen by its own file.
        let now = Config::read(source.config.as_deref());
        watched_places(&source.rules, now.as_ref().unwrap_or(&configured), source.config.as_deref())
    };
    let rules = Rules::new(first, reload, move || fingerprint(&places()));
    runtime.block_on(async {
        let mut sinks = Vec::with_capacity(config.sink.len());
        for sink in &config.sink {
            let built = sink.build().await.map_err(|error| failed("sink", sink.name(), &error))?;
            sinks.push(ReadySink { name: sink.name().to_owned(), retry: *sink.retry(), sink: Arc::from(built) });
        }
        let mut sources = Vec::with_capacity(config.source.len());
        for source in &config.source {
            let built = source.build().await.map_err(|error| failed("source", source.name(), &error))?;
            sources.push(RunningSource::new(source.name(), source.quiet_after(), built));
        }
        let ledger = Ledger::open(&folder, config.state.room()).map_err(Failure::input_output)?;
        let service = Service {
            ledger,
            sinks,
            sources,
            rules,
            ack: config.state.ack,
            retention: config.state.retention.0,
            workers: jobs,
            telemetry: config.telemetry,
            metrics,
        };
        service.run().await.map_err(Failure::input_output)
    })
}

/// Logs what is allowed and may not be meant.
fn warn_of(found: &RulesFound) {
    for warning in found.warnings.iter().cloned().chain(found.tuning.warnings(Timestamp::now())) {
        tracing::warn!("{}", warning.replace("\nhint: ", "; "));
    }
}

/// Puts in what runs where nothing is configured, and checks that names and routes fit together.
pub(super) fn check(config: &mut Config) -> Result<Routes, Failure> {
    if config.source.is_empty() {
        config.source.extend(SourceConfig::ambient());
    }
    if config.sink.is_empty() {
        config.sink.push(SinkConfig::standard_output());
    }
    check_names(config.source.iter().map(SourceConfig::name), "source")?;
    check_names(config.sink.iter().map(SinkConfig::name), "sink")?;
    let names: Vec<&str> = config.sink.iter().map(SinkConfig::name).collect();
    Routes::new(&config.route, &names).map_err(Failure::usage)
}

/// Checks that what publishers may reach is there.
pub(super) fn check_trust(trust: Option<&TrustConfig>, config: &Config) -> Result<(), Failure> {
    let names: Vec<&str> = config.sink.iter().map(SinkConfig::name).collect();
    trust.map_or(Ok(()), |trust| trust.check_sinks(&names)).map_err(Failure::usage)
}

/// A source or sink that its configuration does not allow.
pub(super) fn failed(noun: &str, name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format!("the {noun} `{name}` cannot work: {error}"))
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>, noun: &str) -> Result<(), Failure> {
    let mut known = BTreeSet::new();
    for name in names {
        if name.is_empty() {
            return Err(Failure::usage(format!("a {noun} has an empty name")));
        }
        if !known.insert(name) {
            return Err(Failure::usage(format!("two {noun}s are called `{name}`\nhint: give each a name of its own")));
        }
    }
    Ok(())
}

/// Returns the state directory: the argument's, the configuration's, the one that systemd gives a service, or the user's own.
pub(super) fn state_folder(argument: Option<&Path>, state: &StateConfig) -> Result<PathBuf, Failure> {
    // Commands that have no argument for it look at its variable all the same: they are about the same state.
    let variable = || std::env::var_os("ORGWATCH_STATE_DIR").filter(|name| !name.is_empty()).map(PathBuf::from);
    let named = argument.map(Path::to_owned).or_else(variable).or_else(|| state.dir.clone());
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named
        .or_else(|| absolute("STATE_DIRECTORY"))
        .or_else(user_state)
        .ok_or_else(|| Failure::usage("there is no place for the ledger\nhint: name one with --state-dir"))
}

/// Returns the files and folders whose change makes the rules and tables load again.
fn watched_places(rules: &[Places], config: &Config, file: Option<&Path>) -> Vec<PathBuf> {
    let named = rules.iter().flat_map(|places| places.0.iter());
    let configured = config.rules.iter().map(|rules| &rules.path).filter(|_| rules.is_empty());
    let mut places = paths(named.chain(configured));
    places.push(Lock::path(file));
    places.extend(config.table.iter().map(|table| table.path.clone()));
    let publishers = config.trust.iter().flat_map(|trust| &trust.publisher);
    places.extend(publishers.flat_map(|publisher| &publisher.key).map(|key| key.file.clone()));
    places.push(file.map_or_else(|| PathBuf::from(Config::DEFAULT_PATH), Path::to_owned));
    places
}

/// Returns what changes when one of the components, the tables or the configuration does: their paths, sizes and times.
fn fingerprint(places: &[PathBuf]) -> Digest {
    let mut text = String::new();
    for place in places {
        let mut files: Vec<PathBuf> = match discover(place) {
            Ok(found) if place.is_dir() => {
                let of_packs = found.packs.iter().flat_map(|pack| pack.components().unwrap_or_default());
                found.components.iter().chain(&found.packed).cloned().chain(of_packs).collect()
            }
            _ => vec![place.clone()],
        };
        files.sort();
        for file in files {
            let metadata = fs::metadata(&file).map(|metadata| (metadata.len(), metadata.modified().ok()));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} {metadata:?}", file.display());
        }
    }
    Digest::of(text)
}
