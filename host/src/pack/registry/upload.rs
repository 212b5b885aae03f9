//! Blobs into a registry: a blob that is there is skipped, so an upload that broke off goes on with the blob that it broke off at.

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};

use super::error::RegistryError;
use super::session::{Ask, Session, location};
use crate::digest::Digest;

impl Session<'_> {
    /// Tells whether the registry has a blob.
    pub(super) async fn has_blob(&self, digest: Digest) -> Result<bool, RegistryError> {
        let url = self.url(&format!("blobs/{}", digest.tagged()))?;
        let what = format!("the blob {}", digest.tagged());
        let ask = Ask { method: Method::HEAD, url, headers: HeaderMap::new(), body: Bytes::new(), what };
        let mut tries = self.tries();
        loop {
            match self.send(&ask).await {
                // A registry that sends its reader on has what the reader wants. Nobody goes there.
                Ok(response) if response.status().is_redirection() => return Ok(true),
                Ok(response) if response.status() == StatusCode::NOT_FOUND => return Ok(false),
                Ok(response) => return Ok(self.success(&ask, response).await.is_ok()),
                Err(error) => tries.after(error).await?,
            }
        }
    }

    /// Stores a blob where it is not there yet.
    pub(super) async fn put_blob(&self, digest: Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        if self.has_blob(digest).await? {
            return Ok(());
        }
        let body = Bytes::copy_from_slice(bytes);
        let mut tries = self.tries();
        loop {
            match self.try_upload(digest, body.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => tries.after(error).await?,
            }
        }
    }

    /// Opens an upload and sends everything at once.
    async fn try_upload(&self, digest: Digest, body: Bytes) -> Result<(), RegistryError> {
        let what = format!("the upload of the blob {}", digest.tagged());
        let url = self.url("blobs/uploads/")?;
        let ask = Ask { method: Method::POST, url, headers: HeaderMap::new(), body: Bytes::new(), what };
        let response = self.send(&ask).await?;
        let response = self.success(&ask, response).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(self.not_understood(&ask.what, &format!("it answers {}", response.status().as_u16())));
        }
        let mut url = self.upload_url(&ask, &response)?;
        url.query_pairs_mut().append_pair("digest", &digest.tagged());
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))]);
        let ask = Ask { method: Method::PUT, url, headers, body, what: ask.what };
        let response = self.send(&ask).await?;
        self.success(&ask, response).await?;
        Ok(())
    }

    /// Reads where an upload is to be sent, which has to be the registry itself: the credentials go there, and what is not yet published.
    fn upload_url(&self, ask: &Ask, response: &Response) -> Result<Url, RegistryError> {
        let text = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let url = text.and_then(|text| ask.url.join(text).ok());
        let url = url.ok_or_else(|| self.not_understood(&ask.what, "it does not say where to"))?;
        if !self.is_own(&url) {
            return Err(RegistryError::LocationElsewhere { host: self.host.clone(), to: location(response) });
        }
        Ok(url)
    }
}
