//! What the compiler says of rules that are put together wrongly: each file in `compile/` holds one such rule, and the file `.stderr` beside it
//! the words. `TRYBUILD=overwrite cargo test -p orgwatch-rules-sdk --test compile` writes them anew; read what it writes.
//!
//! What stands around our sentences differs from one compiler to the next, so they are compared under the one that the workspace names as its
//! `rust-version`. Under another the test says that it compared nothing, where the harness does not swallow it.

use std::io::Write as _;
use std::process::Command;

/// The compiler whose words the `.stderr` files hold.
const COMPILER: &str = env!("CARGO_PKG_RUST_VERSION");

#[test]
fn a_rule_that_is_put_together_wrongly_is_told_what_to_do() {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output().expect("the compiler says its version");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.starts_with(&format!("rustc {COMPILER}.")) {
        let notice =
            format!("not compared: the words in tests/compile are those of rustc {COMPILER}, and this is {version}");
        std::io::stderr().write_all(notice.as_bytes()).expect("there is an error output");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile/*.rs");
}
