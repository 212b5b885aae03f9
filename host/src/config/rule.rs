//! `[rule."ID"]`: what one rule is given, or several whose ids fit a pattern.

use std::collections::BTreeMap;

use orgwatch_rules_sdk::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rule::Place;
use crate::tuning::{RuleIds, SeverityByConfig};

/// One place of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesPath {
    /// A component, a pack, or a folder of either, relative to the configuration file; or a pack in a registry, `oci://HOST/REPOSITORY:TAG`.
    pub path: Place,
}

/// What one rule is given, or all rules whose ids fit, where the id has a `*`. What is left out is decided by the next less specific table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RuleConfig {
    /// False to leave the rule out. Default: true.
    pub enabled: Option<bool>,
    /// True to have what the rule finds recorded, and delivered to nobody. Default: false.
    pub observe: Option<bool>,
    /// The id of the component that runs under this rule's id, where it is not the same.
    pub r#use: Option<String>,
    /// A severity over whatever the rule says.
    pub severity: Option<Severity>,
    /// Severities by the account that a finding is about, or by its organizational unit. The first that fits counts, over `severity`.
    pub severity_by: Option<Vec<SeverityByConfig>>,
    /// Settings, in the rule's own terms.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub settings: toml::Table,
}

impl RuleConfig {
    /// Returns what a rule is given: its own table, and for each key that this leaves out the most specific table whose id fits, which is the one
    /// with the most letters beside its `*`, and of several equally long ones the last in the order of the alphabet. A component to use and
    /// settings are the rule's own alone.
    #[must_use]
    pub fn of(rules: &BTreeMap<String, Self>, id: &str) -> Self {
        let own = rules.get(id);
        let mut fitting: Vec<(usize, &Self)> = rules
            .iter()
            .filter(|(pattern, _)| RuleIds::is_pattern(pattern))
            .filter_map(|(pattern, rule)| Some((RuleIds::new(pattern).ok().filter(|ids| ids.fit(id))?.letters(), rule)))
            .collect();
        // Stable: of equally specific ones the last stays the last.
        fitting.sort_by_key(|&(letters, _)| letters);
        let mut merged = own.cloned().unwrap_or_default();
        for (_, rule) in fitting.into_iter().rev() {
            merged.enabled = merged.enabled.or(rule.enabled);
            merged.observe = merged.observe.or(rule.observe);
            merged.severity = merged.severity.or(rule.severity);
            merged.severity_by = merged.severity_by.or_else(|| rule.severity_by.clone());
        }
        merged
    }

    /// Tells whether the rule runs.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn merged(text: &str, id: &str) -> RuleConfig {
        RuleConfig::of(&toml::from_str::<Config>(text).unwrap().rule, id)
    }

    #[test]
    fn the_most_specific_table_decides_key_by_key() {
        let text = r#"
            [rule."*"]
            severity = "low"
            enabled = false
            [rule."org.*"]
            enabled = true
            observe = true
            [rule."org.account-*"]
            severity = "critical"
            [rule."org.account-departed"]
            observe = false
            settings.expected_left = ["444455556666"]
        "#;
        let own = merged(text, "org.account-departed");
        assert_eq!((own.enabled, own.observe, own.severity), (Some(true), Some(false), Some(Severity::Critical)));
        assert!(own.settings.contains_key("expected_left"));
        let other = merged(text, "org.unexpected-join");
        assert_eq!((other.enabled, other.observe, other.severity), (Some(true), Some(true), Some(Severity::Low)));
        assert!(!merged(text, "cis.organizations-changes").is_enabled());
        assert_eq!(merged("", "org.x"), RuleConfig::default());
    }

    #[test]
    fn of_two_equally_specific_tables_the_last_in_the_alphabet_decides() {
        let text = "[rule.\"a.*\"]\nseverity = \"low\"\n[rule.\"*.b\"]\nseverity = \"high\"\n";
        assert_eq!(merged(text, "a.b").severity, Some(Severity::Low));
    }
}
