//! What an upgrade of a pack changes.

pub mod literals;
