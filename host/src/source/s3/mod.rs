//! The source `s3`: a trail's bucket, or a folder of it, read from a day on and listed again and again for new files.
//!
//! It needs nothing set up beside the trail, at the price of listing: each round asks for every account and region. For a large organization
//! the source `sqs` hears of new files without asking. `walk.rs` finds where files lie, `days.rs` which part of them is listed, `follow.rs` brings
//! them. `s3://…` on the command line (`inputs.rs`) is walked likewise; it is listed at once (`list.rs`), and read ahead (`ahead.rs`).

mod ahead;
mod days;
mod follow;
mod inputs;
mod list;
mod walk;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::days::Days;
pub(in crate::source) use self::inputs::ObjectInput;
pub use self::inputs::inputs;
use self::walk::Shelf;
use super::SourceError;
use super::object::{self, OBJECT_MIB, Objects};
use super::trouble::Troubles;
use crate::aws::AwsConfig;
use crate::config::Span;

/// The configuration of a source `s3`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// The source's name, for messages and metrics.
    pub name: String,
    /// The bucket's name.
    pub bucket: String,
    /// What the keys begin with: the folder above `AWSLogs`, or anything below it. Without it the whole bucket is read.
    #[serde(default)]
    pub prefix: String,
    /// How the bucket is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// From when on files are read at first: an RFC 3339 time, or a span before now such as `7d`; `24h` by default. Whole days are read, by the day
    /// of delivery. Later runs go on where the last one ended.
    #[serde(default = "since")]
    pub since: String,
    /// Until when, in the same forms; without it for ever.
    #[serde(default)]
    pub until: Option<String>,
    /// How long after `until` files are looked for that were delivered late: `24h` by default.
    #[serde(default = "late")]
    pub late: Span,
    /// How often the bucket is listed: every `5m` by default.
    #[serde(default = "every")]
    pub every: Span,
    /// How long before the last file that was read the list begins, since files come in no strict order: `1h` by default. After a restart the files
    /// of this time are read again, and give nothing new.
    #[serde(default = "overlap")]
    pub overlap: Span,
    /// Files that are read at a time: 1 to 1000, 256 by default.
    #[serde(default = "concurrency")]
    pub concurrency: u16,
    /// The largest file that is read, in MiB as it lies in the bucket: 256 by default.
    #[serde(default = "object_mib")]
    pub object_mib: u32,
    /// A source that brings no event for so long is reported. Without it a quiet source is no news.
    #[serde(default)]
    pub quiet_after: Option<Span>,
}

fn since() -> String {
    "24h".to_owned()
}

fn late() -> Span {
    Span::seconds(86_400)
}

fn every() -> Span {
    Span::seconds(300)
}

fn overlap() -> Span {
    Span::seconds(3_600)
}

fn concurrency() -> u16 {
    256
}

fn object_mib() -> u32 {
    OBJECT_MIB
}

/// Brings the files of a bucket.
pub(super) struct S3 {
    shelf: Shelf,
    objects: Objects,
    days: Days,
    every: std::time::Duration,
    overlap: SignedDuration,
    concurrency: usize,
    troubles: Troubles,
}

impl S3Config {
    pub(super) async fn build(&self) -> Result<S3, SourceError> {
        let Self { bucket, concurrency, every, .. } = self;
        if bucket.is_empty() || bucket.contains(['/', '*']) {
            return Err(SourceError(format!("`{bucket}` is not the name of a bucket")));
        }
        if !(1..=1000).contains(concurrency) {
            return Err(SourceError(format!("`concurrency` is {concurrency} and must be from 1 to 1000")));
        }
        if every.0.is_zero() || self.object_mib == 0 {
            return Err(SourceError("neither `every` nor `object_mib` may be 0".to_owned()));
        }
        let now = Timestamp::now();
        let since = moment(&self.since, now)?;
        let until = self.until.as_deref().map(|text| moment(text, now)).transpose()?;
        if until.is_some_and(|until| until <= since) {
            return Err(SourceError(format!("no time lies between `since` ({since}) and `until`")));
        }
        let client = object::client(&self.aws).await;
        Ok(S3 {
            shelf: Shelf { client: client.clone(), bucket: bucket.clone(), prefix: self.prefix.clone() },
            objects: Objects::new(client, self.object_mib),
            days: Days::holding(Some(since), until, signed(self.late)),
            every: every.0,
            overlap: signed(self.overlap),
            concurrency: usize::from(*concurrency),
            troubles: Troubles::default(),
        })
    }
}

fn signed(span: Span) -> SignedDuration {
    SignedDuration::try_from(span.0).unwrap_or(SignedDuration::MAX)
}

/// Reads an RFC 3339 time, or a span before now.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, SourceError> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let before = text.parse::<Span>().ok().and_then(|span| now.checked_sub(signed(span)).ok());
    before.ok_or_else(|| SourceError(format!("`{text}` is neither an RFC 3339 time nor a span such as 7d")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_span_before_now() {
        let now: Timestamp = "2026-11-05T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-11-01T00:00:00Z", now).unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(moment("36h", now).unwrap().to_string(), "2026-11-04T00:00:00Z");
        assert!(moment("yesterday", now).is_err());
    }
}
