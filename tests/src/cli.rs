//! What the user sees: help, messages, exit codes, and the text and JSON of findings.

mod commands;
mod configuration;
mod coverage;
mod findings;
mod help;
mod hostile;
mod messages;
mod sinks;

use crate::records::{account_left, file, policy_attached};
use crate::support::Run;

/// A run with the shipped rules as `rules`, and with one event of medium severity and one of high in `events`.
fn run(arguments: &[&str]) -> Run {
    Run::new(arguments).with_rules().file("events", file(&[policy_attached(1), account_left(2)]))
}

/// A run that judges `events` with the shipped rules.
fn judge(arguments: &[&str]) -> Run {
    run(&[&["--rules", "rules", "events"], arguments].concat())
}
