//! The sink `securityhub`: findings in AWS Security Hub CSPM, in the AWS Security Finding Format.

mod client;

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use self::client::Client;
use super::answer::Call;
use super::fit::within;
use super::round::{Most, Round};
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError};
use crate::aws::AwsConfig;
use crate::encoding::{AsffProduct, asff};

/// What Security Hub takes in one call: 6 MB, of which some are left for what is around the findings.
const MOST: Most = Most { entries: 100, bytes: 5_900_000 };

/// What Security Hub takes of one finding, 240 KB, in bytes.
const MOST_OF_ONE: usize = 240_000;

/// How long the question after the account may take.
const LONGEST_ASKING: Duration = Duration::from_secs(15);

/// The configuration of a sink `securityhub`. It needs the permission `securityhub:BatchImportFindings`, and Security Hub enabled in that account and
/// region.
///
/// Findings are those of the account's own default product. Security Hub takes them only in the name of the account that hands them over, so the account that
/// an event happened in stands among a finding's resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityHubConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The account that the findings are handed over in, 12 digits. Without it, it is that of the credentials, which AWS STS is asked for.
    #[serde(default)]
    pub account: Option<String>,
    /// How AWS is reached. An `endpoint` is that of Security Hub, not of STS.
    #[serde(default)]
    pub aws: AwsConfig,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

/// Imports findings into Security Hub.
pub(super) struct SecurityHub {
    client: Client,
    config: SdkConfig,
    region: String,
    account: OnceCell<String>,
    call: Call,
}

impl SecurityHubConfig {
    pub(super) async fn build(&self) -> Result<SecurityHub, SinkError> {
        if let Some(account) = self.account.as_ref().filter(|account| !is_account(account)) {
            return Err(SinkError(format!("`{account}` is not an account: an account has 12 digits")));
        }
        let config = AwsConfig { endpoint: None, ..self.aws.clone() }.load().await;
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(SinkError("no region is known for Security Hub: set `aws.region`".to_owned()));
        };
        let client = Client::new(&config, &region, self.aws.endpoint.as_deref())?;
        let account = OnceCell::new_with(self.account.clone());
        let target = format!("Security Hub in {region}");
        let call = Call { permission: "securityhub:BatchImportFindings", target };
        Ok(SecurityHub { client, config, region, account, call })
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[async_trait]
impl Sink for SecurityHub {
    fn batch(&self) -> usize {
        MOST.entries
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let account = match self.account.get_or_try_init(|| self.ask_account()).await {
            Ok(account) => account,
            Err(reason) => return vec![Receipt::again(reason); deliveries.len()],
        };
        let findings: Vec<String> = deliveries.iter().map(|delivery| self.finding(delivery, account)).collect();
        let sizes: Vec<usize> = findings.iter().map(|finding| finding.len() + 1).collect();
        let mut round = Round::new(&sizes, MOST);
        while let Some(range) = round.next() {
            match self.client.import(&findings[range.clone()], &self.call).await {
                Ok(failed) => {
                    for index in range {
                        // An import names what failed by its id; the rest is in.
                        let failure =
                            failed.iter().find(|failure| failure.id == deliveries[index].finding.id.to_string());
                        let receipt = match failure {
                            Some(failure) => {
                                self.call.answered(&failure.error_code, failure.error_message.as_deref(), None)
                            }
                            None => Receipt::Taken,
                        };
                        round.settle(index, receipt);
                    }
                }
                Err(receipt) => round.failed(range, &receipt),
            }
        }
        round.receipts()
    }
}

impl SecurityHub {
    fn finding(&self, delivery: &Delivery, account: &str) -> String {
        within(&delivery.finding, MOST_OF_ONE, |finding| {
            let delivery = Delivery { finding: finding.clone(), ..delivery.clone() };
            let finding: Value =
                asff(&delivery, &AsffProduct { region: self.region.clone(), account: account.to_owned() });
            finding.to_string()
        })
    }

    async fn ask_account(&self) -> Result<String, String> {
        let call = Call { permission: "sts:GetCallerIdentity", target: "AWS STS".to_owned() };
        let question = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send();
        let Ok(answer) = timeout(LONGEST_ASKING, question).await else {
            return Err(format!("{} did not answer in time", call.target));
        };
        let identity = answer.map_err(|error| match call.failed(&error) {
            Receipt::Again { reason, .. } | Receipt::Refused { reason } => reason,
            Receipt::Taken => String::new(),
        })?;
        let account = identity.account().filter(|account| is_account(account));
        account.map(str::to_owned).ok_or_else(|| "AWS STS did not say which account the credentials are of".to_owned())
    }
}
