//! Objects in S3, read into memory within a bound.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStreamError;
use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::answer::{Answer, Refusal};
use crate::aws::AwsConfig;
use crate::causes;

/// The largest object that is read unless it is configured, in MiB. CloudTrail's own files have some MiB at most.
pub(super) const OBJECT_MIB: u32 = 256;

/// How much memory the objects of a source take together, in KiB. One that is larger is read alone.
const ROOM: u32 = 64 << 10;

/// Reads objects.
#[derive(Clone)]
pub(super) struct Objects {
    client: Client,
    /// The size of the largest object, in bytes.
    limit: u64,
    /// A permit for each KiB that is free.
    room: Arc<Semaphore>,
}

/// Why an object was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectError {
    /// What was being done, to what, and the answer.
    pub(super) text: String,
    /// Somebody has to do something before it can work: there is no sense in waiting to see whether it passes.
    pub(super) needs_somebody: bool,
}

/// An object's bytes with the room that they take: it is free again when nobody holds the bytes any more.
struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Makes a client of S3.
pub(super) async fn client(aws: &AwsConfig) -> Client {
    let config = aws_sdk_s3::config::Builder::from(&aws.load().await)
        // An endpoint of one's own seldom has a name for every bucket.
        .force_path_style(aws.endpoint.is_some());
    Client::from_conf(config.build())
}

impl Objects {
    pub(super) fn new(client: Client, object_mib: u32) -> Self {
        Self { client, limit: u64::from(object_mib) << 20, room: Arc::new(Semaphore::new(ROOM as usize)) }
    }

    /// Reads an object. Where others take all the memory that there is for them it waits, before anything of it is read, until their bytes have
    /// been dropped.
    ///
    /// Nothing of one that is too large is kept: half a file would pass for a broken one.
    pub(super) async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ObjectError> {
        let (objects, bucket, key) = (self.clone(), bucket.to_owned(), key.to_owned());
        // A task of its own: a source is one task, and what calls cost (signing, decrypting, copying) would keep one core busy beside the others.
        let mut task = JoinSet::new();
        task.spawn(async move { objects.read(&bucket, &key).await });
        match task.join_next().await {
            Some(Ok(read)) => read,
            Some(Err(error)) => {
                Err(ObjectError { text: format!("failed to read an object: {error}"), needs_somebody: false })
            }
            None => unreachable!("the set has one task"),
        }
    }

    async fn read(&self, bucket: &str, key: &str) -> Result<Bytes, ObjectError> {
        let object = open(&self.client, bucket, key).await?;
        let length = length(&object);
        if let Some(length) = length.filter(|&length| length > self.limit) {
            return Err(self.too_large(bucket, key, &format!("has {length} bytes")));
        }
        let taken = u32::try_from(length.unwrap_or(self.limit).div_ceil(1024)).unwrap_or(ROOM).min(ROOM);
        // The semaphore is never closed.
        let room = Arc::clone(&self.room).acquire_many_owned(taken).await;
        let room = room.map_err(|error| ObjectError { text: error.to_string(), needs_somebody: false })?;
        match collect(object, self.limit).await {
            Ok(Some(bytes)) => Ok(Bytes::from_owner(Held { bytes, _room: room })),
            Ok(None) => Err(self.too_large(bucket, key, "does not end")),
            Err(error) => {
                let text = format!("failed to read s3://{bucket}/{key} to its end: {}", causes::on_one_line(&error));
                Err(ObjectError { text, needs_somebody: false })
            }
        }
    }

    fn too_large(&self, bucket: &str, key: &str, size: &str) -> ObjectError {
        let limit = self.limit;
        let text = format!(
            "failed to read s3://{bucket}/{key}: it {size} beyond the limit of {limit}\nhint: raise `object_mib` of this source"
        );
        ObjectError { text, needs_somebody: true }
    }
}

/// Returns how many bytes an object has, by what the service says.
fn length(object: &GetObjectOutput) -> Option<u64> {
    object.content_length().and_then(|length| u64::try_from(length).ok())
}

/// Reads an object that was begun to its end, into memory. Nothing is returned where it has more bytes than `limit`.
pub(super) async fn collect(mut object: GetObjectOutput, limit: u64) -> Result<Option<Bytes>, ByteStreamError> {
    let length = length(&object).unwrap_or_default();
    if length > limit {
        return Ok(None);
    }
    let mut body = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
    while let Some(chunk) = object.body.try_next().await? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > limit {
            return Ok(None);
        }
    }
    Ok(Some(body.freeze()))
}

/// Begins to read an object.
pub(super) async fn open(client: &Client, bucket: &str, key: &str) -> Result<GetObjectOutput, ObjectError> {
    client.get_object().bucket(bucket).key(key).send().await.map_err(|error| {
        let answer = Answer::of(&error);
        let hint = match answer.kind {
            Refusal::Missing => "\nhint: did a lifecycle rule of the bucket remove it?".to_owned(),
            _ => answer.hint(&format!(
                "s3:GetObject on arn:aws:s3:::{bucket}/{key}, in the bucket's policy too where it belongs to another account, and kms:Decrypt \
                 on the key where the trail encrypts its files"
            )),
        };
        ObjectError {
            text: format!("failed to read s3://{bucket}/{key}: {}{hint}", answer.text),
            needs_somebody: answer.needs_somebody(),
        }
    })
}
