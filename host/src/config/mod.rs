//! `orgwatch.toml`, as it is written. [`plan`](crate::plan) checks it and makes of it what a run does.

mod rule;
mod secret;
mod span;
mod state;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::rule::{RuleConfig, RulesPath};
pub use self::secret::{Secret, SecretError};
pub use self::span::{NotASpan, Span};
pub use self::state::StateConfig;
use crate::pack::registry::RegistryConfig;
use crate::route::RouteConfig;
use crate::sandbox::Limits;
use crate::sink::SinkConfig;
use crate::source::SourceConfig;
use crate::table::TableConfig;
use crate::telemetry::TelemetryConfig;
use crate::trust::TrustConfig;
use crate::tuning::ExceptionConfig;

/// The configuration file. Unknown keys are errors that name the known ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the rules are, unless `--rules` says it.
    pub rules: Vec<RulesPath>,
    /// What single rules are given, by id, or several by a pattern of ids.
    pub rule: BTreeMap<String, RuleConfig>,
    /// Findings that are in order, until a day.
    pub exception: Vec<ExceptionConfig>,
    /// Lookup tables.
    pub table: Vec<TableConfig>,
    /// What has to be known of registries.
    pub registry: Vec<RegistryConfig>,
    /// Whose rule packs may run, and what their rules may do.
    pub trust: Option<TrustConfig>,
    /// What a rule may use.
    pub limits: LimitsConfig,
    /// True to leave credentials that stand in records where they are: in findings, in the events of gaps, and in what rules log.
    pub keep_credentials: bool,
    /// Where records come from, live.
    pub source: Vec<SourceConfig>,
    /// Where findings go.
    pub sink: Vec<SinkConfig>,
    /// Which findings go where.
    pub route: Vec<RouteConfig>,
    /// The ledger.
    pub state: StateConfig,
    /// What can be seen of a running service.
    pub telemetry: TelemetryConfig,
}

/// What a rule may use; what is left out stays at its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Work of one evaluation, in units of fuel.
    pub fuel: Option<u64>,
    /// Memory of one evaluation, in MiB.
    pub memory_mib: Option<u16>,
    /// Wall-clock time of one evaluation, in milliseconds.
    pub deadline_ms: Option<u32>,
    /// Findings of one evaluation.
    pub findings: Option<u16>,
    /// Memory for compiling a component, in MiB.
    pub compile_memory_mib: Option<u16>,
    /// Time for compiling a component, in seconds.
    pub compile_seconds: Option<u16>,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("failed to read the configuration `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not understood.
    #[error("failed to understand the configuration `{path}`")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why not, with the place.
        source: Box<toml::de::Error>,
    },
}

impl Config {
    /// The file that is read when none is named and it exists.
    pub const DEFAULT_PATH: &'static str = "orgwatch.toml";

    /// Reads the file that is named, or the default one where it exists, or nothing.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or understood.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(text) = Self::text(path)? else { return Ok(Self::default()) };
        let path = path.unwrap_or(Path::new(Self::DEFAULT_PATH));
        let mut config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        if let Some(folder) = path.parent() {
            for rules in &mut config.rules {
                rules.path = rules.path.clone().seen_from(folder);
            }
            for registry in &mut config.registry {
                registry.relative_to(folder);
            }
            for table in &mut config.table {
                table.path = folder.join(&table.path);
            }
            if let Some(trust) = &mut config.trust {
                trust.relative_to(folder);
            }
        }
        Ok(config)
    }

    /// Returns the text of the file that is named, or of the default one where it exists.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn text(path: Option<&Path>) -> Result<Option<String>, ConfigError> {
        let (path, required) = match path {
            Some(path) => (path, true),
            None => (Path::new(Self::DEFAULT_PATH), false),
        };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => Ok(None),
            Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
        }
    }
}

impl LimitsConfig {
    /// Returns the limits with what the file sets.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(fuel) = self.fuel {
            limits.fuel = fuel;
        }
        if let Some(mib) = self.memory_mib {
            limits.memory = usize::from(mib) << 20;
        }
        if let Some(milliseconds) = self.deadline_ms {
            limits.deadline = Duration::from_millis(milliseconds.into());
        }
        if let Some(findings) = self.findings {
            limits.findings = findings.into();
        }
        if let Some(mib) = self.compile_memory_mib {
            limits.compile_memory = u64::from(mib) << 20;
        }
        if let Some(seconds) = self.compile_seconds {
            limits.compile_time = Duration::from_secs(seconds.into());
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_known_ones() {
        let error = toml::from_str::<Config>("[rule.x]\nsetings = {}").unwrap_err().to_string();
        assert!(
            error.contains("unknown field `setings`, expected one of `enabled`, `observe`, `use`, `severity`, `severity_by`, `settings`"),
            "{error}"
        );
    }

    #[test]
    fn a_value_that_cannot_be_understood_is_an_error() {
        for text in ["[limits]\nfuel = \"lots\"", "[rule.x]\nseverity = \"huge\"", "[limits]\nmemory_mib = -1"] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }
}
