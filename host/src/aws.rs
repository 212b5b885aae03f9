//! Access to AWS: which credentials, in which region, at which endpoint. Each source and sink has its own.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::error::display::DisplayErrorContext;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How one source or sink reaches AWS. What is left out comes from the environment, as the AWS command line takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AwsConfig {
    /// A profile of the shared AWS configuration files.
    pub profile: Option<String>,
    /// The region, such as `us-east-1`.
    pub region: Option<String>,
    /// The ARN of a role to assume, for what belongs to another account.
    pub role: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// Another endpoint than AWS's own: a VPC endpoint, or a test server.
    pub endpoint: Option<String>,
}

/// What the role session is called, so that its calls can be told apart in CloudTrail.
const SESSION_NAME: &str = "orgwatch";

impl AwsConfig {
    /// Resolves credentials and region. Nothing is called yet: bad credentials show at the first call.
    ///
    /// A call is tried twice by the client itself; what goes on failing is retried by the source or the ledger's queue, where it can be seen.
    pub async fn load(&self) -> SdkConfig {
        static CLIENT: OnceLock<aws_sdk_sqs::config::SharedHttpClient> = OnceLock::new();
        let client = CLIENT.get_or_init(|| {
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
        });
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(30))
            .operation_timeout(Duration::from_secs(90))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client.clone())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2));
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let mut config = loader.load().await;
        if let Some(role) = &self.role {
            let mut provider = AssumeRoleProvider::builder(role).session_name(SESSION_NAME).configure(&config);
            if let Some(external_id) = &self.external_id {
                provider = provider.external_id(external_id);
            }
            let credentials = SharedCredentialsProvider::new(provider.build().await);
            config = config.into_builder().credentials_provider(credentials).build();
        }
        // Only now: the endpoint is that of the source's or sink's own service, not the one that hands out roles.
        match &self.endpoint {
            Some(endpoint) => config.into_builder().endpoint_url(endpoint).build(),
            None => config,
        }
    }
}

/// Writes an error of an AWS client with all its causes. It may quote what the service said.
pub fn explain(error: &(impl std::error::Error + 'static)) -> String {
    DisplayErrorContext(error).to_string()
}
