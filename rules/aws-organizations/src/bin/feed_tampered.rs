//! `org.feed-tampered`: what feeds orgwatch its events was deleted, disabled or changed.

use orgwatch_rules_aws_organizations::arn::Arn;
use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;
use orgwatch_rules_sdk::serde_json::json;

use Kind::{Bucket, Bus, Key, Queue, Rule as BusRule, Topic};
use Severity::{Critical, High, Medium};

rule! {
    /// Reports tampering with the bucket, queue, topic, key or EventBridge rule through which events reach orgwatch.
    ///
    /// ## What it does
    ///
    /// Sees the calls of S3, SQS, SNS, KMS and EventBridge that delete, disable or change one of the resources that the settings list, however
    /// the record names it: by ARN, by name, by the queue's address, by the key's id. What cuts the feed at once (a queue deleted or purged, a
    /// rule disabled, a key scheduled for deletion) is critical; what may cut it (a policy, a notification, a lifecycle) is high or medium. A
    /// call that was denied or failed is reported too, one step lower. Expected automation is quiet. Without settings the rule reports nothing.
    ///
    /// ## Why it matters
    ///
    /// A detector that hears nothing reports nothing, and that looks like a quiet day. To delete one queue is less conspicuous than to stop the trail.
    ///
    /// ## What it misses
    ///
    /// * Everything, when the tampering works at once and this very record no longer comes through. Keep a second way for it: the poll of
    ///   CloudTrail's event history needs none of these resources. `orgwatch-host` also tells when a source falls silent.
    /// * Objects and messages that are read or deleted one by one: those are data events.
    /// * Permissions that are taken from orgwatch's own role.
    ///
    /// ## What to do
    ///
    /// Look at the state of the resource first, and put it back. Then read the event history of the management account for the time since the call:
    /// orgwatch may not have seen it. Ask the caller only then.
    FeedTampered,
    id: "org.feed-tampered",
    version: "1.0.0",
    title: "The feed of orgwatch was tampered with",
    severity: Critical,
    status: Test,
    tables: (names::TABLES),
    matches: [
        { "eventSource": ["s3.amazonaws.com"], "eventName": (names_of(&[Bucket])) },
        { "eventSource": ["sqs.amazonaws.com"], "eventName": (names_of(&[Queue])) },
        { "eventSource": ["sns.amazonaws.com"], "eventName": (names_of(&[Topic])) },
        { "eventSource": ["kms.amazonaws.com"], "eventName": (names_of(&[Key])) },
        { "eventSource": ["events.amazonaws.com"], "eventName": (names_of(&[BusRule, Bus])) },
    ],
    attack: ["T1562.008", "T1562.001"],
    references: [
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html",
    ],
    false_positives: ["Changes by whoever runs orgwatch, until expected_automation names the role that deploys it"],
}

/// The kinds of resource, as the records name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bucket,
    Queue,
    Topic,
    Key,
    Rule,
    Bus,
}

/// The calls: of which kind of resource, what one does to it, and how serious it is.
const CALLS: [(&str, Kind, &str, &str, Severity); 40] = [
    ("DeleteBucket", Bucket, "deleted", "delete", Critical),
    ("DeleteBucketPolicy", Bucket, "deleted the policy of", "delete the policy of", Critical),
    ("PutBucketPolicy", Bucket, "changed the policy of", "change the policy of", High),
    ("PutBucketNotification", Bucket, "changed the notifications of", "change the notifications of", High),
    ("PutBucketLifecycle", Bucket, "changed the lifecycle of", "change the lifecycle of", High),
    ("PutBucketEncryption", Bucket, "changed the encryption of", "change the encryption of", Medium),
    ("DeleteBucketEncryption", Bucket, "removed the encryption of", "remove the encryption of", Medium),
    ("PutBucketVersioning", Bucket, "changed the versioning of", "change the versioning of", Medium),
    ("PutBucketAcl", Bucket, "changed the access list of", "change the access list of", Medium),
    ("PutBucketOwnershipControls", Bucket, "changed the ownership of", "change the ownership of", Medium),
    ("PutBucketPublicAccessBlock", Bucket, "changed public access to", "change public access to", Medium),
    ("DeleteBucketPublicAccessBlock", Bucket, "opened public access to", "open public access to", High),
    ("DeleteQueue", Queue, "deleted", "delete", Critical),
    ("PurgeQueue", Queue, "emptied", "empty", Critical),
    ("SetQueueAttributes", Queue, "changed", "change", High),
    ("RemovePermission", Queue, "took a permission from", "take a permission from", High),
    ("AddPermission", Queue, "added a permission to", "add a permission to", Medium),
    ("DeleteTopic", Topic, "deleted", "delete", Critical),
    ("Unsubscribe", Topic, "ended a subscription of", "end a subscription of", Critical),
    ("SetTopicAttributes", Topic, "changed", "change", High),
    ("SetSubscriptionAttributes", Topic, "changed a subscription of", "change a subscription of", High),
    ("PutDataProtectionPolicy", Topic, "put a data protection policy on", "put a data protection policy on", High),
    ("RemovePermission", Topic, "took a permission from", "take a permission from", High),
    ("AddPermission", Topic, "added a permission to", "add a permission to", Medium),
    ("DisableKey", Key, "disabled", "disable", Critical),
    ("ScheduleKeyDeletion", Key, "scheduled for deletion", "schedule for deletion", Critical),
    ("DeleteImportedKeyMaterial", Key, "deleted the material of", "delete the material of", Critical),
    ("PutKeyPolicy", Key, "changed the policy of", "change the policy of", High),
    ("RevokeGrant", Key, "revoked a grant of", "revoke a grant of", High),
    ("RetireGrant", Key, "retired a grant of", "retire a grant of", High),
    ("UpdatePrimaryRegion", Key, "moved the primary Region of", "move the primary Region of", Medium),
    ("DisableRule", Kind::Rule, "disabled", "disable", Critical),
    ("DeleteRule", Kind::Rule, "deleted", "delete", Critical),
    ("RemoveTargets", Kind::Rule, "removed targets from", "remove targets from", Critical),
    ("PutRule", Kind::Rule, "changed", "change", High),
    ("PutTargets", Kind::Rule, "changed the targets of", "change the targets of", High),
    ("DeleteEventBus", Bus, "deleted the event bus of", "delete the event bus of", Critical),
    ("UpdateEventBus", Bus, "changed the event bus of", "change the event bus of", Medium),
    ("PutPermission", Bus, "changed the policy of the event bus of", "change the policy of the event bus of", Medium),
    (
        "RemovePermission",
        Bus,
        "took a permission from the event bus of",
        "take a permission from the event bus of",
        High,
    ),
];

const ADVICE: Advice = Advice {
    check_next: "Look at the resource: does it exist, is it enabled, who may use it? Then read the event history since the call, because orgwatch may have missed it.",
    undo: "Put the resource back from your infrastructure code. A key scheduled for deletion: aws kms cancel-key-deletion, then enable-key.",
};

struct FeedTampered {
    settings: Settings,
    queues: Vec<Arn>,
    topics: Vec<Arn>,
    keys: Vec<Arn>,
    rules: Vec<Arn>,
}

/// Settings of the rule: the resources through which events reach orgwatch.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Names of the buckets that hold the trail's files.
    buckets: BTreeSet<String>,
    /// ARNs of the queues that orgwatch reads.
    queues: BTreeSet<String>,
    /// ARNs of the topics on the way to those queues.
    topics: BTreeSet<String>,
    /// ARNs of the KMS keys that the files, queues and topics are encrypted with.
    keys: BTreeSet<String>,
    /// ARNs of the EventBridge rules that feed the queues.
    rules: BTreeSet<String>,
    /// Roles, users and services that may change any of them.
    expected_automation: Automation,
}

impl Rule for FeedTampered {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        let read = |name: &str, texts: &BTreeSet<String>, service: &str, prefix: &str| {
            texts.iter().map(|text| Arn::of_setting(name, text, service, prefix)).collect::<Result<Vec<Arn>, String>>()
        };
        for bucket in &settings.buckets {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
            if bucket.is_empty() || !bucket.bytes().all(plain) {
                return Err(format!(
                    "\"buckets\" lists {bucket:?}, which is no bucket's name such as \"example-logs\""
                )
                .into());
            }
        }
        Ok(Self {
            queues: read("queues", &settings.queues, "sqs", "")?,
            topics: read("topics", &settings.topics, "sns", "")?,
            keys: read("keys", &settings.keys, "kms", "key/")?,
            rules: read("rules", &settings.rules, "events", "rule/")?,
            settings,
        })
    }

    /// Asks only for calls about the kinds of resource that the settings list. With none listed it asks as its metadata says, and is quiet.
    fn matches(&self) -> Option<Matches> {
        let kinds: [(&str, &[Kind], bool); 5] = [
            ("s3", &[Bucket], self.settings.buckets.is_empty()),
            ("sqs", &[Queue], self.queues.is_empty()),
            ("sns", &[Topic], self.topics.is_empty()),
            ("kms", &[Key], self.keys.is_empty()),
            ("events", &[BusRule, Bus], self.rules.is_empty()),
        ];
        let listed = kinds.into_iter().filter(|(.., none)| !none);
        let patterns = listed.map(|(service, kinds, _)| {
            json!({ "eventSource": [format!("{service}.amazonaws.com")], "eventName": names_of(kinds) })
        });
        let patterns: Vec<_> = patterns.collect();
        (!patterns.is_empty()).then_some(Matches::Patterns(patterns))
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let name = event.event_name().unwrap_or_default();
        let source = event.event_source().unwrap_or_default();
        let called = CALLS.into_iter().filter(|(call, kind, ..)| *call == name && kind.source() == source);
        let tampered = called.filter_map(|call| Some((self.resource(event, call.1)?, call)));
        let Some((resource, (_, kind, mut did, mut do_it, mut severity))) = tampered.into_iter().next() else {
            return Findings::none();
        };
        if name == "PutRule" && event.request("/state").as_str() == Some("DISABLED") {
            (did, do_it, severity) = ("disabled", "disable", Critical);
        }
        let report = Report::of(event);
        let title =
            format!("{} the {} {}, which feeds orgwatch", report.who(did, do_it), kind.word(), plain(&resource));
        report
            .finding(plain(&resource), ADVICE)
            .title(title)
            .severity(report.severity(severity))
            .detail("resource", plain(&resource))
            .detail("resource_kind", kind.word())
            .into()
    }
}

impl Kind {
    fn source(self) -> &'static str {
        match self {
            Self::Bucket => "s3.amazonaws.com",
            Self::Queue => "sqs.amazonaws.com",
            Self::Topic => "sns.amazonaws.com",
            Self::Key => "kms.amazonaws.com",
            Self::Rule | Self::Bus => "events.amazonaws.com",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Key => "key",
            Self::Rule | Self::Bus => "rule",
        }
    }
}

/// Returns the names of the calls about some kinds of resource, each once.
fn names_of(kinds: &[Kind]) -> BTreeSet<&'static str> {
    CALLS.iter().filter(|(_, kind, ..)| kinds.contains(kind)).map(|(name, ..)| *name).collect()
}

impl FeedTampered {
    /// Returns which of the resources in the settings the call is about.
    fn resource(&self, event: &Event, kind: Kind) -> Option<String> {
        let account = event.recipient_account_id().map(|account| account.to_string());
        let region = event.aws_region().unwrap_or_default();
        let text = |path: &str| event.request(path).into_string();
        match kind {
            Bucket => {
                let bucket = text("/bucketName")?.to_ascii_lowercase();
                self.settings.buckets.contains(&bucket).then_some(bucket)
            }
            Queue => {
                // The last two parts of the address, whichever of its hosts it has.
                let address = text("/queueUrl")?;
                let path = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
                let mut parts = path.rsplit('/');
                let (name, owner) = (parts.next()?, parts.next()?);
                let queue = self
                    .queues
                    .iter()
                    .find(|queue| queue.resource == name && queue.account == owner && queue.region == region)?;
                Some(queue.resource.clone())
            }
            Topic => {
                let named = ["/topicArn", "/subscriptionArn", "/resourceArn"].into_iter().find_map(text)?;
                let arn = Arn::parse(&named)?;
                // A subscription's ARN is its topic's with an id behind it.
                let name = arn.resource.split(':').next().unwrap_or_default();
                let topic = self.topics.iter().find(|topic| {
                    topic.resource == name && topic.account == arn.account && topic.region == arn.region
                })?;
                Some(topic.resource.clone())
            }
            Key => {
                // The copies of a key in other Regions share its id.
                let resources = event.resources().into_iter().filter_map(|resource| resource.arn);
                let mut named = resources.chain(text("/keyId"));
                let found = named.find_map(|named| {
                    let (id, owner) = match Arn::parse(&named) {
                        Some(arn) => (arn.name().to_owned(), Some(arn.account)),
                        None => (named, account.clone()),
                    };
                    self.keys
                        .iter()
                        .find(|key| key.name() == id && owner.as_deref().is_none_or(|owner| owner == key.account))
                });
                found.map(|key| key.name().to_owned())
            }
            Kind::Rule => {
                let name = text("/rule").or_else(|| text("/name"))?;
                let bus = bus_named(text("/eventBusName"));
                self.find_rule(&region, account.as_deref(), |rule| rule.name() == name && bus_of(rule) == bus)
            }
            Bus => {
                let bus = bus_named(text("/eventBusName").or_else(|| text("/name")));
                self.find_rule(&region, account.as_deref(), |rule| bus_of(rule) == bus)
            }
        }
    }

    fn find_rule(&self, region: &str, account: Option<&str>, fits: impl Fn(&Arn) -> bool) -> Option<String> {
        let here = |rule: &&Arn| rule.region == region && account.is_none_or(|account| account == rule.account);
        self.rules.iter().filter(here).find(|rule| fits(rule)).map(|rule| rule.name().to_owned())
    }
}

/// Returns the bus that an ARN of a rule names: `rule/NAME` is on the default bus, `rule/BUS/NAME` on another.
fn bus_of(rule: &Arn) -> &str {
    let mut parts = rule.resource.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some(bus), Some(_)) => bus,
        _ => "default",
    }
}

/// Returns a bus's name out of its name or ARN; the default bus where none is named.
fn bus_named(named: Option<String>) -> String {
    let named = named.unwrap_or_else(|| "default".to_owned());
    Arn::parse(&named).map_or(named, |arn| arn.name().to_owned())
}

#[cfg(test)]
#[path = "../tests/feed_tampered.rs"]
mod tests;
