//! The policy: all publishers, and what is made of what has none.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use semver::Version;

use super::publisher::{Publisher, Wants};
use super::{Grant, LocalTrust, PolicyError, TrustConfig, TrustError};
use crate::escape;
use crate::pack::PackId;
use crate::pack::signature::PublicKey;

/// Whose packs may run, checked, with the keys read.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Nothing where the configuration has no `[trust]`.
    trust: Option<Trust>,
}

#[derive(Clone, Debug)]
struct Trust {
    local: LocalTrust,
    publishers: Vec<Publisher>,
}

/// Where a packed pack comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A file or a layout folder of this machine.
    File(&'a Path),
    /// A registry, by its reference.
    Registry(&'a str),
}

/// A packed pack that is to be judged. Its content has been checked against its digests; nothing of it has been compiled.
pub struct Presented<'a> {
    /// Where it comes from.
    pub origin: Origin<'a>,
    /// Its id, as the signed manifest has it.
    pub id: &'a PackId,
    /// Its version, as the signed manifest has it.
    pub version: &'a Version,
    /// Tells whether a key has signed this very pack.
    pub signed_by: &'a dyn Fn(&PublicKey) -> bool,
    /// What its rules want.
    pub rules: &'a [Wants<'a>],
    /// The highest version of this pack that was loaded before.
    pub highest: Option<&'a Version>,
}

/// A pack that may load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    /// What its rules may do; nothing for rules that are held to nothing.
    pub grant: Option<Arc<Grant>>,
    /// What is allowed and may not be meant, each with a hint.
    pub warnings: Vec<String>,
}

impl Policy {
    /// Checks what a configuration says, and reads the keys.
    ///
    /// # Errors
    ///
    /// Fails when it cannot work, and when a key cannot be used: a policy with a hole in it is none.
    pub fn new(config: Option<&TrustConfig>) -> Result<Self, PolicyError> {
        let Some(config) = config else { return Ok(Self::default()) };
        let publishers = config.publisher.iter().map(Publisher::new).collect::<Result<_, _>>()?;
        Ok(Self { trust: Some(Trust { local: config.local, publishers }) })
    }

    /// Tells whether the configuration has a policy.
    pub const fn is_set(&self) -> bool {
        self.trust.is_some()
    }

    /// Judges a folder or a single component of this machine, which nobody can have signed. Returns what is to be told of it.
    ///
    /// # Errors
    ///
    /// Fails when the configuration refuses those.
    pub fn judge_local(&self, path: &Path) -> Result<Option<String>, TrustError> {
        match self.trust.as_ref().map(|trust| trust.local) {
            None | Some(LocalTrust::Allow) => Ok(None),
            Some(LocalTrust::Warn) => Ok(Some(format!(
                "the rules in `{}` are not signed: they run without bounds\nhint: pack and sign them, or set `local` in [trust] to \"allow\"",
                escape::path(path)
            ))),
            Some(LocalTrust::Refuse) => Err(TrustError::Local(path.to_owned())),
        }
    }

    /// Judges a packed pack. `now` is the host's own clock: when a key is over is nothing that a pack or an event can say.
    ///
    /// # Errors
    ///
    /// Fails when it is not trusted, or wants more than its publisher may. Of several entries for the publisher, the error is of the one that the
    /// pack came furthest with.
    pub fn judge(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Trusted, TrustError> {
        let trust = match (&self.trust, presented.origin) {
            (Some(trust), _) => trust.publishers.as_slice(),
            (None, Origin::Registry(_)) => &[],
            (None, Origin::File(_)) => return Ok(presented.without_policy()),
        };
        let mut refusal = TrustError::UnknownPublisher {
            pack: presented.reference(),
            origin: presented.origin.text(),
            publisher: presented.id.publisher().to_owned(),
        };
        for publisher in trust.iter().filter(|publisher| publisher.name() == presented.id.publisher()) {
            match publisher.judge(presented, now) {
                Ok(trusted) => return Ok(trusted),
                Err(error) if error.stage() > refusal.stage() => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }

    /// Returns all keys, for those who want to say which of them signed something.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.publishers().iter().flat_map(Publisher::keys)
    }

    fn publishers(&self) -> &[Publisher] {
        self.trust.as_ref().map_or(&[], |trust| &trust.publishers)
    }
}

impl Presented<'_> {
    /// Returns the pack as people know it: `publisher/name@version`.
    pub(super) fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// A file where there is no policy: the user has named it, as one names a folder of rules.
    fn without_policy(&self) -> Trusted {
        let pack = self.reference();
        let publisher = self.id.publisher();
        let mut warnings = vec![format!(
            "{pack} from {} runs without bounds, whoever signed it: the configuration has no [trust]\nhint: add [[trust.publisher]] with name = \"{publisher}\"",
            self.origin.text()
        )];
        if let Some(highest) = self.highest.filter(|highest| self.is_below(highest)) {
            warnings.push(format!(
                "{pack} is a lower version than {highest}, which was loaded before\nhint: [trust] refuses such a step back unless it is told"
            ));
        }
        Trusted { grant: None, warnings }
    }

    /// Tells whether the version is lower. What stands behind a `+` says nothing about the order of versions.
    pub(super) fn is_below(&self, highest: &Version) -> bool {
        self.version.cmp_precedence(highest).is_lt()
    }
}

impl Origin<'_> {
    pub(super) fn text(self) -> String {
        match self {
            Self::File(path) => format!("`{}`", escape::path(path)),
            Self::Registry(reference) => format!("`{}`", escape::terminal(reference)),
        }
    }
}
