//! Why a registry is not used, or what it gives is refused.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::super::packed::LayoutError;
use super::reference::ReferenceError;
use crate::digest::Digest;
use crate::escape;

/// Why an exchange with a registry failed. Each refusal has a variant of its own. What a registry said is harmless text in all of them.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A text is no reference or no tag.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A reference names neither a tag nor a digest.
    #[error(
        "`{0}` names neither a tag nor a digest\nhint: add what is meant, such as `:1.2.3`; `orgwatch-host pack tags` lists what there is"
    )]
    NothingNamed(String),
    /// There is no place for what is pulled.
    #[error("there is no place to keep what is pulled\nhint: name one with --state-dir")]
    NoState,
    /// The certificates of the own authority cannot be used.
    #[error("`{}` holds no certificate", escape::path(.0))]
    NoCertificate(PathBuf),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[source] reqwest::Error),
    /// A file or folder of the cache, or another one, cannot be used.
    #[error("failed to {doing} `{}`", escape::path(path))]
    File {
        /// The verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The connection failed or broke.
    #[error("failed to reach `{host}`")]
    Unreached {
        /// Who it is.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Nothing came for too long.
    #[error("`{host}` was silent, or slower than is waited for")]
    Silent {
        /// Who it is.
        host: String,
    },
    /// An address is never connected to, whoever names it.
    #[error("`{host}` is not connected to")]
    Address {
        /// Who it is.
        host: String,
        /// What is the matter with the address.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The registry is busy, and stays so.
    #[error("the registry `{host}` asks not to be asked so often{}", wait_of(*.after))]
    Busy {
        /// Who it is.
        host: String,
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
    /// The registry has a trouble of its own, which did not pass.
    #[error("the registry `{host}` failed at {what}: {said}")]
    Trouble {
        /// Who it is.
        host: String,
        /// What was asked of it.
        what: String,
        /// Its answer.
        said: String,
    },
    /// The registry does not do what it was asked for.
    #[error("the registry `{host}` refused {what}: {said}")]
    Refused {
        /// Who it is.
        host: String,
        /// What was asked of it.
        what: String,
        /// Its answer.
        said: String,
    },
    /// Credentials are missing.
    #[error("the registry `{host}` asks for credentials for {what}\nhint: {looked}; `docker login {host}` writes them")]
    NoCredentials {
        /// Who it is.
        host: String,
        /// What was asked of it.
        what: String,
        /// Where credentials were looked for.
        looked: String,
    },
    /// Credentials are not accepted.
    #[error("the registry `{host}` does not accept the credentials for {what}\nhint: they are from {from}")]
    Unauthorized {
        /// Who it is.
        host: String,
        /// What was asked of it.
        what: String,
        /// Where the credentials are from.
        from: String,
    },
    /// Credentials cannot be read.
    #[error("failed to get the credentials for `{host}` from {from}: {problem}")]
    Credentials {
        /// Who they are for.
        host: String,
        /// Where they should be.
        from: String,
        /// What is the matter.
        problem: &'static str,
    },
    /// The registry asks for credentials in a way that is not understood.
    #[error("the registry `{host}` asks for credentials in a way that this program does not know: {said}")]
    Challenge {
        /// Who it is.
        host: String,
        /// How it asks.
        said: String,
    },
    /// The registry wants its tokens fetched without TLS.
    #[error("the registry `{host}` names a token service without TLS, {realm}; nothing is sent there")]
    RealmPlainHttp {
        /// Who it is.
        host: String,
        /// What it names.
        realm: String,
    },
    /// The registry wants its tokens fetched from somebody else.
    #[error(
        "the registry `{host}` names a token service of somebody else, {realm}; nothing is sent there\nhint: a token service has the registry's own host, or one under the same domain"
    )]
    RealmElsewhere {
        /// Who it is.
        host: String,
        /// What it names.
        realm: String,
    },
    /// A token service gives something else.
    #[error("the token service of `{host}` gave no token: {said}")]
    NoToken {
        /// Whose it is.
        host: String,
        /// Its answer.
        said: String,
    },
    /// An answer sends the program elsewhere where it does not go.
    #[error("the registry `{host}` sends {what} on to {to}; only the download of a blob may be sent on")]
    Redirected {
        /// Who it is.
        host: String,
        /// What was asked of it.
        what: String,
        /// Where it sends it.
        to: String,
    },
    /// A download is sent to a place without TLS.
    #[error("the registry `{host}` sends a download on to {to}, which has no TLS")]
    RedirectedToPlainHttp {
        /// Who it is.
        host: String,
        /// Where it sends it.
        to: String,
    },
    /// A download is sent to an address that the registry has no business with.
    #[error("the registry `{host}` sends a download on to {to}")]
    RedirectedToAddress {
        /// Who it is.
        host: String,
        /// Where it sends it.
        to: String,
        /// What is the matter with the address.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A download is sent on and on.
    #[error("the registry `{host}` sends a download on more than {limit} times")]
    RedirectedTooOften {
        /// Who it is.
        host: String,
        /// How often it may.
        limit: u32,
    },
    /// An upload is to go to somebody else.
    #[error(
        "the registry `{host}` wants the upload sent to {to}, which is somebody else\nhint: a registry behind a proxy that ends TLS has to be told its own address"
    )]
    LocationElsewhere {
        /// Who it is.
        host: String,
        /// Where it wants it.
        to: String,
    },
    /// What was asked for is not there.
    #[error("the registry `{host}` does not have {what}")]
    NotFound {
        /// Who it is.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// An answer is larger than anything of its kind.
    #[error("{what} from `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// Who it is.
        host: String,
        /// What it should have been.
        what: String,
        /// How large it may be.
        limit: u64,
    },
    /// What came is not what was asked for.
    #[error("`{host}` gave something else for {what}: it has the digest sha256:{got}")]
    WrongDigest {
        /// Who it is.
        host: String,
        /// What was asked for.
        what: String,
        /// The digest of what came.
        got: Digest,
    },
    /// The registry says of what it gives that it is something else.
    #[error("`{host}` says that {what} has the digest {said}; it has sha256:{got}")]
    ContentDigest {
        /// Who it is.
        host: String,
        /// What was asked for.
        what: String,
        /// What the header says.
        said: String,
        /// The digest of what came.
        got: Digest,
    },
    /// A download broke off each time it was tried.
    #[error("`{host}` gave {got} of the {size} bytes of {what}\nhint: the next try goes on where this one ended")]
    Incomplete {
        /// Who it is.
        host: String,
        /// What was asked for.
        what: String,
        /// How much is there.
        got: u64,
        /// How much it should be.
        size: u64,
    },
    /// An answer is not what the protocol has there.
    #[error("`{host}` gave an answer for {what} that is not understood: {problem}")]
    NotUnderstood {
        /// Who it is.
        host: String,
        /// What was asked for.
        what: String,
        /// What is the matter.
        problem: String,
    },
    /// What the registry holds is no pack, or too much of one.
    #[error("what `{host}` holds is refused")]
    Layout {
        /// Who it is.
        host: String,
        /// Why.
        source: LayoutError,
    },
    /// What is to be pushed is no pack.
    #[error(transparent)]
    NoPack(#[from] LayoutError),
}

impl RegistryError {
    /// Tells whether it may pass when it is tried again.
    pub(super) fn passes(&self) -> bool {
        matches!(
            self,
            Self::Unreached { .. }
                | Self::Silent { .. }
                | Self::Busy { .. }
                | Self::Trouble { .. }
                | Self::Incomplete { .. }
        )
    }

    /// Tells whether the registry was not reached at all, as where there is no network.
    pub(super) fn is_unreached(&self) -> bool {
        matches!(self, Self::Unreached { .. } | Self::Silent { .. })
    }

    /// Tells whether the registry is away: it may be back in a while, and has said nothing of what was asked for.
    pub fn is_away(&self) -> bool {
        self.is_unreached() || matches!(self, Self::Busy { .. } | Self::Trouble { .. })
    }

    /// Tells whether the network, a disk or credentials failed. Anything else is a refusal of what the registry did.
    pub fn is_input_output(&self) -> bool {
        let missing = matches!(
            self,
            Self::Refused { .. } | Self::NoCredentials { .. } | Self::Unauthorized { .. } | Self::Credentials { .. }
        );
        missing || self.is_away() || matches!(self, Self::File { .. } | Self::NotFound { .. } | Self::NoState)
    }

    /// Returns how long the registry asks to be left alone.
    pub(super) fn after(&self) -> Option<Duration> {
        match self {
            Self::Busy { after, .. } => *after,
            _ => None,
        }
    }
}

/// Makes an error of a file.
pub(super) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> RegistryError {
    let path = path.into();
    move |source| RegistryError::File { doing, path, source }
}

fn wait_of(after: Option<Duration>) -> String {
    after.map(|after| format!(" and to wait for {} s", after.as_secs())).unwrap_or_default()
}
