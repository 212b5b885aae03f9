//! What tuning means for the ledger: to whom a finding is owed, whether at once, and what is told of it otherwise.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{Ack, Intake};
use crate::finding::Finding;
use crate::health::Condition;
use crate::judge::Withheld;
use crate::ledger::{Committed, Filing, Kept, LedgerError};
use crate::route::Router;
use crate::tuning::{Exception, Why};

/// The longest period of a group where a batch is acknowledged when the sinks have its findings: it waits for the summary of what is held.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl Intake {
    /// Returns the routes that are in force just now.
    pub(super) fn router(&self) -> Arc<Router> {
        Arc::clone(&self.router.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has findings take other routes from now on. What is owed already stays owed.
    pub fn replace_router(&self, router: Router) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(router);
    }

    /// Finds the sinks of a finding.
    pub(super) fn filing(&self, finding: Finding, now: Timestamp) -> Filing {
        let router = self.router();
        let (sinks, mut grouped) = router.paths(&finding);
        if sinks.is_empty() && grouped.is_empty() && router.delivers() {
            let detail = format!("a finding of severity {} goes nowhere", finding.severity);
            self.health.raise(Condition::Unrouted, &finding.rule.id, detail, now);
        }
        if self.ack == Ack::Sinks {
            for (_, group) in &mut grouped {
                group.period = group.period.min(LONGEST_WAIT);
            }
        }
        Filing { grouped, ..Filing::at_once(finding, sinks) }
    }

    /// Makes the filing of a finding that tuning has dealt with.
    pub(super) fn tuned_filing(&self, finding: Finding, why: Option<Why>, now: Timestamp) -> Filing {
        match why {
            None => self.filing(finding, now),
            Some(why) => Self::withheld_filing(Withheld { finding, why }),
        }
    }

    /// Makes the filing of a finding that tuning keeps from every sink.
    pub(super) fn withheld_filing(withheld: Withheld) -> Filing {
        let kept = Kept { reason: withheld.why.text(), exception: withheld.why.exception().map(str::to_owned) };
        Filing { withheld: Some(kept), ..Filing::at_once(withheld.finding, Vec::new()) }
    }

    /// Counts what a commit came to.
    pub(super) fn count(&self, committed: &Committed) {
        for &severity in &committed.new_findings {
            self.metrics.found(severity);
        }
        for (rule, exception) in &committed.withheld {
            self.metrics.withheld(rule, exception.as_deref());
        }
        for rule in &committed.held {
            self.metrics.grouped(rule);
        }
    }

    /// Tells of exceptions that were over when something happened that they were for.
    pub(super) fn expired(&self, exceptions: &[Arc<Exception>], now: Timestamp) {
        for exception in exceptions {
            self.health.raise(Condition::ExceptionExpired, exception.id(), over(exception), now);
        }
    }

    /// Tells of exceptions that are over by the clock, whether anything has happened or not, and that others are not, or are no more.
    pub fn look_at_exceptions(&self, now: Timestamp) {
        let judge = self.judge();
        let told: Vec<String> = self
            .health
            .wrong()
            .into_iter()
            .filter(|(condition, ..)| *condition == Condition::ExceptionExpired)
            .map(|(_, id, _)| id)
            .collect();
        let exceptions = judge.tuning().exceptions();
        for exception in exceptions.iter().filter(|exception| exception.is_over(now)) {
            if !told.iter().any(|id| id == exception.id()) {
                self.health.raise(Condition::ExceptionExpired, exception.id(), over(exception), now);
            }
        }
        for id in told {
            if !exceptions.iter().any(|exception| exception.id() == id && exception.is_over(now)) {
                self.health.well(Condition::ExceptionExpired, &id, now);
            }
        }
    }

    /// Tells what was held of groups whose period is over, or of all.
    ///
    /// # Errors
    ///
    /// Fails when it is not on disk. The groups go on then.
    pub async fn end_groups(&self, all: bool) -> Result<(), LedgerError> {
        for severity in self.ledger.end_groups(all, Timestamp::now()).await? {
            self.metrics.found(severity);
        }
        Ok(())
    }
}

fn over(exception: &Exception) -> String {
    let rules = exception.rules().as_str();
    let (expires, owner) = (exception.expires().as_str(), exception.owner());
    format!("it was for {rules} until {expires}, and {owner} answers for it: {}", exception.reason())
}
