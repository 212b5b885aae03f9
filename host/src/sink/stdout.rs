//! The sink `stdout`: findings on standard output, for a terminal or the pipe behind it.

use std::io::{self, IsTerminal, Write as _};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Delivery, Receipt, RetryConfig, Sink};
use crate::encoding::{Encoding, EncodingName};

/// The configuration of a sink `stdout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StdoutConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The form of the findings: text on a terminal and JSON when piped, unless it is set.
    #[serde(default)]
    pub encoding: Option<EncodingName>,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

/// Writes findings to standard output.
pub(super) struct Stdout {
    encoding: Encoding,
}

impl StdoutConfig {
    pub(super) fn build(&self) -> Stdout {
        let terminal = io::stdout().is_terminal();
        let encoding = match self.encoding {
            Some(name) => name.encoding(terminal),
            None if terminal => Encoding::Text { color: true },
            None => Encoding::Json,
        };
        Stdout { encoding }
    }
}

#[async_trait]
impl Sink for Stdout {
    fn batch(&self) -> usize {
        100
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let mut text = Vec::new();
        for delivery in deliveries {
            self.encoding.encode(&delivery.finding, &mut text);
        }
        // A reader that does not read must not hold up the threads that everything else runs on.
        let written = tokio::task::spawn_blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(&text).and_then(|()| stdout.flush())
        });
        let receipt = match written.await {
            Ok(Ok(())) => Receipt::Taken,
            Ok(Err(error)) => Receipt::again(format!("failed to write to standard output: {error}")),
            Err(error) => Receipt::again(format!("failed to write to standard output: {error}")),
        };
        vec![receipt; deliveries.len()]
    }
}
