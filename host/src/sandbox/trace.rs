//! What a rule looked at while it judged: every value that it read, every row and note that it asked for, in order.
//!
//! All that a rule knows passes through the host, so this is the whole of what its verdict can rest on. Recording is switched on by the
//! tools for authors; an ordinary run keeps nothing.

use orgwatch_rules_sdk::Value;

use crate::state::{Noted, Scope, Tally};

/// The most steps of one evaluation that are kept. The fuel allows a rule some tens of thousands.
const MOST_STEPS: usize = 10_000;

/// What one evaluation looked at, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The steps, up to 10,000.
    pub steps: Vec<Step>,
    /// How many more there were.
    pub beyond: u64,
}

/// One question of a rule, with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It read the value at a path.
    Read {
        /// The JSON Pointer.
        path: String,
        /// What stands there.
        found: Value,
    },
    /// It read all that is at a path, as JSON.
    Json {
        /// The JSON Pointer.
        path: String,
        /// Canonical JSON; nothing where there is nothing.
        text: Option<String>,
    },
    /// It looked up a row of a table.
    Row {
        /// The table's name.
        table: String,
        /// The key.
        key: String,
        /// The columns with their texts; nothing where the table has no such row, or there is no such table.
        row: Option<Vec<(String, String)>>,
    },
    /// It counted what it had noted.
    Count {
        /// Which notes.
        scope: Scope,
        /// How many.
        tally: Tally,
    },
    /// It read what it had noted.
    Notes {
        /// Which notes.
        scope: Scope,
        /// True for the latest first.
        latest_first: bool,
        /// The notes.
        notes: Vec<Noted>,
    },
}

impl Trace {
    /// Writes a step down.
    pub(super) fn add(&mut self, step: Step) {
        if self.steps.len() < MOST_STEPS {
            self.steps.push(step);
        } else {
            self.beyond += 1;
        }
    }

    /// Returns the paths that were read, each once, in the order of the first time.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = Vec::new();
        for step in &self.steps {
            if let Step::Read { path, .. } | Step::Json { path, .. } = step
                && !paths.contains(&path.as_str())
            {
                paths.push(path);
            }
        }
        paths
    }
}
