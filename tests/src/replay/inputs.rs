//! Where records come from: files, folders, patterns and pipes; what happens when they cannot be read, and how much memory they may cost.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Stdio};

use serde_json::json;

use super::{replay, sorted_lines};
use crate::records::{file, gzip, lines, organization_described, policy_detached};
use crate::support;

fn one(number: u32) -> String {
    file(&[policy_detached(number)])
}

#[test]
fn files_folders_patterns_and_standard_input_are_read_in_the_order_of_the_arguments() {
    let ran = replay(&["folder", "-", "*.log"])
        .file("folder/b/2.json", one(2))
        .file("folder/a.json", one(1))
        .file("y.log", one(5))
        .file("x.log", one(4))
        .input(one(3))
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let times: Vec<_> = ran.findings().iter().map(|finding| finding["event"]["time"].clone()).collect();
    assert_eq!(times, [1, 2, 3, 4, 5].map(|minute| json!(format!("2026-10-05T10:0{minute}:00Z"))));
}

#[test]
fn a_path_that_is_not_there_is_told_and_the_rest_is_judged() {
    let ran = replay(&["missing.json", "events", "nothing-*.json", "bad[.json"]).file("events", one(1)).run();
    assert_eq!(ran.findings().len(), 1);
    insta::assert_snapshot!(ran.told(), @r"
    exit 4
    error: failed to read `missing.json`: No such file or directory (os error 2)
    error: no file matches `nothing-*.json`
    error: `bad[.json` is not a glob pattern: invalid range pattern
    read 1 record in 1 input; 3 rules judged 1 of them in 1 evaluation; 1 finding (1 high), 0 gaps
    ");
}

/// Paths that nobody can read, not even root.
#[test]
fn a_path_that_cannot_be_read_is_told_and_the_rest_is_judged() {
    let run = replay(&["events/1.json/inside", "events"]).file("events/1.json", one(1)).file("events/9.json", one(9));
    symlink("nowhere", run.folder().join("events/2-dangling")).expect("the link can be made");
    symlink("3-circle", run.folder().join("events/3-circle")).expect("the link can be made");
    let ran = run.run();
    assert_eq!(ran.findings().len(), 2);
    insta::assert_snapshot!(ran.told(), @r"
    exit 4
    error: failed to read `events/1.json/inside`: Not a directory (os error 20)
    error: failed to read `events/2-dangling`: No such file or directory (os error 2)
    error: failed to read `events/3-circle`: Too many levels of symbolic links (os error 40)
    read 2 records in 2 inputs; 3 rules judged 2 of them in 2 evaluations; 2 findings (2 high), 0 gaps
    ");
}

#[test]
fn a_link_that_leads_back_into_its_folder_does_not_lead_in_circles() {
    let run = replay(&["events"]).file("events/inner/1.json", one(1));
    symlink("..", run.folder().join("events/inner/up")).expect("the link can be made");
    let ran = run.run();
    assert_eq!((ran.code, ran.findings().len()), (0, 1), "{}", ran.stderr);
}

#[test]
fn a_folder_that_a_link_leads_to_is_read_once() {
    let run = replay(&["events"]).file("elsewhere/1.json", one(1)).file("events/2.json", one(2));
    for link in ["events/a", "events/b"] {
        symlink("../elsewhere", run.folder().join(link)).expect("the link can be made");
    }
    let ran = run.run();
    assert_eq!((ran.code, ran.findings().len()), (0, 2), "{}", ran.stderr);
}

/// A file that opens and then fails: the memory of the process itself, whose first page is never there.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_while_it_is_read_is_told_and_the_rest_is_judged() {
    let ran = replay(&["/proc/self/mem", "events"]).file("events", one(1)).run();
    assert_eq!(ran.findings().len(), 1);
    insta::assert_snapshot!(ran.told(), @r"
    exit 4
    error: failed to read `/proc/self/mem`: Input/output error (os error 5)
    read 1 record in 2 inputs; 3 rules judged 1 of them in 1 evaluation; 1 finding (1 high), 0 gaps
    ");
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_judged() {
    let run = replay(&["events"]).file("events/closed/1.json", one(1)).file("events/2.json", one(2));
    let closed = run.folder().join("events/closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("the mode can be set");
    // Nothing is closed to root, who then has to see both.
    let open_to_us = fs::read_dir(&closed).is_ok();
    let ran = run.run();
    if open_to_us {
        assert_eq!((ran.code, ran.findings().len()), (0, 2), "{}", ran.stderr);
    } else {
        assert_eq!((ran.code, ran.findings().len()), (4, 1), "{}", ran.stderr);
        assert!(ran.stderr.contains("error: failed to read `events/closed`: "), "{}", ran.stderr);
    }
}

#[test]
fn something_in_a_folder_that_is_no_file_is_told_and_does_not_stop_the_run() {
    let run = replay(&["events"]).file("events/1.json", one(1));
    let listening = std::os::unix::net::UnixListener::bind(run.folder().join("events/0.socket"));
    let ran = run.run();
    drop(listening);
    assert_eq!(ran.findings().len(), 1);
    insta::assert_snapshot!(ran.told(), @r"
    exit 4
    error: failed to read `events/0.socket`: it is neither a file nor a folder
    read 1 record in 1 input; 3 rules judged 1 of them in 1 evaluation; 1 finding (1 high), 0 gaps
    ");
}

#[test]
fn since_and_until_choose_by_the_events_time() {
    let mut timeless = policy_detached(5);
    timeless["eventTime"] = json!("yesterday");
    let records = [policy_detached(1), policy_detached(2), policy_detached(3), policy_detached(4), timeless];
    let arguments = ["--since", "2026-10-05T10:02:00Z", "--until", "2026-10-05T12:04:00+02:00", "events"];
    let ran = replay(&arguments).file("events", file(&records)).run();
    let times: Vec<_> = ran.findings().iter().map(|finding| finding["event"]["time"].clone()).collect();
    assert_eq!(times, [json!("2026-10-05T10:02:00Z"), json!("2026-10-05T10:03:00Z"), json!(null)]);
    insta::assert_snapshot!(ran.told(), @r"
    exit 0
    read 5 records in 1 input (2 outside the time range); 3 rules judged 3 of them in 3 evaluations; 3 findings (3 high), 0 gaps
    ");
}

#[test]
fn a_span_counts_back_from_now() {
    let mut old = policy_detached(1);
    old["eventTime"] = json!("2020-01-01T00:00:00Z");
    let run = |since| replay(&["--since", since, "events"]).file("events", file(&[old.clone()])).run();
    assert_eq!((run("24h").code, run("24h").findings().len()), (0, 0));
    assert_eq!((run("1000y").code, run("1000y").findings().len()), (0, 1));
}

#[test]
fn a_reader_that_has_had_enough_ends_the_run_quietly() {
    let records: Vec<_> = (0..3000).map(policy_detached).collect();
    let (mut child, _folder) = replay(&["events"]).file("events", lines(&records)).spawn();
    let mut first = String::new();
    let stdout = child.stdout.take().expect("standard output is a pipe");
    BufReader::new(stdout).read_line(&mut first).expect("findings come");
    assert!(first.starts_with("{\"id\":"), "{first}");
    // The reader is gone here, with most of the findings unread.
    assert_eq!(end_of(child), (Some(0), String::new()));
}

#[test]
fn messages_that_nobody_reads_change_nothing() {
    let (mut child, _folder) = replay(&["missing", "events"]).file("events", one(1)).spawn();
    drop(child.stderr.take());
    let output = child.wait_with_output().expect("the host ends");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(4), false));
}

#[test]
fn an_output_that_takes_nothing_is_a_failure() {
    let run = replay(&["events"]).file("events", one(1));
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full is there");
    let (child, _folder) = run.stdout(Stdio::from(full)).spawn();
    let (code, stderr) = end_of(child);
    assert_eq!(
        (code, stderr.as_str()),
        (Some(4), "error: failed to write to standard output: No space left on device (os error 28)\n")
    );
}

fn end_of(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    child.stderr.take().expect("standard error is a pipe").read_to_string(&mut stderr).expect("messages are UTF-8");
    (child.wait().expect("the host ends").code(), stderr)
}

/// Feeds the program through a pipe and asks for its peak of memory while the pipe is still open: it has read all but the pipe's few
/// kilobytes then, and cannot have ended.
#[cfg(target_os = "linux")]
fn peak_of_memory(blocks: usize, start: &str, block: &str, compressed: bool) -> usize {
    let (mut child, _folder) = replay(&["-"]).spawn();
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let stdout = child.stdout.take().expect("standard output is a pipe");
    let reader = std::thread::spawn(move || BufReader::new(stdout).lines().count());
    let mut write = |text: &str| {
        let bytes = if compressed { gzip(text) } else { text.as_bytes().to_vec() };
        stdin.write_all(&bytes).expect("the host reads");
    };
    write(start);
    for _ in 0..blocks {
        write(block);
    }
    let kib = support::peak_of_memory(child.id());
    drop(stdin);
    // A list that is not closed is a gap.
    let expected = if start.is_empty() { 0 } else { 2 };
    assert_eq!(end_of(child).0, Some(expected));
    assert_eq!(reader.join().expect("the reader does not panic"), blocks);
    kib << 10
}

/// One finding a block, so that both ways of records are taken: those that somebody asks for, and the many others.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded_whatever_the_size_of_the_input() {
    let quiet: Vec<_> = (0..400).map(organization_described).collect();
    let block = lines(&quiet) + &lines(&[policy_detached(1)]);
    let list = block.replace('\n', ",\n");
    for (form, start, block, compressed) in
        [("lines", "", &block, false), ("one list", "{\"Records\":[\n", &list, false), ("gzip", "", &block, true)]
    {
        let small = peak_of_memory(10, start, block, compressed);
        let large = peak_of_memory(100, start, block, compressed);
        let input = 90 * block.len();
        assert!(large < small + input / 4, "{form}: {large} bytes against {small}, for {input} bytes more of input");
        assert!(large < 200 << 20, "{form}: {large} bytes");
    }
}

#[test]
fn lines_are_the_same_from_standard_input_and_from_a_file() {
    let text = lines(&[policy_detached(1), policy_detached(2)]);
    let piped = replay(&["-"]).input(gzip(&text)).run();
    let read = replay(&["events"]).file("events", &text).run();
    assert_eq!((piped.code, read.code), (0, 0), "{}{}", piped.stderr, read.stderr);
    assert_eq!(sorted_lines(&piped), sorted_lines(&read));
}
