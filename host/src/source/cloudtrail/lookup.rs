//! The calls to `LookupEvents`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use serde_json::json;
use tokio::time::sleep;
use tracing::debug;

use super::limiter::Limiter;
use super::window::{Planner, Window};
use crate::source::Inlet;
use crate::source::answer::{Answer, Refusal};

/// Events that one window may hold: 40 pages, which take 20 seconds.
pub(super) const TOO_MANY: usize = 2_000;

/// How often a throttled call is made again before the whole window is put off.
const THROTTLED: u32 = 8;

/// The client of one region.
pub(super) struct Lookup {
    pub(super) client: Client,
    pub(super) region: String,
    /// Only events of this service; of all when it is empty.
    pub(super) event_source: String,
    pub(super) limiter: Limiter,
    /// Calls that were throttled so far.
    pub(super) throttled: AtomicU64,
}

/// An event as the service gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) time: i64,
    /// The record.
    pub(super) text: String,
}

/// The events of a window.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Collected {
    /// All of them, oldest first.
    All(Vec<Found>),
    /// More than are held at a time.
    TooMany,
}

impl Lookup {
    /// Asks for everything in a window.
    pub(super) async fn window(&self, inlet: &Inlet, window: Window) -> Result<Collected, Answer> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        let mut again = true;
        loop {
            match self.page(inlet, window, token.clone()).await {
                Ok((events, next)) => {
                    found.extend(events);
                    if next.is_none() {
                        found.reverse();
                        return Ok(Collected::All(found));
                    }
                    if found.len() >= TOO_MANY && Planner::divisible(window) {
                        return Ok(Collected::TooMany);
                    }
                    token = next;
                }
                // The place in the answer is no longer known: from the beginning, once.
                Err(answer) if answer.kind == Refusal::NextToken && token.is_some() && again => {
                    again = false;
                    token = None;
                    found.clear();
                }
                Err(answer) => return Err(answer),
            }
        }
    }

    /// Asks for one page, and again as long as the service says that it was asked too often.
    async fn page(
        &self,
        inlet: &Inlet,
        window: Window,
        token: Option<String>,
    ) -> Result<(Vec<Found>, Option<String>), Answer> {
        let mut attempt = 0;
        loop {
            self.limiter.turn().await;
            let answer = match self.ask(window, token.clone()).await {
                Ok(page) => return Ok(page),
                Err(answer) => answer,
            };
            if answer.kind != Refusal::Throttled || attempt >= THROTTLED || inlet.stopping() {
                return Err(answer);
            }
            self.throttled.fetch_add(1, Ordering::Relaxed);
            let wait = Duration::from_millis(500 << attempt.min(5)).mul_f64(0.5 + fastrand::f64() / 2.0);
            debug!(region = self.region, ?wait, "throttled");
            tokio::select! {
                () = sleep(wait) => {}
                () = inlet.stopped() => return Err(answer),
            }
            attempt += 1;
        }
    }

    /// All pages of an answer are asked for with the same parameters: the service takes its token with no others.
    async fn ask(&self, window: Window, token: Option<String>) -> Result<(Vec<Found>, Option<String>), Answer> {
        let mut call = self.client.lookup_events().start_time(DateTime::from_secs(window.from)).max_results(50);
        call = call.end_time(DateTime::from_secs(window.to)).set_next_token(token);
        if !self.event_source.is_empty() {
            let attribute = LookupAttribute::builder().attribute_key(LookupAttributeKey::EventSource);
            // Both of its fields are set, which is all that it can lack.
            call = call
                .set_lookup_attributes(attribute.attribute_value(&self.event_source).build().ok().map(|one| vec![one]));
        }
        let answer = call.send().await.map_err(|error| Answer::of(&error))?;
        let token = answer.next_token.filter(|token| !token.is_empty());
        Ok((answer.events.unwrap_or_default().into_iter().map(found).collect(), token))
    }
}

fn found(event: Event) -> Found {
    let time = event.event_time.map_or(0, |time| time.secs());
    let text = event.cloud_trail_event.unwrap_or_else(|| {
        // Without its record it becomes a gap, with what there is to know of it.
        json!({ "EventId": event.event_id, "EventName": event.event_name, "Username": event.username }).to_string()
    });
    Found { time, text }
}
