//! The settings that the rules have in common.

use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::prelude::*;

/// Settings of a rule about changes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Report the records that the control's published metric filter matches, and no others.
    pub strict: bool,
    /// Roles and users, by their ARNs, and AWS services, by their names, whose changes are expected and not reported.
    pub expected_automation: Automation,
}

/// Settings of a rule about people, whom nobody expects to be automation.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Strictness {
    /// Report the records that the control's published metric filter matches, and no others.
    pub strict: bool,
}

/// Returns the published filter where the strict reading is asked for.
fn literal(strict: bool, filter: &str) -> Result<Option<MetricFilter>, Refusal> {
    if !strict {
        return Ok(None);
    }
    let parsed = MetricFilter::parse(filter);
    parsed.map(Some).map_err(|error| format!("the control's own filter is broken: {error}").into())
}

impl Settings {
    /// Returns the published filter where the strict reading is asked for, which leaves no room for exceptions.
    ///
    /// # Errors
    ///
    /// Fails when exceptions are listed too, or the filter is no metric filter pattern.
    pub fn literal(&self, filter: &str) -> Result<Option<MetricFilter>, Refusal> {
        if self.strict && self.expected_automation != Automation::default() {
            return Err("`strict` reports what the control's metric filter matches, whoever called: leave out `expected_automation`".into());
        }
        literal(self.strict, filter)
    }
}

impl Strictness {
    /// Returns the published filter where the strict reading is asked for.
    ///
    /// # Errors
    ///
    /// Fails when the filter is no metric filter pattern.
    pub fn literal(&self, filter: &str) -> Result<Option<MetricFilter>, Refusal> {
        literal(self.strict, filter)
    }
}
