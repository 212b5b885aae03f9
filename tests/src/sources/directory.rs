//! The source `directory`.

use std::fs;

use super::expect;
use crate::live::{Live, eventually};
use crate::records;

#[test]
fn files_that_are_there_and_that_come_and_that_grow_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    let records: Vec<_> = (0..5).map(records::policy_detached).collect();
    written("a.json", records::file(&records[..1]));
    written(".partial", records::file(&records[3..4]));
    let path = folder.path().display();
    let configuration =
        format!("[[source]]\nkind = \"directory\"\nname = \"folder\"\npath = \"{path}\"\nevery = \"100ms\"\n");
    let live = Live::start(&configuration);
    expect(&live, &[&records[0]]);
    written("b.json", records::lines(&records[1..2]));
    expect(&live, &[&records[1]]);
    written("b.json", records::lines(&records[1..3]));
    expect(&live, &[&records[2]]);
    let (code, told, state) = live.stop();
    assert_eq!(code, 0, "{told}");

    written("c.json", records::lines(&records[4..5]));
    let live = Live::start_in(state, &configuration);
    expect(&live, &[&records[4]]);
}

#[test]
fn the_files_of_a_large_folder_are_each_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..300).map(records::policy_detached).collect();
    for (number, record) in records.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.json")), record.to_string()).unwrap();
    }
    let path = folder.path().display();
    let configuration =
        format!("[[source]]\nkind = \"directory\"\nname = \"folder\"\npath = \"{path}\"\nevery = \"100ms\"\n");
    let live = Live::start(&configuration);
    expect(&live, &records.iter().collect::<Vec<_>>());
    eventually("each is counted", || {
        live.ask("/metrics").1.contains("orgwatch_records_total{source=\"folder\"} 300\n")
    });
    let (code, told, state) = live.stop();
    assert_eq!(code, 0, "{told}");

    // Their checkpoints say that they were taken.
    let new = records::policy_detached(300);
    fs::write(folder.path().join("new.json"), new.to_string()).unwrap();
    let live = Live::start_in(state, &configuration);
    expect(&live, &[&new]);
    eventually("no other is read", || live.ask("/metrics").1.contains("orgwatch_records_total{source=\"folder\"} 1\n"));
}
