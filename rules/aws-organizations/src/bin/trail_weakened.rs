//! `org.trail-weakened`: the organization trail was stopped, deleted or narrowed.

use orgwatch_rules_aws_organizations::arn::Arn;
use orgwatch_rules_aws_organizations::report::{Advice, Report, lower, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, selectors};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an organization trail that was stopped, deleted, or made to log less.
    ///
    /// ## What it does
    ///
    /// Sees `StopLogging`, `DeleteTrail`, `UpdateTrail`, `PutEventSelectors` and `PutInsightSelectors` of CloudTrail. To stop or delete the trail is
    /// critical, and so is to take the organization, or all management events, out of it. To confine it to one Region, to write to
    /// another bucket, with another key or under another prefix, or to leave a service out is high or medium. A change that takes nothing away is quiet.
    ///
    /// It is about the trails that `trails` lists, by name or ARN in the record, and about every trail that the record calls an organization
    /// trail. While `trails` is empty, it is about every trail, one step lower, because most calls name a trail and do not say which kind it is.
    /// A call that was denied or failed is reported too, one step lower. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// The organization trail is what everything else in this pack is judged by. Whoever stops it, or leaves out the service that they are about
    /// to use, works in the dark afterwards.
    ///
    /// ## What it misses
    ///
    /// * What the trail depends on: see `org.feed-tampered` for its bucket and key, `org.trusted-access-disabled` for CloudTrail's own
    ///   access, `org.delegated-administrator-deregistered` for its administrator.
    /// * Data events that are left out, and event data stores.
    /// * A trail that was never complete: the record of a change does not say what was there before.
    ///
    /// ## What to do
    ///
    /// Start the trail again before anything else: what happens in between is in nobody's log but each account's event history. Then ask the caller,
    /// and read the event history of the management account for the time that the trail does not cover.
    TrailWeakened,
    id: "org.trail-weakened",
    version: "1.0.0",
    title: "The organization trail was stopped or weakened",
    severity: Critical,
    status: Test,
    tables: (names::TABLES),
    matches: [{
        "eventSource": ["cloudtrail.amazonaws.com"],
        "eventName": ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "PutInsightSelectors"],
    }],
    attack: ["T1562.008"],
    references: [
        "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html",
    ],
    false_positives: [
        "An update of the landing zone by AWS Control Tower, until expected_automation names its role",
        "Teams that stop a trail of their own, until trails lists the organization trail",
    ],
}

const ADVICE: Advice = Advice {
    check_next: "aws cloudtrail get-trail-status and get-event-selectors with the trail's ARN: is it logging, and what? Then read the event history since the call.",
    undo: "aws cloudtrail start-logging, or update-trail and put-event-selectors with the former values. A deleted trail has to be created again.",
};

struct TrailWeakened {
    settings: Settings,
    trails: Vec<Arn>,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// ARNs of the trails that matter, such as `arn:aws:cloudtrail:us-east-1:111122223333:trail/organization`.
    trails: BTreeSet<String>,
    /// Names of the buckets that those trails may write to.
    buckets: BTreeSet<String>,
    /// ARNs of the KMS keys that those trails may encrypt with.
    keys: BTreeSet<String>,
    /// Roles, users and services that may change any trail.
    expected_automation: Automation,
}

/// What a call does to a trail: in the past, as an infinitive, and each thing that it takes away.
struct Change {
    did: &'static str,
    do_it: &'static str,
    losses: Vec<(Severity, String)>,
}

impl Rule for TrailWeakened {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        let mut trails = Vec::new();
        for trail in &settings.trails {
            trails.push(Arn::of_setting("trails", trail, "cloudtrail", "trail/")?);
        }
        for key in &settings.keys {
            Arn::of_setting("keys", key, "kms", "key/")?;
        }
        Ok(Self { settings, trails })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let certain = self.is_certain(event);
        if !certain && !self.trails.is_empty() {
            return Findings::none();
        }
        let Some(change) = self.change(event, certain) else {
            return Findings::none();
        };
        let Some(severity) = change.losses.iter().map(|(severity, _)| *severity).max() else {
            return Findings::none();
        };

        let report = Report::of(event).link("trails", console::trails(event));
        let trail = name(event);
        // By name and by ARN it is one trail, and one group of findings.
        let short = trail.as_deref().map(|trail| plain(Arn::parse(trail).as_ref().map_or(trail, Arn::name)));
        let called = short.as_deref().unwrap_or("whose name cannot be read");
        let kind = if certain { "the organization trail" } else { "the trail" };
        let mut title = format!("{} {kind} {called}", report.who(change.did, change.do_it));
        let losses: Vec<&str> =
            change.losses.iter().map(|(_, loss)| loss.as_str()).filter(|loss| !loss.is_empty()).collect();
        if !losses.is_empty() {
            title = format!("{title}: {}", losses.join(", "));
        }
        let severity = if certain { severity } else { lower(severity) };
        report
            .finding(short.clone().unwrap_or_else(|| unreadable(event)), ADVICE)
            .title(title)
            .severity(report.severity(severity))
            .detail("trail", trail.as_deref().map(plain))
            .detail("is_organization_trail", certain.then_some(true))
            .detail("takes_away", losses)
            .into()
    }
}

impl TrailWeakened {
    /// Returns true for a trail that the settings list, or that the record calls an organization trail.
    ///
    /// A record names it by its name or by its ARN, which may be one in another letter case, and the copies of a trail in other Regions have the
    /// ARN of the trail itself.
    fn is_certain(&self, event: &Event) -> bool {
        let places = ["/responseElements/isOrganizationTrail", "/requestParameters/isOrganizationTrail"];
        if places.into_iter().any(|place| event.flag(place) == Some(true)) {
            return true;
        }
        let arn = event.response("/trailARN").into_string();
        let account = event.recipient_account_id().map(|account| account.to_string());
        let candidates = [arn, name(event)];
        self.trails.iter().any(|trail| {
            candidates.iter().flatten().any(|candidate| {
                if let Some(arn) = Arn::parse(candidate) {
                    return arn.account == trail.account && arn.name().eq_ignore_ascii_case(trail.name());
                }
                let same_account = account.as_deref().is_none_or(|account| account == trail.account);
                same_account && candidate.eq_ignore_ascii_case(trail.name())
            })
        })
    }

    fn change(&self, event: &Event, certain: bool) -> Option<Change> {
        let whole = vec![(Severity::Critical, String::new())];
        let (did, do_it, losses) = match event.event_name()?.as_str() {
            "StopLogging" => ("stopped", "stop", whole),
            "DeleteTrail" => ("deleted", "delete", whole),
            "UpdateTrail" => ("weakened", "weaken", self.lost_by_update(event, certain)),
            "PutEventSelectors" => ("narrowed", "narrow", selectors::left_out(event)),
            "PutInsightSelectors" => ("took Insights from", "take Insights from", lost_insights(event)),
            _ => return None,
        };
        Some(Change { did, do_it, losses })
    }

    fn lost_by_update(&self, event: &Event, certain: bool) -> Vec<(Severity, String)> {
        let mut losses = Vec::new();
        // The console says of every trail whether it is the organization's, also of those that never were.
        let organization = if certain { Severity::Critical } else { Severity::High };
        let switched_off = [
            ("/isOrganizationTrail", organization, "it does not cover the organization any more"),
            ("/isMultiRegionTrail", Severity::High, "it covers one Region only"),
            (
                "/includeGlobalServiceEvents",
                Severity::High,
                "it leaves out global services, AWS Organizations among them",
            ),
            ("/enableLogFileValidation", Severity::Medium, "its files are no longer signed"),
        ];
        for (field, severity, loss) in switched_off {
            if event.flag(&format!("/requestParameters{field}")) == Some(false) {
                losses.push((severity, loss.to_owned()));
            }
        }
        if let Some(bucket) = event.request("/s3BucketName").as_str() {
            let elsewhere = compared(&self.settings.buckets, bucket);
            losses.extend(elsewhere.map(|severity| (severity, format!("it writes to the bucket {}", plain(bucket)))));
        }
        match event.request("/kmsKeyId").as_str() {
            Some("") => losses.push((Severity::Low, "it no longer encrypts with a key of its own".to_owned())),
            Some(key) => {
                // The caller may have named it by an alias; the response has its ARN.
                let arn = event.response("/kmsKeyId").into_string();
                let key = arn.as_deref().unwrap_or(key);
                let elsewhere = compared(&self.settings.keys, key);
                losses.extend(elsewhere.map(|severity| (severity, format!("it encrypts with the key {}", plain(key)))));
            }
            None => {}
        }
        // Whoever reads the bucket looks under the old prefix.
        if let Some(prefix) = event.request("/s3KeyPrefix").as_str().filter(|prefix| !prefix.is_empty()) {
            losses.push((Severity::Medium, format!("it writes under the prefix {}", plain(prefix))));
        }
        if event.request("/cloudWatchLogsLogGroupArn").as_str() == Some("") {
            losses.push((Severity::Medium, "it no longer writes to CloudWatch Logs".to_owned()));
        }
        losses
    }
}

/// Weighs a value that the console sends with every change: high where the settings know better, medium where they say nothing.
fn compared(expected: &BTreeSet<String>, value: &str) -> Option<Severity> {
    match (expected.is_empty(), expected.contains(value)) {
        (true, _) => Some(Severity::Medium),
        (false, false) => Some(Severity::High),
        (false, true) => None,
    }
}

/// Returns the trail's name or ARN, as the caller gave it.
fn name(event: &Event) -> Option<String> {
    event.request("/name").into_string().or_else(|| event.request("/trailName").into_string())
}

/// Returns what is lost where a trail no longer looks for unusual activity.
fn lost_insights(event: &Event) -> Vec<(Severity, String)> {
    match event.request("/insightSelectors") {
        Value::Array(0) => vec![(Severity::Low, "nobody is told of unusual activity any more".to_owned())],
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "../tests/trail_weakened.rs"]
mod tests;
