//! The sink `cloudwatch`: findings as a metric, so that the alarm that a metric filter fed goes on working; and the sign of life.

mod metric;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::MetricDatum;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Call;
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError};
use crate::aws::AwsConfig;

/// What CloudWatch takes in one call.
const MOST: usize = 1_000;

/// The configuration of a sink `cloudwatch`. It needs the permission `cloudwatch:PutMetricData`, which can be limited to the two namespaces
/// with the condition key `cloudwatch:namespace`.
///
/// The metric is 1 for each new finding; an update does not count. As a metric filter with a default value does, it is 0 once a minute while the service
/// is well. A call whose answer is lost is made again, and then a finding counts twice: an alarm at 1 or more does not mind.
/// The alarm must stand in the same account and region as the metric, and the metric filter that fed it before should be removed, or it counts too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudWatchConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The metric's namespace.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// The metric's name.
    #[serde(default = "default_metric")]
    pub metric: String,
    /// The time that a finding counts at.
    #[serde(default)]
    pub time: Time,
    /// The namespace of the metric `Heartbeat`, which is 1 once a minute while the service is well. Its alarm treats missing data as breaching.
    #[serde(default = "default_heartbeat")]
    pub heartbeat: String,
    /// How AWS is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

fn default_namespace() -> String {
    "CISBenchmark".to_owned()
}

fn default_metric() -> String {
    "OrganizationsChanges".to_owned()
}

fn default_heartbeat() -> String {
    "orgwatch".to_owned()
}

/// The time that a finding counts at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Time {
    /// When it is sent. An alarm looks at its latest periods only: CloudTrail is minutes late, and by then the minute of the event has passed and was 0.
    #[default]
    Sent,
    /// When the event happened, where that is within the two weeks back and two hours ahead that CloudWatch takes, for a metric that is looked at and
    /// not alarmed on. Points that are more than a day old can take two days to show.
    Event,
}

/// Counts findings in a metric.
pub(super) struct CloudWatch {
    client: Client,
    config: CloudWatchConfig,
    call: Call,
}

impl CloudWatchConfig {
    pub(super) async fn build(&self) -> Result<CloudWatch, SinkError> {
        for namespace in [&self.namespace, &self.heartbeat] {
            let long = !(1..=255).contains(&namespace.len());
            if long || namespace.starts_with(':') || namespace.starts_with("AWS/") || !namespace.is_ascii() {
                return Err(SinkError(format!("`{namespace}` cannot be the namespace of a metric")));
            }
        }
        if !(1..=255).contains(&self.metric.len()) || !self.metric.is_ascii() {
            return Err(SinkError(format!("`{}` cannot be the name of a metric", self.metric)));
        }
        let aws = self.aws.load().await;
        if aws.region().is_none() {
            return Err(SinkError("no region is known for the metric: set `aws.region`".to_owned()));
        }
        let target = format!("the metric {} {}", self.namespace, self.metric);
        let call = Call { permission: "cloudwatch:PutMetricData", target };
        Ok(CloudWatch { client: Client::new(&aws), config: self.clone(), call })
    }
}

#[async_trait]
impl Sink for CloudWatch {
    fn batch(&self) -> usize {
        // There are never more minutes than findings, so one call does.
        MOST
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        let counts = metric::counts(deliveries, self.config.time, Timestamp::now());
        let data: Vec<MetricDatum> =
            counts.into_iter().map(|(second, count)| metric::findings(&self.config.metric, second, count)).collect();
        let sent = if data.is_empty() { Ok(()) } else { self.put(&self.config.namespace, data).await };
        let failed = match sent {
            Ok(()) => return vec![Receipt::Taken; deliveries.len()],
            // A number at a time is all that is sent of a finding, so nothing can be wrong with the finding itself.
            Err(Receipt::Refused { reason }) => Receipt::again(reason),
            Err(receipt) => receipt,
        };
        let receipt = |delivery: &Delivery| if delivery.revision > 1 { Receipt::Taken } else { failed.clone() };
        deliveries.iter().map(receipt).collect()
    }

    async fn heartbeat(&self) -> Result<(), String> {
        let CloudWatchConfig { namespace, metric, heartbeat, .. } = &self.config;
        let second = Timestamp::now().as_second();
        let zero = metric::single(metric, second, 0.0);
        let one = metric::single("Heartbeat", second, 1.0);
        for (namespace, datum) in [(heartbeat, one), (namespace, zero)] {
            if let Err(Receipt::Again { reason, .. } | Receipt::Refused { reason }) =
                self.put(namespace, vec![datum]).await
            {
                return Err(reason);
            }
        }
        Ok(())
    }
}

impl CloudWatch {
    async fn put(&self, namespace: &str, data: Vec<MetricDatum>) -> Result<(), Receipt> {
        let request = self.client.put_metric_data().namespace(namespace).set_metric_data(Some(data));
        request.send().await.map(|_| ()).map_err(|error| self.call.failed(&error))
    }
}
