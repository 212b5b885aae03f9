//! Promise 2, a fresh sandbox for every evaluation, and promise 4 where it rests on the sandbox: the same verdict every time.

use orgwatch_host::sandbox::{Component, Engine, Fault, Limits};
use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentExportKind, ComponentExportSection, ComponentInstanceSection,
    ComponentSection, ComponentSectionId, RawSection,
};

use super::handmade::{Handmade, add_metadata};
use super::{beside, gaps, guest_file, judge, link, link_into, load, others, prepare};
use crate::records::{lines, policy_detached};
use crate::support::{Run, pack};

const RECORD: &str = r#"{"eventName": "DetachPolicy"}"#;

#[test]
fn a_rule_that_counts_its_calls_sees_one_every_time() {
    let records: Vec<_> = (0..1000).map(policy_detached).collect();
    let run = Run::new(["--rules", "guests", "--jobs", "1", "--output", "json", "events.json"]);
    let ran = run.link("guests", guests()).file("orgwatch.toml", TWO_RULES).file("events.json", lines(&records)).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let calls: Vec<_> = ran.findings().iter().map(|finding| finding["details"]["calls"].as_u64()).collect();
    assert_eq!(calls, vec![Some(1); 2000]);
}

/// Two rules of one component take turns in the same slots of the pool.
const TWO_RULES: &str = "[rule.\"guest.again\"]\nuse = \"guest.count-calls\"\n";

fn guests() -> std::path::PathBuf {
    pack("tests/guests").join("dist/count_calls.wasm")
}

/// Traps unless global, memory, free memory and the memory's size are as they were loaded; then changes them all.
const SULLY: &str = "
    (if (i32.ne (global.get $sullied) (i32.const 0)) (then (unreachable)))
    (if (i32.ne (memory.size) (i32.const 3)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 131072)) (i32.const 0)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 8192)) (i32.const 7)) (then (unreachable)))
    (drop (memory.grow (i32.const 10)))
    (if (i32.ne (i32.load (i32.const 786432)) (i32.const 0)) (then (unreachable)))
    (memory.fill (i32.const 4096) (i32.const 255) (i32.const 847872))
    (global.set $sullied (i32.const 1))
    (i32.const 80)";

/// What `load` leaves behind.
const PREPARE: &str = "
    (drop (memory.grow (i32.const 2)))
    (i32.store (i32.const 8192) (i32.const 7))
    (i32.const 32)";

fn sullying() -> Handmade {
    let items = "(global $sullied (mut i32) (i32.const 0))".to_owned();
    Handmade { items, load: PREPARE, evaluate: SULLY, ..Handmade::default() }
}

/// A `table.set` that is never called: the snapshot crate refuses it, and the rule is loaded anew for each evaluation.
const UNFREEZABLE: &str = "(table 1 funcref) (func (table.set (i32.const 0) (ref.null func)))";

#[test]
fn a_rule_finds_its_memory_as_load_left_it_every_time() {
    let preparation = prepare(sullying().build(), &Limits::default()).unwrap();
    assert!(preparation.frozen());
    let rule = link(preparation, &Limits::default()).unwrap();
    for _ in 0..100 {
        assert!(judge(&rule, RECORD).outcome.is_ok());
    }
}

#[test]
fn a_rule_that_cannot_be_frozen_finds_its_memory_as_load_left_it_too() {
    let mut rule = sullying();
    rule.items += UNFREEZABLE;
    let preparation = prepare(rule.build(), &Limits::default()).unwrap();
    assert!(!preparation.frozen());
    let rule = link(preparation, &Limits::default()).unwrap();
    for _ in 0..100 {
        assert!(judge(&rule, RECORD).outcome.is_ok());
    }
}

#[test]
fn two_rules_in_one_slot_do_not_see_each_other() {
    let limits = Limits::default();
    let engine = Engine::for_evaluation(1, limits.clone()).unwrap();
    let mut other = sullying();
    other.id = "guest.other";
    let [first, second] = [sullying(), other].map(|rule| {
        let preparation = prepare(rule.build(), &limits).unwrap();
        link_into(&engine, preparation).unwrap()
    });
    for _ in 0..100 {
        assert!(judge(&first, RECORD).outcome.is_ok());
        assert!(judge(&second, RECORD).outcome.is_ok());
    }
}

#[test]
fn a_rule_finds_its_memory_as_load_left_it_after_an_evaluation_that_failed() {
    let limits = Limits::default();
    let engine = Engine::for_evaluation(1, limits.clone()).unwrap();
    let failing = Handmade {
        items: "(global $sullied (mut i32) (i32.const 0))".to_owned(),
        load: PREPARE,
        evaluate: "(drop (memory.grow (i32.const 300))) (memory.fill (i32.const 0) (i32.const 255) (i32.const 19000000)) (unreachable)",
        ..Handmade::default()
    };
    let [failing, sullying] =
        [failing, sullying()].map(|rule| link_into(&engine, prepare(rule.build(), &limits).unwrap()).unwrap());
    for _ in 0..20 {
        assert!(matches!(judge(&failing, RECORD).outcome, Err(Fault::Trap { .. })));
        assert!(judge(&sullying, RECORD).outcome.is_ok());
    }
}

/// A real rule inside a component of our own: a nested component, which cannot be frozen.
fn nested(rule: &[u8]) -> Vec<u8> {
    let component = Component::check(rule.to_vec(), &Limits::default()).expect("it is a rule");
    let metadata = serde_json::to_string(component.metadata()).expect("metadata is plain data");
    let mut outer = wat::parse_str(IMPORTS).expect("the text is sound");
    RawSection { id: ComponentSectionId::Component as u8, data: rule }.append_to_component(&mut outer);
    let mut instances = ComponentInstanceSection::new();
    let arguments = component.imports().iter().map(|import| {
        let place = u32::from(import.starts_with("orgwatch:rule/log"));
        (import.as_str(), ComponentExportKind::Instance, place)
    });
    instances.instantiate(0, arguments.collect::<Vec<_>>());
    instances.append_to_component(&mut outer);
    let mut aliases = ComponentAliasSection::new();
    let name = "orgwatch:rule/rule@0.1.0";
    aliases.alias(Alias::InstanceExport { instance: 2, kind: ComponentExportKind::Instance, name });
    aliases.append_to_component(&mut outer);
    let mut exports = ComponentExportSection::new();
    exports.export(name, ComponentExportKind::Instance, 3, None);
    exports.append_to_component(&mut outer);
    add_metadata(&mut outer, metadata.as_bytes());
    outer
}

const IMPORTS: &str = r#"(component
  (type $event (instance
    (type $value (variant (case "absent") (case "null") (case "boolean" bool) (case "number" string) (case "text" string)
      (case "array" u32) (case "object" (list string))))
    (export "value" (type $exported (eq $value)))
    (export "read" (func (param "path" string) (result $exported)))
    (export "json" (func (param "path" string) (result (option string))))))
  (import "orgwatch:rule/event@0.1.0" (instance (type $event)))
  (type $log (instance
    (type $level (enum "debug" "info" "warn" "error"))
    (export "level" (type $exported (eq $level)))
    (export "write" (func (param "level" $exported) (param "message" string)))))
  (import "orgwatch:rule/log@0.1.0" (instance (type $log))))"#;

#[test]
fn a_rule_that_is_loaded_anew_each_time_judges_like_one_that_is_frozen() {
    let limits = Limits::default();
    let records: Vec<String> =
        lines(&[policy_detached(1), crate::records::account_left(2)]).lines().map(String::from).collect();
    let rules = ["cis-aws-foundations/dist/organizations_changes.wasm", "cis-aws-foundations/dist/root_usage.wasm"];
    for path in rules {
        let rule = std::fs::read(pack("rules").join(path)).unwrap();
        let frozen = prepare(rule.clone(), &limits).unwrap();
        let anew = prepare(nested(&rule), &limits).unwrap();
        assert_eq!((frozen.frozen(), anew.frozen()), (true, false), "{path}");
        assert_eq!(frozen.patterns(), anew.patterns(), "{path}");
        let [frozen, anew] = [frozen, anew].map(|preparation| link(preparation, &limits).unwrap());
        for record in &records {
            let [frozen, anew] = [&frozen, &anew].map(|rule| judge(rule, record));
            assert_eq!((&frozen.outcome, frozen.fuel), (&anew.outcome, anew.fuel), "{path}");
            assert!(frozen.outcome.is_ok(), "{path}");
        }
    }
}

#[test]
fn the_program_judges_with_a_rule_that_cannot_be_frozen() {
    let rule = std::fs::read(pack("rules").join("cis-aws-foundations/dist/organizations_changes.wasm")).unwrap();
    let expected = Run::new(["--rules", "rule.wasm", "events.json"]).file("rule.wasm", &rule);
    let ran = Run::new(["--rules", "rule.wasm", "events.json"]).file("rule.wasm", nested(&rule));
    let events = super::events();
    let [expected, ran] = [expected, ran].map(|run| run.file("events.json", &events).run());
    let without_digest = |ran: &crate::support::Ran| {
        let mut findings = ran.findings();
        for finding in &mut findings {
            finding["rule"]["digest"] = serde_json::Value::Null;
        }
        findings
    };
    assert_eq!(without_digest(&expected).len(), 1);
    assert_eq!((ran.code, without_digest(&ran)), (0, without_digest(&expected)));
}

/// Things that cannot be frozen, or that make the snapshot crate panic. All are loaded anew each time.
#[test]
fn what_cannot_be_frozen_is_loaded_anew() {
    let items = |items: &str| Handmade { items: items.to_owned(), ..Handmade::default() };
    let after = |after: &str| Handmade { after: after.to_owned(), ..Handmade::default() };
    let mutable = |ty: &str, value: &str| items(&format!("(global (mut {ty}) ({value}))"));
    let cases = [
        ("table instructions", items(UNFREEZABLE)),
        ("a vector in a global", mutable("v128", "v128.const i64x2 1 2")),
        ("a function in a global", mutable("funcref", "ref.null func")),
        ("a segment that is dropped", items("(data $d \"x\") (func (data.drop $d))")),
        ("an export with the instrumentation's name", items("(func (export \"__wizer_memory_0\"))")),
        ("a memory that cannot grow", Handmade { memory: "1 1", ..Handmade::default() }),
        ("a memory at its limit", Handmade { memory: "512", ..Handmade::default() }),
        ("a module that is instantiated twice", after("(core instance (instantiate $rule))")),
        ("a module in a nested component", after("(component (core module))")),
        (
            "memory and globals without an export",
            after(
                "(core module $hidden (memory 1) (global (mut i32) (i32.const 1))) (core instance (instantiate $hidden))",
            ),
        ),
        ("resources", after("(type $r (resource (rep i32))) (core func (canon resource.new $r))")),
        ("accessors of its own", after("(instance $own) (export \"wasmtime:wizer/access\" (instance $own))")),
    ];
    for (what, rule) in cases {
        let preparation = prepare(rule.build(), &Limits::default()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert!(!preparation.frozen(), "{what}");
        let rule = link(preparation, &Limits::default()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!(judge(&rule, RECORD).outcome.map(|findings| findings.len()), Ok(1), "{what}");
    }
}

#[test]
fn fuel_is_the_same_every_time() {
    let rule = load(guest_file("count_calls"), &Limits::default());
    let fuel = judge(&rule, RECORD).fuel;
    assert!(fuel > 0);
    for _ in 0..10 {
        assert_eq!(judge(&rule, RECORD).fuel, fuel);
    }
    let again = load(guest_file("count_calls"), &Limits::default());
    assert_eq!(judge(&again, RECORD).fuel, fuel);
}

#[test]
fn the_fuel_that_a_rule_took_is_enough_and_half_of_it_is_not() {
    let fuel = judge(&load(guest_file("count_calls"), &Limits::default()), RECORD).fuel;
    let with = |fuel: u64| {
        let rule = load(guest_file("count_calls"), &Limits { fuel, ..Limits::default() });
        judge(&rule, RECORD).outcome
    };
    assert!(with(fuel).is_ok());
    assert_eq!(with(fuel / 2), Err(Fault::OutOfFuel { limit: fuel / 2 }));
}

#[test]
fn any_number_of_jobs_gives_the_same_findings_and_gaps() {
    let files: Vec<(String, String)> = (0..16)
        .map(|file| (format!("events/{file:02}.json"), lines(&[policy_detached(file), policy_detached(100 + file)])))
        .collect();
    let with = |jobs: &str| {
        let mut run = Run::new(["--rules", "rules", "--rules", "guests", "--jobs", jobs, "--output", "json", "events"])
            .with_rules()
            .link("guests", pack("tests/guests"))
            // Guests that burn all their fuel would make the test a long one.
            .file("orgwatch.toml", "[limits]\nfuel = 500000\n");
        for (name, content) in &files {
            run = run.file(name, content);
        }
        let ran = run.run();
        (ran.stdout.clone(), ran.told())
    };
    let one = with("1");
    assert_eq!(with("2"), one);
    assert_eq!(with("8"), one);
}

#[test]
fn the_wall_clock_makes_a_gap_and_never_another_finding() {
    let config = "[limits]\nfuel = 1000000000000\ndeadline_ms = 30\n";
    let ran = beside(guest_file("endless_loop"), config);
    super::assert_gaps(&ran, "guest.endless-loop could not judge it: it ran out of time (30 ms)");
}

#[test]
fn a_rule_that_cannot_be_frozen_must_load_within_an_evaluations_fuel() {
    let slow = "(local $turns i32)
        (loop $again
          (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $turns) (i32.const 10000000))))
        (i32.const 32)";
    let rule = Handmade { load: slow, ..Handmade::default() };
    assert!(prepare(rule.build(), &Limits::default()).is_ok_and(|preparation| preparation.frozen()));
    let rule = Handmade { items: UNFREEZABLE.to_owned(), ..rule };
    super::assert_not_loaded(rule.build(), "", "its `load` failed: it ran out of fuel (20000000 units)");
}

#[test]
fn a_run_without_hostile_guests_has_no_gaps() {
    assert_eq!(gaps(&others(&[]).run()), [""; 0]);
}
