//! Why a trust policy cannot work, and why it refuses.

use std::path::PathBuf;

use jiff::Timestamp;
use orgwatch_rules_sdk::Severity;
use semver::Version;

use crate::escape::{self, terminal};
use crate::pack::signature::{KeyError, KeyId};

/// Why `[trust]` makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The name is none that a pack's id can begin with.
    #[error(
        "[[trust.publisher]] has the name `{}`, which no pack's id begins with\nhint: it is what stands before the / of the id, in lower-case letters, digits and `-`",
        terminal(.0)
    )]
    Name(String),
    /// A key cannot be used.
    #[error("[[trust.publisher]] `{publisher}` has a key that cannot be used")]
    Key {
        /// The publisher.
        publisher: String,
        /// Why not.
        source: KeyError,
    },
    /// One key stands there twice.
    #[error(
        "[[trust.publisher]] `{publisher}` has the key {} twice, in `{}` too\nhint: one key counts once, however often it signs",
        key.short(),
        escape::path(file)
    )]
    SameKey {
        /// The publisher.
        publisher: String,
        /// The key.
        key: KeyId,
        /// The file that it was found in again.
        file: PathBuf,
    },
    /// More keys have to sign than there are, or none.
    #[error(
        "`required` of [[trust.publisher]] `{publisher}` is {required}, and the number of its keys {keys}\nhint: `required` is from 1 to the number of its keys"
    )]
    Required {
        /// The publisher.
        publisher: String,
        /// How many are required.
        required: usize,
        /// How many there are.
        keys: usize,
    },
    /// There are no ids that its rules may have.
    #[error("[[trust.publisher]] `{0}` may have no rules\nhint: give `rules`, such as [\"{0}.*\"]")]
    NoRules(String),
    /// A pattern of ids is none.
    #[error("[[trust.publisher]] `{publisher}`: `{}` is not a pattern of rule ids: {reason}", terminal(pattern))]
    Pattern {
        /// The publisher.
        publisher: String,
        /// The text.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A sink that is not there.
    #[error(
        "[[trust.publisher]] `{publisher}` names the sink `{}`, which is not there\nhint: the sinks are {known}",
        terminal(sink)
    )]
    NoSuchSink {
        /// The publisher.
        publisher: String,
        /// The name.
        sink: String,
        /// The names of the sinks.
        known: String,
    },
}

/// Why a pack is not trusted: one variant for each way to be refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Nobody signed it, and the configuration refuses what nobody signed.
    #[error(
        "`{}` is a folder or file of this machine that nobody signed, and [trust] refuses those\nhint: pack and sign it, or set `local` in [trust] to \"warn\"",
        escape::path(.0)
    )]
    Local(PathBuf),
    /// Its publisher is unknown.
    #[error(
        "{pack} from {origin} is not trusted: there is no [[trust.publisher]] `{publisher}`\nhint: add one with a key that you had from the publisher in a way that you trust, and with the `rules` that it may have"
    )]
    UnknownPublisher {
        /// The pack.
        pack: String,
        /// Where it comes from.
        origin: String,
        /// Its publisher.
        publisher: String,
    },
    /// Too few of the publisher's keys signed it.
    #[error(
        "{pack} from {origin} is not trusted: {signed} of the {keys} keys of [[trust.publisher]] `{publisher}` signed it, and {required} must have\nhint: `orgwatch-host pack inspect` shows who signed; if the publisher has another key now, ask it in a way that you trust"
    )]
    TooFewSigners {
        /// The pack.
        pack: String,
        /// Where it comes from.
        origin: String,
        /// Its publisher.
        publisher: String,
        /// How many keys signed it that count.
        signed: usize,
        /// How many there are.
        keys: usize,
        /// How many have to.
        required: usize,
    },
    /// It would be trusted, were its keys not over.
    #[error(
        "{pack} from {origin} is not trusted: the key {} of [[trust.publisher]] `{publisher}` that signed it was over at {expired}\nhint: ask the publisher for a pack that is signed with its new key, and add that; or set a later day in `expires`",
        key.short()
    )]
    Expired {
        /// The pack.
        pack: String,
        /// Where it comes from.
        origin: String,
        /// Its publisher.
        publisher: String,
        /// The key.
        key: KeyId,
        /// When it was over.
        expired: Timestamp,
    },
    /// It goes back to a lower version.
    #[error(
        "{pack} is a lower version than {highest}, which was loaded before\nhint: an old version may lack a rule or have an error that was mended since; if it is wanted, set `allow_rollback = true` for [[trust.publisher]] `{publisher}`"
    )]
    Rollback {
        /// The pack.
        pack: String,
        /// Its publisher.
        publisher: String,
        /// The version that was loaded before.
        highest: Version,
    },
    /// A rule has the id of the service's own findings.
    #[error(
        "{pack} has the rule {rule}, and what begins with `orgwatch.` is the service's own word about itself\nhint: tell the publisher: nobody's rule can have such an id"
    )]
    Reserved {
        /// The pack.
        pack: String,
        /// The rule.
        rule: String,
    },
    /// A rule has an id outside its publisher's namespaces.
    #[error(
        "{pack} has the rule {rule}, and rules of [[trust.publisher]] `{publisher}` may be {allowed}\nhint: if that rule is in order, add its id to `rules`"
    )]
    Namespace {
        /// The pack.
        pack: String,
        /// Its publisher.
        publisher: String,
        /// The rule.
        rule: String,
        /// The ids that it could have.
        allowed: String,
    },
    /// A rule looks back.
    #[error(
        "{rule} of {pack} looks back at earlier events, and rules of [[trust.publisher]] `{publisher}` may not\nhint: if that is in order, set `state = true` there"
    )]
    State {
        /// The pack.
        pack: String,
        /// Its publisher.
        publisher: String,
        /// The rule.
        rule: String,
    },
    /// A rule reads a table.
    #[error(
        "{rule} of {pack} reads the table `{}`, and rules of [[trust.publisher]] `{publisher}` may not\nhint: its findings can tell what stands there; if that is in order, add it to `tables` there",
        terminal(table)
    )]
    Table {
        /// The pack.
        pack: String,
        /// Its publisher.
        publisher: String,
        /// The rule.
        rule: String,
        /// The table.
        table: String,
    },
    /// A rule is of a higher severity.
    #[error(
        "{rule} of {pack} has the severity {severity}, and rules of [[trust.publisher]] `{publisher}` may have {ceiling} at most\nhint: if that is in order, raise `max_severity` there"
    )]
    Severity {
        /// The pack.
        pack: String,
        /// Its publisher.
        publisher: String,
        /// The rule.
        rule: String,
        /// Its severity.
        severity: Severity,
        /// The highest that it could have.
        ceiling: Severity,
    },
    /// A rule needs more fuel.
    #[error(
        "{rule} of {pack} used {fuel} units of fuel on an event of its own tests, and rules of [[trust.publisher]] `{publisher}` get {ceiling}\nhint: if that is in order, raise `max_fuel` there"
    )]
    Fuel {
        /// The pack.
        pack: String,
        /// Its publisher.
        publisher: String,
        /// The rule.
        rule: String,
        /// What it used.
        fuel: u64,
        /// What it would get.
        ceiling: u64,
    },
}

impl TrustError {
    /// Tells how far a pack came before it was refused. Of several entries the one that it came furthest with tells most.
    pub(super) const fn stage(&self) -> u8 {
        match self {
            Self::Local(_) | Self::UnknownPublisher { .. } => 0,
            Self::TooFewSigners { .. } => 1,
            Self::Expired { .. } => 2,
            Self::Rollback { .. } => 3,
            Self::Reserved { .. }
            | Self::Namespace { .. }
            | Self::State { .. }
            | Self::Table { .. }
            | Self::Severity { .. }
            | Self::Fuel { .. } => 4,
        }
    }
}
