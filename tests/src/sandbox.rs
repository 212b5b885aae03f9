//! Containment: guests that do what no rule should, and what becomes of them.
//!
//! Each runs in the real program beside rules that behave. It must end in a fault that names the rule and, where there is one, the event;
//! and the other rules' findings must be, byte for byte, those that they make without it.

mod boundary;
mod compiling;
mod fresh;
pub(crate) mod handmade;
mod refused;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use orgwatch_host::sandbox::{
    Compiler, Component, Engine, Evaluation, Fault, Limits, LoadFault, LoadedRule, Preparation,
};
use orgwatch_rules_sdk::json::Document;
use serde_json::json;

use crate::records::{account_left, lines, organization_described, policy_detached};
use crate::support::{Ran, Run, host, pack, root};

/// Lists the guests of `tests/guests`, each with the test that it has.
macro_rules! guests {
    ($($test:ident: $guest:literal, $becomes:ident($($fault:literal)?);)+) => {
        const GUESTS: &[&str] = &[$($guest),+];

        $(
            #[test]
            fn $test() {
                $becomes($guest, concat!($($fault)?));
            }
        )+
    };
}

guests! {
    a_rule_that_never_returns_is_stopped: "endless_loop", fails_on_each_event("it ran out of fuel (20000000 units)");
    a_rule_that_recurses_without_end_is_stopped: "endless_recursion", fails_on_each_event("it overflowed its stack");
    a_rule_that_takes_all_memory_is_stopped: "memory_bomb", fails_on_each_event("it ran out of memory (33554432 bytes)");
    a_rule_that_traps_is_told_of: "trap", fails_on_each_event("it trapped: wasm `unreachable` instruction executed");
    a_rule_that_panics_is_told_of_with_its_last_words: "panic", has_last_words("the rule cannot bear ");
    a_rule_that_returns_a_giant_is_told_of: "giant_finding", fails_on_each_event("it broke the rules of the sandbox: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted");
    a_rule_that_returns_thousands_of_findings_is_told_of: "thousands_of_findings", fails_on_each_event("it returned 5000 findings, more than 100");
    a_rule_that_repeats_a_key_is_told_of: "repeated_key", fails_on_each_event("it returned two findings with the key \"twice\"");
    a_rule_that_logs_without_end_is_stopped: "endless_logging", fails_on_each_event("it ran out of fuel (20000000 units)");
    a_rule_that_logs_an_enormous_line_is_told_of: "enormous_log_line", fails_on_each_event("it broke the rules of the sandbox: too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted");
    a_rule_that_reads_without_end_pays_for_it: "endless_reading", fails_on_each_event("it ran out of fuel (20000000 units)");
    a_rule_that_refuses_its_settings_is_not_loaded: "refuses_settings", is_not_loaded("it refuses its settings: no settings are ever right");
    a_rule_that_reads_the_event_while_it_loads_is_not_loaded: "load_reads_event", is_not_loaded("its `load` failed: it read the event, which only `evaluate` can");
    a_rule_that_never_finishes_loading_is_not_loaded: "load_loops", is_not_loaded("its `load` failed: it ran out of fuel (2000000000 units)");
    a_rule_that_takes_all_memory_to_load_is_not_loaded: "load_grows", is_not_loaded("its `load` failed: it ran out of memory (33554432 bytes)");
    a_rule_that_panics_while_it_loads_is_not_loaded: "load_panics", is_not_loaded("its `load` failed: it trapped: wasm `unreachable` instruction executed; its last words: panicked at tests/guests/src/bin/load_panics.rs:20:9:\\nnot like this");
    a_rule_that_asks_for_no_events_is_not_loaded: "asks_for_nothing", asks_for_nothing("it asks for no events: `load` returned an empty list of patterns");
    a_rule_with_a_malformed_pattern_is_not_loaded: "malformed_pattern", asks_for_nothing("it asks for events with a pattern that is none: a string where an array of alternatives or an object of fields belongs at eventName; put the value in square brackets");
    a_rule_that_behaves_judges_each_event: "count_calls", judges_each_event();
    a_rule_that_looks_back_sees_what_it_noted: "looks_back", sees_what_it_noted();
    a_rule_that_asks_for_an_event_that_never_comes_is_told_of: "dead_event_name", is_remarked_on("event-name-unknown");
    a_rule_that_asks_a_service_for_the_event_of_another_is_told_of: "foreign_event_name", is_remarked_on("event-name-elsewhere");
    a_rule_that_is_careless_harms_nobody_else: "careless", behaves();
    a_rule_that_is_trusting_harms_nobody_else: "trusting", behaves();
    a_rule_that_is_thorough_harms_nobody_else: "thorough", behaves();
    a_rule_that_misreads_harms_nobody_else: "misreads", behaves();
    a_rule_that_reads_five_fields_says_what_it_read: "five_reads", says_what_it_read();
    a_rule_that_says_much_is_heard_in_order_and_in_little_memory: "talkative", talks_at_length();
}

#[test]
fn every_guest_has_a_test() {
    let folder = root().join("tests/guests/src/bin");
    let guests: BTreeSet<String> = fs::read_dir(folder)
        .expect("the guests are there")
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let tested: BTreeSet<String> = GUESTS.iter().map(ToString::to_string).collect();
    assert_eq!(guests, tested, "name each guest of tests/guests in `guests!`, with its test");
}

#[test]
fn all_guests_at_once_do_not_keep_the_others_from_judging() {
    // The one guest that behaves and is not among the others finds things of its own.
    let run = others(&["--rules", "guests"]).file("orgwatch.toml", "[rule.\"guest.looks-back\"]\nenabled = false\n");
    let ran = run.link("guests", pack("tests/guests")).run();
    let alone = others(&["--rules", "count_calls.wasm"]).run();
    let with_pack = |line: &str| line.replace("\"pack\":null", "\"pack\":\"test/guests@0.1.0\"");
    // Found twice, `count_calls` is one rule, which the pack names first.
    let expected: Vec<String> = alone
        .stdout
        .lines()
        .map(|line| if line.contains("guest.count-calls") { with_pack(line) } else { line.to_owned() })
        .collect();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), expected);
    assert_eq!(ran.code, 2);
}

/// The tools for authors have more to say of these: `authoring`.
fn behaves(guest: &str, _: &str) {
    let ran = beside(guest_file(guest), "");
    assert_eq!((ran.code, errors(&ran)), (0, Vec::new()), "{}", ran.stderr);
}

fn fails_on_each_event(guest: &str, fault: &str) {
    let ran = beside(guest_file(guest), "");
    assert_gaps(&ran, &format!("{} could not judge it: {fault}", id(guest)));
    assert_eq!(errors(&ran), [""; 0]);
}

fn is_not_loaded(guest: &str, fault: &str) {
    let ran = beside(guest_file(guest), "");
    assert_eq!(errors(&ran), [format!("error: the rule {} is not loaded: {}", id(guest), fault)]);
    assert_gaps(&ran, &format!("{} could not judge it, since it is not loaded", id(guest)));
}

/// No event is known to have been asked for, and so none is a gap.
fn asks_for_nothing(guest: &str, fault: &str) {
    let ran = beside(guest_file(guest), "");
    assert_eq!(errors(&ran), [format!("error: the rule {} is not loaded: {}", id(guest), fault)]);
    assert_eq!(gaps(&ran), [""; 0]);
    assert_eq!(ran.code, 2);
}

fn says_what_it_read(guest: &str, _: &str) {
    let record = json!({
        "eventVersion": "1.11", "eventSource": "organizations.amazonaws.com", "eventName": "InviteAccountToOrganization",
        "userIdentity": { "arn": "arn:aws:iam::111122223333:user/anaya" }, "sourceIPAddress": "192.0.2.44",
        "requestParameters": { "target": { "type": "ACCOUNT", "id": "444455556666" } }, "recipientAccountId": "111122223333",
    });
    let run = Run::new(["--rules", "guest.wasm", "events.json"]).file("events.json", record.to_string());
    let ran = run.file("guest.wasm", guest_file(guest)).run();
    assert_eq!((ran.code, errors(&ran), gaps(&ran)), (0, Vec::new(), Vec::new()));
    let [finding] = <[serde_json::Value; 1]>::try_from(ran.findings()).expect("one finding");
    assert_eq!(finding["title"], "arn:aws:iam::111122223333:user/anaya invited account 444455556666");
    let details = json!({ "caller": "arn:aws:iam::111122223333:user/anaya", "organization": "111122223333", "source_ip": "192.0.2.44" });
    assert_eq!(finding["details"], details);
}

/// A batch with more findings than should be held at once is judged event by event, and what comes out is the same.
fn talks_at_length(guest: &str, _: &str) {
    const RECORDS: usize = 100;
    let record = |number| format!("{{\"eventVersion\":\"1.11\",\"eventName\":\"Said\",\"eventID\":\"{number:03}\"}}\n");
    let events: String = (0..RECORDS).map(record).collect();
    let run = Run::new(["--rules", "guest.wasm", "events.json"]).file("events.json", &events);
    let ran = run.file("guest.wasm", guest_file(guest)).run();
    assert_eq!((ran.code, gaps(&ran).len()), (0, 0), "{}", ran.stderr);
    let heard: Vec<String> =
        ran.findings().iter().map(|finding| format!("{} {}", finding["event"]["id"], finding["key"])).collect();
    let expected: Vec<String> =
        (0..RECORDS).flat_map(|event| (0..50).map(move |part| format!("\"{event:03}\" \"{part:02}\""))).collect();
    assert_eq!(heard, expected);
}

/// What such a rule finds, and does not, the tests of [`state`](crate::state) show.
fn sees_what_it_noted(guest: &str, _: &str) {
    let run = Run::new(["--rules", "guest.wasm", "events.json"]).file("events.json", events());
    let ran = run.file("guest.wasm", guest_file(guest)).run();
    assert_eq!((ran.code, errors(&ran), gaps(&ran)), (0, Vec::new(), Vec::new()));
    assert_eq!(ran.findings().iter().filter(|finding| finding["key"] == "each").count(), EVENTS.len());
}

/// Such a rule runs, and finds nothing; [`check`](crate::check) is who says so.
fn is_remarked_on(guest: &str, code: &str) {
    let ran = beside(guest_file(guest), "");
    assert_eq!((ran.code, errors(&ran), gaps(&ran)), (0, Vec::new(), Vec::new()));
    let checked = Run::new(["check", "guest.wasm", "--output", "json"]).file("guest.wasm", guest_file(guest)).run();
    let remarks = checked.findings();
    let found: Vec<_> = remarks.iter().map(|remark| (&remark["rule"], &remark["code"])).collect();
    assert_eq!(found, [(&json!(id(guest)), &json!(code))]);
    assert_eq!(checked.code, 1);
}

fn has_last_words(guest: &str, words: &str) {
    let ran = beside(guest_file(guest), "");
    let gaps = gaps(&ran);
    assert_eq!(gaps.len(), EVENTS.len());
    for (gap, (event, place)) in gaps.iter().zip(EVENTS.iter().zip(places())) {
        let expected = format!(
            "gap: {place}: guest.panic could not judge it: it trapped: wasm `unreachable` instruction executed; its last words: "
        );
        let said = gap.strip_prefix(&expected).unwrap_or_else(|| panic!("{gap}\n{expected}"));
        assert!(said.ends_with(&format!("{words}{event}")), "{said}");
    }
    assert_eq!(ran.code, 2);
}

fn judges_each_event(_: &str, _: &str) {
    let ran = others(&[]).run();
    assert_eq!((ran.code, errors(&ran), gaps(&ran)), (0, Vec::new(), Vec::new()));
}

/// The rule's id that a guest has by its file's name.
fn id(guest: &str) -> String {
    format!("guest.{}", guest.replace('_', "-"))
}

fn guest_file(guest: &str) -> Vec<u8> {
    let path: PathBuf = pack("tests/guests").join("dist").join(guest).with_extension("wasm");
    fs::read(path).expect("the guest is built")
}

/// The names of the events that the rules judge.
const EVENTS: [&str; 3] = ["DetachPolicy", "AccountDepartedOrganization", "DescribeOrganization"];

/// The events, one a line.
fn events() -> String {
    lines(&[policy_detached(1), account_left(2), organization_described(3)])
}

/// Where the events stand, as messages say it.
fn places() -> Vec<String> {
    let mut places = Vec::new();
    let mut offset = 0;
    for (number, line) in events().lines().enumerate() {
        places.push(format!("events.json, record {} at byte {offset}", number + 1));
        offset += line.len() + 1;
    }
    places
}

/// A run of rules that behave, and of those that the arguments name.
fn others(arguments: &[&str]) -> Run {
    let behave = ["--rules", "rules", "--rules", "count_calls.wasm", "--output", "json", "events.json"];
    Run::new(arguments.iter().chain(&behave))
        .with_rules()
        .link("count_calls.wasm", pack("tests/guests").join("dist/count_calls.wasm"))
        .file("events.json", events())
}

/// What the rules that behave find when they are alone.
static ALONE: LazyLock<String> = LazyLock::new(|| {
    let ran = others(&[]).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let found: Vec<_> = ran
        .findings()
        .iter()
        .map(|finding| {
            let text = |pointer: &str| {
                finding.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
            };
            (text("/rule/id"), text("/event/name"))
        })
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(rule, event)| (rule.as_str(), event.as_str())).collect();
    let expected = [
        ("cis.organizations-changes", EVENTS[0]),
        ("guest.count-calls", EVENTS[0]),
        ("guest.count-calls", EVENTS[1]),
        ("org.account-departed", EVENTS[1]),
        ("guest.count-calls", EVENTS[2]),
    ];
    assert_eq!(found, expected);
    ran.stdout
});

/// Runs a guest beside the rules that behave, with a configuration, and makes sure that those do not notice.
fn beside(guest: impl AsRef<[u8]>, config: &str) -> Ran {
    let ran = others(&["--rules", "guest.wasm"]).file("guest.wasm", guest).file("orgwatch.toml", config).run();
    assert_eq!(ran.stdout, *ALONE, "the other rules noticed the guest\n{}", ran.stderr);
    ran
}

/// The messages that tell of gaps.
fn gaps(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter(|line| line.starts_with("gap: ")).collect()
}

/// The messages that tell of failures; what rules log as errors is none.
fn errors(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter(|line| line.starts_with("error: ") && !line.starts_with("error: guest.")).collect()
}

/// Makes sure that each event is a gap with this cause, and that the exit code says so.
#[track_caller]
fn assert_gaps(ran: &Ran, cause: &str) {
    let expected: Vec<String> = places().iter().map(|place| format!("gap: {place}: {cause}")).collect();
    assert_eq!(gaps(ran), expected, "{}", ran.stderr);
    assert_eq!(ran.code, 2);
}

/// Makes sure that a component is a rule that is not loaded, with this fault, and that the others do not notice.
#[track_caller]
fn assert_not_loaded(guest: impl AsRef<[u8]>, config: &str, fault: &str) {
    let ran = beside(guest, config);
    assert_eq!(errors(&ran), [format!("error: the rule guest.handmade is not loaded: {fault}")]);
    assert_gaps(&ran, "guest.handmade could not judge it, since it is not loaded");
}

/// Makes sure that a file is told of as no rule, for this reason, and that the others do not notice.
#[track_caller]
fn assert_refused(guest: impl AsRef<[u8]>, reason: &str) {
    let ran = beside(guest, "");
    assert_eq!(errors(&ran), [format!("error: the rule guest.wasm is not loaded: {reason}")]);
    assert_eq!((ran.code, gaps(&ran)), (2, Vec::new()));
}

/// Checks and prepares a component, with its settings left out.
fn prepare(component: Vec<u8>, limits: &Limits) -> Result<Preparation, LoadFault> {
    let component = Component::check(component, limits)?;
    Compiler::new(host(), None, limits.clone()).prepare(&component, "{}")
}

/// Loads a component for evaluations, one at a time.
fn load(component: Vec<u8>, limits: &Limits) -> LoadedRule {
    let preparation = prepare(component, limits).expect("the rule loads");
    link(preparation, limits).expect("the rule fits")
}

fn link(preparation: Preparation, limits: &Limits) -> Result<LoadedRule, LoadFault> {
    link_into(&Engine::for_evaluation(1, limits.clone()).expect("the engine starts"), preparation)
}

fn link_into(engine: &Engine, preparation: Preparation) -> Result<LoadedRule, LoadFault> {
    LoadedRule::link(engine, preparation, "{}", Arc::default(), Vec::new())
}

/// Judges a record.
fn judge(rule: &LoadedRule, record: &str) -> Evaluation {
    rule.evaluate(Arc::new(Document::parse(record).expect("the record is JSON")), None)
}

/// Loads a component and returns how it fails on a record.
fn fault(component: Vec<u8>) -> Fault {
    let rule = load(component, &Limits::default());
    judge(&rule, r#"{"eventName": "DetachPolicy"}"#).outcome.expect_err("the rule fails")
}
