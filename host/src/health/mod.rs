//! How the service itself is doing.
//!
//! What is wrong is an *episode* of a [`Condition`]: it begins, goes on, and ends. An episode is one finding, however often the thing happens:
//! filed at once when it begins, and again, as an update, when it has happened ten, a hundred, a thousand times and when it is over. So an
//! attacker who makes something fail a million times rings the bell seven times, and never hides the first.

mod condition;
mod episode;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;

pub use self::condition::Condition;
use self::episode::Episode;
pub use self::episode::{Occurrence, Report};

/// An occurrence that nothing ends, such as a rule's fault, belongs to the episode before it within this time of that episode's beginning.
const TOGETHER: Duration = Duration::from_hours(1);

/// How many episodes are remembered at a time. Subjects are names out of the configuration, or are capped by this.
const EPISODES: usize = 1_000;

/// What is wrong with the service, and what has been told of it.
#[derive(Debug, Default)]
pub struct Health {
    episodes: Mutex<BTreeMap<(Condition, String), Episode>>,
}

impl Health {
    /// Notes that something has happened. Nothing is written here: [`reports`](Self::reports) returns what is to be filed.
    pub fn occur(&self, condition: Condition, subject: &str, occurrence: Occurrence, now: Timestamp) {
        let mut episodes = self.lock();
        let mut subject = subject;
        if episodes.len() >= EPISODES && !episodes.contains_key(&(condition, subject.to_owned())) {
            subject = "many";
        }
        episodes
            .entry((condition, subject.to_owned()))
            .and_modify(|episode| episode.again(&occurrence, now))
            .or_insert_with(|| Episode::begin(condition, subject, occurrence, now));
    }

    /// Notes that something is wrong with a part of the service, in words.
    pub fn raise(&self, condition: Condition, subject: &str, detail: impl Into<String>, now: Timestamp) {
        let detail = detail.into();
        let raised = self.lock().contains_key(&(condition, subject.to_owned()));
        if !raised {
            tracing::warn!(condition = condition.id(), subject, "{detail}");
        }
        self.occur(
            condition,
            subject,
            Occurrence { detail, severity: condition.severity(), event: None, rule: None },
            now,
        );
    }

    /// Notes that it is no longer wrong.
    pub fn well(&self, condition: Condition, subject: &str, now: Timestamp) {
        if let Some(episode) = self.lock().get_mut(&(condition, subject.to_owned()))
            && episode.end(now)
        {
            tracing::info!(condition = condition.id(), subject, "over");
        }
    }

    /// Returns what is to be filed now. What could not be filed is given back with [`restore`](Self::restore).
    pub fn reports(&self, now: Timestamp) -> Vec<Report> {
        let mut episodes = self.lock();
        for ((condition, _), episode) in &mut *episodes {
            if condition.happens_once() && episode.older_than(TOGETHER, now) {
                episode.end(now);
            }
        }
        let reports = episodes.values_mut().filter_map(Episode::report).collect();
        episodes.retain(|_, episode| !episode.is_told_and_over());
        reports
    }

    /// Takes back reports that could not be filed, to be filed another time.
    pub fn restore(&self, reports: &[Report]) {
        let mut episodes = self.lock();
        for report in reports {
            episodes
                .entry((report.condition, report.subject.clone()))
                .and_modify(Episode::untell)
                .or_insert_with(|| report.episode.clone().untold());
        }
    }

    /// Returns what is wrong just now with parts of the service, most severe first: condition, subject, what is known of it.
    pub fn wrong(&self) -> Vec<(Condition, String, String)> {
        let episodes = self.lock();
        let mut wrong: Vec<(Severity, Condition, String, String)> = episodes
            .iter()
            .filter(|((condition, _), episode)| !condition.happens_once() && !episode.is_over())
            .map(|((condition, subject), episode)| {
                (condition.severity(), *condition, subject.clone(), episode.detail())
            })
            .collect();
        wrong.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        wrong.into_iter().map(|(_, condition, subject, detail)| (condition, subject, detail)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Condition, String), Episode>> {
        self.episodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_million_faults_ring_the_bell_seven_times_and_the_first_at_once() {
        let health = Health::default();
        let mut told = Vec::new();
        for number in 0..1_000_000 {
            let occurrence = Occurrence {
                detail: "it panicked".into(),
                severity: Severity::High,
                event: None,
                rule: Some("org.x".into()),
            };
            health.occur(Condition::RuleFault, "org.x", occurrence, at(number / 1000));
            told.extend(health.reports(at(number / 1000)).into_iter().map(|report| report.finding));
        }
        let counts: Vec<_> = told.iter().map(|finding| finding.details["count"].as_u64().unwrap()).collect();
        assert_eq!(counts, [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]);
        assert!(told.iter().all(|finding| finding.id == told[0].id && finding.severity == Severity::High));
    }

    #[test]
    fn what_is_over_is_told_and_what_comes_after_is_new() {
        let health = Health::default();
        health.raise(Condition::SourceStuck, "trail", "access denied", at(0));
        health.raise(Condition::SourceStuck, "trail", "access denied", at(1));
        let first = health.reports(at(2));
        assert_eq!((first.len(), health.wrong().len()), (1, 1));
        health.well(Condition::SourceStuck, "trail", at(60));
        let over = health.reports(at(61));
        assert_eq!(over[0].finding.id, first[0].finding.id);
        assert!(over[0].finding.details.contains_key("until") && health.wrong().is_empty());
        health.raise(Condition::SourceStuck, "trail", "access denied", at(90));
        assert_ne!(health.reports(at(91))[0].finding.id, first[0].finding.id);
    }

    #[test]
    fn what_could_not_be_filed_is_filed_later() {
        let health = Health::default();
        health.raise(Condition::DiskFull, "ledger", "no room", at(0));
        let reports = health.reports(at(1));
        assert!(health.reports(at(2)).is_empty());
        health.restore(&reports);
        assert_eq!(health.reports(at(3)), reports);
    }

    #[test]
    fn an_episode_that_ends_before_it_is_told_is_told_all_the_same() {
        let health = Health::default();
        health.raise(Condition::SinkStuck, "pager", "timed out", at(0));
        health.well(Condition::SinkStuck, "pager", at(1));
        assert_eq!(health.reports(at(2)).len(), 1);
        assert!(health.reports(at(3)).is_empty());
    }

    #[test]
    fn hostile_subjects_do_not_fill_the_memory() {
        let health = Health::default();
        for number in 0..5_000 {
            health.raise(Condition::ForeignObject, &format!("bucket-{number}"), "not allowed", at(0));
        }
        assert_eq!(health.reports(at(1)).len(), EPISODES + 1);
    }
}
