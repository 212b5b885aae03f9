//! The sandbox: rules as WebAssembly components that can do nothing but read the event.
//!
//! A component is prepared once, in a child process with limits of its own ([`prepare`]): checked, loaded with its settings, and
//! frozen into a memory image. From that image every evaluation starts afresh ([`LoadedRule::evaluate`]), with bounded fuel, memory,
//! time and output. What goes wrong in a rule is a [`Fault`] of that rule and never reaches another.

mod cache;
mod compiler;
mod component;
mod engine;
mod fault;
mod findings;
mod imports;
mod limits;
mod notes;
pub mod prepare;
mod rule;
mod snapshot;
mod store;
mod trace;

pub use compiler::{Compiler, Preparation};
pub use component::{Component, ComponentFault, is_rule_id};
pub use engine::Engine;
pub use fault::{Fault, LoadFault};
pub use limits::Limits;
pub use rule::{Evaluation, LoadedRule, Noting};
pub use store::LogLevel;
pub use trace::{Step, Trace};
