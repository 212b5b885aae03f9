//! How a rule fails. Decided by the type of an error, never by its text.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Trap;

use super::component::ComponentFault;
use super::store::{LimitReached, Log};
use crate::redact::Secrets;
use crate::state::StateError;

/// What went wrong while a rule ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum Fault {
    /// It used up its fuel: an endless loop, or too much work.
    #[error("it ran out of fuel ({limit} units)")]
    OutOfFuel {
        /// The limit in units of fuel.
        limit: u64,
    },
    /// It asked for more memory than it may have.
    #[error("it ran out of memory ({limit} bytes)")]
    OutOfMemory {
        /// The limit in bytes.
        limit: usize,
    },
    /// It ran longer than it may by the wall clock.
    #[error("it ran out of time ({} ms)", limit.as_millis())]
    OutOfTime {
        /// The limit.
        limit: Duration,
    },
    /// It recursed too deeply.
    #[error("it overflowed its stack")]
    StackOverflow,
    /// It panicked or trapped. What it logged last, which for a Rust rule is the panic's message, is kept.
    #[error("it trapped: {trap}{}", last_words.as_ref().map(|words| format!("; its last words: {words}")).unwrap_or_default())]
    Trap {
        /// What wasmtime calls the trap.
        trap: String,
        /// The last error that the rule logged.
        last_words: Option<String>,
    },
    /// It read the event in `load`, where there is none.
    #[error("it read the event, which only `evaluate` can")]
    ReadWhileLoading,
    /// It read a table in `load` or in `note`, or one that its metadata does not list.
    #[error("it read a table in `load` or in `note`, or one that its metadata does not list")]
    TableNotListed,
    /// It looked back in `load` or in `note`, or has no `state_version`.
    #[error("it looked back at earlier events, which only `evaluate` of a rule with a `state_version` can")]
    NothingToLookBackAt,
    /// It looked back further than it keeps what it notes.
    #[error("it looked back further than the time that its `keep` returned")]
    BeyondKeep,
    /// What it noted could not be read.
    #[error("what it noted could not be read: {reason}")]
    StateUnreadable {
        /// Why not.
        reason: String,
    },
    /// It returned more notes than it may.
    #[error("it returned {count} notes, more than {limit}")]
    TooManyNotes {
        /// How many it returned.
        count: usize,
        /// How many it may return.
        limit: usize,
    },
    /// It returned something that is no note, or a note that is too large.
    #[error("it returned something that is not a note: {reason}")]
    NotANote {
        /// What is wrong with it.
        reason: String,
    },
    /// It returned more findings than it may.
    #[error("it returned {count} findings, more than {limit}")]
    TooManyFindings {
        /// How many it returned.
        count: usize,
        /// How many it may return.
        limit: usize,
    },
    /// Its findings hold more JSON values than they may.
    #[error("it returned findings with more than {limit} JSON values")]
    TooManyValues {
        /// How many all its findings may hold.
        limit: usize,
    },
    /// Two findings of one evaluation have the same key.
    #[error("it returned two findings with the key {key:?}")]
    RepeatedKey {
        /// The key.
        key: String,
    },
    /// It returned something that is no finding.
    #[error("it returned something that is not a finding: {reason}")]
    NotAFinding {
        /// What is wrong with it.
        reason: String,
    },
    /// It handed over text that is not Unicode.
    #[error("it handed over text that is not Unicode")]
    NotUnicode,
    /// What it handed over is too large, or it breaks the interface in another way.
    #[error("it broke the rules of the sandbox: {reason}")]
    BadOutput {
        /// What wasmtime says.
        reason: String,
    },
}

impl Fault {
    /// Tells from the error of a call what went wrong in the guest.
    pub(super) fn of(error: &wasmtime::Error, limits: Spent<'_>, log: &Log) -> Self {
        if let Some(limit) = error.downcast_ref::<LimitReached>() {
            return match limit {
                LimitReached::Memory | LimitReached::Table => Self::OutOfMemory { limit: limits.memory },
                LimitReached::Fuel => Self::OutOfFuel { limit: limits.fuel },
                LimitReached::EventWhileLoading => Self::ReadWhileLoading,
                LimitReached::TableNotListed => Self::TableNotListed,
                LimitReached::NothingToLookBackAt => Self::NothingToLookBackAt,
                LimitReached::BeyondKeep => Self::BeyondKeep,
            };
        }
        if let Some(error) = error.downcast_ref::<StateError>() {
            return Self::StateUnreadable { reason: brief(&error.to_string()) };
        }
        if error.is::<std::str::Utf8Error>() || error.is::<std::char::DecodeUtf16Error>() {
            return Self::NotUnicode;
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::OutOfFuel { limit: limits.fuel },
            Some(Trap::Interrupt) => Self::OutOfTime { limit: *limits.deadline },
            Some(Trap::StackOverflow) => Self::StackOverflow,
            Some(trap) => {
                let text = trap.to_string();
                let trap = text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned();
                Self::Trap { trap, last_words: log.last_error().map(|words| brief(&words)) }
            }
            None => Self::BadOutput { reason: brief(&error.root_cause().to_string()) },
        }
    }

    /// Takes a record's secrets out of what the fault quotes of the rule.
    #[must_use]
    pub fn redacted(self, secrets: &Secrets) -> Self {
        match self {
            Self::Trap { trap, last_words } => {
                Self::Trap { trap, last_words: last_words.map(|words| secrets.redact_cut(&words)) }
            }
            Self::RepeatedKey { key } => Self::RepeatedKey { key: secrets.redact_cut(&key) },
            Self::NotAFinding { reason } => Self::NotAFinding { reason: secrets.redact_cut(&reason) },
            Self::NotANote { reason } => Self::NotANote { reason: secrets.redact_cut(&reason) },
            other => other,
        }
    }
}

/// The longest text of a rule that a fault quotes, in bytes.
const LONGEST_QUOTE: usize = 1000;

/// Shortens what a rule chose the words of: a fault is told for every event.
pub(super) fn brief(text: &str) -> String {
    if text.len() <= LONGEST_QUOTE {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_QUOTE);
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}

/// The limits that applied to a call, for the words of its fault.
#[derive(Clone, Copy)]
pub(super) struct Spent<'a> {
    pub(super) fuel: u64,
    pub(super) memory: usize,
    pub(super) deadline: &'a Duration,
}

/// Why a rule could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum LoadFault {
    /// The component is not one that the host runs.
    #[error(transparent)]
    Component(#[from] ComponentFault),
    /// The rule refused its settings.
    #[error("it refuses its settings: {0}")]
    Refused(String),
    /// Its `load` failed.
    #[error("its `load` failed: {0}")]
    Load(Fault),
    /// Its `describe` failed.
    #[error("its `describe` failed: {0}")]
    Describe(Fault),
    /// What `describe` returns is not what the metadata section says.
    #[error("its metadata section is not what the rule says of itself")]
    MetadataDiffers,
    /// It says that it looks back and lacks the functions for it, or has them and does not say so.
    #[error(
        "its metadata {} a `state_version`, and it {} `orgwatch:rule/memory`",
        if *declared { "has" } else { "has no" }, if *declared { "does not export" } else { "exports" }
    )]
    MemoryDiffers {
        /// True where the metadata says so.
        declared: bool,
    },
    /// It would keep what it notes for longer than a rule may.
    #[error("it would keep what it notes for {seconds} s, more than {limit} s")]
    KeepTooLong {
        /// For how long, in seconds.
        seconds: u64,
        /// The limit in seconds.
        limit: u64,
    },
    /// A pattern that it asks for is no EventBridge event pattern.
    #[error("it asks for events with a pattern that is none: {0}")]
    Pattern(String),
    /// It asks for events with more patterns than the host matches for one rule.
    #[error("its patterns are {size} bytes large, more than {limit}")]
    PatternsTooLarge {
        /// Their size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It asks for no event at all.
    #[error("it asks for no events: `load` returned an empty list of patterns")]
    NoPatterns,
    /// It cannot be compiled.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// It cannot be put into the sandbox: it has more instances, memories or tables than one evaluation may have.
    #[error("it does not fit into the sandbox: {0}")]
    Link(String),
    /// Compiling took too long.
    #[error("compiling it took longer than {} s", .0.as_secs())]
    CompileTime(Duration),
    /// The process that compiled it died, most likely of its memory limit.
    #[error("the process that compiled it was ended by signal {signal}; its memory limit is {} MiB", memory >> 20)]
    CompilerDied {
        /// The signal.
        signal: i32,
        /// The memory limit in bytes.
        memory: u64,
    },
    /// The process that compiles could not do its work, for a reason that is not the rule's.
    #[error("the compiling process failed: {0}")]
    Compiler(String),
}
