//! Objects to replay: what an `s3://…` of the command line names.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

use super::ahead::Ahead;
use super::days::Days;
use super::list;
use super::walk::Shelf;
use crate::aws::AwsConfig;
use crate::replay::TimeRange;
use crate::source::SourceError;
use crate::source::files::Input;
use crate::source::key::LogKey;
use crate::source::object;

/// How long after its records a file is looked for. CloudTrail delivers within minutes as a rule; it goes on trying for 30 days when it could not.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// An object of S3 that is read when its turn comes, or shortly before.
#[derive(Clone)]
pub(in crate::source) struct ObjectInput {
    objects: Arc<Ahead>,
    place: usize,
}

/// Finds the objects that an `s3://bucket/prefix` names, in the order of their keys. Of files in CloudTrail's layout only the days are listed that may
/// hold records of the range, and no digests; everything else that lies below the prefix is taken as it is, since somebody put it there and
/// named the place.
///
/// The inputs are read on this runtime, from threads outside of it, and each with those that come after it: see `ahead.rs`.
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
    found.extend(list::all(&shelf, walked.ranges, days, Timestamp::now()).await.map_err(SourceError)?);
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
    let objects = Arc::new(Ahead::new(shelf.client, Handle::current(), bucket, found));
    let input = |place| Input::object(ObjectInput { objects: Arc::clone(&objects), place });
    Ok((0..objects.len()).map(input).collect())
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
    pub(in crate::source) fn name(&self) -> &Arc<str> {
        &self.objects.about(self.place).name
    }

    pub(in crate::source) fn size(&self) -> u64 {
        self.objects.about(self.place).size
    }

    /// Begins to read the object. The thread waits, so it must not be one of the runtime's own.
    pub(in crate::source) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        self.objects.open(self.place)
    }
}

impl fmt::Debug for ObjectInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl PartialEq for ObjectInput {
    fn eq(&self, other: &Self) -> bool {
        self.objects.about(self.place) == other.objects.about(other.place)
    }
}

impl Eq for ObjectInput {}

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
