//! A secret in the configuration: never the secret itself, only where it stands.

use std::fs;
use std::io;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret stands: `{ env = "NAME" }` or `{ file = "PATH" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Secret {
    /// In an environment variable.
    Env(String),
    /// In a file, of which one line end at its end does not count.
    File(PathBuf),
}

/// Why there is no secret where it should be.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or empty.
    #[error("the environment variable `{0}` holds no secret")]
    Env(String),
    /// The file cannot be read.
    #[error("failed to read the secret in `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is empty.
    #[error("the file `{0}` holds no secret")]
    Empty(PathBuf),
}

impl Secret {
    /// Reads the secret.
    ///
    /// # Errors
    ///
    /// Fails when there is none; an empty one is none.
    pub fn read(&self) -> Result<String, SecretError> {
        match self {
            Self::Env(name) => std::env::var(name)
                .ok()
                .filter(|secret| !secret.is_empty())
                .ok_or_else(|| SecretError::Env(name.clone())),
            Self::File(path) => {
                let text =
                    fs::read_to_string(path).map_err(|source| SecretError::File { path: path.clone(), source })?;
                let secret = text.strip_suffix('\n').unwrap_or(&text);
                let secret = secret.strip_suffix('\r').unwrap_or(secret);
                if secret.is_empty() { Err(SecretError::Empty(path.clone())) } else { Ok(secret.to_owned()) }
            }
        }
    }
}
