//! One episode of something that is wrong, and the finding that tells of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use serde_json::{Map, Value};

use super::Condition;
use crate::digest::Digest;
use crate::finding::{EventReference, Finding, RuleReference};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// What, in words.
    pub detail: String,
    /// How serious it is.
    pub severity: Severity,
    /// The event that it happened with, where there is one.
    pub event: Option<EventReference>,
    /// The rule that it happened to: what is told goes where that rule's findings go.
    pub rule: Option<String>,
}

/// A finding that tells of an episode, to be filed.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What is wrong.
    pub condition: Condition,
    /// What it is wrong with.
    pub subject: String,
    /// The rule whose route it takes, beside its own.
    pub rule: Option<String>,
    /// The finding.
    pub finding: Finding,
    pub(super) episode: Episode,
}

/// Something that is wrong, from its beginning on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Episode {
    condition: Condition,
    subject: String,
    first: Occurrence,
    latest: String,
    since: Timestamp,
    until: Option<Timestamp>,
    count: u64,
    told: Option<Told>,
}

/// What has been told of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    /// How often it had happened by then.
    count: u64,
    /// How often it must have happened for the next report.
    next: u64,
    /// Whether it was over.
    over: bool,
}

impl Episode {
    pub(super) fn begin(condition: Condition, subject: &str, first: Occurrence, now: Timestamp) -> Self {
        let latest = first.detail.clone();
        Self { condition, subject: subject.to_owned(), first, latest, since: now, until: None, count: 1, told: None }
    }

    /// Notes that it has happened again. What was over begins anew, once it has been told that it was.
    pub(super) fn again(&mut self, occurrence: &Occurrence, now: Timestamp) {
        if self.until.is_some() && self.told.is_some() {
            *self = Self::begin(self.condition, &self.subject, occurrence.clone(), now);
            return;
        }
        self.until = None;
        self.count += 1;
        self.latest.clone_from(&occurrence.detail);
        self.first.severity = self.first.severity.max(occurrence.severity);
    }

    /// Ends it. Returns false where it was over already.
    pub(super) fn end(&mut self, now: Timestamp) -> bool {
        let ends = self.until.is_none();
        self.until.get_or_insert(now);
        ends
    }

    pub(super) fn older_than(&self, age: Duration, now: Timestamp) -> bool {
        now.duration_since(self.since).unsigned_abs() > age
    }

    pub(super) const fn is_over(&self) -> bool {
        self.until.is_some()
    }

    pub(super) fn is_told_and_over(&self) -> bool {
        self.told.is_some_and(|told| told.over && told.count == self.count)
    }

    pub(super) fn detail(&self) -> String {
        self.latest.clone()
    }

    pub(super) fn untell(&mut self) {
        self.told = None;
    }

    pub(super) fn untold(mut self) -> Self {
        self.untell();
        self
    }

    /// Returns what is to be told now, and takes it as told: the beginning, each tenfold, and the end where it is news.
    pub(super) fn report(&mut self) -> Option<Report> {
        let over = self.is_over();
        let news = self.told.is_none_or(|told| {
            // The end of what only happens says nothing, unless it has happened more often since.
            let end_is_news = !self.condition.happens_once() || told.count < self.count;
            self.count >= told.next || (over && !told.over && end_is_news)
        });
        if news || over {
            let next = 10_u64.saturating_pow(self.count.ilog10() + 1);
            self.told = Some(Told { count: self.count, next, over });
        }
        news.then(|| Report {
            condition: self.condition,
            subject: self.subject.clone(),
            rule: self.first.rule.clone(),
            finding: self.finding(),
            episode: self.clone(),
        })
    }

    fn finding(&self) -> Finding {
        let Self { condition, subject, first, since, until, count, latest, .. } = self;
        let since_text = since.to_string();
        let event = first.event.clone().unwrap_or_else(|| {
            // An episode has no record. What identifies it takes the place of the record's digest.
            let digest = Digest::of_parts([condition.id().as_bytes(), subject.as_bytes(), since_text.as_bytes()]);
            EventReference::none(digest, since)
        });
        let mut details = Map::new();
        let mut detail = |name: &str, value: Value| details.insert(name.to_owned(), value);
        detail("subject", subject.as_str().into());
        detail("problem", first.detail.as_str().into());
        if latest != &first.detail {
            detail("latest", latest.as_str().into());
        }
        if let Some(rule) = &first.rule {
            detail("rule", rule.as_str().into());
        }
        detail("count", (*count).into());
        detail("since", since_text.into());
        if let Some(until) = until.filter(|_| !condition.happens_once()) {
            detail("until", until.to_string().into());
        }
        let over = until.is_some() && !condition.happens_once();
        let rule = Arc::new(RuleReference {
            id: condition.id().to_owned(),
            component: "orgwatch".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: String::new(),
            settings: String::new(),
            pack: None,
        });
        Finding {
            id: Digest::of_parts([rule.id.as_bytes(), event.digest.as_bytes().as_slice(), subject.as_bytes()]),
            rule,
            title: condition.title(subject, over),
            severity: first.severity,
            key: subject.clone(),
            event,
            details,
            attack: Arc::default(),
            references: Arc::default(),
        }
    }
}
