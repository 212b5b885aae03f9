//! The one operation of Security Hub that is needed, `BatchImportFindings`, as a signed HTTP request.
//!
//! The client crate of Security Hub has hundreds of operations and adds minutes to every build. Signing is the part that is easily got wrong, and that
//! is done by the crate that AWS's own clients do it with.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use serde::Deserialize;
use url::Url;

use crate::aws::explain;
use crate::sink::answer::{Call, one_line, retry_after};
use crate::sink::{Receipt, SinkError};

/// The largest answer that is read, in bytes: each of 100 findings can have failed with a message.
const LONGEST_ANSWER: usize = 1 << 20;

/// The service's name in a signature.
const SERVICE: &str = "securityhub";

/// Calls Security Hub.
pub(super) struct Client {
    http: reqwest::Client,
    credentials: SharedCredentialsProvider,
    region: String,
    url: Url,
}

/// A finding that was not imported.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailedFinding {
    pub(super) id: String,
    pub(super) error_code: String,
    pub(super) error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    failed_count: u32,
    #[serde(default)]
    failed_findings: Vec<FailedFinding>,
}

/// What went wrong, in the forms that AWS's JSON protocols have for it.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(rename = "__type", alias = "code", alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Client {
    /// Makes a client. Nothing is called yet.
    pub(super) fn new(config: &SdkConfig, region: &str, endpoint: Option<&str>) -> Result<Self, SinkError> {
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let endpoint = endpoint.map_or_else(|| format!("https://{SERVICE}.{region}.{suffix}"), str::to_owned);
        let url = format!("{}/findings/import", endpoint.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| SinkError(format!("`{endpoint}` is not an endpoint: {error}")))?;
        let Some(credentials) = config.credentials_provider() else {
            return Err(SinkError("no AWS credentials are configured".to_owned()));
        };
        // The first to install a provider is as good as any other.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_mins(1))
            .build()
            .map_err(|error| SinkError(format!("failed to prepare for Security Hub: {}", explain(&error))))?;
        Ok(Self { http, credentials, region: region.to_owned(), url })
    }

    /// Imports findings. Returns those of them that failed, or the receipt of all where the call did.
    pub(super) async fn import(&self, findings: &[String], call: &Call) -> Result<Vec<FailedFinding>, Receipt> {
        let body = format!("{{\"Findings\":[{}]}}", findings.join(","));
        let unreachable = |error: reqwest::Error| {
            Receipt::again(format!("failed to reach {}: {}", call.target, one_line(&explain(&error))))
        };
        let request = self.signed(body).await.map_err(Receipt::again)?;
        let mut response = self.http.execute(request).await.map_err(unreachable)?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if answer.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Receipt::again(format!("{} answered with more than is ever read", call.target)));
            }
            answer.extend_from_slice(&chunk);
        }
        if !response.status().is_success() {
            return Err(problem(&response, &answer, call));
        }
        let unclear = || Receipt::again(format!("{} answered with something that is not understood", call.target));
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| unclear())?;
        // Without their ids it is not known what failed; what is imported twice is there once.
        if answer.failed_count as usize == answer.failed_findings.len() {
            Ok(answer.failed_findings)
        } else {
            Err(unclear())
        }
    }

    async fn signed(&self, body: String) -> Result<reqwest::Request, String> {
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|error| format!("no AWS credentials: {}", one_line(&explain(&error))))?;
        let failed = |error: &(dyn std::error::Error + 'static)| format!("failed to sign a request: {error}");
        let identity = Identity::from(credentials);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?;
        let headers = [("content-type", "application/json")];
        let signable =
            SignableRequest::new("POST", self.url.as_str(), headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
                .map_err(|error| failed(&error))?;
        let signed = sign(signable, &SigningParams::V4(parameters)).map_err(|error| failed(&error))?;
        let (instructions, _) = signed.into_parts();
        let (signature, _) = instructions.into_parts();
        let mut request = self.http.post(self.url.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for header in &signature {
            let mut value = http::HeaderValue::from_str(header.value()).map_err(|error| failed(&error))?;
            value.set_sensitive(header.sensitive());
            request = request.header(header.name(), value);
        }
        request.body(body).build().map_err(|error| failed(&error))
    }
}

/// Makes the receipt of a call that was answered with an error.
fn problem(response: &reqwest::Response, body: &[u8], call: &Call) -> Receipt {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let wait = header("retry-after").and_then(retry_after);
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    match header("x-amzn-errortype").map(str::to_owned).or(problem.code) {
        Some(code) => call.answered(&code, problem.message.as_deref(), wait),
        None => Receipt::Again {
            reason: format!("{} answered with status {}", call.target, response.status().as_u16()),
            after: wait,
        },
    }
}
