//! One source at work: run again when it fails, with what is wrong told.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::watch::WatchedSource;
use crate::config::Span;
use crate::health::Condition;
use crate::intake::Intake;
use crate::sink::Stop;
use crate::source::{Inlet, Progress, Source, SourceError};

/// The first wait before a source that failed is run again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A source that runs for so long without failing is well again.
const WELL_AFTER: Duration = Duration::from_secs(90);

/// A source that is ready to be run.
pub struct Running {
    name: String,
    quiet_after: Option<Span>,
    source: Arc<dyn Source>,
    progress: Arc<Progress>,
}

impl Running {
    /// Takes a source. Where `quiet_after` is set, bringing nothing for so long is told.
    pub fn new(name: &str, quiet_after: Option<Span>, source: Box<dyn Source>) -> Self {
        Self { name: name.to_owned(), quiet_after, source: Arc::from(source), progress: Arc::default() }
    }

    /// Returns what those look at who watch the source.
    pub(super) fn watched(&self, since: Timestamp) -> WatchedSource {
        let quiet_after = self.quiet_after.map(|span| span.0);
        WatchedSource { name: self.name.clone(), quiet_after, since, progress: Arc::clone(&self.progress) }
    }

    /// Runs the source until it ends by itself or the service stops.
    pub(super) async fn run(self, intake: Arc<Intake>, stop: watch::Receiver<Stop>) {
        let mut failures: u32 = 0;
        loop {
            let inlet = Inlet::new(&self.name, Arc::clone(&intake), Arc::clone(&self.progress), stop.clone());
            let source = Arc::clone(&self.source);
            // A task of its own: a source that panics must not take the service with it.
            let mut running = tokio::spawn(async move { source.run(&inlet).await });
            let ended = loop {
                tokio::select! {
                    ended = &mut running => break ended,
                    () = sleep(WELL_AFTER), if failures > 0 => {
                        failures = 0;
                        intake.health().well(Condition::SourceStuck, &self.name, Timestamp::now());
                    }
                }
            };
            let error = match ended {
                Ok(Ok(())) => return,
                Ok(Err(SourceError(reason))) => reason,
                Err(_) => "it panicked".to_owned(),
            };
            if *stop.borrow() != Stop::No {
                return;
            }
            intake.health().raise(Condition::SourceStuck, &self.name, &error, Timestamp::now());
            failures = failures.saturating_add(1);
            let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failures - 1)).min(LONGEST_WAIT);
            tracing::warn!(source = self.name, "failed, trying again in {} s: {error}", wait.as_secs());
            let mut stopping = stop.clone();
            tokio::select! {
                () = sleep(wait) => {}
                _ = stopping.wait_for(|stop| *stop != Stop::No) => return,
            }
        }
    }
}
