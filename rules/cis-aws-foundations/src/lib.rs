//! What the rules of the pack share.
//!
//! Most controls are a list of operations: [`changes`] judges and reports those by a table that each rule brings along. [`report`] holds what
//! every finding of the pack says, [`settings`] the settings that they have in common, [`controls`] the published metric filters.

pub mod changes;
pub mod controls;
pub mod report;
pub mod settings;
mod targets;
