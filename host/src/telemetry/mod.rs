//! What can be seen of a running service: counters, logs, and an address that answers.

mod address;
mod log;
mod metrics;
mod otlp;

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::address::{Answers, listen};
pub use self::log::{LogFormat, LogLevel, start_log};
pub use self::metrics::Metrics;
pub use self::otlp::Otlp;

/// The address that answers unless the configuration names another. 9464 is the port that exporters of OpenTelemetry use.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);

/// `[telemetry]`: what can be seen of a running service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// False to answer nobody.
    pub enabled: bool,
    /// Where `/healthz`, `/readyz` and `/metrics` answer. Nothing there is secret, and nothing asks who it is: keep it to addresses that only
    /// your own can reach.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The form of the logs.
    pub log_format: LogFormat,
    /// What is logged, from this level on.
    pub log_level: LogLevel,
    /// Where traces and metrics are sent over OTLP with HTTP, such as `http://127.0.0.1:4318`.
    pub otlp: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { enabled: true, listen: LISTEN, log_format: LogFormat::Text, log_level: LogLevel::Info, otlp: None }
    }
}
