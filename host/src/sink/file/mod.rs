//! The sink `file`: findings in a file, one JSON object a line unless it is set otherwise.

mod log;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use self::log::Log;
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError};
use crate::encoding::EncodingName;

/// How long a disk may take. A disk that hangs costs one thread, since nobody else gets at the file meanwhile.
const LONGEST: Duration = Duration::from_mins(1);

/// The configuration of a sink `file`. The file belongs to this sink alone; others may read it, move it away or remove it at any time.
///
/// A finding counts as taken when the disk has it (`fsync`). Files are made with the mode 0600.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The file. Its folder has to exist.
    pub path: PathBuf,
    /// The form of the findings.
    #[serde(default = "default_encoding")]
    pub encoding: EncodingName,
    /// From how many MiB on the file is moved away and a new one begun. It gets the time in UTC behind its name: `findings.ndjson.20261101T100000.000Z`.
    /// With 0 it is never moved.
    #[serde(default = "default_rotate_mib")]
    pub rotate_mib: u32,
    /// How many files that were moved away are kept; the oldest are removed.
    #[serde(default = "default_keep")]
    pub keep: u32,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

const fn default_encoding() -> EncodingName {
    EncodingName::Json
}

const fn default_rotate_mib() -> u32 {
    100
}

const fn default_keep() -> u32 {
    10
}

/// Appends findings to a file.
pub(super) struct File {
    config: FileConfig,
    log: Arc<Mutex<Log>>,
}

impl FileConfig {
    pub(super) fn build(&self) -> Result<File, SinkError> {
        let shown = self.path.display();
        if self.path.file_name().is_none() || self.path.is_dir() {
            return Err(SinkError(format!("`{shown}` is not the path of a file")));
        }
        let log = Log::new(self.path.clone(), u64::from(self.rotate_mib) << 20, self.keep as usize);
        if !log.folder().is_dir() {
            return Err(SinkError(format!("the folder of `{shown}` does not exist")));
        }
        Ok(File { config: self.clone(), log: Arc::new(Mutex::new(log)) })
    }
}

#[async_trait]
impl Sink for File {
    fn batch(&self) -> usize {
        500
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let encoding = self.config.encoding.encoding(false);
        let mut text = Vec::new();
        for delivery in deliveries {
            encoding.encode(&delivery.finding, &mut text);
        }
        let log = Arc::clone(&self.log);
        let written = tokio::time::timeout(LONGEST, async move {
            let mut log = log.lock_owned().await;
            tokio::task::spawn_blocking(move || log.append(&text)).await
        });
        let path = self.config.path.display();
        let receipt = match written.await {
            Ok(Ok(Ok(()))) => Receipt::Taken,
            Ok(Ok(Err(error))) => Receipt::again(format!("failed to write to `{path}`: {error}")),
            Ok(Err(error)) => Receipt::again(format!("failed to write to `{path}`: {error}")),
            Err(_) => Receipt::again(format!("the disk did not take a write to `{path}` in time")),
        };
        vec![receipt; deliveries.len()]
    }
}
