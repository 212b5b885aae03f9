//! Objects in S3, read into memory within a bound.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::{Bytes, BytesMut};

use super::answer::{Answer, Refusal};
use crate::aws::AwsConfig;

/// The largest object that is read unless it is configured, in MiB. CloudTrail's own files have some MiB at most.
pub(super) const OBJECT_MIB: u32 = 256;

/// Reads objects.
pub(super) struct Objects {
    client: Client,
    /// The size of the largest object, in bytes.
    limit: u64,
}

/// Why an object was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectError {
    /// What was being done, to what, and the answer.
    pub(super) text: String,
    /// Somebody has to do something before it can work: there is no sense in waiting to see whether it passes.
    pub(super) needs_somebody: bool,
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
        Self { client, limit: u64::from(object_mib) << 20 }
    }

    /// Reads an object.
    ///
    /// Nothing of one that is too large is kept: half a file would pass for a broken one.
    pub(super) async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ObjectError> {
        let mut object = open(&self.client, bucket, key).await?;
        let length = object.content_length().and_then(|length| u64::try_from(length).ok());
        if let Some(length) = length.filter(|&length| length > self.limit) {
            return Err(self.too_large(bucket, key, &format!("has {length} bytes")));
        }
        let mut body =
            BytesMut::with_capacity(length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default());
        loop {
            match object.body.try_next().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => {
                    let text = format!(
                        "failed to read s3://{bucket}/{key} to its end: {}",
                        crate::source::answer::causes(&error)
                    );
                    return Err(ObjectError { text, needs_somebody: false });
                }
            }
            if body.len() as u64 > self.limit {
                return Err(self.too_large(bucket, key, "does not end"));
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
