//! Runs a rule natively, for `cargo test`: the same code that the sandbox runs, without WebAssembly.
//!
//! [`given`] begins a test; [`record()`] changes fields of an event; [`judge_events`] judges the event files beside a rule by their names. With the
//! rule of [the crate's documentation](crate):
//!
//! ```
//! use orgwatch_rules_sdk::testing;
//! # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
//! # use trail_stopped::TrailStopped;
//!
//! const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
//!
//! testing::given::<TrailStopped>("{}").fires(STOPPED);
//! testing::given::<TrailStopped>("{}").stays_quiet(testing::record(STOPPED).with("/errorCode", "AccessDenied"));
//! testing::given::<TrailStopped>(r#"{"expected": ["main"]}"#).stays_quiet(STOPPED);
//! ```
//!
//! Two things differ from the host: patterns are not applied, so that a rule can be asked about any record, and a row of a table is found by the
//! very text of its key, also in a table of networks. `orgwatch-host test` runs the component itself.

mod record;
mod surroundings;

use std::path::Path;
use std::{fs, io};

pub use self::record::{Record, record};
pub(crate) use self::surroundings::Surroundings;
pub use self::surroundings::{Given, given};
use crate::rule::Describe;
use crate::{Event, Finding, Metadata, Refusal};

/// Loads a rule with settings (JSON text) and has it judge one record (JSON text).
///
/// Patterns are not applied: the rule judges the record whether it asks for it or not. [`given`] adds tables and earlier records.
///
/// # Errors
///
/// Fails when the rule refuses the settings.
///
/// # Panics
///
/// Panics when the record is not JSON, when two findings have the same key, or when the metadata is incomplete: each would be a fault
/// in the host.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
/// # use trail_stopped::TrailStopped;
/// const STOPPED: &str = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
///
/// let findings = testing::evaluate::<TrailStopped>("{}", STOPPED).unwrap();
/// assert_eq!(findings[0].key(), "main");
/// assert!(testing::evaluate::<TrailStopped>(r#"{"expcted": []}"#, STOPPED).is_err());
/// ```
pub fn evaluate<R: Describe>(settings: &str, record: impl AsRef<str>) -> Result<Vec<Finding>, Refusal> {
    given::<R>(settings).try_judge(record)
}

/// Makes an event of a record (JSON text), for a test of what a rule is made of.
///
/// # Panics
///
/// Panics when the record is not JSON.
///
/// ```
/// use orgwatch_rules_sdk::testing;
///
/// let event = testing::event(r#"{"eventName": "StopLogging", "errorCode": "AccessDenied"}"#);
/// assert!(!event.succeeded());
/// ```
#[track_caller]
pub fn event(record: impl AsRef<str>) -> Event {
    match Event::from_json(record.as_ref()) {
        Ok(event) => event,
        Err(error) => panic!("the record is not JSON: {error}"),
    }
}

fn check_keys(findings: &[Finding]) {
    for (index, finding) in findings.iter().enumerate() {
        let repeated = findings[..index].iter().any(|earlier| earlier.key() == finding.key());
        assert!(!repeated, "two findings of one evaluation have the key {:?}", finding.key());
    }
}

/// Has a rule judge the event files of a folder with settings (JSON text): a file `fires_….json` has to give a finding, a file `quiet_….json` none.
/// A file `….json` holds one record, a file `….ndjson` a story of several, a line each, in any order: each is judged among the others.
///
/// # Panics
///
/// Panics when a file is judged otherwise, when there is not at least one of each kind, and where [`evaluate`] panics.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
/// # use trail_stopped::TrailStopped;
/// testing::judge_events::<TrailStopped>("{}", concat!(env!("CARGO_MANIFEST_DIR"), "/doc/events/trail_stopped"));
/// ```
pub fn judge_events<R: Describe>(settings: &str, folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let files = json_files(folder).unwrap_or_else(|error| panic!("failed to read {}: {error}", folder.display()));
    let (mut fired, mut quiet) = (0, 0);
    for (name, record) in files {
        let findings = if name.ends_with(".ndjson") {
            judge_story::<R>(settings, &record)
        } else {
            evaluate::<R>(settings, &record).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
        };
        if name.starts_with("fires_") {
            assert!(!findings.is_empty(), "{name}: no finding");
            fired += 1;
        } else {
            assert!(name.starts_with("quiet_"), "{name}: the name of an event file begins with fires_ or quiet_");
            assert!(findings.is_empty(), "{name}: {findings:?}");
            quiet += 1;
        }
    }
    assert!(fired > 0 && quiet > 0, "{}: a rule needs an event that fires and one that stays quiet", folder.display());
}

/// Has a rule judge records (JSON texts, a line each), each of them among all others. Returns all findings, in the order of the records.
///
/// # Panics
///
/// Panics where [`Given::judge`] does.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// # mod many_departures { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/many_departures.rs.in")); }
/// # use many_departures::ManyDepartures;
/// const STORY: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/events/many_departures/fires_three.ndjson"));
///
/// let findings = testing::judge_story::<ManyDepartures>("{}", STORY);
/// assert_eq!(findings[0].details()["accounts"], 3);
/// ```
pub fn judge_story<R: Describe>(settings: &str, records: &str) -> Vec<Finding> {
    let records: Vec<&str> = records.lines().filter(|line| !line.trim().is_empty()).collect();
    let judge = |(place, record): (usize, &&str)| {
        let others = records.iter().enumerate().filter(|&(other, _)| other != place);
        let given = others.fold(given::<R>(settings), |given, (_, other)| given.earlier(other));
        given.judge(record)
    };
    records.iter().enumerate().flat_map(judge).collect()
}

fn json_files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "json" || extension == "ndjson") {
            files.push((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(path)?));
        }
    }
    files.sort();
    Ok(files)
}

fn check_metadata(metadata: &Metadata) {
    for (field, value) in [("id", &metadata.id), ("title", &metadata.title), ("description", &metadata.description)] {
        assert!(!value.is_empty(), "rule!: `{field}` is missing");
    }
}

/// What a rule's binary does when somebody runs it natively.
#[doc(hidden)]
pub fn explain_that_this_is_a_rule<R: Describe>() {
    let id = R::metadata().id;
    eprintln!(
        "{id} is a rule, not a program: build it with `orgwatch-host build` and run it with `orgwatch-host --rules`"
    );
}
