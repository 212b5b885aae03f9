//! The connections: over TLS, to addresses that were judged, without redirects, proxies and waits that do not end.
//!
//! A client follows no redirect by itself; `download.rs` does where one is allowed. No proxy is taken from the environment: the address that a name
//! has is judged when it is connected to, and behind a proxy somebody else connects.

use std::error::Error;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, RequestBuilder, Response};

use super::RegistryOptions;
use super::error::{RegistryError, file};
use super::patience::Patience;
use crate::address::{Guard, Policy, Refusal};

/// Whose certificates are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The registry: those of the own authority alone, where there is one.
    Registry,
    /// A place that a registry sends downloads to, or a token service elsewhere: those that the system trusts, beside the own authority's.
    Other,
}

/// Connects to registries and to what belongs to them.
pub(super) struct Transport {
    authority: Vec<Certificate>,
    patience: Patience,
    clients: Mutex<Vec<(Policy, Trust, Client)>>,
}

impl Transport {
    pub(super) fn new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        // Whoever comes first installs it; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = match &options.ca {
            None => Vec::new(),
            Some(path) => {
                let pem = fs::read(path).map_err(file("read", path))?;
                let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
                if certificates.is_empty() {
                    return Err(RegistryError::NoCertificate(path.clone()));
                }
                certificates
            }
        };
        Ok(Self { authority, patience: options.patience, clients: Mutex::default() })
    }

    /// Returns the client that reaches what a policy allows.
    pub(super) fn client(&self, policy: Policy, trust: Trust) -> Result<Client, RegistryError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, client)) = clients.iter().find(|(known, of, _)| *known == policy && *of == trust) {
            return Ok(client.clone());
        }
        let mut builder = Client::builder()
            .user_agent(concat!("orgwatch/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.patience.connect)
            .dns_resolver(Guard(policy));
        if !self.authority.is_empty() {
            builder = match trust {
                Trust::Registry => builder.tls_certs_only(self.authority.clone()),
                Trust::Other => builder.tls_certs_merge(self.authority.clone()),
            };
        }
        let client = builder.build().map_err(RegistryError::Tls)?;
        clients.push((policy, trust, client.clone()));
        Ok(client)
    }

    /// Sends a request and waits for the head of the answer: as long as silence is borne, and as a slow line takes to send so many bytes.
    pub(super) async fn send(
        &self,
        host: &str,
        request: RequestBuilder,
        bytes: u64,
    ) -> Result<Response, RegistryError> {
        match tokio::time::timeout(self.at_most(bytes), request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unreached(host, error)),
            Err(_) => Err(RegistryError::Silent { host: host.to_owned() }),
        }
    }

    /// How long the transfer of so many bytes may take.
    pub(super) fn at_most(&self, bytes: u64) -> Duration {
        self.patience.silence + Duration::from_secs(bytes / self.patience.slowest.max(1))
    }

    /// Reads the next part of an answer; nothing when it has ended.
    pub(super) async fn chunk(
        &self,
        host: &str,
        response: &mut Response,
    ) -> Result<Option<bytes::Bytes>, RegistryError> {
        match tokio::time::timeout(self.patience.silence, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(unreached(host, error)),
            Err(_) => Err(RegistryError::Silent { host: host.to_owned() }),
        }
    }

    /// Reads an answer of so many bytes at most.
    pub(super) async fn body(
        &self,
        host: &str,
        what: &str,
        mut response: Response,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let too_large = || RegistryError::TooLarge { host: host.to_owned(), what: what.to_owned(), limit };
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk(host, &mut response).await? {
                if (body.len() + chunk.len()) as u64 > limit {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        match tokio::time::timeout(self.at_most(limit.min(1 << 20)), read).await {
            Ok(result) => result,
            Err(_) => Err(RegistryError::Silent { host: host.to_owned() }),
        }
    }
}

/// Tells an address that was refused from a connection that failed.
fn unreached(host: &str, error: reqwest::Error) -> RegistryError {
    let mut cause = error.source();
    while let Some(reason) = cause {
        if let Some(refusal) = reason.downcast_ref::<Refusal>() {
            return RegistryError::Address { host: host.to_owned(), source: Box::new(refusal.clone()) };
        }
        cause = reason.source();
    }
    // The URL of a download may hold a signature that is a credential.
    RegistryError::Unreached { host: host.to_owned(), source: error.without_url() }
}
