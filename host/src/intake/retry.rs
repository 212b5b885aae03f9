//! Trying gaps again: what somebody has asked for, and what a mended rule makes worth trying.

use std::io::Cursor;
use std::sync::Arc;

use jiff::Timestamp;
use orgwatch_rules_sdk::json::Document;
use tokio::sync::watch;

use super::Intake;
use crate::event::Event;
use crate::judge::{Judge, Verdicts};
use crate::ledger::{Commit, GapToRetry, LedgerError};
use crate::sink::Stop;
use crate::source::decode::{DecodeLimits, Decoded, Decoder};
use crate::source::{InletError, Place, Position};

/// How many gaps are tried again at a time.
const TOGETHER: usize = 64;

/// What trying a gap again gave.
enum Outcome {
    /// It was judged; these are the verdicts.
    Judged(Vec<Verdicts>),
    /// It is still a gap, for this reason.
    Open(String),
}

impl Intake {
    /// Tries again all gaps that are to be. Returns how many were closed, and how many are still open.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be read or written.
    pub async fn retry_gaps(self: &Arc<Self>, stop: &watch::Receiver<Stop>) -> Result<(u64, u64), LedgerError> {
        let (mut closed, mut open) = (0, 0);
        let mut from = 0;
        loop {
            let gaps = self.ledger.gaps_to_retry(from, TOGETHER).await?;
            let Some(last) = gaps.last() else { return Ok((closed, open)) };
            from = last.number + 1;
            for gap in gaps {
                if *stop.borrow() != Stop::No {
                    return Ok((closed, open));
                }
                if self.retry_gap(gap, stop).await? {
                    closed += 1;
                } else {
                    open += 1;
                }
            }
        }
    }

    /// Tries one gap again. Returns true where it is closed now.
    async fn retry_gap(self: &Arc<Self>, gap: GapToRetry, stop: &watch::Receiver<Stop>) -> Result<bool, LedgerError> {
        let judge = self.judge();
        let (number, id, source) = (gap.number, gap.id, gap.source.clone());
        let outcome = tokio::task::spawn_blocking(move || try_again(&judge, gap)).await;
        let outcome = outcome.unwrap_or_else(|_| Outcome::Open("trying it again failed".to_owned()));
        let verdicts = match outcome {
            Outcome::Open(cause) => {
                self.ledger.still_open(vec![(number, cause)]).await?;
                return Ok(false);
            }
            Outcome::Judged(verdicts) => verdicts,
        };
        let now = Timestamp::now();
        let judge = self.judge();
        let mut commit = Commit { source, closed: vec![id], ..Commit::default() };
        let mut remembered = Vec::new();
        for verdicts in verdicts {
            // Only what no rule could read before can open other gaps now: those of rules.
            remembered.extend(self.take_verdicts(&judge, &mut commit, verdicts, now));
        }
        let committed = self.ledger.commit(commit, now).await?;
        self.count(&committed);
        match self.judge_early(remembered, stop).await {
            Err(InletError::Ledger(error)) => Err(error),
            // Where the service stops first, the next one goes on.
            _ => Ok(true),
        }
    }
}

/// Judges what a gap is about.
fn try_again(judge: &Judge, gap: GapToRetry) -> Outcome {
    match (&gap.rule, gap.digest) {
        (Some(rule), Some(digest)) => {
            let Ok(document) =
                String::from_utf8(gap.event).map_err(drop).and_then(|text| Document::parse(text).map_err(drop))
            else {
                return Outcome::Open("the record in the ledger cannot be read".to_owned());
            };
            let place = Place { input: gap.input.into(), position: Position::default() };
            let event = Event::with_digest(document, place, digest);
            let Some(verdicts) = judge.judge_again(rule, event) else {
                return Outcome::Open(format!("{rule} does not run"));
            };
            match verdicts.gaps.first() {
                Some(still) => Outcome::Open(still.cause.to_string()),
                None => Outcome::Judged(vec![verdicts]),
            }
        }
        _ => read_again(judge, gap),
    }
}

/// Reads again what could not be read, and has all rules judge what is in it.
fn read_again(judge: &Judge, gap: GapToRetry) -> Outcome {
    let input: Arc<str> = gap.input.into();
    let mut decoder = Decoder::new(Cursor::new(gap.event), DecodeLimits::default());
    let mut asked = Vec::new();
    loop {
        match decoder.next() {
            Ok(Some(Decoded::Record(record))) => {
                let place = Place { input: Arc::clone(&input), position: record.position };
                asked.extend(judge.ask(Event::new(record.document, place)));
            }
            Ok(Some(Decoded::Skipped(_) | Decoded::Unasked)) => {}
            Ok(Some(Decoded::Unreadable(unreadable))) => {
                return Outcome::Open(format!("cannot read it: {}", unreadable.reason));
            }
            Ok(None) => break,
            Err(error) => return Outcome::Open(format!("cannot read it: {error}")),
        }
    }
    let mut verdicts = Vec::new();
    judge.judge(&asked, |judged| verdicts.extend(judged));
    Outcome::Judged(verdicts)
}
