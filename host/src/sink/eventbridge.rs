//! The sink `eventbridge`: findings as events of an EventBridge bus.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::answer::Call;
use super::fit::within;
use super::round::{Most, Round};
use super::{Delivery, Receipt, RetryConfig, Sink, SinkError, arn};
use crate::aws::AwsConfig;
use crate::encoding::harmless_json;
use crate::finding::Finding;

/// What EventBridge takes in one call: less than 256 KB by its interface's model, although its guide speaks of more.
const MOST: Most = Most { entries: 10, bytes: 256_000 };

/// What an entry's time counts for, in bytes.
const TIME: usize = 14;

/// How long a bus that was seen is believed to exist.
const SEEN_FOR: Duration = Duration::from_mins(5);

/// How long the question after the bus may take.
const LONGEST_ASKING: Duration = Duration::from_secs(15);

/// The configuration of a sink `eventbridge`. It needs the permission `events:PutEvents` on the bus, and `events:DescribeEventBus` unless `check` is
/// false or the bus is the default one.
///
/// An event's detail is the finding as JSON, with its `revision` as the last key: 1 for a new finding, more for an update of it, under the same id. Its time is
/// that of the record. A finding that exceeds the 256 KB that EventBridge takes is sent without its details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventBridgeConfig {
    /// The sink's name, for routes and messages.
    pub name: String,
    /// The bus, by its name or its ARN.
    #[serde(default = "default_bus")]
    pub bus: String,
    /// The events' `source`. AWS keeps those that begin with `aws.` for itself.
    #[serde(default = "default_source")]
    pub source: String,
    /// The events' `detail-type`, at most 128 characters.
    #[serde(default = "default_detail_type")]
    pub detail_type: String,
    /// Whether to ask at the first finding, and every five minutes with findings after it, if the bus is there: EventBridge takes events for a bus that does
    /// not exist without a word and drops them. The bus of another account cannot be asked for.
    #[serde(default = "default_check")]
    pub check: bool,
    /// How AWS is reached.
    #[serde(default)]
    pub aws: AwsConfig,
    /// When deliveries are tried again.
    #[serde(default)]
    pub retry: RetryConfig,
}

fn default_bus() -> String {
    "default".to_owned()
}

fn default_source() -> String {
    "orgwatch".to_owned()
}

fn default_detail_type() -> String {
    "Finding".to_owned()
}

const fn default_check() -> bool {
    true
}

/// Puts findings on a bus.
pub(super) struct EventBridge {
    client: Client,
    config: EventBridgeConfig,
    put: Call,
    describe: Call,
    /// When the bus was last seen to exist.
    seen: Mutex<Option<Instant>>,
}

impl EventBridgeConfig {
    pub(super) async fn build(&self) -> Result<EventBridge, SinkError> {
        if self.source.is_empty() || self.source.starts_with("aws.") {
            return Err(SinkError(format!("`{}` cannot be the source of an event that is not AWS's", self.source)));
        }
        if !(1..=128).contains(&self.detail_type.chars().count()) {
            return Err(SinkError("`detail_type` has 1 to 128 characters".to_owned()));
        }
        let aws = if self.bus.starts_with("arn:") {
            arn::in_region(&self.aws, &arn::parse(&self.bus, "events")?, &self.bus)?
        } else {
            self.aws.clone()
        };
        let config = aws.load().await;
        if config.region().is_none() {
            return Err(SinkError("no region is known for the bus: set `aws.region`".to_owned()));
        }
        let target = format!("the event bus `{}`", self.bus);
        Ok(EventBridge {
            client: Client::new(&config),
            config: self.clone(),
            put: Call { permission: "events:PutEvents", target: target.clone() },
            describe: Call { permission: "events:DescribeEventBus", target },
            seen: Mutex::new(None),
        })
    }
}

/// The detail of an event.
#[derive(Serialize)]
struct Detail<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    revision: u32,
}

#[async_trait]
impl Sink for EventBridge {
    fn batch(&self) -> usize {
        MOST.entries
    }

    async fn send(&self, deliveries: &[Delivery]) -> Vec<Receipt> {
        if let Err(receipt) = self.exists().await {
            return vec![receipt; deliveries.len()];
        }
        let entries: Vec<PutEventsRequestEntry> =
            deliveries.iter().map(|delivery| entry(delivery, &self.config)).collect();
        let sizes: Vec<usize> = entries.iter().map(size).collect();
        let mut round = Round::new(&sizes, MOST);
        while let Some(range) = round.next() {
            self.put(&entries, range, &mut round).await;
        }
        round.receipts()
    }
}

impl EventBridge {
    /// Makes sure that the bus exists.
    async fn exists(&self) -> Result<(), Receipt> {
        let bus = &self.config.bus;
        if !self.config.check || bus == "default" || bus.ends_with(":event-bus/default") {
            return Ok(());
        }
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|seen| seen.elapsed() < SEEN_FOR) {
            return Ok(());
        }
        let asked = timeout(LONGEST_ASKING, self.client.describe_event_bus().name(bus).send()).await;
        let Ok(answer) = asked else {
            return Err(Receipt::again(format!("{} did not answer in time", self.describe.target)));
        };
        match answer {
            Ok(_) => {
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Ok(())
            }
            // Nothing here is wrong with a finding.
            Err(error) => Err(match self.describe.failed(&error) {
                Receipt::Refused { reason } => Receipt::again(reason),
                receipt => receipt,
            }),
        }
    }

    async fn put(&self, entries: &[PutEventsRequestEntry], range: Range<usize>, round: &mut Round) {
        let request = self.client.put_events().set_entries(Some(entries[range.clone()].to_vec()));
        match request.send().await {
            // The results are in the order of the entries.
            Ok(output) => {
                for (index, result) in range.zip(output.entries()) {
                    let receipt = match (result.error_code(), result.event_id()) {
                        (Some(code), _) => self.put.answered(code, result.error_message(), None),
                        (None, Some(_)) => Receipt::Taken,
                        (None, None) => continue,
                    };
                    round.settle(index, receipt);
                }
            }
            Err(error) => round.failed(range, &self.put.failed(&error)),
        }
    }
}

fn entry(delivery: &Delivery, config: &EventBridgeConfig) -> PutEventsRequestEntry {
    let event = &delivery.finding.event;
    let time = event.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok()).unwrap_or(delivery.filed);
    let actor = event.actor.as_deref().filter(|actor| actor.starts_with("arn:") && actor.len() <= 2_048);
    let beside = TIME + config.source.len() + config.detail_type.len() + actor.map_or(0, str::len);
    let revision = delivery.revision;
    let detail = within(&delivery.finding, MOST.bytes - beside, |finding| harmless_json(&Detail { finding, revision }));
    PutEventsRequestEntry::builder()
        .event_bus_name(&config.bus)
        .source(&config.source)
        .detail_type(&config.detail_type)
        .detail(detail)
        .time(DateTime::from_secs(time.as_second()))
        .set_resources(actor.map(|actor| vec![actor.to_owned()]))
        .build()
}

/// Counts an entry as EventBridge does, in bytes.
fn size(entry: &PutEventsRequestEntry) -> usize {
    let texts = [entry.source(), entry.detail_type(), entry.detail()];
    let resources = entry.resources().iter().map(String::len);
    TIME + texts.into_iter().flatten().map(str::len).chain(resources).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::super::samples::delivery;
    use super::*;

    fn config() -> EventBridgeConfig {
        toml::from_str("name = \"bus\"").unwrap()
    }

    #[test]
    fn an_event_is_the_finding_at_the_records_time() {
        let mut delivery = delivery("Account left the organization");
        delivery.revision = 2;
        let entry = entry(&delivery, &config());
        assert_eq!((entry.source(), entry.detail_type()), (Some("orgwatch"), Some("Finding")));
        assert_eq!(entry.time().unwrap().secs(), 1_793_527_200);
        assert_eq!(entry.resources(), ["arn:aws:iam::111122223333:user/jo"]);
        let detail = entry.detail().unwrap();
        assert!(detail.starts_with("{\"id\":") && detail.ends_with(",\"revision\":2}"), "{detail}");
        assert_eq!(serde_json::from_str::<Finding>(detail).unwrap(), delivery.finding);
    }

    #[test]
    fn an_event_is_never_larger_than_a_bus_takes() {
        let mut delivery = delivery("x");
        delivery.finding.details.insert("policy".to_owned(), "é".repeat(200_000).into());
        assert!(size(&entry(&delivery, &config())) <= MOST.bytes);
    }

    #[test]
    fn no_event_claims_to_be_of_aws() {
        let config = EventBridgeConfig { source: "aws.organizations".to_owned(), ..config() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(config.build()).is_err());
    }
}
