//! The source `directory`.

use std::fs;

use super::expect;
use crate::live::Live;
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
