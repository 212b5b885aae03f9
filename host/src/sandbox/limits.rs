//! What a rule may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a rule may use. Each limit has this one home; `[limits]` in the configuration sets some of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Work of one evaluation, in wasmtime's fuel: about one unit an instruction, and what host calls cost. Deterministic.
    pub fuel: u64,
    /// Work of `load` and of `describe`, in the same units.
    pub load_fuel: u64,
    /// Linear memory of one instance, in bytes.
    pub memory: usize,
    /// Wall-clock time of one evaluation. The backstop: fuel runs out long before on a machine that is not overloaded.
    pub deadline: Duration,
    /// Findings of one evaluation.
    pub findings: usize,
    /// JSON values in the findings of one evaluation: a small text can hold many, and each takes memory of the host.
    pub values: usize,
    /// What a rule may note of one record, in number.
    pub notes: usize,
    /// The texts of one note, in bytes.
    pub note: usize,
    /// What one call may hand to the host, in bytes.
    pub output: usize,
    /// The patterns that `load` returns, in bytes. The host matches them itself, at no cost to the rule.
    pub patterns: usize,
    /// Log messages of one evaluation that are kept, in bytes.
    pub log: usize,
    /// Size of a component, in bytes.
    pub component: usize,
    /// Size of one function's code, in bytes.
    pub function: usize,
    /// Local variables of one function.
    pub locals: u32,
    /// Size of the metadata section, in bytes.
    pub metadata: usize,
    /// Memory of the process that compiles a component, in bytes.
    pub compile_memory: u64,
    /// Time of the process that compiles a component: processor and wall clock alike.
    pub compile_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            load_fuel: 2_000_000_000,
            memory: 32 << 20,
            deadline: Duration::from_secs(2),
            findings: 100,
            values: 10_000,
            notes: 32,
            note: 4 << 10,
            output: 256 << 10,
            patterns: 64 << 10,
            log: 16 << 10,
            component: 8 << 20,
            function: 256 << 10,
            locals: 10_000,
            metadata: 256 << 10,
            compile_memory: 1 << 30,
            compile_time: Duration::from_secs(20),
        }
    }
}
