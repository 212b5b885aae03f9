//! Following one region's events.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use super::lookup::{Collected, Found, Lookup, TOO_MANY};
use super::seen::{Mark, Seen, digest};
use super::window::{Planner, Window};
use crate::causes;
use crate::source::answer::Answer;
use crate::source::{Batch, Body, Inlet};

/// How far back the service remembers: 90 days, less a minute on the way there.
pub(super) const HISTORY: i64 = 90 * 86_400 - 60;

/// Events of one batch.
const BATCH: usize = 500;

/// How often the checkpoint is written while there are no events.
const QUIET_CHECKPOINT: i64 = 60;

/// Where one region stands.
pub(super) struct Region {
    pub(super) lookup: Lookup,
    planner: Planner,
    seen: Seen,
    /// Everything up to this second was asked for and is on disk.
    done: Option<i64>,
    /// The same as the ledger knows it.
    written: Option<i64>,
}

/// What a poll came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Polled {
    /// Until when everything is on disk.
    pub(super) done: i64,
    /// Asking for a window took longer than the window is long.
    pub(super) outrun: bool,
}

/// Why a poll did not get to its end. It goes on from where it was.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service refused.
    Refused(Answer),
    /// The events could not be written down.
    NotTaken(String),
}

impl Region {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self { lookup, planner: Planner::default(), seen: Seen::default(), done: None, written: None }
    }

    /// Returns until when everything is on disk, as far as is known.
    pub(super) fn done(&self) -> Option<i64> {
        self.done
    }

    /// Asks for everything up to now, window by window. `told` hears after each how far it came.
    pub(super) async fn poll(
        &mut self,
        inlet: &Inlet,
        start: Duration,
        overlap: Duration,
        mut told: impl FnMut(Polled),
    ) -> Result<(), Failure> {
        let now = Timestamp::now().as_second();
        let mut from = self.from(inlet, now, start, overlap).await?;
        while !inlet.stopping() {
            let window = self.planner.next(from, now);
            let asked = Instant::now();
            let found = match self.lookup.window(inlet, window).await.map_err(Failure::Refused)? {
                Collected::All(found) => found,
                Collected::TooMany => {
                    self.planner.held_too_many(window);
                    continue;
                }
            };
            self.planner.held(found.len(), TOO_MANY);
            let outrun = i64::try_from(asked.elapsed().as_secs()).unwrap_or(i64::MAX) > window.seconds().max(60);
            self.take(inlet, window, found).await?;
            from = window.to;
            told(Polled { done: window.to, outrun });
            if window.to >= now {
                self.seen.forget_before(now - seconds(overlap) - 60);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns the second from which events are asked for.
    async fn from(&mut self, inlet: &Inlet, now: i64, start: Duration, overlap: Duration) -> Result<i64, Failure> {
        if self.done.is_none() {
            let checkpoint = inlet.checkpoint(&self.lookup.region).await;
            let checkpoint = checkpoint.map_err(|error| Failure::NotTaken(causes::on_one_line(&error)))?;
            self.done = checkpoint.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_second);
            self.written = self.done;
        }
        if self.done.is_some_and(|done| done > now) {
            // The clock was set back. It must not ask for a time that is still to come, and a checkpoint there would have a later start skip what
            // happens until then.
            self.done = Some(now);
            self.written = None;
        }
        let from = match self.done {
            Some(done) => done - seconds(overlap),
            None => now - seconds(start),
        };
        Ok(from.max(now - HISTORY))
    }

    /// Takes what is new in a window, oldest first, and the checkpoint with the last of it.
    async fn take(&mut self, inlet: &Inlet, window: Window, found: Vec<Found>) -> Result<(), Failure> {
        let mut new: Vec<(Mark, String)> = Vec::new();
        let mut marks = std::collections::BTreeSet::new();
        for Found { time, text } in found {
            let mark = (time, digest(&text));
            if !self.seen.contains(&mark) && marks.insert(mark) {
                new.push((mark, text));
            }
        }
        let end = self.done.map_or(window.to, |done| done.max(window.to));
        let quiet = self.written.is_some_and(|written| end - written < QUIET_CHECKPOINT);
        if !(new.is_empty() && quiet) {
            let mut chunks: Vec<&[(Mark, String)]> = new.chunks(BATCH).collect();
            if chunks.is_empty() {
                chunks.push(&[]);
            }
            let last = chunks.len() - 1;
            for (number, chunk) in chunks.into_iter().enumerate() {
                let text: String = chunk.iter().flat_map(|(_, text)| [text.as_str(), "\n"]).collect();
                let time = Timestamp::from_second(end).unwrap_or(Timestamp::MAX);
                let batch = Batch {
                    input: format!("cloudtrail://{}", self.lookup.region).into(),
                    body: Body::Bytes(Bytes::from(text)),
                    checkpoint: (number == last).then(|| (self.lookup.region.clone(), time.to_string())),
                    account: None,
                };
                inlet.take(batch).await.map_err(|error| Failure::NotTaken(causes::on_one_line(&error)))?;
                self.seen.extend(chunk.iter().map(|(mark, _)| *mark));
            }
            self.written = Some(end);
        }
        self.done = Some(end);
        Ok(())
    }
}

pub(super) fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
