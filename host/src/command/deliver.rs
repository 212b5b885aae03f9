//! A replay that keeps what it finds in a ledger, and hands it to the sinks where that is asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Failure;
use super::args::RunArgs;
use super::live::{check, check_trust, failed};
use crate::config::Config;
use crate::health::Health;
use crate::intake::{Ack, Intake};
use crate::judge::{Judge, Verdicts};
use crate::ledger::{Ledger, Room};
use crate::route::Router;
use crate::sink::{Queue, SinkConfig, Stop};
use crate::source::InletError;
use crate::telemetry::Metrics;

/// The source that stands in the ledger for what a replay found.
const SOURCE: &str = "replay";

/// How long the sinks may take nothing, at least and at most, before a replay gives up waiting for them. Between the two it is twice the longest
/// wait between two tries: somebody who has them follow quickly hears quickly.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_mins(2));

/// Where a replay keeps what it finds.
pub(super) struct Keeping {
    runtime: Runtime,
    intake: Arc<Intake>,
    queues: JoinSet<()>,
    /// The names of the sinks that are delivered to.
    sinks: Vec<String>,
    /// How long they may take nothing.
    patience: Duration,
    stop: watch::Sender<Stop>,
    /// The ledger's folder, where nobody named one.
    _temporary: Option<TempDir>,
}

impl Keeping {
    /// Opens the ledger, and starts the sinks where the arguments ask to deliver.
    pub(super) fn start(arguments: &RunArgs, judge: Judge) -> Result<Self, Failure> {
        let mut config = Config::read(arguments.source.config.as_deref()).map_err(Failure::usage)?;
        if arguments.replay.deliver {
            check_trust(config.trust.as_ref(), &config)?;
        }
        // What goes to standard output, the replay writes itself.
        config.sink.retain(|sink| !matches!(sink, SinkConfig::Stdout(_)));
        if arguments.replay.deliver && config.sink.is_empty() {
            return Err(Failure::usage(
                "--deliver, but no sink is configured\nhint: add a [[sink]] to the configuration",
            ));
        }
        let temporary = match &arguments.state.state_dir {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(Failure::input_output)?),
        };
        let folder =
            arguments.state.state_dir.as_deref().or(temporary.as_ref().map(TempDir::path)).unwrap_or(Path::new("."));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::input_output)?;
        let room = if temporary.is_some() { Room { reserve: 0, limit: None } } else { config.state.room() };
        let ledger = Ledger::open(folder, room).map_err(Failure::input_output)?;
        let (stop, stopping) = watch::channel(Stop::No);
        let health = Arc::new(Health::default());
        let metrics = Arc::new(Metrics::default());
        let mut queues = JoinSet::new();
        let mut paths = Router::default();
        let mut names: Vec<String> = Vec::new();
        let longest = config.sink.iter().map(|sink| sink.retry().longest.0).max().unwrap_or_default();
        let patience = longest.saturating_mul(2).clamp(PATIENCE.0, PATIENCE.1);
        if arguments.replay.deliver {
            let routes = check(&mut config)?;
            names = config.sink.iter().map(|sink| sink.name().to_owned()).collect();
            let numbers = runtime.block_on(ledger.sinks(names.clone())).map_err(Failure::input_output)?;
            for (sink, &number) in config.sink.iter().zip(&numbers) {
                let built = runtime.block_on(sink.build()).map_err(|error| failed("sink", sink.name(), &error))?;
                let queue = Queue {
                    name: sink.name().to_owned(),
                    number,
                    sink: Arc::from(built),
                    retry: *sink.retry(),
                    ledger: ledger.clone(),
                    health: Arc::clone(&health),
                    metrics: Arc::clone(&metrics),
                };
                queues.spawn_on(queue.run(stopping.clone()), runtime.handle());
            }
            paths = Router::new(routes.granted_to(judge.rules()), numbers);
        }
        let intake = Arc::new(Intake::new(judge, ledger, paths, health, metrics, Ack::Ledger, 1));
        Ok(Self { runtime, intake, queues, sinks: names, patience, stop, _temporary: temporary })
    }

    /// Returns the rules.
    pub(super) fn judge(&self) -> Arc<Judge> {
        self.intake.judge()
    }

    /// Writes down what was judged.
    pub(super) fn keep(&self, verdicts: &Verdicts) -> Result<(), InletError> {
        self.runtime.block_on(self.intake.keep(SOURCE, verdicts, &self.stop.subscribe()))
    }

    /// Waits until the sinks have taken everything.
    ///
    /// # Errors
    ///
    /// Fails when a sink gave up on something, or has taken nothing for a while.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.runtime.block_on(async {
            self.intake.file_reports().await;
            // What comes later is no part of this replay: nothing is held any longer.
            self.intake.end_groups(true).await.map_err(Failure::input_output)?;
            let ledger = self.intake.ledger();
            let mut before = (u64::MAX, Instant::now());
            let dead = loop {
                let depths = ledger.queue_depths().await.map_err(Failure::input_output)?;
                let ours = || depths.iter().filter(|depth| self.sinks.contains(&depth.sink));
                let owed = ours().map(|depth| depth.owed).sum();
                if owed == 0 {
                    break ours().map(|depth| depth.dead).sum::<u64>();
                }
                if owed < before.0 {
                    before = (owed, Instant::now());
                } else if before.1.elapsed() > self.patience {
                    let message = format!("{owed} deliveries were not taken\nhint: with --state-dir they stay owed, and the service on it goes on");
                    return Err(Failure::input_output(message));
                }
                sleep(Duration::from_millis(20)).await;
            };
            self.stop.send_replace(Stop::Now);
            while self.queues.join_next().await.is_some() {}
            ledger.close().await;
            if dead > 0 {
                let message = format!("{dead} deliveries were given up\nhint: `dead-letters list` says why, where --state-dir keeps them");
                return Err(Failure::input_output(message));
            }
            Ok(())
        })
    }
}
