//! What stands around the event in a test: tables, and what was noted of earlier records.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::event::Timestamp;
use crate::rule::{Describe, load};
use crate::state::{Noted, Scope, Tally};
use crate::{Event, Finding, Note, Refusal, Row};

/// Tables and notes around an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    tables: BTreeMap<String, BTreeMap<String, Row>>,
    /// What the rule may read, where a rule reads: the host would stop it at anything else.
    allowed: Option<Allowed>,
    notes: Vec<Placed>,
    /// How far the rule may look back, in seconds.
    keep: u64,
    /// Where the event under evaluation stands in time.
    at: Place,
    action: String,
}

#[derive(Clone, Debug)]
struct Allowed {
    tables: Vec<String>,
    notes: bool,
}

/// A place in the order of records: by time, then by the canonical text, which orders what happened at one time as well as any digest.
type Place = (Option<Timestamp>, String);

#[derive(Clone, Debug)]
struct Placed {
    at: Place,
    action: String,
    series: String,
    key: String,
    value: Json,
}

impl Surroundings {
    /// Returns a row of a table.
    ///
    /// # Panics
    ///
    /// Panics where the rule may not read the table.
    pub(crate) fn row(&self, table: &str, key: &str) -> Option<Row> {
        let allowed = self.allowed.as_ref().is_none_or(|allowed| allowed.tables.iter().any(|known| known == table));
        assert!(allowed, "the table {table:?} was read in `note`, or `tables` does not list it");
        self.tables.get(table)?.get(key).cloned()
    }

    /// The notes of a scope, the earliest first.
    fn scope(&self, scope: &Scope<'_>) -> Vec<&Placed> {
        let allowed = self.allowed.as_ref().is_none_or(|allowed| allowed.notes);
        assert!(allowed, "the rule looked back in `note`, or has no `state_version`, or its `keep` returned no time");
        let asked = if scope.seconds == u64::MAX { self.keep } else { scope.seconds };
        assert!(
            self.allowed.is_none() || asked <= self.keep,
            "the rule looked back {asked} seconds, further than the {} that its `keep` returned",
            self.keep
        );
        let seconds = |time: Option<Timestamp>| time.map_or(0, |time| time.epoch_milliseconds().div_euclid(1000));
        let now = seconds(self.at.0);
        let mut notes: Vec<&Placed> = self
            .notes
            .iter()
            .filter(|note| note.series == scope.series && note.key == scope.key && note.at <= self.at)
            .filter(|note| now.saturating_sub(seconds(note.at.0)).try_into().is_ok_and(|age: u64| age <= asked))
            .filter(|note| !scope.others || note.action != self.action)
            .collect();
        notes.sort_by(|left, right| left.at.cmp(&right.at));
        notes
    }

    pub(crate) fn count(&self, scope: &Scope<'_>, most: u64) -> Tally {
        let notes = self.scope(scope);
        let actions: BTreeSet<&str> = notes.iter().map(|note| note.action.as_str()).collect();
        let values: BTreeSet<String> = notes.iter().map(|note| note.value.to_string()).collect();
        Tally { actions: most.min(actions.len() as u64), values: most.min(values.len() as u64) }
    }

    pub(crate) fn notes(&self, scope: &Scope<'_>, latest_first: bool, most: u32) -> Vec<Noted> {
        let mut notes = self.scope(scope);
        if latest_first {
            notes.reverse();
        }
        notes.truncate(most as usize);
        let as_answered = |note: &Placed| {
            let time = note.at.0.map(|time| time.to_string()).unwrap_or_default();
            Noted::new(time, note.action.clone(), &note.value.to_string())
        };
        notes.into_iter().map(as_answered).collect()
    }
}

/// A rule in a test, with settings, the operator's tables and earlier records.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// # mod many_departures { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/many_departures.rs.in")); }
/// # use many_departures::ManyDepartures;
/// const DEPARTED: &str = r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
///     "eventTime": "2026-11-01T10:00:00Z", "serviceEventDetails": {"accountId": "444455556666"}}"#;
///
/// let given = testing::given::<ManyDepartures>(r#"{"accounts": 2}"#).earlier(DEPARTED);
/// let another = testing::record(DEPARTED).with("/serviceEventDetails/accountId", "777788889999");
/// given.fires(another.with("/eventTime", "2026-11-01T10:59:59Z"));
/// ```
#[derive(Clone, Debug)]
pub struct Given<R> {
    rule: std::marker::PhantomData<fn() -> R>,
    settings: String,
    tables: BTreeMap<String, BTreeMap<String, Row>>,
    earlier: Vec<String>,
}

/// Starts a test of a rule with settings (JSON text).
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
/// # use trail_stopped::TrailStopped;
/// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
///
/// testing::given::<TrailStopped>(r#"{"expected": ["main"]}"#).stays_quiet(STOPPED);
/// ```
pub fn given<R: Describe>(settings: &str) -> Given<R> {
    Given {
        rule: std::marker::PhantomData,
        settings: settings.to_owned(),
        tables: BTreeMap::new(),
        earlier: Vec::new(),
    }
}

impl<R: Describe> Given<R> {
    /// Adds a row to a table, which the rule has to list.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
    /// # use trail_stopped::TrailStopped;
    /// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
    ///
    /// let given = testing::given::<TrailStopped>("{}").row("accounts", "111122223333", [("owner", "team-log")]);
    /// let finding = given.fires(testing::record(STOPPED).with("/recipientAccountId", "111122223333"));
    /// assert_eq!(finding.details()["owner"], "team-log");
    /// ```
    #[must_use]
    pub fn row<const N: usize>(mut self, table: &str, key: &str, columns: [(&str, &str); N]) -> Self {
        let row = columns.into_iter().map(|(column, text)| (column.to_owned(), text.to_owned())).collect();
        self.tables.entry(table.to_owned()).or_default().insert(key.to_owned(), Row::new(row));
        self
    }

    /// Adds a record (JSON text) that is known when the one under test is judged. Its `eventTime` says whether it came before.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod many_departures { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/many_departures.rs.in")); }
    /// # use many_departures::ManyDepartures;
    /// const DEPARTED: &str = r#"{"eventSource": "organizations.amazonaws.com", "eventName": "AccountDepartedOrganization",
    ///     "eventTime": "2026-11-01T10:00:00Z", "serviceEventDetails": {"accountId": "444455556666"}}"#;
    ///
    /// let another = testing::record(DEPARTED).with("/serviceEventDetails/accountId", "777788889999");
    /// let given = testing::given::<ManyDepartures>(r#"{"accounts": 2}"#).earlier(DEPARTED);
    /// assert_eq!(given.fires(another.with("/eventTime", "2026-11-01T10:20:00Z")).details()["accounts"], 2);
    /// ```
    #[must_use]
    pub fn earlier(mut self, record: impl AsRef<str>) -> Self {
        self.earlier.push(record.as_ref().to_owned());
        self
    }

    /// Has the rule judge a record (JSON text), whether it asks for it or not.
    ///
    /// # Errors
    ///
    /// Fails when the rule refuses the settings.
    ///
    /// # Panics
    ///
    /// Panics where [`evaluate`](super::evaluate) does, and when the rule reads tables or notes that it does not declare.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod many_departures { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/many_departures.rs.in")); }
    /// # use many_departures::ManyDepartures;
    /// let refusal = testing::given::<ManyDepartures>(r#"{"accounts": 1}"#).try_judge("{}").unwrap_err();
    /// assert_eq!(refusal.to_string(), "`accounts` is less than 2: one departure is not several");
    /// ```
    pub fn try_judge(&self, record: impl AsRef<str>) -> Result<Vec<Finding>, Refusal> {
        let record = record.as_ref();
        let metadata = R::metadata();
        super::check_metadata(&metadata);
        for table in self.tables.keys() {
            assert!(metadata.tables.contains(table), "{}: `tables` does not list {table:?}", metadata.id);
        }
        let (rule, _) = load::<R>(&self.settings)?;
        let keep = rule.keep().as_secs();
        assert!(
            keep == 0 || metadata.state_version.is_some(),
            "{}: `keep` returns a time, but there is no `state_version`: the host would never call `note`",
            metadata.id
        );
        let event = super::event(record);
        let mut notes = Vec::new();
        for record in self.earlier.iter().map(String::as_str).chain([record]) {
            let nothing = Allowed { tables: Vec::new(), notes: false };
            let alone = Surroundings { allowed: Some(nothing), ..Surroundings::default() };
            let event = super::event(record).among(alone);
            let made = if keep > 0 { rule.note(&event) } else { Vec::new() };
            notes.extend(made.into_iter().map(|note| placed(&event, note)));
        }
        let allowed = Allowed { tables: metadata.tables, notes: keep > 0 };
        let surroundings = Surroundings {
            tables: self.tables.clone(),
            allowed: Some(allowed),
            notes,
            keep,
            at: place(&event),
            action: action(&event),
        };
        let findings = rule.evaluate(&event.among(surroundings)).into_vec();
        super::check_keys(&findings);
        Ok(findings)
    }

    /// Has the rule judge a record (JSON text), whether it asks for it or not.
    ///
    /// # Panics
    ///
    /// Panics when the rule refuses the settings, and where [`try_judge`](Self::try_judge) does.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
    /// # use trail_stopped::TrailStopped;
    /// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
    ///
    /// assert_eq!(testing::given::<TrailStopped>("{}").judge(STOPPED).len(), 1);
    /// ```
    pub fn judge(&self, record: impl AsRef<str>) -> Vec<Finding> {
        self.try_judge(record).unwrap_or_else(|refusal| panic!("the rule refuses the settings: {refusal}"))
    }

    /// Has the rule judge a record that has to give one finding, and returns it.
    ///
    /// # Panics
    ///
    /// Panics when there is none, or more than one, and where [`judge`](Self::judge) does.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
    /// # use trail_stopped::TrailStopped;
    /// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
    ///
    /// let finding = testing::given::<TrailStopped>("{}").fires(STOPPED);
    /// assert_eq!(finding.get_title(), Some("Trail main was stopped"));
    /// ```
    #[track_caller]
    pub fn fires(&self, record: impl AsRef<str>) -> Finding {
        let mut findings = self.judge(record);
        assert!(findings.len() == 1, "one finding was expected: {findings:?}");
        findings.remove(0)
    }

    /// Has the rule judge a record that has to give no finding.
    ///
    /// # Panics
    ///
    /// Panics when there is one, and where [`judge`](Self::judge) does.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
    /// # use trail_stopped::TrailStopped;
    /// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
    ///
    /// let denied = testing::record(STOPPED).with("/errorCode", "AccessDeniedException");
    /// testing::given::<TrailStopped>("{}").stays_quiet(denied);
    /// ```
    #[track_caller]
    pub fn stays_quiet(&self, record: impl AsRef<str>) {
        let findings = self.judge(record);
        assert!(findings.is_empty(), "no finding was expected: {findings:?}");
    }
}

fn placed(event: &Event, note: Note) -> Placed {
    let (series, key, value) = note.into_parts();
    Placed { at: place(event), action: action(event), series, key, value }
}

fn place(event: &Event) -> Place {
    (event.event_time(), event.json("").unwrap_or_default())
}

/// What the host calls the record's action.
fn action(event: &Event) -> String {
    ["/sharedEventID", "/addendum/originalEventID", "/eventID", "/eventId"]
        .into_iter()
        .find_map(|path| event.string(path).filter(|text| !text.is_empty()))
        .unwrap_or_else(|| event.json("").unwrap_or_default())
}
