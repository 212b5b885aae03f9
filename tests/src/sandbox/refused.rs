//! Promise 1, a rule can do nothing, and what is refused before anything of it runs.

use orgwatch_host::sandbox::{ComponentFault, Fault, Limits, LoadFault};
use serde_json::{Value, json};
use wasm_encoder::{ComponentSection, ComponentSectionId, CustomSection, Encode, RawSection};

use super::handmade::{Handmade, add_metadata};
use super::{assert_gaps, assert_not_loaded, assert_refused, beside, errors, guest_file, prepare};

fn importing(import: &str) -> Vec<u8> {
    Handmade { before: format!("(import {import})"), ..Handmade::default() }.build()
}

#[test]
fn a_rule_that_imports_wasi_is_refused_by_the_imports_name() {
    assert_refused(
        importing(r#""wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64))))"#),
        "it imports `wasi:clocks/wall-clock@0.2.0`; a rule may import only orgwatch:rule/event@0.1.0, orgwatch:rule/tables@0.1.0, orgwatch:rule/state@0.1.0, orgwatch:rule/log@0.1.0",
    );
}

#[test]
fn a_rule_that_imports_anything_else_is_refused_by_the_imports_name() {
    for (import, name) in [
        (r#""env" (func)"#, "env"),
        (r#""orgwatch:rule/event@0.1.1" (instance)"#, "orgwatch:rule/event@0.1.1"),
        (r#""orgwatch:rule/event@0.2.0" (instance)"#, "orgwatch:rule/event@0.2.0"),
        (r#""orgwatch:rule/event" (instance)"#, "orgwatch:rule/event"),
        (r#""orgwatch:rule/network@0.1.0" (instance)"#, "orgwatch:rule/network@0.1.0"),
        (
            r#""unlocked-dep=<orgwatch:rule/event@{>=0.1.0}>" (component)"#,
            "unlocked-dep=<orgwatch:rule/event@{>=0.1.0}>",
        ),
    ] {
        let expected = ComponentFault::ForeignImport(name.to_owned());
        assert_eq!(prepare(importing(import), &Limits::default()).unwrap_err(), LoadFault::Component(expected));
    }
}

#[test]
fn a_rule_that_wants_more_of_an_allowed_import_is_not_loaded() {
    assert_not_loaded(
        importing(r#""orgwatch:rule/event@0.1.0" (instance (export "delete" (func (param "path" string))))"#),
        "",
        "it cannot be compiled: component imports instance `orgwatch:rule/event@0.1.0`, but a matching implementation was not found in \
         the linker: instance export `delete` has the wrong type: function implementation is missing",
    );
}

#[test]
fn a_rule_that_wants_an_allowed_import_of_another_type_is_not_loaded() {
    for import in [
        r#""orgwatch:rule/event@0.1.0" (instance (export "json" (func (param "path" string) (result string))))"#,
        r#""orgwatch:rule/event@0.1.0" (instance (export "json" (func (param "path" u32))))"#,
        r#""orgwatch:rule/event@0.1.0" (instance (export "json" (type (sub resource))))"#,
        r#""orgwatch:rule/event@0.1.0" (func)"#,
        r#""orgwatch:rule/event@0.1.0" (component)"#,
        r#""orgwatch:rule/event@0.1.0" (core module)"#,
    ] {
        let fault = prepare(importing(import), &Limits::default()).unwrap_err();
        assert!(matches!(fault, LoadFault::Compile(_)), "{import}: {fault}");
    }
}

#[test]
fn a_rule_of_another_version_of_the_interface_is_refused_by_the_version() {
    for version in ["0.2.0", "0.1.1"] {
        let text = Handmade::default().text().replace("rule/rule@0.1.0", &format!("rule/rule@{version}"));
        assert_refused(
            wat::parse_str(text).unwrap(),
            &format!("it does not export `orgwatch:rule/rule@0.1.0`; it exports `orgwatch:rule/rule@{version}`"),
        );
    }
}

#[test]
fn a_component_that_is_no_rule_is_refused() {
    assert_refused(wat::parse_str("(component)").unwrap(), "it does not export `orgwatch:rule/rule@0.1.0`");
}

#[test]
fn a_rule_that_lacks_a_function_is_not_loaded() {
    for function in ["describe", "load", "evaluate"] {
        let text = Handmade::default().text().replace(&format!("(export \"{function}\" (func ${function}))"), "");
        let mut component = wat::parse_str(text).unwrap();
        add_metadata(&mut component, &metadata(&Value::Null));
        assert_not_loaded(
            component,
            "",
            "it cannot be compiled: `orgwatch:rule/rule@0.1.0` lacks one of its functions",
        );
    }
}

#[test]
fn a_rule_whose_evaluate_has_another_type_is_not_loaded() {
    let rule = Handmade { evaluate_type: "(result string)", ..Handmade::default() };
    assert_not_loaded(
        rule.build(),
        "",
        "its `load` failed: it broke the rules of the sandbox: expected `list` found `string`",
    );
}

/// The metadata of a rule by hand, with some fields changed.
fn metadata(changes: &Value) -> Vec<u8> {
    let mut metadata = serde_json::to_value(Handmade::default().metadata()).expect("metadata is plain data");
    for (name, value) in changes.as_object().into_iter().flatten() {
        metadata[name] = value.clone();
    }
    metadata.to_string().into_bytes()
}

fn with_metadata(metadata: &[u8]) -> Vec<u8> {
    let mut component = Handmade::default().without_metadata();
    add_metadata(&mut component, metadata);
    component
}

#[test]
fn a_rule_without_metadata_or_with_too_many_is_refused() {
    let told = |count: usize| {
        format!("it has {count} sections `orgwatch:metadata` where it should have one; `orgwatch-host build` writes it")
    };
    assert_refused(Handmade::default().without_metadata(), &told(0));
    let mut twice = Handmade::default().build();
    add_metadata(&mut twice, &metadata(&Value::Null));
    assert_refused(twice, &told(2));
}

#[test]
fn metadata_inside_the_module_is_none() {
    let mut module = wasm_encoder::Module::new();
    module.section(&CustomSection { name: "orgwatch:metadata".into(), data: metadata(&Value::Null).into() });
    let mut component = Handmade::default().without_metadata();
    RawSection { id: ComponentSectionId::CoreModule as u8, data: &module.finish() }.append_to_component(&mut component);
    let inner = with_metadata(&metadata(&Value::Null));
    RawSection { id: ComponentSectionId::Component as u8, data: &inner }.append_to_component(&mut component);
    let fault = prepare(component, &Limits::default()).unwrap_err();
    assert_eq!(fault, LoadFault::Component(ComponentFault::MetadataSections(0)));
}

#[test]
fn metadata_that_cannot_be_understood_is_refused_with_the_reason() {
    for (text, reason) in [
        (b"{".to_vec(), "EOF while parsing an object at line 1 column 1"),
        (b"\xff\xfe".to_vec(), "expected value at line 1 column 1"),
        ("[".repeat(100_000).into_bytes(), "invalid type: sequence, expected a string at line 1 column 1"),
        (metadata(&json!({ "settings": deep(1000) })), "recursion limit exceeded at line 1 column 328"),
        (
            metadata(&json!({ "severity": "cataclysmic" })),
            "unknown variant `cataclysmic`, expected one of `informational`, `low`, `medium`, `high`, `critical` at line 1 column 243",
        ),
        (
            metadata(&json!({ "id": "../../etc/passwd" })),
            "the id \"../../etc/passwd\" is not made of lower-case words joined by `-`, in namespaces joined by `.`, at most 128 characters",
        ),
        (metadata(&json!({ "version": "latest" })), "the version \"latest\" is not semantic"),
        (metadata(&json!({ "title": " " })), "the title is empty"),
    ] {
        let fault = prepare(with_metadata(&text), &Limits::default()).unwrap_err();
        assert_eq!(fault, LoadFault::Component(ComponentFault::Metadata(reason.to_owned())));
    }
}

/// A value that is nested so many levels deep.
fn deep(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| json!([inner]))
}

#[test]
fn metadata_with_an_unknown_field_is_refused_with_the_known_ones() {
    let fault = prepare(with_metadata(&metadata(&json!({ "network": true }))), &Limits::default()).unwrap_err();
    let text = fault.to_string();
    assert!(
        text.starts_with(
            "its metadata section cannot be understood: unknown field `network`, expected one of `interface`, `id`"
        ),
        "{text}"
    );
}

#[test]
fn metadata_that_is_huge_is_refused() {
    let huge = metadata(&json!({ "description": "x".repeat(300_000) }));
    let size = huge.len();
    assert_refused(with_metadata(&huge), &format!("its metadata section is {size} bytes large, more than 262144"));
}

#[test]
fn text_of_a_component_reaches_the_terminal_escaped_and_shortened() {
    let name = format!("env\u{1b}[2J{}", "x".repeat(50_000));
    let ran = beside(with_metadata(&metadata(&json!({ "id": name }))), "");
    let [error] = errors(&ran)[..] else { panic!("{}", ran.stderr) };
    assert!(error.contains("env\\\\u{1b}[2J") && !error.contains('\u{1b}'), "{error}");
    assert!(error.len() < 2000, "{} bytes", error.len());
}

#[test]
fn metadata_that_differs_from_what_the_rule_says_of_itself_is_a_lie() {
    let lie = metadata(&json!({ "severity": "informational" }));
    assert_not_loaded(with_metadata(&lie), "", "its metadata section is not what the rule says of itself");
}

#[test]
fn a_real_rule_with_other_metadata_is_not_loaded() {
    let (truth, lie) = ("Counts its own calls.", "Stops all the attacks");
    let mut component = guest_file("count_calls");
    // The metadata section is the last one, after the module with what the rule says of itself.
    let at = component.windows(truth.len()).rposition(|window| window == truth.as_bytes()).unwrap();
    component.splice(at..at + truth.len(), lie.bytes());
    assert_eq!(prepare(component, &Limits::default()).unwrap_err(), LoadFault::MetadataDiffers);
}

#[test]
fn what_is_no_component_is_refused() {
    assert_refused("hello", "it is not a WebAssembly component: it does not begin like one");
    assert_refused(
        wat::parse_str("(module)").unwrap(),
        "it is a WebAssembly module and not yet a component; `orgwatch-host build` makes one of it",
    );
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let whole = guest_file("count_calls");
    for length in (0..whole.len()).step_by(97) {
        let fault = prepare(whole[..length].to_vec(), &Limits::default()).unwrap_err();
        // Where it ends between two sections, what is missing is one of those.
        assert!(matches!(fault, LoadFault::Component(_)), "{length}: {fault}");
    }
}

#[test]
fn a_component_over_the_cap_is_refused_unread() {
    let mut component = Handmade::default().build();
    CustomSection { name: "padding".into(), data: vec![0; 9 << 20].into() }.append_to_component(&mut component);
    // One byte more than the cap is all that is read of it.
    assert_refused(component, "it is 8388609 bytes large, more than 8388608");
}

#[test]
fn a_function_over_the_caps_is_refused() {
    let body = Handmade { items: format!("(func {})", "nop ".repeat(300_000)), ..Handmade::default() };
    assert_refused(body.build(), "one of its functions has 300002 bytes of code, more than 262144");
    let locals = Handmade { items: format!("(func (local {}))", "i64 ".repeat(10_001)), ..Handmade::default() };
    assert_refused(locals.build(), "one of its functions has 10001 local variables, more than 10000");
}

#[test]
fn locals_that_would_overflow_the_count_are_refused() {
    let mut module = vec![0, b'a', b's', b'm', 1, 0, 0, 0];
    module.extend([1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0]);
    let mut body = vec![2];
    for _ in 0..2 {
        u32::MAX.encode(&mut body);
        body.push(0x7f);
    }
    body.push(0x0b);
    let mut code = vec![1];
    body.encode(&mut code);
    module.push(10);
    code.encode(&mut module);
    let mut component = Handmade::default().build();
    RawSection { id: ComponentSectionId::CoreModule as u8, data: &module }.append_to_component(&mut component);
    let fault = prepare(component, &Limits::default()).unwrap_err();
    assert_eq!(fault, LoadFault::Component(ComponentFault::TooManyLocals { locals: u32::MAX, limit: 10_000 }));
}

#[test]
fn a_rule_that_wants_more_than_the_sandbox_has_is_not_loaded() {
    let several = |module: &str, count: usize| {
        let instances: Vec<String> =
            (1..=count).map(|place| format!("(core instance (instantiate {place}))")).collect();
        Handmade { after: module.repeat(count) + &instances.concat(), ..Handmade::default() }
    };
    let tables = Handmade { items: "(table 1 funcref)".repeat(9), ..Handmade::default() };
    for (rule, said) in [
        (several("(core module (memory 1))", 4), "memory count too high at 5"),
        (several("(core module)", 16), "instance count too high at 17"),
        (tables, "table count too high at 9"),
    ] {
        let fault = prepare(rule.build(), &Limits::default()).unwrap_err();
        let reason = format!("resource limit exceeded: {said}");
        assert_eq!(fault, LoadFault::Describe(Fault::BadOutput { reason }));
    }
}

#[test]
fn a_rule_that_does_not_fit_into_a_slot_of_the_pool_is_not_loaded() {
    let globals = Handmade { items: "(global i64 (i64.const 1))".repeat(90_000), ..Handmade::default() };
    let ran = beside(globals.build(), "");
    let [error] = errors(&ran)[..] else { panic!("{}", ran.stderr) };
    let expected =
        "error: the rule guest.handmade is not loaded: it does not fit into the sandbox: module instance size";
    assert!(error.starts_with(expected), "{error}");
    assert_gaps(&ran, "guest.handmade could not judge it, since it is not loaded");
}

#[test]
fn a_memory_or_table_beyond_the_limit_is_not_had() {
    let memory = Handmade { memory: "513", ..Handmade::default() };
    assert_not_loaded(memory.build(), "", "its `describe` failed: it ran out of memory (33554432 bytes)");
    let table = Handmade { items: "(table 20001 funcref)".to_owned(), ..Handmade::default() };
    assert_not_loaded(table.build(), "", "its `describe` failed: it ran out of memory (33554432 bytes)");
}

#[test]
fn proposals_that_are_switched_off_are_refused() {
    for items in [
        "(memory $other i64 1)",
        "(memory $other 1)",
        "(memory $other 1 1 shared)",
        "(func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0))))",
        "(func (param $f (ref func)) (drop (ref.test (ref struct) (ref.null struct))))",
        "(tag $t) (func (throw $t))",
        "(func (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)) drop drop)",
    ] {
        let rule = Handmade { items: items.to_owned(), ..Handmade::default() };
        let fault = prepare(rule.build(), &Limits::default()).unwrap_err();
        assert!(matches!(fault, LoadFault::Compile(_)), "{items}: {fault}");
    }
}

#[test]
fn asynchronous_functions_are_refused() {
    for after in [
        "(type $s (stream u8)) (core func (canon stream.new $s))",
        "(core func (canon waitable-set.new))",
        "(core func (canon backpressure.inc))",
        "(type $f (func async)) ",
    ] {
        let rule = Handmade { after: after.to_owned(), ..Handmade::default() };
        let fault = prepare(rule.build(), &Limits::default()).unwrap_err();
        assert!(matches!(fault, LoadFault::Compile(_)), "{after}: {fault}");
    }
}

#[test]
fn a_rule_that_is_not_loaded_leaves_gaps_where_its_metadata_asks_for_events() {
    let rule = Handmade { load: "(unreachable)", ..Handmade::default() };
    let ran = beside(rule.build(), "");
    assert_gaps(&ran, "guest.handmade could not judge it, since it is not loaded");
}
