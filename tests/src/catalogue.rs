//! The catalogue, held against records: what a record has must not be called impossible.
//!
//! With a folder of records in `ORGWATCH_TEST_RECORDS`, in any form that the program reads, they are held against it, too:
//! `ORGWATCH_TEST_RECORDS=/var/log/cloudtrail cargo test --workspace --test orgwatch -- catalogue:: --nocapture` prints what it lacks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use orgwatch_host::catalogue::{Catalogue, Knowledge, PathStatus};
use orgwatch_host::source::decode::{DecodeLimits, Decoded, Decoder};
use orgwatch_host::source::files;
use serde_json::Value;

use crate::support::root;

/// The records of a folder, as the program reads them.
fn records(folder: &Path) -> Vec<Value> {
    let (inputs, faults) = files::find(&[folder.to_string_lossy().into_owned()]);
    assert!(faults.is_empty(), "{}: {faults:?}", folder.display());
    let mut records = Vec::new();
    for input in inputs {
        let name = input.name.to_string();
        let bytes = fs::read(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut decoder = Decoder::new(bytes.as_slice(), DecodeLimits::default());
        while let Some(item) = decoder.next().expect("memory can be read") {
            if let Decoded::Record(record) = item {
                records.extend(serde_json::from_str(&record.document.root().canonical()));
            }
        }
    }
    records
}

/// What the catalogue lacks, each with how often: names that it does not know, and places that it calls impossible.
#[derive(Debug, Default)]
struct Lacking {
    names: BTreeMap<String, u32>,
    paths: BTreeMap<String, u32>,
}

impl Lacking {
    fn of(records: &[Value]) -> Self {
        let mut lacking = Self::default();
        for record in records {
            let (Some(source), Some(name)) = (record["eventSource"].as_str(), record["eventName"].as_str()) else {
                continue;
            };
            if Catalogue::embedded().knows(Some(source), name) != Knowledge::Known {
                *lacking.names.entry(format!("{source} {name}")).or_default() += 1;
            }
            lacking.walk(source, name, &mut String::new(), record);
        }
        lacking
    }

    fn walk(&mut self, source: &str, name: &str, pointer: &mut String, value: &Value) {
        if let PathStatus::Impossible { .. } = Catalogue::embedded().path_status(source, name, pointer) {
            *self.paths.entry(format!("{source} {name} {pointer}")).or_default() += 1;
            return;
        }
        let children: Vec<(String, &Value)> = match value {
            Value::Array(items) => items.iter().enumerate().map(|(place, item)| (place.to_string(), item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(key, member)| (key.replace('~', "~0").replace('/', "~1"), member)).collect()
            }
            _ => Vec::new(),
        };
        for (token, child) in children {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&token);
            self.walk(source, name, pointer, child);
            pointer.truncate(length);
        }
    }
}

#[test]
fn the_examples_are_of_events_that_the_catalogue_knows_and_have_nothing_impossible() {
    for folder in ["examples/events", "examples/day/records.ndjson.gz"] {
        let records = records(&root().join(folder));
        assert!(records.len() > 10, "{folder}");
        let lacking = Lacking::of(&records);
        assert!(lacking.names.is_empty() && lacking.paths.is_empty(), "{folder}: {lacking:#?}");
    }
}

#[test]
fn records_that_somebody_brings_along_are_told_what_the_catalogue_lacks() {
    let Some(folder) = std::env::var_os("ORGWATCH_TEST_RECORDS") else {
        // Without a folder the same comparison runs over the project's own records, above.
        return;
    };
    let records = records(Path::new(&folder));
    let lacking = Lacking::of(&records);
    eprintln!("{} records: {lacking:#?}", records.len());
    // Tools that anonymise records shuffle some of them, and services add members before their models do: a few are no fault.
    let count = u32::try_from(lacking.paths.len()).expect("it is a small number");
    assert!(f64::from(count) <= 0.05 * f64::from(u32::try_from(records.len()).expect("it is a number")), "{count}");
}

#[test]
fn the_catalogue_is_there_at_once() {
    let started = Instant::now();
    assert_eq!(Catalogue::embedded().knows(None, "StopLogging"), Knowledge::Known);
    // Some milliseconds where it is optimised, and this is not; what it holds is that nobody unpacks the shapes of all services.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
