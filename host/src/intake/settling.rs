//! Rules that look back: their records judged at once on what has arrived, and for good when everything has that was on its way.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::Intake;
use crate::health::Condition;
use crate::judge::{Judge, Standing, Verdicts};
use crate::ledger::{Checkpoint, Commit, Filing, LedgerError};
use crate::rule::Rule;
use crate::sink::Stop;
use crate::source::InletError;
use crate::state::{Forming, Notes, Place, StateError, Taken};

/// How many records are judged at a time.
const TOGETHER: usize = 256;

/// How many records after a late one are judged again at once: the others are when they settle.
const AFTER: usize = 32;

/// What commits of the service's own stand under.
const SOURCE: &str = Checkpoint::WATERMARK.0;

/// What judging some records gave.
type Judged = Vec<(Taken, Option<(Vec<Standing>, Verdicts)>)>;

impl Intake {
    /// Judges records that have just been written down, on whatever has arrived, and with them those that see what was noted of them. Returns the
    /// places of the findings.
    ///
    /// # Errors
    ///
    /// Fails when the findings are not on disk.
    pub(super) async fn judge_early(
        self: &Arc<Self>,
        records: Vec<(Arc<str>, Place)>,
        stop: &watch::Receiver<Stop>,
    ) -> Result<Vec<i64>, InletError> {
        let mut places = Vec::new();
        for records in records.chunks(TOGETHER) {
            let records = records.to_vec();
            let judged = self.on_thread(move |judge, notes| early(judge, notes, &records)).await?;
            places.extend(self.file_early(judged, stop).await?);
        }
        Ok(places)
    }

    /// Judges the records that were written down and not judged, as the end of the program left them.
    ///
    /// # Errors
    ///
    /// Fails when the findings are not on disk.
    pub async fn judge_left_over(self: &Arc<Self>, stop: &watch::Receiver<Stop>) -> Result<(), InletError> {
        loop {
            let judged =
                self.on_thread(|judge, notes| Ok(judge_all(judge, notes, notes.not_judged(TOGETHER)?))).await?;
            if judged.is_empty() {
                return Ok(());
            }
            self.file_early(judged, stop).await?;
        }
    }

    async fn file_early(&self, judged: Judged, stop: &watch::Receiver<Stop>) -> Result<Vec<i64>, InletError> {
        let now = Timestamp::now();
        let judge = self.judge();
        let mut commit = Commit { source: SOURCE.to_owned(), ..Commit::default() };
        for (taken, judged) in judged {
            commit.state.early.push((taken.rule, taken.at.digest));
            let Some((standings, verdicts)) = judged else { continue };
            self.tell_beside_findings(&judge, &mut commit, &verdicts, now);
            let early = standings.into_iter().filter(|standing| !standing.waits);
            commit.findings.extend(early.map(|standing| self.tuned_filing(standing.finding, standing.why, now)));
        }
        self.commit(commit, stop).await.map(|committed| committed.places)
    }

    /// Judges for good what happened before the watermark, and files the findings of periods that are over. Returns how many records were judged.
    ///
    /// # Errors
    ///
    /// Fails when what came of it is not on disk.
    pub async fn settle(
        self: &Arc<Self>,
        watermark: Timestamp,
        stop: &watch::Receiver<Stop>,
    ) -> Result<u64, InletError> {
        let mut settled = 0;
        let mark = watermark.as_millisecond();
        let overdue = self.on_thread(|_, notes| notes.overdue()).await?;
        if overdue.is_some_and(|overdue| overdue >= mark) {
            let detail =
                "more records wait than may: the oldest were judged before everything that was on its way had arrived";
            self.health.raise(Condition::StateFull, "waiting", detail, Timestamp::now());
        } else {
            self.health.well(Condition::StateFull, "waiting", Timestamp::now());
        }
        let before = mark.max(overdue.map_or(i64::MIN, |overdue| overdue.saturating_add(1)));
        loop {
            let judged =
                self.on_thread(move |judge, notes| Ok(judge_all(judge, notes, notes.due(before, TOGETHER)?))).await?;
            if judged.is_empty() {
                break;
            }
            settled += judged.len() as u64;
            self.file_settled(judged, watermark, stop).await?;
        }
        let formed = self.on_thread(move |_, notes| notes.formed(mark)).await?;
        if !formed.is_empty() {
            let now = Timestamp::now();
            let mut commit = Commit { source: SOURCE.to_owned(), ..Commit::default() };
            for Forming { finding, why, .. } in formed {
                commit.state.formed.push(finding.id);
                commit.findings.push(Filing { update: true, settled: true, ..self.tuned_filing(finding, why, now) });
            }
            self.commit(commit, stop).await?;
        }
        Ok(settled)
    }

    async fn file_settled(
        &self,
        judged: Judged,
        watermark: Timestamp,
        stop: &watch::Receiver<Stop>,
    ) -> Result<(), InletError> {
        let now = Timestamp::now();
        // When everything had arrived is an input of what is found, like the records: it is written down with them.
        let checkpoint = Some(checkpoint(watermark));
        let mut commit = Commit { source: SOURCE.to_owned(), checkpoint, ..Commit::default() };
        let judge = self.judge();
        for (taken, judged) in judged {
            if taken.event.is_none() {
                tracing::error!(rule = taken.rule, digest = %taken.at.digest, "a record in the ledger cannot be read");
            }
            commit.state.settled.push((taken.rule, taken.at.digest));
            let Some((standings, verdicts)) = judged else { continue };
            self.tell_beside_findings(&judge, &mut commit, &verdicts, now);
            for Standing { finding, why, ends, .. } in standings {
                match ends {
                    Some(ends) => commit.state.forming.push(Forming { finding, why, ends, at: taken.at }),
                    None => {
                        commit.findings.push(Filing {
                            update: true,
                            settled: true,
                            ..self.tuned_filing(finding, why, now)
                        });
                    }
                }
            }
        }
        self.commit(commit, stop).await.map(drop)
    }

    /// Forgets what rules noted so long ago that none looks back at it, and writes down the watermark.
    ///
    /// # Errors
    ///
    /// Fails when the ledger cannot be written.
    pub async fn forget_notes(&self, watermark: Timestamp) -> Result<(), LedgerError> {
        let checkpoint = Some(checkpoint(watermark));
        let commit = Commit { source: SOURCE.to_owned(), checkpoint, urgent: true, ..Commit::default() };
        self.ledger.commit(commit, Timestamp::now()).await?;
        let judge = self.judge();
        let looks_back = judge.rules().iter().filter_map(|rule| {
            let keep = i64::try_from(rule.keep()?).unwrap_or(i64::MAX).saturating_mul(1000);
            Some((rule.id.clone(), rule.state_version?, watermark.as_millisecond().saturating_sub(keep)))
        });
        // A rule that is there and cannot be loaded just now finds its notes again.
        let broken = judge.rules().iter().filter(|rule| rule.judge.is_err());
        let broken = broken.filter_map(|rule| Some((rule.id.clone(), rule.state_version?, i64::MIN)));
        for (rule, forgotten) in self.ledger.forget_notes(looks_back.chain(broken).collect()).await? {
            let detail = format!("{forgotten} of its oldest notes were forgotten: what it counts may be too low");
            self.health.raise(Condition::StateFull, &rule, detail, Timestamp::now());
        }
        Ok(())
    }

    /// Does something with the rules and their notes on a thread where it may take its time.
    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Judge, &Arc<Notes>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, InletError> {
        let (judge, notes) = (self.judge(), Arc::clone(self.ledger.notes()));
        let done = tokio::task::spawn_blocking(move || work(&judge, &notes)).await;
        let failed = |error: StateError| InletError::Ledger(error.into());
        done.map_err(|_| InletError::Ledger(LedgerError::Closed))?.map_err(failed)
    }
}

fn checkpoint(watermark: Timestamp) -> Checkpoint {
    Checkpoint { key: Checkpoint::WATERMARK.1.to_owned(), value: watermark.to_string() }
}

/// Judges records on what has arrived, and those after them that see what was noted of them.
fn early(judge: &Judge, notes: &Arc<Notes>, records: &[(Arc<str>, Place)]) -> Result<Judged, StateError> {
    let mut together: BTreeMap<(Place, String), Taken> = BTreeMap::new();
    for (rule, at) in records {
        let known = judge.rules().iter().find(|known| known.id == **rule);
        let keep = known.and_then(Rule::keep).unwrap_or_default();
        let until = at.time.saturating_add(i64::try_from(keep).unwrap_or(i64::MAX).saturating_mul(1000));
        let own = notes.waiting(rule, at.digest)?;
        for taken in own.into_iter().chain(notes.after(rule, *at, until, AFTER)?) {
            together.insert((taken.at, taken.rule.clone()), taken);
        }
    }
    Ok(judge_all(judge, notes, together.into_values().collect()))
}

fn judge_all(judge: &Judge, notes: &Arc<Notes>, taken: Vec<Taken>) -> Judged {
    let judge_one = |taken: Taken| {
        let judged = taken.event.as_ref().and_then(|event| judge.look_back(&taken.rule, event, notes));
        (taken, judged)
    };
    taken.into_iter().map(judge_one).collect()
}
