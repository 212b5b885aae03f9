//! The `orgwatch-host` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    orgwatch_host::command::main().into()
}
