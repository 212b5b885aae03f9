//! `[[registry]]`: what has to be known of single registries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Credentials, Patience, Reference, Registry, RegistryError, RegistryOptions};

/// What has to be known of a registry. One that is not named here is spoken to over TLS with the certificates that the system trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Its host, with the port where it has one of its own: as it stands in references.
    pub host: String,
    /// A file with the certificates (PEM) that its own is held against, instead of those that the system trusts; relative to the configuration file.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// True to speak to it without TLS: whoever is on the way can then read the credentials. Default: false.
    #[serde(default)]
    pub plain_http: bool,
}

/// Registries, each with what has to be known of it.
#[derive(Clone, Debug)]
pub struct Registries {
    configs: Vec<RegistryConfig>,
    state: Option<PathBuf>,
}

/// Why the registries of a configuration make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistriesError {
    /// A host that cannot be one.
    #[error("[[registry]] has the host `{}`, which is none\nhint: write it as in references, such as registry.example.com:5000", crate::escape::terminal(.0))]
    NoHost(String),
    /// A host that has two tables.
    #[error("[[registry]] has the host `{0}` twice")]
    Twice(String),
}

impl RegistryConfig {
    /// Makes the path of the certificates begin at a folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        if let Some(ca) = &mut self.ca {
            *ca = folder.join(&*ca);
        }
    }
}

impl Registries {
    /// Takes what a configuration says, and the state directory in which what is pulled is kept.
    ///
    /// # Errors
    ///
    /// Fails when a host is none, or comes twice.
    pub fn new(configs: Vec<RegistryConfig>, state: Option<PathBuf>) -> Result<Self, RegistriesError> {
        let mut hosts = BTreeSet::new();
        for config in &configs {
            // What stands in a reference decides what a host is.
            let reference = format!("oci://{}/x", config.host).parse::<Reference>();
            if reference.is_err() || config.host.contains('/') {
                return Err(RegistriesError::NoHost(config.host.clone()));
            }
            if !hosts.insert(config.host.as_str()) {
                return Err(RegistriesError::Twice(config.host.clone()));
            }
        }
        Ok(Self { configs, state })
    }

    /// Returns the state directory.
    pub fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Makes the registry of a reference ready, without reaching it.
    ///
    /// # Errors
    ///
    /// Fails when there is no state directory, or its certificates cannot be read.
    pub fn open(&self, reference: &Reference) -> Result<Registry, RegistryError> {
        let state = self.state.clone().ok_or(RegistryError::NoState)?;
        let config = self.configs.iter().find(|config| config.host == reference.host());
        Registry::new(RegistryOptions {
            state,
            ca: config.and_then(|config| config.ca.clone()),
            plain_http: config.is_some_and(|config| config.plain_http),
            credentials: Credentials::from_environment(),
            patience: Patience::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_and_comes_once() {
        let config = |host: &str| RegistryConfig { host: host.to_owned(), ca: None, plain_http: false };
        let registries = |hosts: &[&str]| Registries::new(hosts.iter().map(|host| config(host)).collect(), None);
        assert!(registries(&["registry.example.com", "localhost:5000"]).is_ok());
        assert_eq!(
            registries(&["a.example", "a.example"]).unwrap_err(),
            RegistriesError::Twice("a.example".to_owned())
        );
        for host in ["", "https://registry.example.com", "registry.example.com/team", "user@registry.example.com"] {
            assert_eq!(registries(&[host]).unwrap_err(), RegistriesError::NoHost(host.to_owned()), "{host}");
        }
    }
}
