//! Tuning: what the operator makes of findings. It grades them anew, keeps some from being delivered, and groups what is delivered.
//!
//! Nothing here decides whether there is a finding. [`Tuning::tune`] is a pure function of the finding, its record, the tables and the
//! configuration: the same for replay and live, in whatever order findings come. What is kept back is recorded with the reason. Grouping
//! (`group.rs`) is for deliveries alone and belongs to the ledger, which knows what has been delivered.

mod exception;
mod expiry;
mod grounds;
mod group;
mod ids;
mod severity;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orgwatch_rules_sdk::json::Node;

use self::exception::Subject;
pub use self::exception::{Exception, ExceptionConfig, Why};
pub use self::expiry::{Expiry, NotATime};
use self::grounds::Grounds;
pub use self::group::{By, Group, GroupConfig, GroupError, Grouped};
pub use self::ids::RuleIds;
use self::severity::SeverityBy;
pub use self::severity::SeverityByConfig;
use crate::config::{Config, RuleConfig};
use crate::digest::Digest;
use crate::finding::Finding;
use crate::table::{Table, Tables};

/// The table that says which organizational unit an account is in.
const ACCOUNTS: &str = "accounts";

/// What the operator makes of findings, checked.
#[derive(Debug, Default)]
pub struct Tuning {
    rules: BTreeMap<String, RuleTuning>,
    exceptions: Vec<Arc<Exception>>,
    accounts: Option<Arc<Table>>,
    digest: Option<Digest>,
    /// Patterns of rule ids in the configuration that fit no rule, with where they stand.
    idle: Vec<String>,
}

/// What the operator makes of one rule's findings.
#[derive(Debug, Default)]
struct RuleTuning {
    observe: bool,
    severity_by: Vec<SeverityBy>,
}

/// A finding that has been tuned.
#[derive(Debug)]
pub struct Tuned {
    /// The finding, with the severity that it has now.
    pub finding: Finding,
    /// Why it is delivered to nobody; nothing where it is delivered.
    pub why: Option<Why>,
    /// Exceptions that would hold for it, had they not been over when the event happened.
    pub expired: Vec<Arc<Exception>>,
}

/// Why a configuration's tuning makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TuningError {
    /// An exception cannot work.
    #[error("[[exception]] number {place}, for `{rule}`: {problem}")]
    Exception {
        /// Its place in the file, from 1 on.
        place: usize,
        /// Its rule.
        rule: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two exceptions are one.
    #[error("[[exception]] number {second} has the rule and the condition of number {first}\nhint: keep one of them")]
    SameException {
        /// The place of the first in the file.
        first: usize,
        /// The place of the second.
        second: usize,
    },
    /// A severity without a condition.
    #[error("[rule.\"{0}\"] has a severity_by for no account and no ou\nhint: give one of them, or set `severity`")]
    SeverityByNothing(String),
    /// A severity for something that is no account.
    #[error(
        "[rule.\"{rule}\"] has a severity_by for `{account}`, which is no account\nhint: an account has 12 digits, in quotation marks"
    )]
    NotAnAccount {
        /// The table's id.
        rule: String,
        /// The text.
        account: String,
    },
    /// A pattern is none.
    #[error("`{text}` is not a pattern: {reason}")]
    Ids {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Tuning {
    /// Checks what a configuration says, for the rules that run under these ids.
    ///
    /// # Errors
    ///
    /// Fails when it cannot work.
    pub fn new(config: &Config, ids: &[&str], tables: &Tables) -> Result<Self, TuningError> {
        let mut tuning = Self { accounts: tables.get(ACCOUNTS).cloned(), ..Self::default() };
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for (place, exception) in config.exception.iter().enumerate() {
            let exception = Exception::new(exception, place + 1)?;
            if let Some(first) = known.insert(exception.id().to_owned(), place + 1) {
                return Err(TuningError::SameException { first, second: place + 1 });
            }
            if !ids.iter().any(|id| exception.rules().fit(id)) {
                let names = exception.rules().as_str();
                tuning.idle.push(format!("[[exception]] number {}, for `{names}`,", place + 1));
            }
            tuning.exceptions.push(Arc::new(exception));
        }
        for (id, rule) in &config.rule {
            let ids_of = RuleIds::new(id).map_err(|error| TuningError::Ids { text: id.clone(), reason: error.msg })?;
            if RuleIds::is_pattern(id) && !ids.iter().any(|id| ids_of.fit(id)) && rule.is_enabled() {
                tuning.idle.push(format!("[rule.\"{id}\"]"));
            }
            for severity in rule.severity_by.iter().flatten() {
                SeverityBy::new(id, severity)?;
            }
        }
        let mut settings = Vec::new();
        for id in ids {
            let rule = RuleConfig::of(&config.rule, id);
            let severity_by = rule.severity_by.unwrap_or_default();
            settings.push(serde_json::json!([id, rule.observe, severity_by]).to_string());
            let severity_by =
                severity_by.iter().map(|severity| SeverityBy::new(id, severity)).collect::<Result<_, _>>()?;
            let rule = RuleTuning { observe: rule.observe.unwrap_or(false), severity_by };
            tuning.rules.insert((*id).to_owned(), rule);
        }
        let groups: Vec<String> = config.route.iter().map(|route| serde_json::json!(route).to_string()).collect();
        let exceptions: Vec<Digest> = tuning.exceptions.iter().map(|exception| exception.digest()).collect();
        let texts = settings.iter().chain(&groups).map(String::as_bytes);
        let digests = exceptions.iter().map(|digest| digest.as_bytes().as_slice());
        tuning.digest = Some(Digest::of_parts(texts.chain(digests)));
        Ok(tuning)
    }

    /// Grades a finding, and decides whether it is delivered. The exceptions are asked in the order of the file, and the first that holds counts,
    /// also for a rule under observation: so exceptions can be tried out there.
    pub fn tune(&self, mut finding: Finding, record: Option<Node<'_>>) -> Tuned {
        let rule = self.rules.get(&finding.rule.id);
        if let Some(severity) = rule.and_then(|rule| self.severity(rule, &finding)) {
            finding.severity = severity;
        }
        let (mut why, expired) = self.except(&finding, record);
        if why.is_none() && rule.is_some_and(|rule| rule.observe) {
            why = Some(Why::Observed);
        }
        Tuned { finding, why, expired }
    }

    fn severity(&self, rule: &RuleTuning, finding: &Finding) -> Option<orgwatch_rules_sdk::Severity> {
        let account = severity::account_of(finding);
        rule.severity_by.iter().find_map(|severity| severity.of(account, self.accounts.as_deref()))
    }

    fn except(&self, finding: &Finding, record: Option<Node<'_>>) -> (Option<Why>, Vec<Arc<Exception>>) {
        let mut asked = self.exceptions.iter().filter(|exception| exception.rules().fit(&finding.rule.id)).peekable();
        if asked.peek().is_none() {
            return (None, Vec::new());
        }
        // Without a time that can be read nobody can say whether the exception was over: the finding stands.
        let Some(time) = finding.event.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok()) else {
            return (None, Vec::new());
        };
        let Some(subject) = Subject::new(finding, record) else { return (None, Vec::new()) };
        let mut expired = Vec::new();
        for exception in asked.filter(|exception| exception.fits(&subject)) {
            if !exception.is_over(time) {
                return (Some(Why::from(&**exception)), Vec::new());
            }
            expired.push(Arc::clone(exception));
        }
        (None, expired)
    }

    /// Returns the exceptions, in the order of the file.
    pub fn exceptions(&self) -> &[Arc<Exception>] {
        &self.exceptions
    }

    /// Returns the digest of all that tuning is made of, but for the tables; nothing for tuning that no configuration made.
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Says what is allowed and may not be meant, each with a hint.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings: Vec<String> = self
            .idle
            .iter()
            .map(|what| format!("{what} fits no rule that runs\nhint: `orgwatch-host rules list` shows the ids"))
            .collect();
        for (place, exception) in self.exceptions.iter().enumerate() {
            let name = format!("[[exception]] number {}, for `{}`,", place + 1, exception.rules().as_str());
            if exception.is_over(now) {
                warnings.push(format!(
                    "{name} expired on {}: what it was for is delivered again\nhint: have {} say whether it is still in order, and set a new date or take it out",
                    exception.expires().as_str(),
                    exception.owner()
                ));
            }
            match exception.grounds() {
                Grounds::Good => {}
                Grounds::Caller(fields) => warnings.push(format!(
                    "{name} rests on what the caller of the API chooses: {}\nhint: add what AWS says of the caller, such as event.userIdentity.sessionContext.sessionIssuer.arn",
                    fields.join(", ")
                )),
                Grounds::Wide => warnings.push(format!(
                    "{name} holds whoever acts on whatever it is\nhint: add who or what is meant, such as event.userIdentity.sessionContext.sessionIssuer.arn or finding.key"
                )),
            }
        }
        let by_unit = self.rules.values().any(|rule| rule.severity_by.iter().any(SeverityBy::needs_units));
        if by_unit && self.accounts.is_none() {
            let hint = format!("add a [[table]] with name = \"{ACCOUNTS}\" and a column `ou`");
            warnings.push(format!(
                "a severity_by asks for an ou, and no table says which account is in which\nhint: {hint}"
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
