//! The service: sources, rules and sinks at work until somebody says stop.

mod reload;
mod source;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch as signal_watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

pub use self::reload::{Loaded, Rules};
pub use self::source::Running as RunningSource;
use crate::exit::Exit;
use crate::health::Health;
use crate::intake::{Ack, Intake};
use crate::ledger::{Ledger, LedgerError};
use crate::route::Router;
use crate::sink::{Queue, RetryConfig, Sink, Stop};
use crate::telemetry::{Answers, Metrics, TelemetryConfig, listen};

/// How long stopping may take: what is in hand is finished and delivered within it, and what is not stays owed in the ledger.
const DRAIN: Duration = Duration::from_secs(30);

/// A sink that is ready to be given findings.
pub struct ReadySink {
    /// Its name.
    pub name: String,
    /// When deliveries are tried again.
    pub retry: RetryConfig,
    /// The sink.
    pub sink: Arc<dyn Sink>,
}

/// What a service is made of, checked.
pub struct Service {
    /// The ledger.
    pub ledger: Ledger,
    /// The sinks.
    pub sinks: Vec<ReadySink>,
    /// The sources.
    pub sources: Vec<RunningSource>,
    /// The rules with their tuning and the routes over the sinks in their order, and how to load all of this again.
    pub rules: Rules,
    /// When a batch is acknowledged.
    pub ack: Ack,
    /// How long things are kept.
    pub retention: Duration,
    /// How many batches are judged at a time.
    pub workers: usize,
    /// What can be seen from outside.
    pub telemetry: TelemetryConfig,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Why a service cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The ledger failed for good.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The address for health and metrics cannot be listened on.
    #[error("failed to listen on {address}\nhint: set [telemetry] listen to a free address, or enabled = false")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The system does not let the program hear its signals.
    #[error("failed to listen for signals")]
    Signals(#[source] std::io::Error),
}

impl Service {
    /// Runs until it is told to stop with SIGTERM or SIGINT, and finishes what is in hand within a bound. A second signal ends it at once.
    ///
    /// # Errors
    ///
    /// Fails when it cannot start, and when the ledger fails in a way that does not pass.
    pub async fn run(self) -> Result<Exit, ServiceError> {
        let health = Arc::new(Health::default());
        let metrics = self.metrics;
        let names = self.sinks.iter().map(|sink| sink.name.clone()).collect();
        let numbers = self.ledger.sinks(names).await?;
        for (sink, number) in self.ledger.give_up_others(numbers.clone()).await? {
            tracing::warn!(sink, number, "the sink is no longer configured: what it was owed are dead letters now");
        }
        let loaded = self.rules.start();
        let exit = if loaded.refused.is_empty() { Exit::Done } else { Exit::Rules };
        let router = Router::new(loaded.routes, numbers.clone());
        let intake = Arc::new(Intake::new(
            loaded.judge,
            self.ledger.clone(),
            router,
            Arc::clone(&health),
            Arc::clone(&metrics),
            self.ack,
            self.workers,
        ));
        reload::activate(&intake, &loaded.activation).await?;
        reload::tell_of_missing(&intake, &loaded.refused, Timestamp::now());
        let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Signals)?;
        let (stop_sources, sources_stop) = signal_watch::channel(Stop::No);
        let (stop_sinks, sinks_stop) = signal_watch::channel(Stop::No);

        let mut queues = JoinSet::new();
        for (sink, number) in self.sinks.iter().zip(&numbers) {
            let queue = Queue {
                name: sink.name.clone(),
                number: *number,
                sink: Arc::clone(&sink.sink),
                retry: sink.retry,
                ledger: self.ledger.clone(),
                health: Arc::clone(&health),
                metrics: Arc::clone(&metrics),
            };
            queues.spawn(queue.run(sinks_stop.clone()));
        }
        let mut sources = JoinSet::new();
        let progress: Vec<watch::WatchedSource> =
            self.sources.iter().map(|source| source.watched(Timestamp::now())).collect();
        for source in self.sources {
            sources.spawn(source.run(Arc::clone(&intake), sources_stop.clone()));
        }
        let mut chores = JoinSet::new();
        chores.spawn(watch::reports(Arc::clone(&intake)));
        chores.spawn(watch::gauges(Arc::clone(&intake), progress.clone()));
        chores.spawn(watch::settling(Arc::clone(&intake), progress, sources_stop.clone()));
        chores.spawn(watch::gaps(Arc::clone(&intake), sources_stop.clone()));
        chores.spawn(watch::groups(Arc::clone(&intake)));
        chores.spawn(watch::retention(self.ledger.clone(), self.retention));
        chores.spawn(watch::heartbeats(Arc::clone(&intake), self.sinks));
        chores.spawn(reload::watch(Arc::clone(&intake), self.rules, numbers));
        if self.telemetry.enabled {
            let address = self.telemetry.listen;
            let answers = Answers { intake: Arc::clone(&intake) };
            let bound = listen(address, answers).await.map_err(|source| ServiceError::Listen { address, source })?;
            tracing::info!(address = %bound, "answering /healthz, /readyz and /metrics");
        }
        tracing::info!(rules = intake.judge().rules().len(), sources = sources.len(), sinks = queues.len(), "started");

        let mut broken = intake.broken();
        let failed = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            error = broken.wait_for(Option::is_some) => error.ok().and_then(|error| error.clone()),
            () = all_done(&mut sources) => None,
        };
        tracing::info!("stopping");
        let deadline = Instant::now() + DRAIN;
        stop_sources.send_replace(Stop::Drain);
        let finish = async {
            let _ = timeout_at(deadline, all_done(&mut sources)).await;
            intake.file_reports().await;
            stop_sinks.send_replace(Stop::Drain);
            let _ = timeout_at(deadline, all_done(&mut queues)).await;
        };
        tokio::select! {
            () = finish => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop_sources.send_replace(Stop::Now);
        stop_sinks.send_replace(Stop::Now);
        chores.shutdown().await;
        sources.shutdown().await;
        queues.shutdown().await;
        intake.ledger().close().await;
        tracing::info!("stopped");
        failed.map_or(Ok(exit), |error| Err(error.into()))
    }
}

/// Returns when all tasks have ended.
async fn all_done(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
