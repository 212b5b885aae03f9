//! Objects to replay: what an `s3://…` of the command line names.

use std::fmt;
use std::io::{self, Read};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};
use jiff::SignedDuration;
use tokio::runtime::Handle;

use super::days::Days;
use super::walk::{Listed, Shelf};
use crate::aws::AwsConfig;
use crate::replay::TimeRange;
use crate::source::SourceError;
use crate::source::files::Input;
use crate::source::key::LogKey;
use crate::source::object;

/// How long after its records a file is looked for. CloudTrail delivers within minutes as a rule; it goes on trying for 30 days when it could not.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// An object of S3 that is read when its turn comes.
#[derive(Clone)]
pub(in crate::source) struct ObjectInput {
    client: Client,
    runtime: Handle,
    bucket: String,
    key: String,
    size: u64,
}

/// Finds the objects that an `s3://bucket/prefix` names, in the order of their keys. Of files in CloudTrail's layout only the days are listed that may
/// hold records of the range, and no digests; everything else that lies below the prefix is taken as it is, since somebody put it there and
/// named the place.
///
/// The inputs are read on this runtime, from threads outside of it.
///
/// # Errors
///
/// Fails when the bucket cannot be listed, and when nothing is found.
pub async fn inputs(location: &str, range: TimeRange, aws: &AwsConfig) -> Result<Vec<Input>, SourceError> {
    let (bucket, prefix) = parse(location)?;
    let shelf = Shelf { client: object::client(aws).await, bucket: bucket.to_owned(), prefix: prefix.to_owned() };
    let days = Days::holding(range.since, range.until, LATE);
    let walked = shelf.walk().await.map_err(SourceError)?;
    let mut found = walked.strays;
    for part in walked.ranges {
        let (start, end) = (days.start_after(&part.region), days.end_before(&part.region));
        let mut token = None;
        loop {
            let (page, next) = shelf.page(&part, start.as_deref(), token).await.map_err(SourceError)?;
            let beyond = end.as_ref().is_some_and(|end| page.last().is_some_and(|last| last.key >= *end));
            found.extend(page.into_iter().filter(|object| end.as_ref().is_none_or(|end| object.key < *end)));
            token = next;
            if token.is_none() || beyond {
                break;
            }
        }
    }
    found.retain(|object| {
        LogKey::parse(&object.key).is_none_or(|key| key.kind.holds_records() && days.contain(key.day))
    });
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Err(SourceError(format!(
            "no object of the days asked for lies below {location}\nhint: aws s3 ls {location} lists what does"
        )));
    }
    let runtime = Handle::current();
    let input = |Listed { key, size }| {
        let (client, runtime, bucket) = (shelf.client.clone(), runtime.clone(), shelf.bucket.clone());
        Input::object(ObjectInput { client, runtime, bucket, key, size })
    };
    Ok(found.into_iter().map(input).collect())
}

/// Takes `s3://bucket/prefix` apart.
fn parse(location: &str) -> Result<(&str, &str), SourceError> {
    let path = location.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    if bucket.is_empty() {
        return Err(SourceError(format!("`{location}` is not of the form s3://bucket/prefix")));
    }
    Ok((bucket, prefix))
}

impl ObjectInput {
    pub(in crate::source) fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    pub(in crate::source) fn size(&self) -> u64 {
        self.size
    }

    /// Begins to read the object. The thread waits, so it must not be one of the runtime's own.
    pub(in crate::source) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let opened = self.runtime.block_on(object::open(&self.client, &self.bucket, &self.key));
        let opened = opened.map_err(|error| io::Error::other(error.text))?;
        Ok(Box::new(ObjectReader { runtime: self.runtime.clone(), stream: opened.body, chunk: Bytes::new() }))
    }
}

impl fmt::Debug for ObjectInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())
    }
}

impl PartialEq for ObjectInput {
    fn eq(&self, other: &Self) -> bool {
        (&self.bucket, &self.key) == (&other.bucket, &other.key)
    }
}

impl Eq for ObjectInput {}

/// An object as it comes, a piece at a time.
struct ObjectReader {
    runtime: Handle,
    stream: ByteStream,
    chunk: Bytes,
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.try_next()).map_err(io::Error::other)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_and_a_prefix() {
        assert_eq!(parse("s3://trail").unwrap(), ("trail", ""));
        assert_eq!(parse("s3://trail/").unwrap(), ("trail", ""));
        assert_eq!(parse("s3://trail/AWSLogs/x").unwrap(), ("trail", "AWSLogs/x"));
        assert!(parse("s3://").is_err());
        assert!(parse("s3:///key").is_err());
        assert!(parse("https://trail").is_err());
    }
}
