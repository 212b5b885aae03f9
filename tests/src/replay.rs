//! Replaying records: the same findings from the same records, whatever they come in, and nothing lost silently.

mod broken;
mod distant;
mod index;
mod inputs;
mod order;
mod shapes;
mod skimming;
mod tuning;

use crate::support::{Ran, Run};

/// A run of the shipped rules on `events`, with findings as JSON.
fn replay(arguments: &[&str]) -> Run {
    Run::new(["--rules", "rules"].iter().chain(arguments)).with_rules()
}

/// The ids of the findings, sorted.
fn ids(ran: &Ran) -> Vec<String> {
    let mut ids: Vec<String> =
        ran.findings().iter().map(|finding| finding["id"].as_str().expect("an id is text").to_owned()).collect();
    ids.sort();
    ids
}

/// The lines of the findings, sorted.
fn sorted_lines(ran: &Ran) -> Vec<&str> {
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines.sort_unstable();
    lines
}
