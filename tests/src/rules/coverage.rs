//! The whole API of AWS Organizations is covered: every operation that changes something, and every event that the service sends by itself.
//!
//! The lists are written down here and nowhere derived from the rules, so that a new operation which is added to them fails the build until
//! somebody decides which rule is about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use orgwatch_host::index::Pattern;
use orgwatch_rules_sdk::json::Document;
use serde_json::{Value, json};

use super::{Subject, file_name};
use crate::support::rules;

const SOURCE: &str = "organizations.amazonaws.com";

/// The operations of the API that change something, as of November 2026: 34 of 63.
const WRITES: [&str; 34] = [
    "AcceptHandshake",
    "AttachPolicy",
    "CancelHandshake",
    "CloseAccount",
    "CreateAccount",
    "CreateGovCloudAccount",
    "CreateOrganization",
    "CreateOrganizationalUnit",
    "CreatePolicy",
    "DeclineHandshake",
    "DeleteOrganization",
    "DeleteOrganizationalUnit",
    "DeletePolicy",
    "DeleteResourcePolicy",
    "DeregisterDelegatedAdministrator",
    "DetachPolicy",
    "DisableAWSServiceAccess",
    "DisablePolicyType",
    "EnableAWSServiceAccess",
    "EnableAllFeatures",
    "EnablePolicyType",
    "InviteAccountToOrganization",
    "InviteOrganizationToTransferResponsibility",
    "LeaveOrganization",
    "MoveAccount",
    "PutResourcePolicy",
    "RegisterDelegatedAdministrator",
    "RemoveAccountFromOrganization",
    "TagResource",
    "TerminateResponsibilityTransfer",
    "UntagResource",
    "UpdateOrganizationalUnit",
    "UpdatePolicy",
    "UpdateResponsibilityTransfer",
];

/// The events that the service sends by itself, as far as AWS documents them.
const SERVICE_EVENTS: [&str; 7] = [
    "AccountDepartedOrganization",
    "AccountJoinedOrganization",
    "CloseAccountResult",
    "CreateAccountResult",
    "EffectivePolicyValidation",
    "ResponsibilityTransferAccepted",
    "ResponsibilityTransferTerminated",
];

/// Rules that ask for whatever the service does, by whoever did it or how it ended. They tell nothing about an operation, so they cover none.
const CATCH_ALLS: [&str; 3] = ["org.activity-unusual", "org.root-used", "org.unauthorized-attempt"];

/// The rules about AWS Organizations but for the catch-alls, each with the names that it asks for whatever else a record says.
fn coverage() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut coverage = BTreeMap::new();
    for subject in subjects() {
        let names = WRITES.into_iter().chain(SERVICE_EVENTS);
        let names: BTreeSet<&str> = names.filter(|name| asks_for(&subject, &json!({"eventName": name}))).collect();
        if !CATCH_ALLS.contains(&subject.id().as_str()) {
            coverage.insert(subject.id(), names);
        }
    }
    coverage
}

/// The rules of the pack.
/// The rules that judge each event by itself. Those that look back see in several events together what none of them says alone, so they cover
/// nothing.
fn subjects() -> Vec<Subject> {
    all().into_iter().filter(|subject| !subject.looks_back()).collect()
}

fn all() -> Vec<Subject> {
    let subjects = rules().into_iter().map(Subject::of);
    subjects.filter(|subject| subject.id().starts_with("org.")).collect()
}

/// Tells whether a rule asks for a record of AWS Organizations, with its default settings.
fn asks_for(subject: &Subject, record: &Value) -> bool {
    let mut record = record.clone();
    record["eventSource"] = SOURCE.into();
    let document = Document::parse(record.to_string()).expect("the record is JSON");
    let patterns = subject.component.metadata().matches.to_wire();
    patterns.iter().any(|pattern| Pattern::parse(pattern).expect("the pattern parses").matches(document.root()))
}

/// The names that no rule of a list asks for.
fn uncovered<'a>(covered: impl Iterator<Item = &'a BTreeSet<&'static str>>) -> Vec<&'static str> {
    let covered: BTreeSet<&str> = covered.flatten().copied().collect();
    WRITES.into_iter().chain(SERVICE_EVENTS).filter(|name| !covered.contains(name)).collect()
}

#[test]
fn every_operation_and_event_of_the_service_is_asked_for_by_a_rule_about_it() {
    let coverage = coverage();
    let uncovered = uncovered(coverage.values());
    assert!(
        uncovered.is_empty(),
        "no rule is about {}: write one, or have one that fits ask for it too",
        uncovered.join(", ")
    );
}

#[test]
fn without_a_rule_it_is_known_what_would_be_missed() {
    let coverage = coverage();
    let mut text = String::new();
    for without in coverage.keys() {
        let others = coverage.iter().filter(|(id, _)| *id != without).map(|(_, names)| names);
        let uncovered = uncovered(others);
        let missed = if uncovered.is_empty() { "nothing".to_owned() } else { uncovered.join(", ") };
        let _ = writeln!(text, "without {without}: {missed}");
    }
    insta::assert_snapshot!("coverage", text);
}

#[test]
fn a_rule_that_asks_for_whatever_happens_is_marked_as_a_catch_all() {
    for subject in subjects() {
        // What a record of any operation may have, of one that nobody has heard of.
        let records = [
            json!({"eventName": "SplitOrganization"}),
            json!({"eventName": "SplitOrganization", "errorCode": "AccessDenied"}),
            json!({"eventName": "SplitOrganization", "userIdentity": {"type": "Root"}}),
            json!({"eventName": "SplitOrganization", "eventType": "AwsCloudTrailInsight"}),
        ];
        let marked = CATCH_ALLS.contains(&subject.id().as_str());
        let asks = records.iter().any(|record| asks_for(&subject, record));
        assert_eq!(marked, asks, "{}: add it to CATCH_ALLS, or take it from there", subject.id());
    }
}

#[test]
fn every_name_that_a_rule_asks_for_is_spelled_as_the_api_spells_it_and_makes_it_fire() {
    for subject in all() {
        let mut fires = BTreeSet::new();
        for event in subject.events().iter().filter(|event| file_name(event).starts_with("fires_")) {
            let text = fs::read_to_string(event).expect("the event can be read");
            for record in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
                let record = record.unwrap_or_else(|error| panic!("{}: {error}", event.display()));
                fires.extend(record["eventName"].as_str().map(str::to_owned));
            }
        }
        for pattern in subject.component.metadata().matches.to_wire() {
            let pattern: Value = serde_json::from_str(&pattern).expect("the pattern is JSON");
            // What is asked of other services is not in these lists.
            if pattern["eventSource"] != json!([SOURCE]) {
                continue;
            }
            let names = pattern["eventName"].as_array().map_or(&[][..], Vec::as_slice);
            for name in names.iter().filter_map(Value::as_str) {
                let known = WRITES.contains(&name) || SERVICE_EVENTS.contains(&name);
                assert!(known, "{}: the API of Organizations has no {name}", subject.id());
                // What a rule that looks back asks for, it may also ask for to stay quiet.
                assert!(
                    subject.looks_back() || fires.contains(name),
                    "{}: no fires_….json has the event name {name}",
                    subject.id()
                );
            }
        }
    }
}
