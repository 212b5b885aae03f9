//! The results of tests for people: a line a rule, the differences of what failed, and the sum.

use std::fmt::Write as _;

use super::{Sum, TestOptions, Tested};
use crate::command::run::{count, digits};
use crate::command::screen::{Screen, Tone};
use crate::encoding::harmless_json;
use crate::escape::{self, terminal};
use crate::testing::{Difference, Field, Outcome};

pub(super) fn text(tested: &[Tested], sum: Sum, options: &TestOptions, mut screen: Screen) -> String {
    for tested in tested {
        rule(tested, &mut screen);
        if options.further.coverage {
            coverage(tested, &mut screen);
        }
    }
    let cases = count((sum.passed + sum.failed) as u64, "case");
    let rules = count(sum.rules as u64, "rule");
    let mut line = format!("{cases} of {rules}: {} passed", sum.passed);
    for (number, what) in
        [(sum.failed, "failed"), (sum.unsound, "not shown both ways"), (sum.broken, "broken by generated records")]
    {
        if number > 0 {
            line.push_str(", ");
            line.push_str(&screen.paint(&format!("{number} {what}"), Tone::Bad));
        }
    }
    if sum.changes > 0 {
        // Writing to a String cannot fail.
        let _ = write!(line, "; {} tried", count(sum.changes as u64, "change"));
    }
    if sum.warnings > 0 {
        line.push_str("; ");
        line.push_str(&screen.paint(&count(sum.warnings as u64, "warning"), Tone::Warning));
    }
    screen.line(&line);
    screen.finish()
}

fn rule(tested: &Tested, screen: &mut Screen) {
    let failed = tested.failures().count();
    let all = tested.results.len();
    let id = screen.paint(tested.suite.id(), Tone::Strong);
    let (head, told) = if failed > 0 {
        (screen.paint("FAIL  ", Tone::Bad), format!("{id}: {failed} of {} failed", count(all as u64, "case")))
    } else if tested.lacks().is_some() || tested.fuzz_failure().is_some() {
        (screen.paint("FAIL  ", Tone::Bad), format!("{id}: {}", count(all as u64, "case")))
    } else {
        (screen.paint("ok    ", Tone::Good), format!("{id}: {}", count(all as u64, "case")))
    };
    screen.hanging(0, &head, &told);
    if let Some(lack) = tested.lacks() {
        let folder = escape::path(&tested.suite.folder);
        let hint = format!("{lack}: add a fires_….json and a quiet_….json, or a cases.toml, to {folder}");
        screen.hanging(6, "", &hint);
    }
    for (case, outcome) in tested.failures() {
        screen.hanging(6, &screen.paint("✗ ", Tone::Bad), &terminal(&case.name));
        if case.file.file_name().is_some_and(|name| name.to_string_lossy() != case.name) {
            screen.hanging(8, &screen.paint("in ", Tone::Faint), &escape::path(&case.file));
        }
        match outcome {
            Outcome::Passed => {}
            Outcome::Fault(fault) => screen.hanging(8, "", &terminal(fault)),
            Outcome::Failed(differences) => differences.iter().for_each(|one| difference(one, screen)),
        }
    }
    fuzzed(tested, screen);
    for warning in &tested.warnings {
        screen.hanging(6, &screen.paint("! ", Tone::Warning), &warning.message);
    }
}

fn fuzzed(tested: &Tested, screen: &mut Screen) {
    let Some(fuzzed) = &tested.fuzzed else { return };
    if let Some(failure) = &fuzzed.failure {
        let told = format!("generated record {}: {}", digits(failure.number), terminal(&failure.fault));
        screen.hanging(6, &screen.paint("✗ ", Tone::Bad), &told);
        for record in &failure.records {
            screen.hanging(8, "", &harmless_json(record));
        }
    } else {
        let what = if tested.suite.component().metadata().state_version.is_some() { "stories" } else { "records" };
        let judged = format!("{} generated {what}, {} asked for", digits(fuzzed.stories), digits(fuzzed.asked));
        let found =
            format!("{}, at most {} units of fuel", count(fuzzed.findings, "finding"), digits(fuzzed.most_fuel));
        screen.hanging(6, "", &format!("{judged}: {found}"));
    }
}

fn difference(difference: &Difference, screen: &mut Screen) {
    let Difference { what, expected, found } = difference;
    screen.hanging(8, "", &what.clone());
    let absent = "nothing".to_owned();
    let expected = screen.paint(expected.as_ref().unwrap_or(&absent), Tone::Good);
    screen.hanging(10, "- expected ", &expected);
    let found = screen.paint(found.as_ref().unwrap_or(&absent), Tone::Bad);
    screen.hanging(10, "+ found    ", &found);
}

/// The values that are shown, in columns of a line together.
const LONGEST_VALUE: usize = 40;

fn coverage(tested: &Tested, screen: &mut Screen) {
    if !tested.coverage.alternatives.is_empty() {
        screen.hanging(6, "", "asks for");
    }
    for alternative in &tested.coverage.alternatives {
        let seen =
            if alternative.seen { screen.paint("seen ", Tone::Good) } else { screen.paint("never", Tone::Warning) };
        screen.hanging(8, &format!("{seen}  "), &format!("{} {}", terminal(&alternative.field), alternative.wanted));
    }
    let fields: Vec<(&str, &Field)> = tested.coverage.fields().collect();
    if !fields.is_empty() {
        screen.hanging(6, "", "reads");
    }
    for (path, field) in fields {
        let values: Vec<String> = field.values.iter().map(|value| shortened(&terminal(value))).collect();
        let more = if field.more > 0 { format!(" and {} more", field.more) } else { String::new() };
        let never =
            if field.never_varied() { screen.paint(" (never anything else)", Tone::Warning) } else { String::new() };
        screen.hanging(8, "", &terminal(path));
        screen.hanging(10, "", &format!("{}{more}{never}", values.join(", ")));
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
