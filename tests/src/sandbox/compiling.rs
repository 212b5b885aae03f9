//! Components that take minutes or gigabytes to compile: within the caps on a function's size, and stopped by the limits of the compiling
//! process.

use std::time::{Duration, Instant};

use orgwatch_host::sandbox::{Limits, LoadFault};
use wasm_encoder::{
    BlockType, CodeSection, ComponentSection, ComponentSectionId, Function, FunctionSection, Module, RawSection,
    TypeSection, ValType,
};

use super::handmade::Handmade;
use super::{assert_gaps, beside, errors, prepare};

/// Loops in loops, with all variables alive in each: every loop's head gets a parameter for every variable.
fn many_variables_in_nested_loops() -> Vec<u8> {
    let mut function = Function::new([(9_900, ValType::I64), (1, ValType::I32)]);
    let mut code = function.instructions();
    for _ in 0..15_000 {
        code.loop_(BlockType::Empty);
    }
    for variable in 0..9_900 {
        code.local_get(variable).local_set((variable + 1) % 9_900);
    }
    for _ in 0..15_000 {
        code.local_get(9_900).br_if(0).end();
    }
    code.end();
    with_functions(&[function])
}

/// As many functions as the component may hold, each somewhat hard.
fn many_functions() -> Vec<u8> {
    let functions: Vec<Function> = (0..200)
        .map(|_| {
            let mut function = Function::new([(500, ValType::I64), (1, ValType::I32)]);
            let mut code = function.instructions();
            for round in 0..2_000 {
                code.loop_(BlockType::Empty);
                code.local_get(round % 500).local_get((round * 7) % 500).i64_add().local_set((round * 3) % 500);
                code.local_get(500).br_if(0).end();
            }
            code.end();
            function
        })
        .collect();
    with_functions(&functions)
}

fn with_functions(functions: &[Function]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut section = FunctionSection::new();
    let mut code = CodeSection::new();
    for function in functions {
        section.function(0);
        code.function(function);
    }
    let mut module = Module::new();
    module.section(&types).section(&section).section(&code);
    let module = module.finish();
    let mut component = Handmade::default().build();
    RawSection { id: ComponentSectionId::CoreModule as u8, data: &module }.append_to_component(&mut component);
    component
}

/// Small enough for a quick test; ordinary rules compile within them.
fn limits() -> Limits {
    Limits { compile_memory: 256 << 20, compile_time: Duration::from_secs(1), ..Limits::default() }
}

#[test]
fn a_component_that_takes_too_long_or_too_much_to_compile_is_stopped() {
    assert!(prepare(Handmade::default().build(), &limits()).is_ok());
    for bomb in [many_variables_in_nested_loops(), many_functions()] {
        let started = Instant::now();
        let fault = prepare(bomb, &limits()).map(|_| "compiled").unwrap_err();
        assert!(matches!(fault, LoadFault::CompileTime(_) | LoadFault::CompilerDied { .. }), "{fault}");
        assert!(started.elapsed() < Duration::from_secs(12), "{fault} after {:?}", started.elapsed());
    }
}

#[test]
fn a_component_that_takes_too_long_to_compile_does_not_keep_others_from_judging() {
    // Long enough for a sound rule on a busy machine; the guest would take minutes.
    let config = "[limits]\ncompile_seconds = 6\n";
    let ran = beside(many_functions(), config);
    assert_eq!(errors(&ran), ["error: the rule guest.handmade is not loaded: compiling it took longer than 6 s"]);
    assert_gaps(&ran, "guest.handmade could not judge it, since it is not loaded");
}

#[test]
fn a_component_that_takes_too_much_memory_to_compile_does_not_keep_others_from_judging() {
    let config = "[limits]\ncompile_memory_mib = 128\n";
    let ran = beside(many_variables_in_nested_loops(), config);
    assert_eq!(
        errors(&ran),
        [
            "error: the rule guest.handmade is not loaded: the process that compiled it was ended by signal 6; its memory limit is 128 MiB"
        ]
    );
    assert_gaps(&ran, "guest.handmade could not judge it, since it is not loaded");
}
