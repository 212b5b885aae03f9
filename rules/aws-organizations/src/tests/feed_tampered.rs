//! Tests of `org.feed-tampered`.

use super::*;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/feed_tampered");
const QUEUE_DELETED: &str = include_str!("../../events/feed_tampered/fires_queue_deleted.json");
const POLICY: &str = include_str!("../../events/feed_tampered/fires_bucket_policy_changed.json");
const UNSUBSCRIBED: &str = include_str!("../../events/feed_tampered/fires_unsubscribed.json");
const KEY: &str = include_str!("../../events/feed_tampered/fires_key_disabled.json");
const RULE: &str = include_str!("../../events/feed_tampered/fires_rule_disabled.json");
const TARGETS: &str = include_str!("../../events/feed_tampered/fires_targets_removed.json");
const DENIED: &str = include_str!("../../events/feed_tampered/fires_denied.json");
const OTHER_QUEUE: &str = include_str!("../../events/feed_tampered/quiet_queue_of_a_team.json");
const SETTINGS: &str = r#"{"buckets": ["example-org-logs"], "queues": ["arn:aws:sqs:us-east-1:111122223333:orgwatch"],
    "topics": ["arn:aws:sns:us-east-1:111122223333:org-logs"],
    "keys": ["arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
    "rules": ["arn:aws:events:us-east-1:111122223333:rule/orgwatch", "arn:aws:events:us-east-1:111122223333:rule/audit/orgwatch-audit"]}"#;

fn judge(settings: &str, record: &str) -> Option<Finding> {
    testing::evaluate::<FeedTampered>(settings, record).unwrap().pop()
}

fn call(source: &str, name: &str, parameters: &str) -> Option<Finding> {
    let record = format!(
        r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","recipientAccountId":"111122223333",
            "requestParameters":{parameters}}}"#
    );
    judge(SETTINGS, &record)
}

#[test]
fn the_event_files_are_judged_as_they_are_named() {
    testing::judge_events::<FeedTampered>(SETTINGS, EVENTS);
}

#[test]
fn what_cuts_the_feed_at_once_is_critical() {
    let carlos = "User carlos of 111122223333";
    for (record, severity, title) in [
        (QUEUE_DELETED, Critical, format!("{carlos} deleted the queue orgwatch, which feeds orgwatch")),
        (POLICY, High, format!("{carlos} changed the policy of the bucket example-org-logs, which feeds orgwatch")),
        (UNSUBSCRIBED, Critical, format!("{carlos} ended a subscription of the topic org-logs, which feeds orgwatch")),
        (
            KEY,
            Critical,
            format!("{carlos} disabled the key mrk-1234abcd12ab34cd56ef1234567890ab, which feeds orgwatch"),
        ),
        (RULE, Critical, format!("{carlos} disabled the rule orgwatch, which feeds orgwatch")),
        (TARGETS, Critical, format!("{carlos} removed targets from the rule orgwatch-audit, which feeds orgwatch")),
        (
            DENIED,
            High,
            "Role build of 444455556666 (session nightly) was not allowed to empty the queue orgwatch, which feeds orgwatch".to_owned(),
        ),
    ] {
        let finding = judge(SETTINGS, record).expect(&title);
        assert_eq!(finding.get_title(), Some(title.as_str()));
        assert_eq!(finding.get_severity(), Some(severity), "{title}");
    }
}

#[test]
fn a_queue_is_known_by_any_of_its_addresses() {
    for address in [
        "https://sqs.us-east-1.amazonaws.com/111122223333/orgwatch",
        "https://queue.amazonaws.com/111122223333/orgwatch",
        "https://us-east-1.queue.amazonaws.com/111122223333/orgwatch/",
        "https://sqs.us-east-1.amazonaws.com/111122223333/orgwatch?x=/1/other",
        "https://vpce-0a1b2c3d.sqs.us-east-1.vpce.amazonaws.com/111122223333/orgwatch#/other",
    ] {
        assert!(call("sqs", "DeleteQueue", &format!(r#"{{"queueUrl":"{address}"}}"#)).is_some(), "{address}");
    }
    for address in ["https://sqs.us-east-1.amazonaws.com/777788889999/orgwatch", "orgwatch", ""] {
        assert!(call("sqs", "DeleteQueue", &format!(r#"{{"queueUrl":"{address}"}}"#)).is_none(), "{address}");
    }
    assert_eq!(judge(SETTINGS, OTHER_QUEUE), None);
}

#[test]
fn a_key_is_known_by_id_or_arn_and_so_are_its_copies_in_other_regions() {
    let id = "mrk-1234abcd12ab34cd56ef1234567890ab";
    for key in [
        id.to_owned(),
        format!("arn:aws:kms:us-east-1:111122223333:key/{id}"),
        format!("arn:aws:kms:eu-west-1:111122223333:key/{id}"),
    ] {
        assert!(call("kms", "ScheduleKeyDeletion", &format!(r#"{{"keyId":"{key}"}}"#)).is_some(), "{key}");
    }
    let foreign = format!(r#"{{"keyId":"arn:aws:kms:us-east-1:777788889999:key/{id}"}}"#);
    assert!(call("kms", "ScheduleKeyDeletion", &foreign).is_none());
}

#[test]
fn a_rule_is_known_on_its_own_bus_only() {
    for (parameters, known) in [
        (r#"{"name":"orgwatch"}"#, true),
        (r#"{"name":"orgwatch","eventBusName":"default"}"#, true),
        (r#"{"name":"orgwatch","eventBusName":"arn:aws:events:us-east-1:111122223333:event-bus/default"}"#, true),
        (r#"{"name":"orgwatch","eventBusName":"audit"}"#, false),
        (r#"{"name":"orgwatch-audit","eventBusName":"audit"}"#, true),
        (r#"{"name":"orgwatch-audit"}"#, false),
        ("null", false),
    ] {
        assert_eq!(call("events", "DisableRule", parameters).is_some(), known, "{parameters}");
    }
    let bus = call("events", "DeleteEventBus", r#"{"name":"audit"}"#).unwrap();
    assert_eq!(bus.key(), "orgwatch-audit");
    assert!(call("events", "DeleteEventBus", r#"{"name":"other"}"#).is_none());
}

#[test]
fn a_rule_that_is_put_anew_as_disabled_is_disabled() {
    let put = |state: &str| call("events", "PutRule", &format!(r#"{{"name":"orgwatch","state":"{state}"}}"#)).unwrap();
    assert_eq!(put("DISABLED").get_severity(), Some(Critical));
    assert!(put("DISABLED").get_title().unwrap().contains("disabled the rule orgwatch"));
    assert_eq!(put("ENABLED").get_severity(), Some(High));
}

#[test]
fn one_name_of_a_call_means_what_its_service_means_by_it() {
    assert_eq!(
        call(
            "sqs",
            "RemovePermission",
            r#"{"queueUrl":"https://sqs.us-east-1.amazonaws.com/111122223333/orgwatch","label":"x"}"#
        )
        .unwrap()
        .details()["resource_kind"],
        "queue"
    );
    assert_eq!(
        call("sns", "RemovePermission", r#"{"topicArn":"arn:aws:sns:us-east-1:111122223333:org-logs","label":"x"}"#)
            .unwrap()
            .details()["resource_kind"],
        "topic"
    );
    assert!(call("iam", "RemovePermission", r#"{"topicArn":"arn:aws:sns:us-east-1:111122223333:org-logs"}"#).is_none());
    assert!(call("s3", "DeleteBucket", r#"{"bucketName":"Example-Org-Logs"}"#).is_some());
}

#[test]
fn the_rule_asks_only_for_what_the_settings_list() {
    let load = |settings: &str| FeedTampered::load(serde_json::from_str(settings).unwrap()).unwrap().matches();
    assert_eq!(load("{}"), None);
    let Some(Matches::Patterns(patterns)) = load(r#"{"buckets": ["example-org-logs"]}"#) else { panic!("no patterns") };
    assert_eq!(patterns.len(), 1);
    assert_eq!(patterns[0]["eventSource"][0], "s3.amazonaws.com");
    assert_eq!(judge("{}", QUEUE_DELETED), None);
}

#[test]
fn settings_are_checked_and_automation_is_expected_by_its_arn() {
    let expected = SETTINGS.replacen('{', r#"{"expected_automation": ["arn:aws:iam::111122223333:user/carlos"], "#, 1);
    assert_eq!(judge(&expected, QUEUE_DELETED), None);
    assert!(judge(&expected, DENIED).is_some());
    for wrong in [
        r#"{"buckets": ["arn:aws:s3:::example-org-logs"]}"#,
        r#"{"queues": ["https://sqs.us-east-1.amazonaws.com/111122223333/orgwatch"]}"#,
        r#"{"topics": ["org-logs"]}"#,
        r#"{"keys": ["alias/logs"]}"#,
        r#"{"rules": ["orgwatch"]}"#,
    ] {
        assert!(testing::evaluate::<FeedTampered>(wrong, QUEUE_DELETED).is_err(), "{wrong}");
    }
}
