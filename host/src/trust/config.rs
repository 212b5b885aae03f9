//! `[trust]`, as it is written.

use std::path::{Path, PathBuf};

use orgwatch_rules_sdk::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::table::Tables;
use crate::tuning::Expiry;

/// Whose packs may run, and what their rules may do. With this table a packed file is judged like a pack from a registry; without it a file
/// loads with a warning, and nothing loads from a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// What is made of rules from folders and single components of this machine, which nobody signed.
    #[serde(default)]
    pub local: LocalTrust,
    /// The publishers whose packs may run.
    #[serde(default)]
    pub publisher: Vec<PublisherConfig>,
}

/// What is made of rules that nobody signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LocalTrust {
    /// They run.
    Allow,
    /// They run, and each place of them is told.
    #[default]
    Warn,
    /// They do not run.
    Refuse,
}

/// One entry of a publisher. There may be several with one name: a pack that satisfies one of them loads, with what the first such entry grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublisherConfig {
    /// The publisher: the first part of the ids of its packs.
    pub name: String,
    /// Its keys.
    pub key: Vec<TrustedKeyConfig>,
    /// How many of the keys must have signed a pack.
    #[serde(default = "one")]
    pub required: usize,
    /// The ids that its rules may have, with `*` for any text.
    pub rules: Vec<String>,
    /// True to let its rules look back at earlier events.
    #[serde(default)]
    pub state: bool,
    /// The lookup tables that its rules may read.
    #[serde(default)]
    pub tables: Vec<String>,
    /// The highest severity that its rules and their findings may have. Without it: any.
    #[serde(default)]
    pub max_severity: Option<Severity>,
    /// The most fuel of one evaluation, where that is less than `[limits]` gives.
    #[serde(default)]
    pub max_fuel: Option<u64>,
    /// The sinks that its findings may reach, by name. Without it: all that routes lead to.
    #[serde(default)]
    pub sinks: Option<Vec<String>>,
    /// True to let a lower version of a pack load than was loaded before.
    #[serde(default)]
    pub allow_rollback: bool,
}

const fn one() -> usize {
    1
}

/// A key of a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedKeyConfig {
    /// A file with the public key (PEM); relative to the configuration file.
    pub file: PathBuf,
    /// The last day on which it counts, in UTC, or a time.
    #[serde(default)]
    pub expires: Option<Expiry>,
}

impl TrustConfig {
    /// Checks that the sinks that publishers may reach are there.
    ///
    /// # Errors
    ///
    /// Fails when one is not: findings would reach nobody by a slip of the pen.
    pub fn check_sinks(&self, sinks: &[&str]) -> Result<(), PolicyError> {
        for publisher in &self.publisher {
            let mut named = publisher.sinks.iter().flatten();
            if let Some(sink) = named.find(|name| !sinks.contains(&name.as_str())) {
                return Err(PolicyError::NoSuchSink {
                    publisher: publisher.name.clone(),
                    sink: sink.clone(),
                    known: if sinks.is_empty() { "none".to_owned() } else { sinks.join(", ") },
                });
            }
        }
        Ok(())
    }

    /// Returns the tables that publishers may read and that are not configured, each with the publisher's name.
    pub fn missing_tables<'a>(&'a self, tables: &Tables) -> Vec<(&'a str, &'a str)> {
        let mut missing = Vec::new();
        for publisher in &self.publisher {
            let unknown = publisher.tables.iter().filter(|table| tables.get(table).is_none());
            missing.extend(unknown.map(|table| (publisher.name.as_str(), table.as_str())));
        }
        missing
    }

    /// Has the paths of keys begin at a folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        for key in self.publisher.iter_mut().flat_map(|publisher| &mut publisher.key) {
            key.file = folder.join(&key.file);
        }
    }
}
