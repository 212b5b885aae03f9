//! Severity by account and by organizational unit.
//!
//! The account is the one that the finding is about: the detail `member_account` or `account` where the rule gives one, as many of the pack
//! `aws-organizations` do, else the account that the event belongs to. Otherwise nearly everything that happens to an organization would
//! be graded as the management account, in which it is done.

use glob::Pattern;
use orgwatch_rules_sdk::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TuningError;
use crate::finding::Finding;
use crate::table::Table;

/// The details that name the account which a finding is about; the first that does counts.
const ABOUT: [&str; 2] = ["member_account", "account"];

/// The column of the table `accounts` that names an account's organizational unit.
const UNIT: &str = "ou";

/// A severity for findings about some accounts. All conditions that are given have to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityByConfig {
    /// The accounts.
    #[serde(default)]
    pub account: Vec<String>,
    /// Their organizational units, as the column `ou` of the table `accounts` has them, with `*` for any text.
    #[serde(default)]
    pub ou: Vec<String>,
    /// The severity.
    pub severity: Severity,
}

/// The same, checked.
#[derive(Clone, Debug)]
pub(super) struct SeverityBy {
    accounts: Vec<String>,
    units: Vec<Pattern>,
    severity: Severity,
}

impl SeverityBy {
    pub(super) fn new(rule: &str, config: &SeverityByConfig) -> Result<Self, TuningError> {
        if config.account.is_empty() && config.ou.is_empty() {
            return Err(TuningError::SeverityByNothing(rule.to_owned()));
        }
        if let Some(account) = config.account.iter().find(|text| !is_account(text)) {
            return Err(TuningError::NotAnAccount { rule: rule.to_owned(), account: account.clone() });
        }
        let pattern = |text: &String| {
            Pattern::new(text).map_err(|error| TuningError::Ids { text: text.clone(), reason: error.msg })
        };
        let units = config.ou.iter().map(pattern).collect::<Result<_, _>>()?;
        Ok(Self { accounts: config.account.clone(), units, severity: config.severity })
    }

    /// Tells whether it asks for organizational units.
    pub(super) fn needs_units(&self) -> bool {
        !self.units.is_empty()
    }

    /// Returns the severity where it fits a finding about this account.
    pub(super) fn of(&self, account: Option<&str>, accounts: Option<&Table>) -> Option<Severity> {
        let account = account?;
        let named = self.accounts.is_empty() || self.accounts.iter().any(|known| known == account);
        let unit = || accounts.and_then(|table| table.row(account)).and_then(|row| row.get(UNIT));
        let placed = self.units.is_empty() || unit().is_some_and(|unit| self.units.iter().any(|ou| ou.matches(unit)));
        (named && placed).then_some(self.severity)
    }
}

/// Returns the account that a finding is about.
pub(super) fn account_of(finding: &Finding) -> Option<&str> {
    let named = |detail: &str| finding.details.get(detail).and_then(Value::as_str).filter(|text| is_account(text));
    ABOUT.into_iter().find_map(named).or(finding.event.account.as_deref())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
