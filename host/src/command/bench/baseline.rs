//! A baseline: the fuel that each rule took on each case, to compare with later. Fuel is exact, so that a baseline made on one machine holds on every
//! other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Measure;
use crate::escape::path as shown;

/// Fuel by rule and by case.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    fuel: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What is not as in the baseline.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) rule: String,
    pub(super) case: String,
    /// The baseline's fuel; nothing for a case that it does not have.
    pub(super) before: Option<u64>,
    /// The fuel now; nothing for a case that is gone.
    pub(super) now: Option<u64>,
}

/// The baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BaselineError {
    #[error("failed to {doing} `{}`", shown(path))]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("failed to understand `{}`\nhint: make it anew with --write-baseline", shown(path))]
    Json { path: PathBuf, source: serde_json::Error },
}

impl Baseline {
    pub(super) fn of(measures: &[Measure]) -> Self {
        let mut baseline = Self::default();
        for measure in measures {
            baseline.fuel.entry(measure.rule.clone()).or_default().insert(measure.case.clone(), measure.fuel);
        }
        baseline
    }

    pub(super) fn read(path: &Path) -> Result<Self, BaselineError> {
        let path = path.to_owned();
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|source| BaselineError::Json { path, source }),
            Err(source) => Err(BaselineError::File { doing: "read", path, source }),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), BaselineError> {
        let text = serde_json::to_string_pretty(self).expect("a baseline is plain data");
        let error = |source| BaselineError::File { doing: "write", path: path.to_owned(), source };
        fs::write(path, text + "\n").map_err(error)
    }

    /// Compares: rises beyond so many percent, and cases that are in one of the two only.
    pub(super) fn compare(&self, measures: &[Measure], tolerance: u64) -> Vec<Change> {
        let now = Self::of(measures);
        let mut changes = Vec::new();
        for (rule, cases) in &now.fuel {
            for (case, &fuel) in cases {
                let before = self.fuel.get(rule).and_then(|cases| cases.get(case)).copied();
                let allowed = |before: u64| u128::from(before).saturating_mul(100 + u128::from(tolerance));
                let risen = |before: u64| u128::from(fuel) * 100 > allowed(before);
                if before.is_none_or(risen) {
                    changes.push(Change { rule: rule.clone(), case: case.clone(), before, now: Some(fuel) });
                }
            }
        }
        for (rule, cases) in &self.fuel {
            for (case, &fuel) in cases {
                if now.fuel.get(rule).is_none_or(|cases| !cases.contains_key(case)) {
                    changes.push(Change { rule: rule.clone(), case: case.clone(), before: Some(fuel), now: None });
                }
            }
        }
        changes
    }
}

impl Change {
    /// Tells whether a rule takes more fuel. A case that is new or gone is only told.
    pub(super) fn is_worse(&self) -> bool {
        self.before.is_some() && self.now.is_some()
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "rule": self.rule, "case": self.case, "baseline": self.before, "fuel": self.now, "worse": self.is_worse() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn measure(case: &str, fuel: u64) -> Measure {
        let rule = "demo.rule".to_owned();
        Measure { rule, case: case.to_owned(), evaluations: 1, fuel, most: fuel, time: Duration::ZERO }
    }

    #[test]
    fn only_a_rise_beyond_the_bound_is_worse() {
        let baseline = Baseline::of(&[measure("same", 1000), measure("risen", 1000), measure("gone", 1000)]);
        let now = [measure("same", 1050), measure("risen", 1051), measure("new", 5)];
        let changes = baseline.compare(&now, 5);
        let told: Vec<(&str, bool)> = changes.iter().map(|change| (change.case.as_str(), change.is_worse())).collect();
        assert_eq!(told, [("new", false), ("risen", true), ("gone", false)]);
        let enormous = Baseline::of(&[measure("same", u64::MAX)]);
        assert_eq!(enormous.compare(&[measure("same", u64::MAX)], u64::MAX), []);
    }
}
