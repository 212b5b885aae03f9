//! `bench`: what judging costs.

use super::{fits, with_pack};

/// Runs `bench` twice on one pack: with these settings to write a baseline, then with those to compare.
fn compared(before: &str, after: &str) -> (i32, String) {
    let settings = "pack/events/thorough/settings.toml";
    let written = with_pack(&["bench", "pack", "--write-baseline", "baseline.json"], "thorough").file(settings, before);
    let path = written.folder().join("baseline.json");
    let (mut child, folder) = written.spawn();
    assert!(child.wait().expect("it ends").success());
    let baseline = std::fs::read(path).expect("it is written");
    drop(folder);
    let again = with_pack(&["bench", "pack", "--baseline", "baseline.json", "-o", "text"], "thorough");
    let ran = again.file(settings, after).file("baseline.json", baseline).run();
    assert_eq!(ran.stderr, "");
    fits(&ran.stdout);
    (ran.code, ran.stdout)
}

#[test]
fn a_needless_loop_fails_the_comparison_with_the_baseline() {
    assert_eq!(compared("times = 0", "times = 0").0, 0);
    let (code, stdout) = compared("times = 0", "times = 100");
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("FAIL  guest.thorough on fires_deleted.json: "), "{stdout}");
    assert_eq!(compared("times = 100", "times = 0").0, 0, "less is no failure");
}

#[test]
fn fuel_is_the_same_each_time() {
    let fuel = || {
        let ran = with_pack(&["bench", "pack"], "thorough").run();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let mut measures = ran.findings();
        for measure in &mut measures {
            let time = measure["nanoseconds"].take();
            assert!(time.as_u64().is_some_and(|time| time > 0), "{time}");
        }
        measures
    };
    let first = fuel();
    assert_eq!((first.len(), first[0]["evaluations"].as_u64()), (2, Some(1)), "{first:?}");
    assert_eq!(first, fuel());
}

/// Puts a word in the place of fuel, which differs from one compiler to the next, and of time, which differs from run to run.
fn masked(line: &str) -> String {
    let is_measure = |word: &str| word.contains([',', '.']) && word.starts_with(|first: char| first.is_ascii_digit());
    let words = line.split_whitespace().map(|word| if is_measure(word) { "measured" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn events_of_ones_own_can_be_measured() {
    let run = with_pack(&["bench", "pack", "-o", "text", "events"], "thorough");
    let ran = run.file("events/a.json", super::DELETED).file("events/b.json", super::DELETED).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    fits(&ran.stdout);
    insta::assert_snapshot!(ran.stdout.lines().map(masked).collect::<Vec<_>>().join("\n"), @r"
    rule runs fuel each most µs each
    guest.thorough 2 measured measured measured
    2 evaluations measured; fuel is the same on every machine
    ");
}

#[test]
fn events_that_nobody_asks_for_and_a_broken_baseline_are_told() {
    let ran = with_pack(&["bench", "pack", "-"], "thorough")
        .input("{\"eventName\": \"X\", \"eventVersion\": \"1.11\"}")
        .run();
    assert_eq!(ran.code, 3);
    insta::assert_snapshot!(ran.stderr, @r"
    error: no rule was asked to judge anything
    hint: name events that the rules ask for, or add test cases that fire
    ");
    let ran = with_pack(&["bench", "pack", "--baseline", "b.json"], "thorough").file("b.json", "[]").run();
    assert_eq!(ran.code, 3);
    insta::assert_snapshot!(ran.stderr, @r"
    error: failed to understand `b.json`: invalid length 0, expected struct Baseline with 1 element at line 1 column 2
    hint: make it anew with --write-baseline
    ");
}
