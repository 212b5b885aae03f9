//! How the service itself is doing.

mod condition;

pub use condition::Condition;
