//! What the compiler says of rules that are put together wrongly: each file in `compile/` holds one such rule, and the file `.stderr` beside it
//! the words. `TRYBUILD=overwrite cargo test -p orgwatch-rules-sdk --test compile` writes them anew; read what it writes.
//!
//! The words around ours are those of the compiler that the workspace names as its `rust-version`.

#[test]
fn a_rule_that_is_put_together_wrongly_is_told_what_to_do() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile/*.rs");
}
