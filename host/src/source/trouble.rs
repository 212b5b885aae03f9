//! What is wrong with a source at the moment. It is stuck as long as anything is, and well again only when nothing is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Inlet;
use crate::health::Condition;

/// Things that fail, each under a name of its own: a message's id, a region, `receive`.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    failing: Mutex<BTreeMap<String, Failing>>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    /// When it failed last.
    at: Timestamp,
    /// Since when what it concerns has been waiting.
    waiting: Option<Timestamp>,
}

impl Troubles {
    /// Notes that something failed, and that what it concerns has been waiting for so long, without telling anybody yet.
    pub(super) fn note(&self, what: &str, waiting: Option<Timestamp>) {
        self.lock().insert(what.to_owned(), Failing { at: Timestamp::now(), waiting });
    }

    /// Notes that something failed, and says so.
    pub(super) fn raise(&self, inlet: &Inlet, what: &str, detail: String) {
        self.lock().entry(what.to_owned()).or_insert(Failing { at: Timestamp::now(), waiting: None });
        inlet.raise(Condition::SourceStuck, detail);
    }

    /// Notes that it works again.
    pub(super) fn well(&self, inlet: &Inlet, what: &str) {
        if self.settle(|name, _| name != what) {
            inlet.well(Condition::SourceStuck);
        }
    }

    /// Forgets what was waiting, failed so long ago and was not seen since: a message that went to the dead-letter queue does not come back to
    /// say so.
    pub(super) fn forget(&self, inlet: &Inlet, older_than: SignedDuration) {
        let now = Timestamp::now();
        if self.settle(|_, failing| failing.waiting.is_none() || now.duration_since(failing.at) < older_than) {
            inlet.well(Condition::SourceStuck);
        }
    }

    /// Keeps some of the troubles. Returns true when these were the last.
    fn settle(&self, keep: impl Fn(&str, &Failing) -> bool) -> bool {
        let mut failing = self.lock();
        let before = failing.len();
        failing.retain(|name, trouble| keep(name, trouble));
        before > 0 && failing.is_empty()
    }

    /// Tells whether nothing is wrong.
    pub(super) fn none(&self) -> bool {
        self.lock().is_empty()
    }

    /// Returns since when the oldest thing has been waiting that failed.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.lock().values().filter_map(|failing| failing.waiting).min()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Failing>> {
        // A panic between two changes of a map leaves a map.
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_trouble_that_goes_makes_the_source_well() {
        let troubles = Troubles::default();
        assert!(!troubles.settle(|_, _| false), "there was none");
        troubles.note("one", Some(Timestamp::from_second(50).unwrap()));
        troubles.note("other", Some(Timestamp::from_second(40).unwrap()));
        assert_eq!(troubles.oldest(), Timestamp::from_second(40).ok());
        assert!(!troubles.settle(|name, _| name != "other"));
        assert!(!troubles.none());
        assert!(troubles.settle(|name, _| name != "one"));
        assert!(troubles.none());
    }
}
