//! What a replay came to, in numbers.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use orgwatch_rules_sdk::Severity;

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Inputs read, to their end or not.
    pub inputs: u64,
    /// Inputs that could not be read, or not to their end.
    pub failed_inputs: u64,
    /// Records read.
    pub records: u64,
    /// Records outside the range of times.
    pub outside: u64,
    /// Items that are known to hold no record, such as digest files.
    pub skipped: u64,
    /// Records that at least one rule asked for.
    pub asked: u64,
    /// How often a rule ran.
    pub evaluations: u64,
    /// Findings by severity, least first.
    pub findings: [u64; Severity::ALL.len()],
    /// Findings of rules under observation.
    pub observed: u64,
    /// Findings that an exception kept back, by the exception in words.
    pub excepted: BTreeMap<String, u64>,
    /// Findings that an exception was for which was over, by the exception in words.
    pub expired: BTreeMap<String, u64>,
    /// What could not be judged.
    pub gaps: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.failed_inputs += other.failed_inputs;
        self.records += other.records;
        self.outside += other.outside;
        self.skipped += other.skipped;
        self.asked += other.asked;
        self.evaluations += other.evaluations;
        for (sum, count) in self.findings.iter_mut().zip(other.findings) {
            *sum += count;
        }
        self.observed += other.observed;
        for (sums, counts) in [(&mut self.excepted, other.excepted), (&mut self.expired, other.expired)] {
            for (exception, count) in counts {
                *sums.entry(exception).or_default() += count;
            }
        }
        self.gaps += other.gaps;
    }
}

impl Totals {
    /// Returns how many findings of a severity or above there were.
    pub fn at_least(&self, severity: Severity) -> u64 {
        let counts = Severity::ALL.into_iter().zip(self.findings);
        counts.filter(|&(of, _)| of >= severity).map(|(_, count)| count).sum()
    }
}
