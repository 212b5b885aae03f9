//! Tests of `org.trail-weakened`.

use super::*;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/trail_weakened");
const STOPPED: &str = include_str!("../../events/trail_weakened/fires_stopped.json");
const STOPPED_BY_ARN: &str = include_str!("../../events/trail_weakened/fires_stopped_by_arn.json");
const DELETED: &str = include_str!("../../events/trail_weakened/fires_deleted.json");
const ONE_REGION: &str = include_str!("../../events/trail_weakened/fires_one_region.json");
const NO_ORGANIZATION: &str = include_str!("../../events/trail_weakened/fires_no_organization.json");
const ELSEWHERE: &str = include_str!("../../events/trail_weakened/fires_another_bucket.json");
const SELECTORS: &str = include_str!("../../events/trail_weakened/fires_selectors.json");
const ADVANCED: &str = include_str!("../../events/trail_weakened/fires_advanced_selectors.json");
const DENIED: &str = include_str!("../../events/trail_weakened/fires_denied.json");
const SAME: &str = include_str!("../../events/trail_weakened/quiet_update_that_keeps_everything.json");
const OTHER: &str = include_str!("../../events/trail_weakened/quiet_trail_of_a_team.json");
const SETTINGS: &str = r#"{"trails": ["arn:aws:cloudtrail:us-east-1:111122223333:trail/organization"], "buckets": ["example-org-logs"],
                           "keys": ["arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]}"#;

fn judge(settings: &str, record: &str) -> Option<Finding> {
    testing::evaluate::<TrailWeakened>(settings, record).unwrap().pop()
}

fn severity(settings: &str, record: &str) -> Option<Severity> {
    judge(settings, record).and_then(|finding| finding.get_severity())
}

#[test]
fn the_event_files_are_judged_as_they_are_named() {
    testing::judge_events::<TrailWeakened>(SETTINGS, EVENTS);
}

#[test]
fn what_is_taken_away_decides_how_serious_it_is() {
    let carlos = "User carlos of 111122223333";
    for (record, severity, title) in [
        (STOPPED, Severity::Critical, format!("{carlos} stopped the organization trail organization")),
        (STOPPED_BY_ARN, Severity::Critical, format!("{carlos} stopped the organization trail organization")),
        (DELETED, Severity::Critical, format!("{carlos} deleted the organization trail organization")),
        (
            ONE_REGION,
            Severity::High,
            format!(
                "{carlos} weakened the organization trail organization: it covers one Region only, it leaves out global services, \
                 AWS Organizations among them"
            ),
        ),
        (
            NO_ORGANIZATION,
            Severity::Critical,
            format!(
                "{carlos} weakened the organization trail organization: it does not cover the organization any more"
            ),
        ),
        (
            ELSEWHERE,
            Severity::High,
            format!("{carlos} weakened the organization trail organization: it writes to the bucket example-elsewhere"),
        ),
        (
            SELECTORS,
            Severity::Critical,
            format!("{carlos} narrowed the organization trail organization: it no longer logs management events"),
        ),
        (
            ADVANCED,
            Severity::High,
            format!("{carlos} narrowed the organization trail organization: it leaves out organizations.amazonaws.com"),
        ),
        (
            DENIED,
            Severity::High,
            "Role build of 444455556666 (session nightly) was not allowed to stop the organization trail organization"
                .to_owned(),
        ),
    ] {
        let finding = judge(SETTINGS, record).expect(&title);
        assert_eq!(finding.get_title(), Some(title.as_str()));
        assert_eq!(finding.get_severity(), Some(severity), "{title}");
    }
}

#[test]
fn without_settings_every_trail_counts_for_less() {
    assert_eq!(severity("{}", STOPPED), Some(Severity::High));
    assert_eq!(severity("{}", OTHER), Some(Severity::High));
    assert_eq!(
        judge("{}", OTHER).unwrap().get_title(),
        Some("User carlos of 777788889999 stopped the trail team-trail")
    );
    assert_eq!(severity("{}", NO_ORGANIZATION), Some(Severity::Medium));
    assert_eq!(severity("{}", ONE_REGION), Some(Severity::High), "the response says that it is the organization's");
    assert_eq!(severity("{}", ELSEWHERE), Some(Severity::Low));
}

#[test]
fn a_trail_is_known_by_name_or_arn_in_any_letter_case_and_region() {
    for (from, to) in [
        ("\"name\": \"organization\"", "\"name\": \"Organization\""),
        ("\"awsRegion\": \"us-east-1\"", "\"awsRegion\": \"eu-west-1\""),
        ("\"name\": \"organization\"", "\"name\": \"arn:aws:cloudtrail:eu-west-1:111122223333:trail/organization\""),
    ] {
        let record = STOPPED.replace(from, to);
        assert_ne!(record, STOPPED);
        assert_eq!(severity(SETTINGS, &record), Some(Severity::Critical), "{to}");
    }
    let namesake = STOPPED.replace("111122223333", "777788889999");
    assert_eq!(judge(SETTINGS, &namesake), None, "another account's trail of the same name");
    assert_eq!(judge(SETTINGS, STOPPED).unwrap().key(), judge(SETTINGS, STOPPED_BY_ARN).unwrap().key());
}

#[test]
fn an_update_that_keeps_everything_is_quiet_however_much_it_sends() {
    assert_eq!(judge(SETTINGS, SAME), None);
    for (from, to) in [
        ("\"isMultiRegionTrail\": true", "\"isMultiRegionTrail\": \"false\""),
        ("\"s3BucketName\": \"example-org-logs\"", "\"s3BucketName\": \"example-org-logs2\""),
        ("key/1234abcd-12ab", "key/9999abcd-12ab"),
        ("\"s3BucketName\"", "\"s3KeyPrefix\": \"hidden\", \"s3BucketName\""),
    ] {
        let record = SAME.replace(from, to);
        assert_ne!(record, SAME);
        assert!(judge(SETTINGS, &record).is_some(), "{to}");
    }
}

#[test]
fn a_key_is_judged_by_its_arn_and_not_by_an_alias_that_the_caller_may_point_anywhere() {
    let alias = SAME.replacen(
        "\"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"",
        "\"alias/logs\"",
        1,
    );
    assert_ne!(alias, SAME);
    assert_eq!(judge(SETTINGS, &alias), None);
    let elsewhere = alias.replace("key/1234abcd-12ab", "key/9999abcd-12ab");
    assert_eq!(severity(SETTINGS, &elsewhere), Some(Severity::High));
}

#[test]
fn insights_that_are_switched_off_are_reported() {
    let record = |selectors: &str| {
        format!(
            r#"{{"eventName":"PutInsightSelectors","recipientAccountId":"111122223333","requestParameters":{{"trailName":"organization",
                "insightSelectors":{selectors}}}}}"#
        )
    };
    assert_eq!(severity(SETTINGS, &record("[]")), Some(Severity::Low));
    assert_eq!(severity(SETTINGS, &record(r#"[{"insightType":"ApiCallRateInsight"}]"#)), None);
}

#[test]
fn expected_automation_is_quiet_and_settings_are_checked() {
    let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:user/carlos"]}"#;
    assert_eq!(judge(expected, DELETED), None);
    assert!(judge(expected, OTHER).is_some());
    for wrong in [
        r#"{"trails": ["organization"]}"#,
        r#"{"keys": ["alias/logs"]}"#,
        r#"{"trails": ["arn:aws:s3:::example-org-logs"]}"#,
    ] {
        assert!(testing::evaluate::<TrailWeakened>(wrong, STOPPED).is_err(), "{wrong}");
    }
}
