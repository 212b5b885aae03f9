//! What rules of a publisher may do while they run.

use orgwatch_rules_sdk::Severity;
use serde::Serialize;

/// What rules of a publisher may do while they run. A rule without a grant is the operator's own and is held to nothing of this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The publisher.
    pub publisher: String,
    /// The highest severity that a rule can give a finding.
    pub max_severity: Option<Severity>,
    /// The most fuel of one evaluation.
    pub max_fuel: Option<u64>,
    /// The sinks that findings may reach; all, where there is no list.
    pub sinks: Option<Vec<String>>,
}

impl Grant {
    /// Tells whether findings may reach a sink.
    pub fn reaches(&self, sink: &str) -> bool {
        self.sinks.as_ref().is_none_or(|sinks| sinks.iter().any(|known| known == sink))
    }
}
