//! What the commands that speak to a registry have in common.

use std::path::PathBuf;

use clap::Args;

use crate::command::Failure;
use crate::command::live::state_folder;
use crate::config::Config;
use crate::pack::registry::{Reference, Registries, Registry, RegistryConfig, RegistryError};

/// How a registry is reached, and where what it gives is kept.
#[derive(Debug, Args)]
pub(super) struct RegistryArgs {
    /// Certificates (PEM) that the registry's is held against, instead of those that the system trusts [default: `[[registry]]`]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Speak to the registry without TLS, which is done with one on this machine anyway
    #[arg(long)]
    plain_http: bool,
    /// The configuration [default: ./orgwatch.toml when it exists]
    #[arg(short, long, value_name = "FILE", env = "ORGWATCH_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Where packs are kept [default: the configuration's, or ~/.local/state/orgwatch]
    #[arg(long, value_name = "DIR", env = "ORGWATCH_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

impl RegistryArgs {
    /// Reads the configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Config::read(self.config.as_deref()).map_err(Failure::usage)
    }

    /// Returns the registries of the configuration, with what the arguments say of one host.
    pub(super) fn registries(&self, config: &Config, reference: &Reference) -> Result<Registries, Failure> {
        let mut configs = config.registry.clone();
        if self.ca.is_some() || self.plain_http {
            configs.retain(|config| config.host != reference.host());
            let host = reference.host().to_owned();
            configs.push(RegistryConfig { host, ca: self.ca.clone(), plain_http: self.plain_http });
        }
        let state = state_folder(self.state_dir.as_deref(), &config.state).ok();
        Registries::new(configs, state).map_err(Failure::usage)
    }

    /// Makes the registry of a reference ready.
    pub(super) fn registry(&self, config: &Config, reference: &Reference) -> Result<Registry, Failure> {
        self.registries(config, reference)?.open(reference).map_err(failure)
    }
}

/// A registry that failed, or is refused.
pub(super) fn failure(error: RegistryError) -> Failure {
    if error.is_input_output() { Failure::input_output(error) } else { Failure::rules(error) }
}
