//! The sink `webhook`: findings as HTTP requests, to Slack, Microsoft Teams, PagerDuty, Splunk, or whatever takes JSON.
//!
//! Where it sends is decided by the configuration alone: no event text is in the address or the headers, no redirect is followed, no proxy is
//! taken from the environment, and the address that a name resolves to is judged at each connection (`host/src/address.rs`). What it sends is JSON
//! whatever the event says (`preset/`, `template.rs`). What the answer means is decided in `answer.rs`.

mod answer;
mod preset;
mod signature;
mod template;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::answer::Answer;
pub use self::preset::Preset;
use self::template::Template;
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError};
use crate::address::{Guard, Policy};
use crate::causes;
use crate::config::Secret;
use crate::escape;

/// The longest a request may take, answer and all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an answer is read, in bytes.
const ANSWER: usize = 4096;

/// The configuration of a sink `webhook`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// Where it goes. An address such as Slack's is a secret in itself, so it is never written here: `{ env = … }` or `{ file = … }`. For the
    /// preset `pagerduty` it can be left out.
    #[serde(default)]
    pub url: Option<Secret>,
    /// Whose form the request has.
    #[serde(default)]
    pub preset: Preset,
    /// A file with a template of the request's body, in place of the preset's own. Whatever it prints of a finding is written as JSON.
    #[serde(default)]
    pub template: Option<PathBuf>,
    /// The token that the service asks for: Splunk's HEC token, PagerDuty's routing key; for other presets a bearer token.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Headers that are no secret.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers that are.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, Secret>,
    /// A key that requests are signed with: `X-Orgwatch-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 of `SECONDS.BODY`.
    #[serde(default)]
    pub signing_key: Option<Secret>,
    /// A file of certificates (PEM) to trust in place of the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// True to allow an address without TLS that is not this machine's own.
    #[serde(default)]
    pub plain_http: bool,
    /// True to refuse private addresses, such as 10.0.0.0/8, too. This machine's own and those of metadata services are always refused, the
    /// former unless the address is plainly `localhost`, `127.0.0.1` or `[::1]`.
    #[serde(default)]
    pub public_only: bool,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

/// Sends findings as HTTP requests.
pub(super) struct Webhook {
    client: Client,
    url: Url,
    headers: HeaderMap,
    preset: Preset,
    template: Option<Template>,
    token: Option<String>,
    signing_key: Option<String>,
    /// What must not stand in a message to the operator.
    secrets: Vec<String>,
}

impl WebhookConfig {
    pub(super) fn build(&self) -> Result<Webhook, SinkError> {
        self.build_within(TIMEOUT)
    }

    /// Makes the sink with another bound on the time of a request.
    fn build_within(&self, timeout: Duration) -> Result<Webhook, SinkError> {
        let read = |secret: &Secret, what: &str| {
            secret.read().map_err(|error| self.fault(&format!("failed to read its {what}: {}", chain(&error))))
        };
        let mut secrets = Vec::new();
        let address = match (&self.url, self.preset.url()) {
            (Some(url), _) => {
                let url = read(url, "`url`")?;
                secrets.push(url.clone());
                url
            }
            (None, Some(url)) => url.to_owned(),
            (None, None) => return Err(self.fault("it has no `url`")),
        };
        // The text of the address is a secret, so an error does not repeat it.
        let url = Url::parse(&address).map_err(|error| self.fault(&format!("its `url` is not an address: {error}")))?;
        let policy =
            Policy::of(&url, self.plain_http, self.public_only).map_err(|refusal| self.fault(&refusal.to_string()))?;
        secrets.extend(url.path_segments().into_iter().flatten().filter(|part| part.len() >= 16).map(str::to_owned));
        let token = self.token.as_ref().map(|secret| read(secret, "`token`")).transpose()?;
        let signing_key = self.signing_key.as_ref().map(|secret| read(secret, "`signing_key`")).transpose()?;
        if token.is_none() && self.preset.needs_token() {
            return Err(self.fault("it has no `token`, which its preset needs"));
        }
        let mut headers = HeaderMap::new();
        if let Some(authorization) = token.as_deref().and_then(|token| self.preset.authorization(token)) {
            self.add_header(&mut headers, "authorization", &authorization, true)?;
        }
        for (name, value) in &self.headers {
            self.add_header(&mut headers, name, value, false)?;
        }
        for (name, secret) in &self.secret_headers {
            let value = read(secret, &format!("header `{}`", escape::terminal(name)))?;
            self.add_header(&mut headers, name, &value, true)?;
            secrets.push(value);
        }
        secrets.extend(token.iter().chain(&signing_key).cloned());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let template = self.template.as_deref().map(Template::read).transpose().map_err(|error| self.fault(&error))?;
        let client = self.client(policy, timeout)?;
        Ok(Webhook { client, url, headers, preset: self.preset, template, token, signing_key, secrets })
    }

    fn client(&self, policy: Policy, timeout: Duration) -> Result<Client, SinkError> {
        // Whoever comes first installs it; it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("orgwatch/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Guard(policy));
        if let Some(path) = &self.ca {
            let shown = escape::path(path);
            let pem = fs::read(path).map_err(|error| self.fault(&format!("failed to read `{shown}`: {error}")))?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(self.fault(&format!("`{shown}` holds no certificate")));
            }
            builder = builder.tls_certs_only(certificates);
        }
        builder.build().map_err(|error| self.fault(&format!("failed to set up TLS: {}", chain(&error))))
    }

    fn add_header(&self, headers: &mut HeaderMap, name: &str, value: &str, secret: bool) -> Result<(), SinkError> {
        let shown = escape::terminal(name);
        let known = HeaderName::try_from(name).map_err(|_| self.fault(&format!("`{shown}` is no name of a header")))?;
        if [reqwest::header::HOST, reqwest::header::CONTENT_LENGTH, reqwest::header::TRANSFER_ENCODING].contains(&known)
        {
            return Err(self.fault(&format!("the header `{shown}` is not the configuration's to set")));
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| self.fault(&format!("the header `{shown}` holds a character that it cannot")))?;
        value.set_sensitive(secret);
        headers.insert(known, value);
        Ok(())
    }

    fn fault(&self, what: &str) -> SinkError {
        SinkError(format!("the sink `{}` cannot work: {what}", escape::terminal(&self.name)))
    }
}

#[async_trait]
impl Sink for Webhook {
    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let receipt = match self.body(delivery) {
                Ok(body) => self.post(body).await,
                Err(reason) => Receipt::refused(reason),
            };
            receipts.push(self.without_secrets(receipt));
        }
        receipts
    }
}

impl Webhook {
    fn body(&self, delivery: &Delivery) -> Result<String, String> {
        match &self.template {
            Some(template) => template.render(delivery),
            None => Ok(self.preset.body(delivery, self.token.as_deref().unwrap_or_default())),
        }
    }

    async fn post(&self, body: String) -> Receipt {
        let mut headers = self.headers.clone();
        if !headers.contains_key(reqwest::header::CONTENT_TYPE) {
            headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = &self.signing_key {
            let signature = signature::header(key, Timestamp::now().as_second(), body.as_bytes());
            headers
                .insert(signature::NAME, HeaderValue::try_from(signature).expect("digits are a header's characters"));
        }
        match self.client.post(self.url.clone()).headers(headers).body(body).send().await {
            Ok(response) => {
                let answer = Answer::read(response, ANSWER).await;
                answer.receipt(self.preset)
            }
            Err(error) => Receipt::again(format!("failed to send it: {}", chain(&error.without_url()))),
        }
    }

    /// A service may repeat in its answer what it was sent.
    fn without_secrets(&self, receipt: Receipt) -> Receipt {
        let clean = |reason: String| {
            self.secrets.iter().fold(reason, |reason, secret| reason.replace(secret.as_str(), crate::redact::REDACTED))
        };
        match receipt {
            Receipt::Taken => Receipt::Taken,
            Receipt::Again { reason, after } => Receipt::Again { reason: clean(reason), after },
            Receipt::Refused { reason } => Receipt::Refused { reason: clean(reason) },
        }
    }
}

/// Writes an error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    for cause in causes::each(error) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    escape::terminal(&escape::shortened(&text, 500))
}

#[cfg(test)]
mod tests;
