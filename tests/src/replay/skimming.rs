//! Skimming: what is passed over is exactly what parsing and judging would have passed over.
//!
//! With a folder of records in `ORGWATCH_TEST_RECORDS`, in any form that the program reads, they are compared too:
//! `ORGWATCH_TEST_RECORDS=/var/log/cloudtrail cargo test --workspace --test orgwatch -- skimming:: --nocapture` prints the counts. The same
//! comparison under a fuzzer is `host/fuzz`. `ORGWATCH_TEST_SEED` makes other hostile inputs.

mod hostile;
pub(crate) mod plain;

use std::fs;
use std::path::{Path, PathBuf};

use orgwatch_host::index::Pattern;

use self::hostile::Hostile;
use self::plain::{Counts, compare};
use crate::support::root;

/// Lists of patterns as rules have them: by name, by source, by other fields, by prefix, in alternatives; and some that leave nothing to pass
/// over.
const LISTS: [&[&str]; 8] = [
    &[r#"{"eventSource":["organizations.amazonaws.com"],"eventName":["DetachPolicy","AttachPolicy"]}"#],
    &[r#"{"eventName":["DetachPolicy"]}"#, r#"{"userIdentity":{"type":["Root"]}}"#],
    &[r#"{"eventSource":["organizations.amazonaws.com"],"errorCode":[{"exists":true}]}"#],
    &[
        r#"{"errorCode":[{"prefix":"Access"},{"suffix":"Operation"}]}"#,
        r#"{"requestParameters":{"id":[{"numeric":[">",10]}]}}"#,
    ],
    &[r#"{"$or":[{"eventName":["CreateUser"]},{"requestParameters":{"ip":[{"cidr":"192.0.2.0/24"}]}}]}"#],
    &[
        r#"{"eventName":[{"anything-but":["CreateUser"]}],"eventTime":[{"wildcard":"2026-*Z"}]}"#,
        r#"{"type":[null,true]}"#,
    ],
    &[r#"{"a":{"eventName":["","quote"]},"eventType":[{"equals-ignore-case":"ROOT"}]}"#, r#"{"":["Root"]}"#],
    &[r#"{"eventName":["DetachPolicy"]}"#, r#"{"errorCode":[{"exists":false}]}"#],
];

fn lists() -> Vec<Vec<Pattern>> {
    let parse = |text: &&str| Pattern::parse(text).expect("it is a pattern");
    LISTS.iter().map(|list| list.iter().map(parse).collect()).collect()
}

fn compare_all(inputs: impl Iterator<Item = Vec<u8>>) -> Counts {
    let lists = lists();
    let mut sum = Counts::default();
    for input in inputs {
        for patterns in &lists {
            let counts = compare(&input, patterns);
            sum.records += counts.records;
            sum.unasked += counts.unasked;
        }
    }
    sum
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn on_hostile_input_what_is_passed_over_is_what_no_pattern_matches() {
    let seed = std::env::var("ORGWATCH_TEST_SEED").map_or(7, |seed| seed.parse().expect("a seed is a number"));
    let mut hostile = Hostile::new(seed);
    let counts = compare_all((0..4_000).map(|_| hostile.input()));
    // Both kinds are met, or the comparison would prove nothing.
    assert!(counts.unasked > 5_000 && counts.records > 2 * counts.unasked, "{counts:?}");
}

#[test]
fn on_the_project_s_events_what_is_passed_over_is_what_no_pattern_matches() {
    let mut inputs: Vec<PathBuf> =
        files(&root().join("rules")).into_iter().chain(files(&root().join("examples"))).collect();
    inputs.retain(|path| path.extension().is_some_and(|extension| extension == "json" || extension == "gz"));
    let counts = compare_all(inputs.iter().map(|path| fs::read(path).expect("the file can be read")));
    assert!(counts.unasked > 1_000, "{counts:?}");
}

#[test]
fn on_records_of_one_s_own_what_is_passed_over_is_what_no_pattern_matches() {
    // Without a folder the project's own day stands in.
    let folder = std::env::var_os("ORGWATCH_TEST_RECORDS").map_or_else(|| root().join("examples/day"), PathBuf::from);
    let counts = compare_all(files(&folder).iter().map(|path| fs::read(path).expect("the file can be read")));
    println!("{} records, {} of them passed over", counts.records, counts.unasked);
    assert!(counts.records > 0, "there are no records in {}", folder.display());
}
