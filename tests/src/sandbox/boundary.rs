//! What crosses the boundary between rule and host, bent in every way that the component model allows.

use orgwatch_host::sandbox::{Fault, Limits, LoadFault};

use super::handmade::Handmade;
use super::{assert_gaps, assert_not_loaded, beside, fault, judge, load, prepare};

fn evaluating(evaluate: &'static str) -> Handmade {
    Handmade { evaluate, ..Handmade::default() }
}

fn returning(finding: impl Into<Vec<u8>>) -> Handmade {
    Handmade { finding: finding.into(), ..Handmade::default() }
}

fn reason(fault: Fault) -> String {
    match fault {
        Fault::BadOutput { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_that_is_not_utf8_is_told_of() {
    let ran = beside(returning(b"{\"key\":\"\xff\xfe\"}").build(), "");
    assert_gaps(&ran, "guest.handmade could not judge it: it handed over text that is not Unicode");
}

#[test]
fn text_that_is_not_utf16_is_told_of() {
    // A lone surrogate, in the nine units that the length says.
    let rule = Handmade { lift: "string-encoding=utf16", ..returning(b"\x00\xd8".repeat(18)) };
    assert_eq!(fault(rule.build()), Fault::NotUnicode);
}

#[test]
fn findings_may_be_utf16_or_latin1() {
    let text = r#"{"key":"é"}"#;
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let units = utf16.len() / 2;
    // The length in memory is in bytes; `evaluate` puts the number of units there.
    let evaluate: &'static str = format!("(i32.store (i32.const 100) (i32.const {units})) (i32.const 80)").leak();
    let rule = Handmade { lift: "string-encoding=utf16", evaluate, ..returning(utf16) };
    let found = judge(&load(rule.build(), &Limits::default()), "{}").outcome.unwrap();
    assert_eq!(found[0].key(), "é");
    let latin1: Vec<u8> = text.chars().map(|character| character as u8).collect();
    let rule = Handmade { lift: "string-encoding=latin1+utf16", ..returning(latin1) };
    let found = judge(&load(rule.build(), &Limits::default()), "{}").outcome.unwrap();
    assert_eq!(found[0].key(), "é");
}

#[test]
fn what_is_no_finding_is_told_of() {
    for (text, reason) in [
        ("hello", "expected value at line 1 column 1"),
        ("[]", "invalid length 0, expected struct Finding with 6 elements at line 1 column 2"),
        (r#"{"title":"t"}"#, "missing field `key` at line 1 column 13"),
        (
            r#"{"key":"k","id":"forged"}"#,
            "unknown field `id`, expected one of `key`, `title`, `severity`, `details`, `period`, `settled` at line 1 column 15",
        ),
        (r#"{"key":"k","details":[]}"#, "invalid type: sequence, expected a map at line 1 column 21"),
        (
            r#"{"key":"k","severity":"doom"}"#,
            "unknown variant `doom`, expected one of `informational`, `low`, `medium`, `high`, `critical` at line 1 column 28",
        ),
    ] {
        assert_eq!(fault(returning(text).build()), Fault::NotAFinding { reason: reason.to_owned() }, "{text}");
    }
}

#[test]
fn a_finding_nested_without_end_is_told_of() {
    let text = format!(r#"{{"key":"k","details":{{"x":{}"#, "[".repeat(1500));
    assert!(matches!(fault(returning(text).build()), Fault::NotAFinding { .. }));
}

#[test]
fn a_small_text_cannot_become_a_large_tree() {
    // A list of 30,000 small objects, which would take the host 80 times the memory that it takes the rule.
    let evaluate = "(local $at i32)
        (memory.copy (i32.const 8192) (i32.const 2048) (i32.const 27))
        (local.set $at (i32.const 8219))
        (loop $again
          (i64.store (local.get $at) (i64.const 0x2c7d303a2261227b))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $again (i32.lt_u (local.get $at) (i32.const 248218))))
        (i64.store (local.get $at) (i64.const 0x7d7d5d30))
        (i32.store (i32.const 96) (i32.const 8192))
        (i32.store (i32.const 100) (i32.sub (i32.add (local.get $at) (i32.const 4)) (i32.const 8192)))
        (i32.const 80)";
    let rule = Handmade { memory: "5", evaluate, ..returning(r#"{"key":"k","details":{"x":["#) };
    let limits = Limits::default();
    assert_eq!(fault(rule.build()), Fault::TooManyValues { limit: limits.values });
}

#[test]
fn lists_and_texts_beyond_the_memory_are_told_of() {
    for (evaluate, said) in [
        ("(i32.const -4)", "pointer out of bounds of memory"),
        ("(i32.const 81)", "pointer not aligned"),
        ("(i32.store (i32.const 80) (i32.const -8)) (i32.const 80)", "list pointer/length out of bounds of memory"),
        ("(i32.store (i32.const 84) (i32.const -1)) (i32.const 80)", "list pointer/length out of bounds of memory"),
        ("(i32.store (i32.const 80) (i32.const 97)) (i32.const 80)", "list pointer is not aligned"),
        ("(i32.store (i32.const 96) (i32.const -1)) (i32.const 80)", "string pointer/length out of bounds of memory"),
        ("(i32.store (i32.const 100) (i32.const -1)) (i32.const 80)", "string pointer/length out of bounds of memory"),
    ] {
        let reason = reason(fault(evaluating(evaluate).build()));
        assert!(reason.contains(said), "{evaluate}: {reason}");
    }
}

#[test]
fn many_names_for_one_text_are_counted_each() {
    // A list of 1,000 strings, all of them the same 60 kB: 60 MB for the host, 8 kB for the rule.
    let evaluate = "(local $at i32)
        (local.set $at (i32.const 4096))
        (loop $again
          (i32.store (local.get $at) (i32.const 65536))
          (i32.store offset=4 (local.get $at) (i32.const 60000))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $again (i32.lt_u (local.get $at) (i32.const 12096))))
        (i32.store (i32.const 80) (i32.const 4096))
        (i32.store (i32.const 84) (i32.const 1000))
        (i32.const 80)";
    let rule = Handmade { memory: "2", ..evaluating(evaluate) };
    assert!(reason(fault(rule.build())).contains("fuel allocated for hostcalls has been exhausted"));
    // Empty ones take the host's memory too.
    let evaluate =
        "(i32.store (i32.const 80) (i32.const 4096)) (i32.store (i32.const 84) (i32.const 7000)) (i32.const 80)";
    let fault = fault(evaluating(evaluate).build());
    assert!(matches!(fault, Fault::TooManyFindings { count: 7000, .. }), "{fault}");
}

#[test]
fn what_follows_a_return_is_bounded_too() {
    let after = |body: &str| Handmade {
        items: format!("(func (export \"after\") (param i32) {body})"),
        lift: "(post-return (core func $rule \"after\"))",
        ..Handmade::default()
    };
    assert_eq!(fault(after("(loop (br 0))").build()), Fault::OutOfFuel { limit: 20_000_000 });
    assert!(matches!(fault(after("(unreachable)").build()), Fault::Trap { .. }));
    // What it writes over has been read already.
    let rule = load(after("(memory.fill (i32.const 0) (i32.const 255) (i32.const 65536))").build(), &Limits::default());
    for _ in 0..10 {
        assert_eq!(judge(&rule, "{}").outcome.unwrap()[0].key(), "handmade");
    }
}

/// A rule that reads a path of the event, with one of the functions that stand for its allocator.
fn reading(path: &str, realloc: &str) -> Handmade {
    let evaluate = format!("(call $read {path} (i32.const 512)) (i32.const 80)").leak();
    evaluating(evaluate).reading_the_event(&format!("(realloc (core func $answers \"{realloc}\"))"))
}

const EVENT_NAME: &str = "(i32.const 0) (i32.const 10)";

#[test]
fn an_allocator_that_misbehaves_is_the_rules_fault() {
    assert!(judge(&load(reading(EVENT_NAME, "realloc").build(), &Limits::default()), "{}").outcome.is_ok());
    assert_eq!(fault(reading(EVENT_NAME, "loops").build()), Fault::OutOfFuel { limit: 20_000_000 });
    assert!(matches!(fault(reading(EVENT_NAME, "traps").build()), Fault::Trap { .. }));
    assert!(matches!(fault(reading(EVENT_NAME, "lies").build()), Fault::BadOutput { .. }));
    // A text may begin anywhere.
    assert!(judge(&load(reading(EVENT_NAME, "crooked").build(), &Limits::default()), "{}").outcome.is_ok());
}

#[test]
fn a_path_that_is_not_unicode_is_told_of() {
    assert_eq!(fault(reading("(i32.const 64) (i32.const 3)", "realloc").build()), Fault::NotUnicode);
    let mut utf16 = reading("(i32.const 98) (i32.const 1)", "realloc");
    utf16.before = utf16.before.replace("(realloc", "string-encoding=utf16 (realloc");
    assert_eq!(fault(utf16.build()), Fault::NotUnicode);
}

#[test]
fn a_path_beyond_the_memory_is_told_of() {
    assert!(matches!(fault(reading("(i32.const 0) (i32.const -1)", "realloc").build()), Fault::BadOutput { .. }));
    assert!(matches!(fault(reading("(i32.const -1) (i32.const 1)", "realloc").build()), Fault::BadOutput { .. }));
}

#[test]
fn long_paths_cost_what_they_are_long() {
    // 200 kB of path, again and again: each costs the host a walk over it.
    let evaluate =
        "(loop $again (call $read (i32.const 8192) (i32.const 200000) (i32.const 512)) (br $again)) (unreachable)";
    let rule = evaluating(evaluate).reading_the_event("(realloc (core func $answers \"realloc\"))");
    let rule = load(rule.build(), &Limits::default());
    let started = std::time::Instant::now();
    assert_eq!(judge(&rule, "{}").outcome, Err(Fault::OutOfFuel { limit: 20_000_000 }));
    assert!(started.elapsed().as_secs_f64() < 0.5, "{:?}", started.elapsed());
}

#[test]
fn a_start_function_that_traps_loops_or_grows_is_the_rules_fault() {
    let starting =
        |body: &str| Handmade { items: format!("(func $start {body}) (start $start)"), ..Handmade::default() };
    assert_not_loaded(
        starting("(unreachable)").build(),
        "",
        "its `describe` failed: it trapped: wasm `unreachable` instruction executed",
    );
    let limits = Limits { load_fuel: 1_000_000, ..Limits::default() };
    let fault = prepare(starting("(loop (br 0))").build(), &limits).unwrap_err();
    assert_eq!(fault, LoadFault::Describe(Fault::OutOfFuel { limit: 1_000_000 }));
    let fault = prepare(starting("(drop (memory.grow (i32.const 600)))").build(), &limits).unwrap_err();
    assert_eq!(fault, LoadFault::Describe(Fault::OutOfMemory { limit: 32 << 20 }));
}

#[test]
fn a_start_function_runs_once_where_the_rule_is_frozen_and_each_time_where_it_is_not() {
    let items =
        "(func $start (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))) (start $start)";
    let evaluate = "(if (i32.ne (i32.load (i32.const 8192)) (i32.const 1)) (then (unreachable))) (i32.const 80)";
    let unfreezable = "(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))";
    for items in [items.to_owned(), format!("{unfreezable} {items}")] {
        let rule = load(Handmade { items, ..evaluating(evaluate) }.build(), &Limits::default());
        assert!(judge(&rule, "{}").outcome.is_ok());
    }
}

#[test]
fn patterns_that_would_keep_the_host_busy_are_refused() {
    // 5,000 times the same pattern, 60 kB.
    let load = "(local $at i32)
        (local.set $at (i32.const 8192))
        (loop $again
          (i32.store (local.get $at) (i32.const 64))
          (i32.store offset=4 (local.get $at) (i32.const 12))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (br_if $again (i32.lt_u (local.get $at) (i32.const 56192))))
        (i32.store (i32.const 36) (i32.const 8192))
        (i32.store (i32.const 40) (i32.const 6000))
        (i32.const 32)";
    let rule = Handmade { load, ..Handmade::default() };
    assert_not_loaded(rule.build(), "", "its patterns are 72000 bytes large, more than 65536");
}

#[test]
fn a_refusal_of_any_length_is_told_in_brief() {
    let load = "(i32.store (i32.const 32) (i32.const 1))
        (i32.store (i32.const 36) (i32.const 8192))
        (i32.store (i32.const 40) (i32.const 50000))
        (memory.fill (i32.const 8192) (i32.const 97) (i32.const 50000))
        (i32.const 32)";
    let rule = Handmade { load, ..Handmade::default() };
    assert_not_loaded(
        rule.build(),
        "",
        &format!("it refuses its settings: {}… (50000 bytes in all)", "a".repeat(1000)),
    );
}

#[test]
fn an_answer_of_load_that_is_none_is_told_of() {
    for load in ["(i32.store (i32.const 32) (i32.const 2)) (i32.const 32)", "(i32.const -4)"] {
        let fault = prepare(Handmade { load, ..Handmade::default() }.build(), &Limits::default()).unwrap_err();
        assert!(matches!(fault, LoadFault::Load(Fault::BadOutput { .. } | Fault::Trap { .. })), "{load}: {fault}");
    }
}
