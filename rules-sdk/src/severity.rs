//! How serious a finding is.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How serious a finding is, from a note to an emergency. The order is the usual one: `Low < High`.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// assert!(Severity::Low < Severity::High);
/// assert_eq!("critical".parse(), Ok(Severity::Critical));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
// The documentation above has an example, which is for authors and not for those who write settings.
#[schemars(description = "How serious a finding is, from a note to an emergency.")]
pub enum Severity {
    /// Worth recording; nobody need look.
    Informational,
    /// Worth a look when there is time.
    Low,
    /// Worth a look today.
    Medium,
    /// Somebody should look now.
    High,
    /// Somebody should be woken.
    Critical,
}

impl Severity {
    /// All severities, the least first.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert_eq!(Severity::ALL.last(), Some(&Severity::Critical));
    /// ```
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns the name as it stands in findings, metadata and configuration.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert_eq!(Severity::High.name(), "high");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(name: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL.into_iter().find(|severity| severity.name() == name).ok_or(UnknownSeverity)
    }
}

/// A name that is none of the five severities.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let error = "urgent".parse::<Severity>().unwrap_err();
/// assert_eq!(error.to_string(), "the severities are informational, low, medium, high and critical");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownSeverity;

impl fmt::Display for UnknownSeverity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the severities are informational, low, medium, high and critical")
    }
}

impl std::error::Error for UnknownSeverity {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_order_agree_with_the_json() {
        for pair in Severity::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for severity in Severity::ALL {
            assert_eq!(severity.name().parse(), Ok(severity));
            assert_eq!(serde_json::to_string(&severity).unwrap(), format!("\"{severity}\""));
        }
        assert_eq!("HIGH".parse::<Severity>(), Err(UnknownSeverity));
    }
}
