//! Promise 4: neither the number of workers nor the order of the files makes a different finding.

use super::{replay, sorted_lines};
use crate::records::{account_left, file, gzip, lines, organization_described, policy_detached};
use crate::support::Run;

const FILES: u32 = 24;

/// Files of different sizes, so that later ones are finished first; some packed, some broken.
fn with_files(mut run: Run) -> Run {
    for number in 0..FILES {
        let size = if number % 5 == 0 { 300 } else { 3 };
        let records: Vec<_> = (0..size)
            .map(|place| match (number + place) % 3 {
                0 => policy_detached(number * 1000 + place),
                1 => organization_described(number * 1000 + place),
                _ => account_left(number * 1000 + place),
            })
            .collect();
        let name = format!("events/{number:02}.json");
        run = match number % 4 {
            0 => run.file(&name, gzip(file(&records))),
            1 => run.file(&name, lines(&records) + "{\"eventID\": nonsense}\n"),
            _ => run.file(&name, file(&records)),
        };
    }
    run
}

#[test]
fn one_two_and_eight_jobs_give_byte_identical_output() {
    let run = |jobs| with_files(replay(&["--jobs", jobs, "events"])).run();
    let one = run("1");
    assert_eq!(one.code, 2, "{}", one.stderr);
    assert!(one.findings().len() > 500, "{}", one.stderr);
    for jobs in ["2", "8"] {
        let other = run(jobs);
        // Not `assert_eq!`: two outputs of a megabyte help nobody.
        assert!(one.stdout == other.stdout, "the findings differ with {jobs} jobs");
        assert_eq!(one.told(), other.told(), "{jobs} jobs");
    }
}

#[test]
fn files_in_any_order_give_the_same_lines() {
    let names: Vec<String> = (0..FILES).map(|number| format!("events/{number:02}.json")).collect();
    let mut backwards = names.clone();
    backwards.reverse();
    // Coprime to the number of files, so that this takes each once.
    let mixed: Vec<String> = (0..names.len()).map(|place| names[place * 7 % names.len()].clone()).collect();
    let run = |names: &[String]| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        with_files(replay(&names)).run()
    };
    let forwards = run(&names);
    assert!(forwards.findings().len() > 500, "{}", forwards.stderr);
    for order in [backwards, mixed] {
        let other = run(&order);
        assert!(forwards.stdout != other.stdout, "the lines follow the order of the input");
        assert!(sorted_lines(&forwards) == sorted_lines(&other), "the findings differ in another order");
    }
}

#[test]
fn a_run_repeated_gives_the_same_bytes() {
    let run = || with_files(replay(&["events"])).run();
    assert!(run().stdout == run().stdout, "the findings differ from run to run");
}
