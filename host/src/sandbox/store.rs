//! What the host keeps for one instance of a rule.

use std::fmt;
use std::sync::Arc;

use orgwatch_rules_sdk::json::Document;
use wasmtime::ResourceLimiter;

use super::limits::Limits;
use super::trace::Trace;
use crate::state::View;
use crate::table::Tables;

/// The host's side of one instance: the event, the bounds, the log.
pub(super) struct Instance {
    /// The record under evaluation; nothing while the rule loads.
    pub(super) event: Option<Arc<Document>>,
    /// The lookup tables that the rule may read; nothing while it loads or notes.
    pub(super) tables: Option<Arc<RuleTables>>,
    /// What the rule noted of this and of earlier records; nothing except where a rule that looks back evaluates.
    pub(super) state: Option<View>,
    pub(super) log: Log,
    /// What the rule looks at, where that is recorded.
    pub(super) trace: Option<Trace>,
    bounds: Bounds,
}

impl Instance {
    pub(super) fn new(event: Option<Arc<Document>>, limits: &Limits) -> Self {
        Self {
            event,
            tables: None,
            state: None,
            log: Log { left: limits.log, lines: Vec::new() },
            trace: None,
            bounds: Bounds { memory: limits.memory },
        }
    }

    pub(super) fn bounds(&mut self) -> &mut Bounds {
        &mut self.bounds
    }
}

/// The operator's tables as one rule may read them.
pub(super) struct RuleTables {
    pub(super) tables: Arc<Tables>,
    /// The names that the rule's metadata lists.
    pub(super) listed: Vec<String>,
}

/// A bound that a rule has run into, as an error that travels through wasmtime and is known again by its type.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum LimitReached {
    #[error("the memory limit is reached")]
    Memory,
    #[error("the table limit is reached")]
    Table,
    #[error("the fuel is used up")]
    Fuel,
    #[error("the event was read while loading")]
    EventWhileLoading,
    #[error("the table is not one of the rule's")]
    TableNotListed,
    #[error("there is nothing to look back at")]
    NothingToLookBackAt,
    #[error("the rule keeps its notes for a shorter time")]
    BeyondKeep,
}

/// How large tables may grow: function pointers of a rule, some hundreds as a rule.
pub(super) const TABLE_ELEMENTS: usize = 20_000;

/// Bounds what an instance allocates. Answering `false` would let the rule go on, and a Rust rule then aborts as if it had panicked: an
/// error stops it and says why.
pub(super) struct Bounds {
    memory: usize,
}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.memory { Err(LimitReached::Memory.into()) } else { Ok(true) }
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS { Err(LimitReached::Table.into()) } else { Ok(true) }
    }

    fn memories(&self) -> usize {
        4
    }

    fn tables(&self) -> usize {
        8
    }

    fn instances(&self) -> usize {
        16
    }
}

/// The levels of the interface `log`, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the rule's author.
    Debug,
    /// For the record.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong; a panic's message comes this way.
    Error,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// What a line of the log counts beside its text: many empty ones take memory too.
const LINE: usize = 64;

/// What a rule logged, up to a bound. Beyond it messages are dropped: they are words for an engineer, not findings.
pub(super) struct Log {
    left: usize,
    lines: Vec<(LogLevel, String)>,
}

impl Log {
    pub(super) fn write(&mut self, level: LogLevel, message: &str) {
        let Some(left) = self.left.checked_sub(LINE) else { return };
        let end = message.floor_char_boundary(left);
        self.left = left - end;
        self.lines.push((level, message[..end].to_owned()));
    }

    pub(super) fn last_error(&self) -> Option<String> {
        let (_, message) = self.lines.iter().rev().find(|(level, _)| *level == LogLevel::Error)?;
        Some(message.clone())
    }

    pub(super) fn take(&mut self) -> Vec<(LogLevel, String)> {
        std::mem::take(&mut self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_whole_characters_up_to_its_bound_and_the_last_error() {
        let mut log = Log { left: 2 * LINE + 9, lines: Vec::new() };
        log.write(LogLevel::Error, "first");
        log.write(LogLevel::Info, "ééé");
        log.write(LogLevel::Error, "dropped");
        assert_eq!(log.last_error().as_deref(), Some("first"));
        assert_eq!(log.take(), [(LogLevel::Error, "first".to_owned()), (LogLevel::Info, "éé".to_owned())]);
    }
}
