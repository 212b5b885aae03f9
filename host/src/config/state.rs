//! `[state]`: where the ledger lives, and how it is kept.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;
use crate::intake::Ack;
use crate::ledger::Room;

/// The ledger's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StateConfig {
    /// The state directory. Without it: what systemd gives the service, else `~/.local/state/orgwatch`.
    pub dir: Option<PathBuf>,
    /// When a batch is acknowledged to its source.
    pub ack: Ack,
    /// How long findings are kept that nobody is owed, and closed gaps. Open gaps and dead letters stay.
    pub retention: Span,
    /// MiB of the disk that new findings leave free, so that what is owed already can still be settled.
    pub reserve_mib: u32,
    /// MiB that the ledger may take. Without it the disk is the limit.
    pub limit_mib: Option<u32>,
}

impl Default for StateConfig {
    fn default() -> Self {
        Self { dir: None, ack: Ack::Ledger, retention: Span::seconds(400 * 86_400), reserve_mib: 64, limit_mib: None }
    }
}

impl StateConfig {
    /// Returns how much the ledger may use.
    pub fn room(&self) -> Room {
        let bytes = |mib: u32| u64::from(mib) << 20;
        Room { reserve: bytes(self.reserve_mib), limit: self.limit_mib.map(bytes) }
    }
}
