//! The loop of a queue: receive, work, delete.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::{info, warn};

use super::Sqs;
use super::handle::{Outcome, backoff};
use super::queue::{Attributes, BATCH, Received};
use crate::escape::terminal;
use crate::health::Condition;
use crate::source::answer::{Answer, Refusal};
use crate::source::{Inlet, Source, SourceError};

/// Calls that wait for messages at a time while there are few: each is paid for, every twenty seconds.
const FEW_RECEIVERS: usize = 2;

/// Calls that wait for messages at a time at most. One brings ten messages, and is busy with the way there and back for longer than it takes to
/// work on ten small ones: the calls are doubled as long as they come back half full, and few again when one comes back empty.
const RECEIVERS: usize = 32;

/// How long a message that is done waits for others to be deleted with.
const GATHER: Duration = Duration::from_millis(100);

/// How often the queue is asked how many messages it holds.
const CENSUS: Duration = Duration::from_mins(1);

/// A message that has waited for longer than this means that the source is behind: CloudTrail itself takes about five minutes.
const BEHIND: Duration = Duration::from_mins(15);

/// How often a message fails before somebody is told, when it may pass by itself.
const FAILURES: u32 = 3;

/// After so long without being seen a message that failed has gone to the dead-letter queue, or its time in the queue was over.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(40);

/// What a call for messages gave: when it was made, how many it may have brought, and the answer.
type Reception = (Timestamp, usize, Result<Vec<Received>, Answer>);

/// What is received, worked on and waiting to be deleted.
struct Work<'a> {
    receives: FuturesUnordered<BoxFuture<'a, Reception>>,
    /// How many such calls there may be just now.
    receivers: usize,
    /// Messages that the calls under way may bring.
    reserved: usize,
    handling: FuturesUnordered<BoxFuture<'a, (Received, Outcome)>>,
    /// When the messages that are worked on were sent, by their receipts.
    in_hand: BTreeMap<String, Option<Timestamp>>,
    /// Calls to the queue that nobody waits for but the end.
    telling: FuturesUnordered<BoxFuture<'a, ()>>,
    census: FuturesUnordered<BoxFuture<'a, Result<Attributes, Answer>>>,
    done: Vec<String>,
    /// When what is done is deleted at the latest.
    delete_at: Instant,
    /// Calls that failed, one after the other.
    failures: u32,
    receive_at: Instant,
    redrives: bool,
}

#[async_trait]
impl Source for Sqs {
    async fn run(&self, inlet: &Inlet) -> Result<(), SourceError> {
        let redrives = self.redrives().await?;
        let now = Instant::now();
        let mut work = Work {
            receives: FuturesUnordered::new(),
            receivers: FEW_RECEIVERS,
            reserved: 0,
            handling: FuturesUnordered::new(),
            in_hand: BTreeMap::new(),
            telling: FuturesUnordered::new(),
            census: FuturesUnordered::new(),
            done: Vec::new(),
            delete_at: now,
            failures: 0,
            receive_at: now,
            redrives,
        };
        let mut minute = interval(CENSUS);
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        loop {
            if !stopping {
                self.receive(&mut work);
            }
            if work.done.len() >= BATCH || (stopping && !work.done.is_empty()) {
                self.delete(&mut work);
            }
            if stopping && work.handling.is_empty() && work.done.is_empty() && work.telling.is_empty() {
                return Ok(());
            }
            let waiting_to_receive = !stopping && work.receives.is_empty() && work.receive_at > Instant::now();
            tokio::select! {
                () = inlet.stopped(), if !stopping => {
                    stopping = true;
                    // What these calls may still bring is not begun: it comes again when it is visible again.
                    work.receives.clear();
                }
                Some((message, outcome)) = work.handling.next() => self.settle(inlet, &mut work, message, outcome),
                Some((asked, reserved, answer)) = work.receives.next() => {
                    work.reserved -= reserved;
                    self.received(inlet, &mut work, asked, reserved, answer);
                }
                Some(()) = work.telling.next() => {}
                Some(census) = work.census.next() => self.count(inlet, &work, &census),
                _ = minute.tick() => work.census.push(Box::pin(self.queue.attributes())),
                () = sleep_until(work.delete_at), if !work.done.is_empty() => self.delete(&mut work),
                () = sleep_until(work.receive_at), if waiting_to_receive => {}
            }
        }
    }
}

impl Sqs {
    /// Tells whether the queue has a redrive policy. Where it may not be asked, it is taken to have one: nothing is deleted unread then.
    async fn redrives(&self) -> Result<bool, SourceError> {
        let url = &self.queue.url;
        match self.queue.attributes().await {
            Ok(attributes) => {
                if !attributes.redrives {
                    info!(
                        queue = url,
                        "the queue has no redrive policy: a message that cannot be read is deleted when its gap is on disk"
                    );
                }
                Ok(attributes.redrives)
            }
            Err(answer) if answer.kind == Refusal::Missing => Err(SourceError(format!(
                "failed to find the queue {url}: {}\nhint: check `queue_url` and the region",
                answer.text
            ))),
            Err(answer) => {
                let hint = answer.hint("sqs:GetQueueAttributes on the queue");
                warn!(
                    queue = url,
                    reason = terminal(&answer.text),
                    "failed to ask whether the queue has a redrive policy{hint}"
                );
                Ok(true)
            }
        }
    }

    /// Asks for as many messages as can be worked on, and not for single ones as long as more may become free at once.
    fn receive<'a>(&'a self, work: &mut Work<'a>) {
        let worth_it = (self.concurrency / 4).clamp(1, BATCH);
        loop {
            let free = self.concurrency.saturating_sub(work.in_hand.len() + work.reserved);
            if free < worth_it || work.receives.len() >= work.receivers || work.receive_at > Instant::now() {
                return;
            }
            let most = free.min(BATCH);
            work.reserved += most;
            let asked = Timestamp::now();
            work.receives.push(Box::pin(async move { (asked, most, self.queue.receive(most).await) }));
        }
    }

    fn received<'a>(
        &'a self,
        inlet: &'a Inlet,
        work: &mut Work<'a>,
        asked: Timestamp,
        most: usize,
        answer: Result<Vec<Received>, Answer>,
    ) {
        match answer {
            Ok(messages) => {
                work.failures = 0;
                if messages.is_empty() {
                    work.receivers = FEW_RECEIVERS;
                } else if messages.len() * 2 >= most {
                    work.receivers = (work.receivers * 2).min(RECEIVERS);
                }
                self.troubles.well(inlet, "receive");
                if messages.is_empty() && work.in_hand.is_empty() && self.troubles.none() {
                    inlet.caught_up(asked);
                }
                for message in messages {
                    work.in_hand.insert(message.receipt.clone(), message.sent);
                    work.handling.push(Box::pin(self.tend(inlet, message)));
                }
            }
            Err(answer) => {
                work.failures += 1;
                if answer.kind == Refusal::Throttled {
                    inlet.throttled(1);
                }
                let wait = Duration::from_secs(1 << work.failures.min(6)).min(Duration::from_mins(1));
                work.receive_at = Instant::now() + wait;
                let hint = answer
                    .hint("sqs:ReceiveMessage on the queue, and kms:Decrypt on its key where it is encrypted with one");
                let text = format!("failed to receive from {}: {}{hint}", self.queue.url, answer.text);
                if answer.needs_somebody() || work.failures >= FAILURES {
                    self.troubles.raise(inlet, "receive", text);
                } else {
                    warn!("{}", terminal(&text));
                }
            }
        }
        self.tell_oldest(inlet, work);
    }

    /// Does with a message what its outcome says.
    fn settle<'a>(&'a self, inlet: &'a Inlet, work: &mut Work<'a>, message: Received, outcome: Outcome) {
        work.in_hand.remove(&message.receipt);
        match outcome {
            Outcome::Done => {
                self.troubles.well(inlet, &message.id);
                Self::done(work, message.receipt);
            }
            Outcome::Again(_) if inlet.stopping() => self.give_back(work, message, Duration::ZERO),
            Outcome::Again(error) => {
                self.troubles.note(&message.id, Some(message.sent.unwrap_or_else(Timestamp::now)));
                if error.needs_somebody || message.count >= FAILURES {
                    self.troubles.raise(inlet, &message.id, error.text);
                } else {
                    warn!(message = message.id, received = message.count, "{}", terminal(&error.text));
                }
                let wait = backoff(message.count);
                self.give_back(work, message, wait);
            }
            Outcome::Poison if !work.redrives => Self::done(work, message.receipt),
            Outcome::Poison | Outcome::Foreign => {
                let wait = backoff(message.count);
                self.give_back(work, message, wait);
            }
        }
        self.tell_oldest(inlet, work);
    }

    fn done(work: &mut Work<'_>, receipt: String) {
        if work.done.is_empty() {
            work.delete_at = Instant::now() + GATHER;
        }
        work.done.push(receipt);
    }

    fn delete<'a>(&'a self, work: &mut Work<'a>) {
        let receipts: Vec<String> = work.done.drain(..work.done.len().min(BATCH)).collect();
        work.telling.push(Box::pin(async move {
            if let Err(reason) = self.queue.delete(receipts).await {
                warn!("{}: they come again", terminal(&reason));
            }
        }));
    }

    fn give_back<'a>(&'a self, work: &mut Work<'a>, message: Received, wait: Duration) {
        work.telling.push(Box::pin(async move {
            if let Err(answer) = self.queue.hide(&message.receipt, wait).await {
                // It becomes visible when the time is over that it was hidden for last.
                warn!(message = message.id, reason = terminal(&answer.text), "failed to give a message back");
            }
        }));
    }

    /// Takes what the queue says of itself. An empty queue has nothing that waits, whatever became of it.
    fn count(&self, inlet: &Inlet, work: &Work<'_>, census: &Result<Attributes, Answer>) {
        let empty = census.as_ref().is_ok_and(|attributes| attributes.messages == 0) && work.in_hand.is_empty();
        self.troubles.forget(inlet, if empty { SignedDuration::ZERO } else { FORGOTTEN });
        self.tell_oldest(inlet, work);
    }

    fn tell_oldest(&self, inlet: &Inlet, work: &Work<'_>) {
        let oldest = work.in_hand.values().copied().flatten().chain(self.troubles.oldest()).min();
        let age = oldest.map_or(0, |sent| Timestamp::now().duration_since(sent).as_secs());
        let age = u64::try_from(age).unwrap_or(0);
        inlet.oldest_waiting(age);
        if age > BEHIND.as_secs() {
            inlet.raise(Condition::SourceBehind, format!("a message has waited for {} minutes", age / 60));
        } else {
            inlet.well(Condition::SourceBehind);
        }
    }
}
