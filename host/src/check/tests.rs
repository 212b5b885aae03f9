//! Each lint on a rule that has what it is about, and on one that has not.

use orgwatch_rules_sdk::Matches;
use serde_json::{Value, json};

use super::*;

/// A rule that nothing is wrong with, asking for these patterns.
fn sound(patterns: &Value) -> Metadata {
    let parts = ["What it does", "Why it matters", "What it misses", "What to do"];
    let description = parts.map(|part| format!("## {part}\n\nOne two three four five six seven eight nine ten.\n"));
    let description = format!("Reports what this test is about.\n\n{}", description.join("\n"));
    let settings = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": { "accounts": { "type": "array", "description": "The accounts that are expected." } },
    });
    let mut metadata = Metadata::new(&description, "1.0.0", settings);
    metadata.id = "team.trail-stopped".to_owned();
    metadata.title = "A trail was stopped".to_owned();
    metadata.attack = vec!["T1562.008".to_owned()];
    metadata.references = vec!["https://docs.aws.amazon.com/".to_owned(), "CIS AWS Foundations 3.0.0 §4.5".to_owned()];
    metadata.false_positives = vec!["Somebody moves the trail".to_owned()];
    metadata.matches = Matches::Patterns(patterns.as_array().expect("a list").clone());
    metadata
}

fn remarks_with(metadata: &Metadata, known_names: &[KnownName]) -> Vec<String> {
    let remarks = check(&Subject { metadata, known_names });
    let line = |remark: &Remark| {
        let hint = remark.hint.as_ref().map_or(String::new(), |hint| format!(" | {hint}"));
        format!("{} {}: {}{hint}", remark.code.name(), remark.place, remark.message)
    };
    remarks.iter().map(line).collect()
}

/// What is remarked on a rule that asks for this.
fn asking(pattern: &Value) -> Vec<String> {
    remarks_with(&sound(&json!([pattern])), &[])
}

/// The codes of what is remarked on a rule that was sound before it was changed.
fn codes(change: impl FnOnce(&mut Metadata)) -> Vec<&'static str> {
    let mut metadata = sound(&json!([{ "eventName": ["StopLogging"] }]));
    change(&mut metadata);
    check(&Subject { metadata: &metadata, known_names: &[] }).iter().map(|remark| remark.code.name()).collect()
}

#[test]
fn nothing_is_remarked_on_a_sound_rule() {
    let none: [&str; 0] = [];
    for pattern in [
        json!({ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging", "DeleteTrail"] }),
        json!({ "eventSource": ["signin.amazonaws.com"], "eventName": ["ConsoleLogin"] }),
        json!({ "eventName": [{ "prefix": "Delete" }, { "suffix": "Policy" }, { "wildcard": "*Organization*" }] }),
        json!({ "eventName": [{ "equals-ignore-case": "stoplogging" }, { "anything-but": ["StopLogging"] }] }),
        json!({ "eventName": [{ "anything-but": { "prefix": "Nonsense" } }, { "exists": true }] }),
        json!({ "eventSource": ["lambda.amazonaws.com"], "eventName": ["UpdateFunctionCode20150331v2", { "wildcard": "CreateFunction20*" }] }),
        json!({ "$or": [
            { "eventSource": ["kms.amazonaws.com"], "eventName": ["DisableKey"] },
            { "eventSource": ["s3.amazonaws.com"], "eventName": ["PutBucketPolicy"] },
        ] }),
        json!({ "eventSource": ["kms.amazonaws.com", "s3.amazonaws.com"], "eventName": ["DisableKey", "PutBucketPolicy"] }),
        json!({ "eventSource": ["organizations.amazonaws.com"], "eventName": ["DetachPolicy"], "requestParameters": { "policyId": ["p-FullAWSAccess"] } }),
        json!({ "eventSource": ["cloudshell.amazonaws.com"], "eventName": ["CreateEnvironment"] }),
        json!({ "userIdentity": { "type": ["Root"], "invokedBy": [{ "exists": false }] }, "additionalEventData.MFAUsed": ["No"] }),
        json!({ "noSuchField": [{ "exists": false }], "eventName": ["StopLogging"] }),
    ] {
        assert_eq!(asking(&pattern), none, "{pattern}");
    }
}

#[test]
fn a_name_that_no_event_has_is_told_with_what_may_be_meant() {
    let trail = "cloudtrail.amazonaws.com";
    assert_eq!(
        asking(&json!({ "eventSource": [trail], "eventName": ["StopLogging", "StopLoging"] })),
        [
            "event-name-unknown matches[0].eventName[1]: no event of cloudtrail.amazonaws.com is called `StopLoging` | did you mean `StopLogging`?"
        ]
    );
    assert_eq!(
        asking(&json!({ "eventSource": [trail], "eventName": [{ "prefix": "Obliterate" }] })),
        [
            "event-name-unknown matches[0].eventName[0]: no name of an event of cloudtrail.amazonaws.com fulfils {\"prefix\":\"Obliterate\"}"
        ]
    );
    assert_eq!(
        asking(&json!({ "$or": [{ "eventName": ["Xyzzy"] }, { "eventName": ["StopLogging"] }] })),
        [
            "event-name-unknown matches[0].$or[0].eventName[0]: no event is called `Xyzzy` | if AWS has it all the same, say so in pack.toml: [[known_names]] with source, name and the reason"
        ]
    );
}

#[test]
fn a_name_of_another_source_is_told_with_that_source() {
    assert_eq!(
        asking(&json!({ "eventSource": ["organizations.amazonaws.com"], "eventName": ["StopLogging"] })),
        [
            "event-name-elsewhere matches[0].eventName[0]: `StopLogging` is an event of cloudtrail.amazonaws.com, not of organizations.amazonaws.com | correct the name or the eventSource beside it"
        ]
    );
}

#[test]
fn a_source_that_records_nothing_is_told() {
    assert_eq!(
        asking(&json!({ "eventSource": ["organization.amazonaws.com"], "eventName": ["CloseAccount"] })),
        [
            "event-source-unknown matches[0].eventSource[0]: CloudTrail records no events under the source `organization.amazonaws.com` | did you mean `organizations.amazonaws.com`?"
        ]
    );
    assert_eq!(
        asking(&json!({ "eventSource": [{ "suffix": ".amazon.com" }] })),
        [
            "event-source-unknown matches[0].eventSource[0]: no source that CloudTrail records events under fulfils {\"suffix\":\".amazon.com\"}"
        ]
    );
}

#[test]
fn what_is_excluded_has_to_exist() {
    assert_eq!(
        asking(&json!({ "eventName": [{ "anything-but": ["StopLoging", "StartLogging"] }] })),
        [
            "excluded-unknown matches[0].eventName[0]: `StopLoging` is excluded, and no event is called so | did you mean `StopLogging`?"
        ]
    );
    assert_eq!(
        asking(&json!({ "eventSource": [{ "anything-but": "kmss.amazonaws.com" }] })),
        [
            "excluded-unknown matches[0].eventSource[0]: the source `kmss.amazonaws.com` is excluded, and CloudTrail has no such source | did you mean `kms.amazonaws.com`?"
        ]
    );
}

#[test]
fn a_field_that_the_records_cannot_have_is_told() {
    let detach = |parameters: Value| json!({ "eventSource": ["organizations.amazonaws.com"], "eventName": ["DetachPolicy"], "requestParameters": parameters });
    assert_eq!(
        asking(&detach(json!({ "policyID": ["p-FullAWSAccess"] }))),
        [
            "field-impossible matches[0].requestParameters.policyID: no record of these events has a field `requestParameters.policyID` | did you mean `requestParameters.policyId`?"
        ]
    );
    assert_eq!(
        asking(&json!({ "eventName": ["StopLogging"], "userIdentity.accountID": ["111122223333"] })),
        [
            "field-impossible matches[0].userIdentity.accountID: no record of these events has a field `userIdentity.accountID` | did you mean `userIdentity.accountId`?"
        ]
    );
    assert_eq!(
        asking(&json!({ "detail": { "eventName": ["StopLogging"] } })),
        [
            "field-impossible matches[0].detail.eventName: no record of these events has a field `detail.eventName` | a rule asks for the CloudTrail record itself: leave out `detail`"
        ]
    );
}

#[test]
fn what_a_pack_knows_of_names_is_taken_for_it() {
    let known = |name: Option<&str>, field: Option<&str>, reason: &str| KnownName {
        source: "organizations.amazonaws.com".to_owned(),
        name: name.map(str::to_owned),
        field: field.map(str::to_owned),
        reason: reason.to_owned(),
    };
    let metadata = sound(&json!([{
        "eventSource": ["organizations.amazonaws.com"],
        "eventName": ["SplitOrganization", "DetachPolicy"],
        "requestParameters": { "policyName": ["x"] },
    }]));
    assert_eq!(remarks_with(&metadata, &[]).len(), 2);
    let names = [
        known(Some("SplitOrganization"), None, "announced on 2026-11-20"),
        known(Some("DetachPolicy"), Some("/requestParameters/policyName"), "seen in our own trail"),
    ];
    assert_eq!(remarks_with(&metadata, &names), [""; 0]);
    assert_eq!(check_known_names(&names), []);
    let codes = |known: KnownName| check_known_names(&[known]).iter().map(|remark| remark.code).collect::<Vec<_>>();
    assert_eq!(codes(known(Some("SplitOrganization"), None, " ")), [Code::KnownNameWithoutReason]);
    assert_eq!(codes(known(Some("DetachPolicy"), None, "seen")), [Code::KnownNameNeedless]);
    assert_eq!(codes(known(None, None, "seen")), [Code::KnownNameNeedless]);
}

#[test]
fn what_a_rule_does_not_say_of_itself_is_told() {
    assert_eq!(codes(|_| ()), [""; 0]);
    assert_eq!(codes(|rule| rule.id = "trail-stopped".to_owned()), ["id-without-namespace"]);
    assert_eq!(codes(|rule| rule.title = "a trail was stopped.".to_owned()), ["title-form", "title-form"]);
    assert_eq!(codes(|rule| rule.title = "A".repeat(81)), ["title-form"]);
    assert_eq!(codes(|rule| rule.description = "Reports it.".to_owned()), ["description-parts"]);
    let short = |rule: &mut Metadata| {
        rule.description = rule.description.replacen("two three four five six seven eight", "", 1);
    };
    assert_eq!(codes(short), ["description-short"]);
    assert_eq!(codes(|rule| rule.false_positives.clear()), ["false-positives-missing"]);
    assert_eq!(codes(|rule| rule.tables = vec!["Accounts".to_owned()]), ["table-name-malformed"]);
    assert_eq!(codes(|rule| rule.attack.clear()), ["technique-missing"]);
    assert_eq!(codes(|rule| rule.attack = vec!["T15".to_owned()]), ["technique-malformed"]);
    assert_eq!(codes(|rule| rule.attack = vec!["T9999".to_owned()]), ["technique-unknown"]);
    assert_eq!(codes(|rule| rule.references.clear()), ["reference-missing"]);
    assert_eq!(codes(|rule| rule.references = vec!["http://example.com".to_owned()]), ["reference-malformed"]);
    assert_eq!(codes(|rule| rule.runbook = Some("runbooks/1".to_owned())), ["runbook-malformed"]);
}

#[test]
fn settings_are_closed_and_explained() {
    assert_eq!(codes(|rule| rule.settings["additionalProperties"] = json!(true)), ["settings-open"]);
    let unexplained = |rule: &mut Metadata| rule.settings["properties"]["accounts"] = json!({ "type": "array" });
    assert_eq!(codes(unexplained), ["setting-undocumented"]);
}

#[test]
fn a_rule_asks_for_something_with_patterns() {
    assert_eq!(codes(|rule| rule.matches = Matches::Patterns(Vec::new())), ["asks-for-nothing"]);
    let malformed = |rule: &mut Metadata| rule.matches = Matches::Patterns(vec![json!({ "eventName": "StopLogging" })]);
    assert_eq!(codes(malformed), ["pattern-malformed"]);
    assert_eq!(codes(|rule| rule.matches = Matches::Everything), [""; 0]);
    let generic = |rule: &mut Metadata| {
        rule.generic = true;
        rule.id = "pattern".to_owned();
        rule.matches = Matches::Patterns(Vec::new());
        rule.attack.clear();
        rule.false_positives.clear();
    };
    assert_eq!(codes(generic), [""; 0]);
}
