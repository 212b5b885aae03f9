//! `pack keygen`, and the keys of the other commands.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::command::{Failure, print, warn};
use crate::escape;
use crate::exit::Exit;
use crate::pack::signature::{KeyError, PrivateKey, PublicKey};

/// The variable that the password of a private key is in.
const PASSWORD: &str = "ORGWATCH_KEY_PASSWORD";

#[derive(Debug, Args)]
pub(in crate::command) struct KeygenArgs {
    /// What the two files are called: NAME.key, which signs and stays secret, and NAME.pub, which others check signatures with
    name: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Where the password of a private key is.
#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// A file whose first line is the password of the private key [default: what `ORGWATCH_KEY_PASSWORD` holds, else none]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArgs {
    fn read(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.password_file else {
            return Ok(std::env::var(PASSWORD).ok().filter(|password| !password.is_empty()));
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::input_output(format!("failed to read the password in `{}`: {error}", escape::path(path)))
        })?;
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            let message = format!("`{}` holds no password in its first line", escape::path(path));
            return Err(Failure::usage(message));
        }
        Ok(Some(password.to_owned()))
    }

    /// Reads a private key.
    pub(super) fn key(&self, path: &Path) -> Result<PrivateKey, Failure> {
        PrivateKey::read(path, self.read()?.as_deref()).map_err(failure)
    }
}

pub(super) fn keygen(arguments: &KeygenArgs) -> Result<Exit, Failure> {
    let password = arguments.password.read()?;
    let named = |end: &str| {
        let mut name = arguments.name.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    let (private, public) = (named(".key"), named(".pub"));
    // A new private key beside the public key of another would sign what nobody can verify.
    if let Some(there) = [&private, &public].into_iter().find(|path| path.exists()) {
        return Err(failure(KeyError::Exists(there.clone())));
    }
    let key = PrivateKey::generate().map_err(failure)?;
    key.write(&private, password.as_deref()).map_err(failure)?;
    key.public().write(&public).map_err(failure)?;
    if password.is_none() {
        warn(&format!(
            "`{}` has no password: whoever can read it can sign as you\nhint: set {PASSWORD}, or give --password-file, and make another",
            escape::path(&private)
        ));
    }
    print(format!("{}\n{}\n{}\n", escape::path(&private), escape::path(&public), key.public().id()))
}

/// Reads public keys.
pub(super) fn public(paths: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    paths.iter().map(|path| PublicKey::read(path).map_err(failure)).collect()
}

fn failure(error: KeyError) -> Failure {
    match error {
        error @ (KeyError::Read { .. } | KeyError::Write { .. }) => Failure::input_output(error),
        error => Failure::usage(error),
    }
}
