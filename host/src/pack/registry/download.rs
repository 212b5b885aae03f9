//! Blobs out of a registry.
//!
//! Registries keep blobs in object stores, and send their readers there: ECR to S3, Docker Hub and GHCR to theirs. So this, and nothing else, may be
//! sent on: a few times, over TLS, without any credential, and to an address that the whole internet reaches, unless the registry itself has
//! another kind. What comes is held against the digest and the size that were asked for, whoever gives it.

use std::net::IpAddr;

use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, LOCATION, RANGE};
use reqwest::{Method, Response, StatusCode, Url};
use url::Host;

use super::super::packed::oci::Descriptor;
use super::cache::{Cache, Partial};
use super::error::RegistryError;
use super::session::{Ask, Session, after, location, shown};
use super::transport::Trust;
use crate::address::{self, Policy};
use crate::digest::Digest;

/// How often a download may be sent on.
const MOST_HOPS: u32 = 3;

impl Session<'_> {
    /// Returns a blob, from the cache or the registry.
    pub(super) async fn blob(&self, cache: &Cache, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        if let Some(content) = cache.get(descriptor.digest, descriptor.size)? {
            return Ok(content);
        }
        let mut partial = cache.partial(descriptor.digest)?;
        let mut tries = self.tries();
        loop {
            match self.fetch(&mut partial, descriptor).await {
                Ok(()) => {}
                Err(error @ RegistryError::TooLarge { .. }) => {
                    partial.discard()?;
                    return Err(error);
                }
                Err(error) => {
                    tries.after(error).await?;
                    continue;
                }
            }
            let content = partial.content(descriptor.size)?;
            let got = Digest::of(&content);
            if got == descriptor.digest {
                partial.finish()?;
                return Ok(content);
            }
            // What another run left may have been wrong, and this registry right.
            if partial.is_resumed() {
                partial.restart()?;
                continue;
            }
            partial.discard()?;
            return Err(RegistryError::WrongDigest { host: self.host.clone(), what: what(descriptor), got });
        }
    }

    /// Fetches what of a blob is not there yet.
    async fn fetch(&self, partial: &mut Partial, descriptor: &Descriptor) -> Result<(), RegistryError> {
        if partial.length() > descriptor.size {
            partial.restart()?;
        }
        let size = descriptor.size;
        if partial.length() == size {
            return Ok(());
        }
        let (mut response, host) = self.open(descriptor, partial.length()).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if begins_at(&response) == Some(partial.length()) => {}
            // It gives everything, or another part.
            StatusCode::OK => partial.restart()?,
            _ => {
                partial.restart()?;
                return Err(self.incomplete(partial, descriptor));
            }
        }
        let host = host.as_str();
        let too_large = || RegistryError::TooLarge { host: host.to_owned(), what: what(descriptor), limit: size };
        let length = response.content_length();
        if length.is_some_and(|length| length > size - partial.length()) {
            return Err(too_large());
        }
        let read = async {
            while let Some(chunk) = self.transport.chunk(host, &mut response).await? {
                if partial.length() + chunk.len() as u64 > size {
                    return Err(too_large());
                }
                partial.add(&chunk)?;
            }
            Ok(())
        };
        match tokio::time::timeout(self.transport.at_most(size), read).await {
            Ok(result) => result?,
            Err(_) => return Err(RegistryError::Silent { host: host.to_owned() }),
        }
        if partial.length() < size { Err(self.incomplete(partial, descriptor)) } else { Ok(()) }
    }

    /// Asks for a blob from some byte on, and goes where the registry sends it. Returns the answer and who gave it.
    async fn open(&self, descriptor: &Descriptor, from: u64) -> Result<(Response, String), RegistryError> {
        let mut headers = HeaderMap::new();
        if from > 0 {
            let range = HeaderValue::try_from(format!("bytes={from}-")).expect("digits are a header's characters");
            headers.insert(RANGE, range);
        }
        let url = self.url(&format!("blobs/{}", descriptor.digest.tagged()))?;
        let ask = Ask { method: Method::GET, url: url.clone(), headers, body: Bytes::new(), what: what(descriptor) };
        let mut response = self.send(&ask).await?;
        // Who may be sent where depends on where the registry itself is.
        let registry = response.remote_addr().map(|address| address.ip());
        let mut at = url;
        let mut host = self.host.clone();
        let mut hops = 0;
        while response.status().is_redirection() {
            if hops == MOST_HOPS {
                return Err(RegistryError::RedirectedTooOften { host: self.host.clone(), limit: MOST_HOPS });
            }
            hops += 1;
            let (to, policy) = self.hop(&at, &response, registry)?;
            to.authority().clone_into(&mut host);
            let client = self.transport.client(policy, Trust::Other)?;
            let request = client.get(to.clone()).headers(ask.headers.clone());
            response = self.transport.send(&host, request, 0).await?;
            at = to;
        }
        if hops == 0 {
            if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
                response = self.success(&ask, response).await?;
            }
            return Ok((response, host));
        }
        match response.status().as_u16() {
            200..=299 | 416 => Ok((response, host)),
            404 => Err(RegistryError::NotFound { host, what: ask.what }),
            429 => Err(RegistryError::Busy { host, after: after(&response) }),
            408 | 500..=599 => {
                Err(RegistryError::Trouble { host, what: ask.what, said: response.status().to_string() })
            }
            _ => Err(RegistryError::Refused { host, what: ask.what, said: response.status().to_string() }),
        }
    }

    /// Judges where a download is sent on to.
    fn hop(&self, at: &Url, response: &Response, registry: Option<IpAddr>) -> Result<(Url, Policy), RegistryError> {
        let host = self.host.clone();
        let to = location(response);
        let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let target = target.and_then(|text| at.join(text).ok());
        let Some(target) = target.filter(|url| url.username().is_empty() && url.password().is_none()) else {
            return Err(self.not_understood("a download", &format!("it is sent on to {to}")));
        };
        let to = shown(target.as_str());
        let named = target.host().unwrap_or(Host::Domain(""));
        let policy = beyond(&named, self.policy, registry).map_err(|source| RegistryError::RedirectedToAddress {
            host: host.clone(),
            to: to.clone(),
            source: Box::new(source),
        })?;
        match target.scheme() {
            "https" => Ok((target, policy)),
            // The registry itself is spoken to without TLS. That was asked for, or both are on this machine.
            "http" if at.scheme() == "http" && (self.plain_http || policy.is_local()) => Ok((target, policy)),
            _ => Err(RegistryError::RedirectedToPlainHttp { host, to }),
        }
    }

    fn incomplete(&self, partial: &Partial, descriptor: &Descriptor) -> RegistryError {
        let (got, size) = (partial.length(), descriptor.size);
        RegistryError::Incomplete { host: self.host.clone(), what: what(descriptor), got, size }
    }
}

/// Returns what may be reached at a host that a registry sends a download to: a public address, unless the registry's own is private, and this
/// machine only where the registry is on it too.
fn beyond(target: &Host<&str>, own: Policy, registry: Option<IpAddr>) -> Result<Policy, address::Refusal> {
    let public_only = registry.is_none_or(address::is_public);
    let policy = Policy::of_host(target, public_only)?;
    // This machine's own name is fine for whoever configures it, not for whoever answers from elsewhere.
    let is_here = own.is_local() && registry.is_some_and(|registry| registry.is_loopback());
    if policy.is_local() && !is_here { Err(address::Refusal::Local) } else { Ok(policy) }
}

/// Reads at which byte a part begins.
fn begins_at(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

fn what(descriptor: &Descriptor) -> String {
    format!("the blob {}", descriptor.digest.tagged())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(target: &str, own: &str, registry: &str) -> bool {
        let host = |text: &str| Host::parse(text).unwrap();
        let own = Policy::of_host(&borrowed(&host(own)), false).unwrap();
        beyond(&borrowed(&host(target)), own, registry.parse().ok()).is_ok()
    }

    fn borrowed(host: &Host<String>) -> Host<&str> {
        match host {
            Host::Domain(name) => Host::Domain(name),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        }
    }

    #[test]
    fn a_public_registry_sends_nobody_into_a_private_network() {
        for (target, expected) in [
            ("store.example.com", true),
            ("192.0.2.9", true),
            ("10.0.0.1", false),
            ("192.168.1.1", false),
            ("[fd12::1]", false),
            ("localhost", false),
            ("127.0.0.1", false),
            ("[::1]", false),
            ("169.254.169.254", false),
            ("[fd00:ec2::254]", false),
        ] {
            assert_eq!(judged(target, "registry.example.com", "192.0.2.7"), expected, "{target}");
            assert_eq!(judged(target, "registry.example.com", "nobody knows"), expected, "{target}");
        }
    }

    #[test]
    fn a_private_registry_sends_to_its_neighbours_and_one_on_this_machine_to_this_machine() {
        assert!(judged("10.0.0.9", "registry.example.com", "10.0.0.7"));
        assert!(!judged("127.0.0.1", "registry.example.com", "10.0.0.7"));
        assert!(!judged("localhost", "registry.example.com", "10.0.0.7"));
        assert!(judged("127.0.0.1", "localhost", "127.0.0.1"));
        for own in ["localhost", "registry.example.com"] {
            assert!(!judged("169.254.169.254", own, "10.0.0.7"), "{own}");
            assert!(!judged("127.0.0.2", own, "127.0.0.1"), "{own}");
        }
    }
}
