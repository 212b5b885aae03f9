//! What becomes of one message.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::Sqs;
use super::allowed::Verdict;
use super::message::{self, Text};
use super::queue::Received;
use crate::causes;
use crate::escape::terminal;
use crate::health::Condition;
use crate::source::object::ObjectError;
use crate::source::{Batch, Body, Inlet, Taken};

/// What is to be done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything in it is on disk: it is deleted.
    Done,
    /// It is given back to the queue, to be received again after a while.
    Again(ObjectError),
    /// Nothing in it can be read, which is on disk as a gap. It is left to the queue's redrive policy; without one it is deleted, because it
    /// would come back for ever.
    Poison,
    /// It names something that may not be read. It is left to the queue's redrive policy.
    Foreign,
}

impl Sqs {
    /// Does everything that a message asks for, and keeps it hidden from other receivers meanwhile.
    pub(super) async fn tend(&self, inlet: &Inlet, message: Received) -> (Received, Outcome) {
        let outcome = {
            let mut work = pin!(self.handle(inlet, &message));
            let mut hiding = pin!(self.keep_hidden(&message));
            tokio::select! {
                outcome = &mut work => outcome,
                never = &mut hiding => match never {},
            }
        };
        (message, outcome)
    }

    async fn keep_hidden(&self, message: &Received) -> std::convert::Infallible {
        loop {
            sleep(self.queue.visibility / 2).await;
            if let Err(answer) = self.queue.hide(&message.receipt, self.queue.visibility).await {
                // It may come a second time now, and gives nothing new then.
                warn!(message = message.id, reason = terminal(&answer.text), "failed to keep a message hidden");
            }
        }
    }

    async fn handle(&self, inlet: &Inlet, message: &Received) -> Outcome {
        let about = message::read(&message.body);
        let mut foreign = false;
        for object in &about.objects {
            let name = format!("s3://{}/{}", object.bucket, object.key);
            match self.allowed.judge(object) {
                Verdict::Skip => {
                    inlet.skipped(1);
                    debug!(object = terminal(&name), "skipped an object that holds no records");
                }
                Verdict::Foreign(why) => {
                    foreign = true;
                    let queue = self.queue.name();
                    inlet.raise(
                        Condition::ForeignObject,
                        format!("a message of the queue {queue} names {name}, which was not read: {why}"),
                    );
                }
                Verdict::Read { account } => {
                    let body = match self.objects.get(&object.bucket, &object.key).await {
                        Ok(body) => body,
                        Err(error) => return Outcome::Again(error),
                    };
                    if let Err(error) = take(inlet, name.into(), body, Some(account.to_owned())).await {
                        return Outcome::Again(error);
                    }
                }
            }
        }
        match self.take_text(inlet, message, about.text).await {
            Err(error) => Outcome::Again(error),
            Ok(true) => Outcome::Poison,
            Ok(false) if foreign => Outcome::Foreign,
            Ok(false) => Outcome::Done,
        }
    }

    /// Takes the text of a message, where there is something to it. Returns true when nothing in it could be read.
    async fn take_text(&self, inlet: &Inlet, message: &Received, text: Text) -> Result<bool, ObjectError> {
        let body = match text {
            Text::Ignore => return Ok(false),
            Text::Decode => message.body.clone(),
            // As a string it is nothing that the decoder knows, so that it becomes a gap.
            Text::Unclear => serde_json::Value::from(message.body.as_str()).to_string(),
        };
        let input = format!("sqs://{}/{}", self.queue.name(), message.id);
        let taken = take(inlet, input.into(), body.into(), None).await?;
        Ok(taken.unreadable > 0 && taken.records == 0 && taken.skipped == 0)
    }
}

async fn take(inlet: &Inlet, input: Arc<str>, body: Bytes, account: Option<String>) -> Result<Taken, ObjectError> {
    let batch = Batch { input: Arc::clone(&input), body: Body::Bytes(body), checkpoint: None, account };
    inlet.take(batch).await.map_err(|error| {
        let text = format!("failed to take {input}: {}", causes::on_one_line(&error));
        ObjectError { text, needs_somebody: false }
    })
}

/// Returns how long a message that was received so often stays hidden before it is tried again.
///
/// A queue that gives up after some receptions gives up the sooner the shorter this is: with five receptions after seven minutes, with ten
/// after an hour.
pub(super) fn backoff(count: u32) -> Duration {
    const LONGEST: u64 = 900;
    let seconds = 30_u64.saturating_mul(1 << count.saturating_sub(1).min(10));
    Duration::from_secs(seconds.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_fails_again_waits_longer_each_time_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = [0, 1, 2, 3, 5, 6, 1000].map(|count| backoff(count).as_secs()).to_vec();
        assert_eq!(waits, [30, 30, 60, 120, 480, 900, 900]);
    }
}
