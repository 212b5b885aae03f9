//! Requests to one repository of one registry, with what it takes to be let in.
//!
//! A session belongs to one host, and so do the credentials that it finds: they are sent to that host and to the token service that it may have
//! (`challenge.rs`), and nowhere else. Everything is asked for without credentials first, then with a token that anybody gets, and
//! only then with the user's own. Without TLS a session begins only where the registry is on this machine or the operator asked for it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};
use tokio::sync::Mutex;
use url::Host;

use super::challenge::Challenge;
use super::credentials::{self, Credentials};
use super::error::RegistryError;
use super::patience::{Patience, Tries};
use super::reference::Reference;
use super::transport::{Transport, Trust};
use super::{RegistryOptions, token};
use crate::address::Policy;
use crate::escape;
use crate::retry_after;

/// How much of an answer is read to tell what went wrong, in bytes.
const QUOTED: u64 = 64 << 10;

/// What is to be done in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    Pull,
    Push,
}

/// A request, which can be made again.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What is asked for, for messages.
    pub(super) what: String,
}

/// What is sent along to be let in.
#[derive(Clone)]
enum Standing {
    /// Nothing.
    Stranger,
    /// A token that anybody gets.
    Guest(HeaderValue, Challenge),
    /// What the user's credentials gave, and where they are from.
    User(HeaderValue, String),
}

/// Requests to one repository.
pub(super) struct Session<'a> {
    pub(super) host: String,
    repository: String,
    rights: Rights,
    /// The address of the repository: `https://HOST/v2/REPOSITORY/`.
    pub(super) base: Url,
    pub(super) policy: Policy,
    pub(super) plain_http: bool,
    pub(super) transport: &'a Transport,
    client: Client,
    credentials: &'a Credentials,
    patience: Patience,
    standing: Mutex<Standing>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        options: &'a RegistryOptions,
        transport: &'a Transport,
        reference: &Reference,
        rights: Rights,
    ) -> Result<Self, RegistryError> {
        let host = reference.host();
        // Docker Hub's name for users is not that of its registry.
        let server = if credentials::is_docker_hub(host) { "registry-1.docker.io" } else { host };
        let address = |scheme: &str| Url::parse(&format!("{scheme}://{server}/v2/{}/", reference.repository()));
        let not_an_address = |problem: url::ParseError| RegistryError::NotUnderstood {
            host: host.to_owned(),
            what: reference.to_string(),
            problem: problem.to_string(),
        };
        let base = address("https").map_err(not_an_address)?;
        let policy = judge(host, &base)?;
        // Nobody certifies `localhost` publicly, so a registry there has no TLS, or its own authority is named.
        let is_plain = options.plain_http || (policy.is_local() && options.ca.is_none());
        let base = if is_plain { address("http").map_err(not_an_address)? } else { base };
        Ok(Self {
            host: host.to_owned(),
            repository: reference.repository().to_owned(),
            rights,
            base,
            policy,
            plain_http: options.plain_http,
            transport,
            client: transport.client(policy, Trust::Registry)?,
            credentials: &options.credentials,
            patience: options.patience,
            standing: Mutex::new(Standing::Stranger),
        })
    }

    /// Tries everything once. That is for what is a help and not a must.
    pub(super) fn hasty(mut self) -> Self {
        self.patience.tries = 1;
        self
    }

    /// Begins to try something.
    pub(super) fn tries(&self) -> Tries {
        self.patience.begin()
    }

    /// Returns the address of a thing in the repository.
    pub(super) fn url(&self, path: &str) -> Result<Url, RegistryError> {
        self.base.join(path).map_err(|error| self.not_understood(path, &error.to_string()))
    }

    /// Makes a request of the registry itself, once, and is let in where that takes credentials. An answer that is a success, that nothing was
    /// found, or that sends the caller on is returned; every other one is an error.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Response, RegistryError> {
        // What was obtained for this very request, and so has not expired since.
        let (mut is_new_guest, mut is_new_user) = (false, false);
        // As a stranger, as a guest, as a user; and once more where a token has expired meanwhile.
        for _ in 0..4 {
            let standing = self.standing.lock().await.clone();
            let authorization = match &standing {
                Standing::Stranger => None,
                Standing::Guest(header, _) | Standing::User(header, _) => Some(header.clone()),
            };
            let response = self.send_with(ask, authorization).await?;
            let status = response.status();
            let next = match (status, standing) {
                (StatusCode::UNAUTHORIZED, Standing::Stranger) => {
                    let challenge = Challenge::read(&self.host, response.headers())?;
                    self.guest_or_user(&challenge, &ask.what).await?
                }
                (StatusCode::UNAUTHORIZED, Standing::Guest(_, challenge)) if !is_new_guest => {
                    self.guest_or_user(&challenge, &ask.what).await?
                }
                (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Standing::Guest(_, challenge)) => {
                    self.user(&challenge, &ask.what).await?
                }
                (StatusCode::UNAUTHORIZED, Standing::User(_, from)) if is_new_user => {
                    return Err(RegistryError::Unauthorized { host: self.host.clone(), what: ask.what.clone(), from });
                }
                (StatusCode::UNAUTHORIZED, Standing::User(..)) => {
                    let challenge = Challenge::read(&self.host, response.headers())?;
                    self.user(&challenge, &ask.what).await?
                }
                _ => return self.judge(ask, response).await,
            };
            match &next {
                Standing::User(..) => is_new_user = true,
                Standing::Guest(..) => is_new_guest = true,
                Standing::Stranger => {}
            }
            *self.standing.lock().await = next;
        }
        Err(self.not_understood(&ask.what, "it asks for credentials again and again"))
    }

    async fn send_with(&self, ask: &Ask, authorization: Option<HeaderValue>) -> Result<Response, RegistryError> {
        let length = ask.body.len() as u64;
        let mut request = self.client.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
        if ask.method != Method::GET && ask.method != Method::HEAD {
            request = request.body(ask.body.clone());
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.transport.send(&self.host, request, length).await
    }

    /// Gets a token that anybody gets, or uses the user's credentials where there is none.
    async fn guest_or_user(&self, challenge: &Challenge, what: &str) -> Result<Standing, RegistryError> {
        match token::fetch(self, challenge, None).await? {
            Some(header) => Ok(Standing::Guest(header, challenge.clone())),
            None => self.user(challenge, what).await,
        }
    }

    /// Uses the user's credentials.
    async fn user(&self, challenge: &Challenge, what: &str) -> Result<Standing, RegistryError> {
        let Some(credential) = self.credentials.of(&self.host).await? else {
            let (host, what, looked) = (self.host.clone(), what.to_owned(), self.credentials.looked());
            return Err(RegistryError::NoCredentials { host, what, looked });
        };
        let header = token::fetch(self, challenge, Some(&credential)).await?;
        let header = header.ok_or_else(|| RegistryError::Unauthorized {
            host: self.host.clone(),
            what: what.to_owned(),
            from: credential.from.clone(),
        })?;
        Ok(Standing::User(header, credential.from))
    }

    /// The scope that a token is asked for. It is not what the registry's challenge says, which could be more than this session needs.
    pub(super) fn scope(&self) -> String {
        let actions = match self.rights {
            Rights::Pull => "pull",
            Rights::Push => "pull,push",
        };
        format!("repository:{}:{actions}", self.repository)
    }

    /// Sorts answers into those that a caller goes on with and those that are errors.
    async fn judge(&self, ask: &Ask, response: Response) -> Result<Response, RegistryError> {
        let status = response.status();
        let host = self.host.clone();
        let what = ask.what.clone();
        match status.as_u16() {
            200..=399 | 404 | 416 => Ok(response),
            429 => Err(RegistryError::Busy { host, after: after(&response) }),
            408 | 500..=599 => Err(RegistryError::Trouble { host, what, said: self.said(response).await }),
            _ => Err(RegistryError::Refused { host, what, said: self.said(response).await }),
        }
    }

    /// Returns an answer as a success, or the error that it is where nothing else makes sense.
    pub(super) async fn success(&self, ask: &Ask, response: Response) -> Result<Response, RegistryError> {
        let (host, what) = (self.host.clone(), ask.what.clone());
        match response.status().as_u16() {
            200..=299 => Ok(response),
            404 => Err(RegistryError::NotFound { host, what }),
            300..=399 => Err(RegistryError::Redirected { host, what, to: location(&response) }),
            _ => Err(RegistryError::Refused { host, what, said: self.said(response).await }),
        }
    }

    /// Tells what an answer says, in the form that registries have for errors.
    pub(super) async fn said(&self, response: Response) -> String {
        let status = response.status();
        let body = self.transport.body(&self.host, "an error", response, QUOTED).await.unwrap_or_default();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let error = &body["errors"][0];
        let words = ["code", "message"].map(|key| error[key].as_str().unwrap_or_default());
        let words = escape::terminal(&escape::shortened(words.join(" ").trim(), 200));
        match (status.canonical_reason(), words.is_empty()) {
            (Some(name), true) => format!("{} {name}", status.as_u16()),
            (_, true) => status.as_u16().to_string(),
            (_, false) => format!("{} {words}", status.as_u16()),
        }
    }

    /// Makes the error of an answer that is not what the protocol has there.
    pub(super) fn not_understood(&self, what: &str, problem: &str) -> RegistryError {
        let problem = escape::terminal(&escape::shortened(problem, 200));
        RegistryError::NotUnderstood { host: self.host.clone(), what: what.to_owned(), problem }
    }

    /// Tells whether an address is the registry's own: the same scheme, host and port.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }
}

/// Judges the host of an address before anybody connects to it.
pub(super) fn judge(host: &str, url: &Url) -> Result<Policy, RegistryError> {
    let parsed = url.host().unwrap_or(Host::Domain(""));
    Policy::of_host(&parsed, false)
        .map_err(|refusal| RegistryError::Address { host: host.to_owned(), source: Box::new(refusal) })
}

/// Returns where an answer sends its reader, for messages.
pub(super) fn location(response: &Response) -> String {
    let text = response.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    shown(&text.unwrap_or_default())
}

/// Shows an address without its query, where object stores have the signature that lets its bearer in.
pub(super) fn shown(address: &str) -> String {
    let bare = address.split(['?', '#']).next().unwrap_or_default();
    escape::terminal(&escape::shortened(bare, 200))
}

/// Reads how long the registry wants to be left alone.
pub(super) fn after(response: &Response) -> Option<Duration> {
    retry_after::wait(response.headers().get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_left_out_on_this_machine_and_where_it_is_asked_for() {
        let state = tempfile::tempdir().unwrap();
        let mut options = RegistryOptions { credentials: Credentials::none(), ..RegistryOptions::new(state.path()) };
        let transport = Transport::new(&options).unwrap();
        let base = |options: &RegistryOptions, host: &str| {
            let reference = format!("oci://{host}/team/pack").parse().unwrap();
            Session::new(options, &transport, &reference, Rights::Pull).unwrap().base.to_string()
        };
        for host in ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert_eq!(base(&options, host), format!("http://{host}/v2/team/pack/"));
        }
        for host in ["registry.example.com", "192.0.2.7:5000", "10.0.0.1:5000", "localhost.example"] {
            assert_eq!(base(&options, host), format!("https://{host}/v2/team/pack/"));
        }
        assert_eq!(base(&options, "docker.io"), "https://registry-1.docker.io/v2/team/pack/");
        options.ca = Some("authority.pem".into());
        assert_eq!(base(&options, "localhost:5000"), "https://localhost:5000/v2/team/pack/");
        options.plain_http = true;
        assert_eq!(base(&options, "registry.example.com"), "http://registry.example.com/v2/team/pack/");
    }

    #[test]
    fn an_address_is_shown_without_what_lets_its_bearer_in() {
        assert_eq!(shown("https://store.example/blob?X-Amz-Signature=abc#x"), "https://store.example/blob");
    }
}
