//! What can be seen of a running service: counters, logs, and an address that answers.

mod metrics;

pub use self::metrics::Metrics;
