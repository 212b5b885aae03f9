//! The source `cloudtrail`: CloudTrail's event history, asked for with `LookupEvents`.
//!
//! It needs no trail and nothing set up, and has the management events of one account in some regions. The service gives two answers of 50 events a
//! second, the newest first, and learns of events up to a quarter of an hour late. So a window that overlaps the one before is asked for again and
//! again (`region.rs`); copies are known by their digest (`seen.rs`), windows are as long as can be held (`window.rs`), and calls keep to the
//! service's rate (`limiter.rs`). When it cannot keep up it says so.

mod limiter;
mod lookup;
mod region;
mod seen;
mod window;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::Region as RegionName;
use aws_config::retry::RetryConfig;
use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use self::limiter::Limiter;
use self::lookup::Lookup;
use self::region::{Failure, HISTORY, Polled, Region, seconds};
use super::answer::Refusal;
use super::trouble::Troubles;
use super::{Inlet, Source, SourceError};
use crate::aws::AwsConfig;
use crate::config::Span;
use crate::escape::terminal;
use crate::health::Condition;

/// The region where the events of AWS Organizations are, in AWS's commercial partition.
const ORGANIZATIONS_REGION: &str = "us-east-1";

/// The time between two calls: the service allows two a second for each account and region.
const CALLS: Duration = Duration::from_millis(500);

/// Polls that fail before somebody is told, when it may pass by itself.
const FAILURES: u32 = 3;

/// The configuration of a source `cloudtrail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudTrailConfig {
    /// The source's name, for messages and metrics.
    pub name: String,
    /// How AWS is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// The regions whose events are asked for. Without any, that of `aws`, else `us-east-1`, where the events of AWS Organizations are.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Only events of this service: `organizations.amazonaws.com` by default. Empty for those of all services, which a busy account may have more of
    /// than the service gives out.
    #[serde(default = "event_source")]
    pub event_source: String,
    /// How far back the first run looks: `24h` by default, `90d` at most. Later runs go on where the last one ended.
    #[serde(default = "start")]
    pub start: Span,
    /// How often events are asked for: every `30s` by default.
    #[serde(default = "every")]
    pub every: Span,
    /// How long a time is asked for again with each poll, for events that the service learns of late: `20m` by default, 5 more than it is said to need.
    #[serde(default = "overlap")]
    pub overlap: Span,
    /// The source is reported when it is so far behind: `10m` by default.
    #[serde(default = "behind_after")]
    pub behind_after: Span,
    /// A source that brings no event for so long is reported. Without it a quiet source is no news.
    #[serde(default)]
    pub quiet_after: Option<Span>,
}

fn event_source() -> String {
    "organizations.amazonaws.com".to_owned()
}

fn start() -> Span {
    Span::seconds(86_400)
}

fn every() -> Span {
    Span::seconds(30)
}

fn overlap() -> Span {
    Span::seconds(1_200)
}

fn behind_after() -> Span {
    Span::seconds(600)
}

impl Default for CloudTrailConfig {
    /// The source that runs when none is configured.
    fn default() -> Self {
        Self {
            name: "cloudtrail".to_owned(),
            aws: AwsConfig::default(),
            regions: Vec::new(),
            event_source: event_source(),
            start: start(),
            every: every(),
            overlap: overlap(),
            behind_after: behind_after(),
            quiet_after: None,
        }
    }
}

/// Brings the events of an account in some regions.
pub(super) struct CloudTrail {
    regions: Vec<tokio::sync::Mutex<Region>>,
    start: Duration,
    every: Duration,
    overlap: Duration,
    behind_after: Duration,
    troubles: Troubles,
    progress: Mutex<BTreeMap<String, Progress>>,
}

/// How one region comes along.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// When it had brought everything.
    caught_up: Option<Timestamp>,
    /// How many seconds it is behind.
    lag: u64,
    behind: bool,
}

impl CloudTrailConfig {
    pub(super) async fn build(&self) -> Result<CloudTrail, SourceError> {
        if self.every.0.is_zero() {
            return Err(SourceError("`every` is 0: events would be asked for without a pause".to_owned()));
        }
        if seconds(self.start.0) > HISTORY + 60 || seconds(self.overlap.0) > HISTORY {
            return Err(SourceError(
                "neither `start` nor `overlap` may be more than 90d: the service remembers no more".to_owned(),
            ));
        }
        let config = self.aws.load().await;
        let mut names = self.regions.clone();
        if names.is_empty() {
            names.push(self.aws.region.clone().unwrap_or_else(|| ORGANIZATIONS_REGION.to_owned()));
        }
        names.sort();
        names.dedup();
        let region = |name: String| {
            let config = aws_sdk_cloudtrail::config::Builder::from(&config)
                .region(RegionName::new(name.clone()))
                // Every call counts against the rate, so none is made behind the limiter's back.
                .retry_config(RetryConfig::disabled());
            let client = aws_sdk_cloudtrail::Client::from_conf(config.build());
            let (event_source, limiter) = (self.event_source.clone(), Limiter::new(CALLS));
            let lookup = Lookup { client, region: name, event_source, limiter, throttled: AtomicU64::new(0) };
            tokio::sync::Mutex::new(Region::new(lookup))
        };
        Ok(CloudTrail {
            regions: names.into_iter().map(region).collect(),
            start: self.start.0,
            every: self.every.0,
            overlap: self.overlap.0,
            behind_after: self.behind_after.0,
            troubles: Troubles::default(),
            progress: Mutex::default(),
        })
    }
}

#[async_trait]
impl Source for CloudTrail {
    async fn run(&self, inlet: &Inlet) -> Result<(), SourceError> {
        join_all(self.regions.iter().map(|region| self.follow(inlet, region))).await;
        Ok(())
    }
}

impl CloudTrail {
    /// Follows one region until the service stops.
    async fn follow(&self, inlet: &Inlet, region: &tokio::sync::Mutex<Region>) {
        let mut region = region.lock().await;
        let name = region.lookup.region.clone();
        let began = Instant::now();
        let mut failures = 0_u32;
        let mut throttled = 0;
        while !inlet.stopping() {
            let asked = Timestamp::now();
            let told = |polled| self.tell(inlet, &name, polled, began);
            let polled = region.poll(inlet, self.start, self.overlap, told).await;
            let mut wait = self.every;
            match polled {
                _ if inlet.stopping() => return,
                Ok(()) => {
                    failures = 0;
                    self.troubles.well(inlet, &name);
                    self.caught_up(inlet, &name, asked);
                }
                Err(failure) => {
                    failures += 1;
                    wait = self.every.max(Duration::from_secs(1 << failures.min(6)));
                    self.failed(inlet, &name, failure, failures);
                    // Time goes by while nothing comes.
                    if let Some(done) = region.done() {
                        self.tell(inlet, &name, Polled { done, outrun: false }, began);
                    }
                }
            }
            let count = region.lookup.throttled.load(Ordering::Relaxed);
            if count > throttled {
                inlet.throttled(count - throttled);
                info!(region = name, calls = count - throttled, "CloudTrail throttled calls, which were made again");
                throttled = count;
            }
            tokio::select! {
                () = inlet.stopped() => return,
                () = sleep(wait) => {}
            }
        }
    }

    fn failed(&self, inlet: &Inlet, region: &str, failure: Failure, failures: u32) {
        let (text, at_once) = match failure {
            Failure::NotTaken(reason) => {
                (format!("failed to take the events of CloudTrail in {region}: {reason}"), false)
            }
            Failure::Refused(answer) => {
                let hint = answer.hint("cloudtrail:LookupEvents on *");
                let text = format!("failed to look up events of CloudTrail in {region}: {}{hint}", answer.text);
                // Being throttled shows as being behind.
                if answer.kind == Refusal::Throttled {
                    warn!("{}", terminal(&text));
                    return;
                }
                (text, answer.needs_somebody())
            }
        };
        if at_once || failures >= FAILURES {
            self.troubles.raise(inlet, region, text);
        } else {
            warn!("{}", terminal(&text));
        }
    }

    /// Says how far behind the source is.
    fn tell(&self, inlet: &Inlet, region: &str, polled: Polled, began: Instant) {
        let lag = u64::try_from(Timestamp::now().as_second() - polled.done).unwrap_or(0);
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = all.entry(region.to_owned()).or_default();
        progress.lag = lag;
        // At first there is a past to catch up with, which is no news unless it takes long.
        let expected = progress.caught_up.is_some() || began.elapsed() > self.behind_after;
        progress.behind = expected && (polled.outrun || lag > self.behind_after.as_secs());
        if progress.behind {
            inlet.raise(
                Condition::SourceBehind,
                format!("the events of CloudTrail in {region} are {lag} s behind\nhint: narrow `event_source`, or read the trail's files with a source `sqs`"),
            );
        } else if all.values().all(|progress| !progress.behind) {
            inlet.well(Condition::SourceBehind);
        }
        inlet.oldest_waiting(all.values().map(|progress| progress.lag).max().unwrap_or(0));
    }

    fn caught_up(&self, inlet: &Inlet, region: &str, at: Timestamp) {
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = all.entry(region.to_owned()).or_default();
        progress.caught_up = Some(at);
        progress.lag = 0;
        inlet.oldest_waiting(all.values().map(|progress| progress.lag).max().unwrap_or(0));
        let times: Option<Vec<Timestamp>> = all.values().map(|progress| progress.caught_up).collect();
        if all.len() == self.regions.len()
            && let Some(at) = times.and_then(|times| times.into_iter().min())
        {
            inlet.caught_up(at);
        }
    }
}
