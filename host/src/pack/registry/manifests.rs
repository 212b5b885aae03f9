//! Manifests and tags.

use std::collections::BTreeSet;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LINK};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Deserialize;

use super::super::packed::LARGEST_MANIFEST;
use super::super::packed::oci::MANIFEST;
use super::error::RegistryError;
use super::reference::check_tag;
use super::session::{Ask, Session};
use crate::digest::Digest;
use crate::escape;

/// How large a page of tags may be, in bytes.
const LARGEST_PAGE: u64 = 1 << 20;

/// How many tags are listed.
const MOST_TAGS: usize = 10_000;

/// How many pages are asked for.
const MOST_PAGES: usize = 1000;

/// A page of tags.
#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

/// What of a repository is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    Tag(&'a str),
    Digest(Digest),
}

impl Which<'_> {
    fn path(self) -> String {
        match self {
            Self::Tag(tag) => format!("manifests/{tag}"),
            Self::Digest(digest) => format!("manifests/{}", digest.tagged()),
        }
    }

    fn what(self) -> String {
        match self {
            Self::Tag(tag) => format!("the manifest of the tag `{tag}`"),
            Self::Digest(digest) => format!("the manifest {}", digest.tagged()),
        }
    }
}

impl Session<'_> {
    /// Fetches a manifest; nothing where there is none. Its digest is that of its bytes, whatever the registry says.
    pub(super) async fn manifest(&self, which: Which<'_>) -> Result<Option<(Digest, Vec<u8>)>, RegistryError> {
        let mut tries = self.tries();
        loop {
            match self.try_manifest(which).await {
                Ok(found) => return Ok(found),
                Err(error) => tries.after(error).await?,
            }
        }
    }

    async fn try_manifest(&self, which: Which<'_>) -> Result<Option<(Digest, Vec<u8>)>, RegistryError> {
        let what = which.what();
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(MANIFEST))]);
        let ask = Ask { method: Method::GET, url: self.url(&which.path())?, headers, body: Bytes::new(), what };
        let response = self.send(&ask).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = self.success(&ask, response).await?;
        let said = content_digest(&response);
        let body = self.transport.body(&self.host, &ask.what, response, LARGEST_MANIFEST).await?;
        let got = Digest::of(&body);
        let (host, what) = (self.host.clone(), ask.what);
        if let Which::Digest(asked) = which
            && asked != got
        {
            return Err(RegistryError::WrongDigest { host, what, got });
        }
        match said {
            Some(said) if said != got.tagged() => {
                let said = escape::terminal(&escape::shortened(&said, 100));
                Err(RegistryError::ContentDigest { host, what, said, got })
            }
            _ => Ok(Some((got, body))),
        }
    }

    /// Stores a manifest under its digest or a tag.
    pub(super) async fn put_manifest(&self, which: Which<'_>, bytes: &[u8]) -> Result<(), RegistryError> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(MANIFEST))]);
        let body = Bytes::copy_from_slice(bytes);
        let ask = Ask { method: Method::PUT, url: self.url(&which.path())?, headers, body, what: which.what() };
        let mut tries = self.tries();
        loop {
            match self.try_put(&ask).await {
                Ok(said) => {
                    let (host, what, got) = (self.host.clone(), ask.what, Digest::of(bytes));
                    return match said {
                        Some(said) if said != got.tagged() => {
                            let said = escape::terminal(&escape::shortened(&said, 100));
                            Err(RegistryError::ContentDigest { host, what, said, got })
                        }
                        _ => Ok(()),
                    };
                }
                Err(error) => tries.after(error).await?,
            }
        }
    }

    async fn try_put(&self, ask: &Ask) -> Result<Option<String>, RegistryError> {
        let response = self.send(ask).await?;
        Ok(content_digest(&self.success(ask, response).await?))
    }

    /// Lists the tags of the repository, sorted.
    pub(super) async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        let what = "the list of tags".to_owned();
        let mut found = BTreeSet::new();
        let mut url = self.url("tags/list?n=1000")?;
        for _ in 0..MOST_PAGES {
            let ask =
                Ask { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), what: what.clone() };
            let mut tries = self.tries();
            let (tags, next) = loop {
                match self.try_tags(&ask).await {
                    Ok(page) => break page,
                    Err(error) => tries.after(error).await?,
                }
            };
            let before = found.len();
            for tag in tags {
                check_tag(&tag)?;
                found.insert(tag);
            }
            if found.len() > MOST_TAGS {
                return Err(self.not_understood(&what, &format!("it has more than {MOST_TAGS} tags")));
            }
            match next {
                // A page with nothing new on it is followed by more of its kind.
                Some(next) if found.len() > before => url = next,
                _ => return Ok(found.into_iter().collect()),
            }
        }
        Err(self.not_understood(&what, "it does not end"))
    }

    async fn try_tags(&self, ask: &Ask) -> Result<(Vec<String>, Option<Url>), RegistryError> {
        let response = self.send(ask).await?;
        let response = self.success(ask, response).await?;
        let next = response.headers().get(LINK).and_then(|link| next_page(link.to_str().ok()?));
        let next = match next {
            None => None,
            Some(path) => {
                let url = ask.url.join(path).map_err(|error| self.not_understood(&ask.what, &error.to_string()))?;
                if !self.is_own(&url) {
                    let to = super::session::shown(path);
                    return Err(RegistryError::Redirected { host: self.host.clone(), what: ask.what.clone(), to });
                }
                Some(url)
            }
        };
        let body = self.transport.body(&self.host, &ask.what, response, LARGEST_PAGE).await?;
        let page: Page =
            serde_json::from_slice(&body).map_err(|error| self.not_understood(&ask.what, &error.to_string()))?;
        Ok((page.tags.unwrap_or_default(), next))
    }
}

/// Returns the address of the next page: `</v2/…>; rel="next"`.
fn next_page(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| matches!(parameter.trim(), "rel=\"next\"" | "rel=next");
    parameters.split(';').any(is_next).then_some(address)
}

/// Reads what the registry says that the digest is.
fn content_digest(response: &Response) -> Option<String> {
    let value = response.headers().get("docker-content-digest")?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_link_says() {
        assert_eq!(next_page("</v2/a/tags/list?last=b&n=1>; rel=\"next\""), Some("/v2/a/tags/list?last=b&n=1"));
        assert_eq!(next_page("</v2/a>; rel=\"prev\""), None);
        assert_eq!(next_page("/v2/a; rel=next"), None);
        assert_eq!(next_page(""), None);
    }
}
