//! Looking back: what a rule notes of records, and how it asks for what it noted.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Event;

/// Something to remember of a record: a value, in a series, under a key. A departure may be noted in the series `departures`, under the
/// organization, with the account as the value.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let note = Note::new("departures", "o-a1b2c3d4e5").value("444455556666");
/// assert_eq!(note.into_parts().2, "444455556666");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    series: String,
    key: String,
    #[serde(default, skip_serializing_if = "Json::is_null")]
    value: Json,
}

impl Note {
    /// Makes a note without a value.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let note = Note::new("denied", "arn:aws:iam::111122223333:user/anaya");
    /// assert_eq!(note.into_parts().0, "denied");
    /// ```
    pub fn new(series: impl Into<String>, key: impl Into<String>) -> Self {
        Self { series: series.into(), key: key.into(), value: Json::Null }
    }

    /// Sets the value.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let note = Note::new("denied", "arn:aws:iam::111122223333:user/anaya").value("DetachPolicy");
    /// assert_eq!(note.into_parts().2, "DetachPolicy");
    /// ```
    #[must_use]
    pub fn value(mut self, value: impl Serialize) -> Self {
        self.value = serde_json::to_value(value).unwrap_or(Json::Null);
        self
    }

    /// Takes the note apart: series, key, value.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let (series, key, value) = Note::new("denied", "anaya").into_parts();
    /// assert_eq!((series.as_str(), key.as_str(), value.is_null()), ("denied", "anaya", true));
    /// ```
    pub fn into_parts(self) -> (String, String, Json) {
        (self.series, self.key, self.value)
    }
}

/// What was noted in one series under one key, up to and with the event under evaluation.
///
/// Time is the event's time, and events of one time are ordered by their records' digests, so the answers do not depend on the order in which
/// records arrived. Of what is still on its way, nothing is known yet: the event is evaluated again when it has arrived, and a finding that
/// then says something else is an update of the one before.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// fn departures(event: &Event, organization: &str) -> u64 {
///     event.notes("departures", organization).within(Duration::from_hours(1)).count(100).values
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Notes<'a> {
    #[cfg(not(target_family = "wasm"))]
    event: &'a Event,
    scope: Scope<'a>,
}

/// What a question is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) series: &'a str,
    pub(crate) key: &'a str,
    pub(crate) seconds: u64,
    pub(crate) others: bool,
}

/// How much was noted. Copies of one action count once.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// fn is_a_search(event: &Event, actor: &str) -> bool {
///     let denied = event.notes("denied", actor).count(100);
///     denied.actions >= 10 && denied.values >= 5
/// }
/// assert!(!is_a_search(&testing::event("{}"), "anaya"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Different actions.
    pub actions: u64,
    /// Different values.
    pub values: u64,
}

/// What was noted of one record.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// fn last_place(event: &Event, actor: &str) -> Option<String> {
///     let latest = event.notes("addresses", actor).of_others().latest(1);
///     latest.first().map(|note| format!("{} at {}", note.value, note.time))
/// }
/// assert_eq!(last_place(&testing::event("{}"), "anaya"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When the event happened, in RFC 3339.
    pub time: String,
    /// Its action: copies of one action have one.
    pub action: String,
    /// What was noted.
    pub value: Json,
}

impl Noted {
    pub(crate) fn new(time: String, action: String, value: &str) -> Self {
        Self { time, action, value: serde_json::from_str(value).unwrap_or(Json::Null) }
    }
}

impl<'a> Notes<'a> {
    pub(crate) fn new(event: &'a Event, series: &'a str, key: &'a str) -> Self {
        let scope = Scope { series, key, seconds: u64::MAX, others: false };
        #[cfg(not(target_family = "wasm"))]
        return Self { event, scope };
        #[cfg(target_family = "wasm")]
        {
            let _ = event;
            Self { scope }
        }
    }

    /// Looks back only so far, in whole seconds; otherwise as far as [`Rule::keep`](crate::Rule::keep) says. An event as long ago as that counts.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn in_the_last_hour(event: &Event) -> u64 {
    ///     event.notes("departures", "all").within(Duration::from_hours(1)).count(100).values
    /// }
    /// assert_eq!(in_the_last_hour(&testing::event("{}")), 0);
    /// ```
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.scope.seconds = time.as_secs();
        self
    }

    /// Leaves out what was noted of the event's own action.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn is_the_first(event: &Event, actor: &str) -> bool {
    ///     event.notes("callers", actor).of_others().count(1).actions == 0
    /// }
    /// assert!(is_the_first(&testing::event("{}"), "anaya"));
    /// ```
    #[must_use]
    pub fn of_others(mut self) -> Self {
        self.scope.others = true;
        self
    }

    /// Counts different actions and values, each up to `most`. The host counts to 10,000.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn departed(event: &Event) -> u64 {
    ///     event.notes("departures", "all").count(100).values
    /// }
    /// assert_eq!(departed(&testing::event("{}")), 0);
    /// ```
    pub fn count(&self, most: u64) -> Tally {
        #[cfg(target_family = "wasm")]
        return crate::guest::count(&self.scope, most);
        #[cfg(not(target_family = "wasm"))]
        self.event.surroundings().count(&self.scope, most)
    }

    /// Returns notes, the latest first, at most so many; copies of one action each have theirs. The host gives 1,000.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn operations(event: &Event, actor: &str) -> Vec<String> {
    ///     let notes = event.notes("denied", actor).latest(100);
    ///     notes.iter().filter_map(|note| note.value.as_str()).map(str::to_owned).collect()
    /// }
    /// assert!(operations(&testing::event("{}"), "anaya").is_empty());
    /// ```
    pub fn latest(&self, most: u32) -> Vec<Noted> {
        self.read(true, most)
    }

    /// Returns notes, the earliest first, at most so many; copies of one action each have theirs. The host gives 1,000.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// fn first_seen(event: &Event, actor: &str) -> Option<String> {
    ///     event.notes("callers", actor).earliest(1).pop().map(|note| note.time)
    /// }
    /// assert_eq!(first_seen(&testing::event("{}"), "anaya"), None);
    /// ```
    pub fn earliest(&self, most: u32) -> Vec<Noted> {
        self.read(false, most)
    }

    fn read(&self, latest_first: bool, most: u32) -> Vec<Noted> {
        #[cfg(target_family = "wasm")]
        return crate::guest::notes(&self.scope, latest_first, most);
        #[cfg(not(target_family = "wasm"))]
        self.event.surroundings().notes(&self.scope, latest_first, most)
    }
}
