//! Why a key cannot be used.

use std::io;
use std::path::PathBuf;

use crate::escape;

/// Why a file of a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("failed to read the key `{}`", escape::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("failed to write the key `{}`", escape::path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is a file already.
    #[error("`{}` is there already, and a key is never written over\nhint: name another file, or move that one away", escape::path(.0))]
    Exists(PathBuf),
    /// Others may read a private key.
    #[error(
        "others than you may read the private key `{}` (mode {mode:04o})\nhint: run chmod 600 on it; if somebody may have read it, make a new one",
        escape::path(path)
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What it holds is not the key that is asked for.
    #[error("`{}` is not a key that can be used here: {problem}", escape::path(path))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// The system has no randomness to give.
    #[error("failed to get randomness from the system for a new key")]
    Randomness,
}

/// What is wrong with a text that should hold a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It is larger than any key.
    #[error("it is too large for one")]
    TooLarge,
    /// It is no PEM, or more than one.
    #[error("it is not one key in PEM\nhint: a key is a text from -----BEGIN …----- to -----END …-----")]
    NotPem,
    /// It is another thing in PEM.
    #[error("{0}")]
    Other(Found),
    /// It is of another kind, such as RSA.
    #[error(
        "it is {0}, and packs are signed with ECDSA over P-256\nhint: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes such a key"
    )]
    Kind(&'static str),
    /// It is broken.
    #[error("its content is broken")]
    Broken,
    /// It is encrypted, and there is no password.
    #[error("it is encrypted, and no password was given")]
    PasswordNeeded,
    /// It is encrypted with another password, or broken.
    #[error("the password does not open it")]
    Password,
}

/// What a file of PEM holds where a key is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Found {
    /// A private key where a public one is asked for.
    #[error(
        "it is a private key, and a public one is wanted here\nhint: openssl ec -pubout makes the public one of it; keep the private one to yourself"
    )]
    Private,
    /// A public key where a private one is asked for.
    #[error("it is a public key, and a private one is wanted here")]
    Public,
    /// A private key in the form that OpenSSL wrote before PKCS#8.
    #[error("it is a private key in an older form\nhint: openssl pkcs8 -topk8 makes one of it that can be read here")]
    Sec1,
    /// A private key of cosign.
    #[error(
        "it is a private key in cosign's own form, which only cosign reads\nhint: make the key here or with openssl, and give it to cosign with cosign import-key-pair --key FILE"
    )]
    Cosign,
    /// A certificate.
    #[error(
        "it is a certificate, and a public key is wanted here\nhint: openssl x509 -pubkey -noout takes the key out of it"
    )]
    Certificate,
    /// Something else.
    #[error("it is PEM, and holds something else")]
    Else,
}
