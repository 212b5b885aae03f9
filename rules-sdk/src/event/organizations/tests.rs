//! Membership events as they may look, and what must never name the member.

use super::*;

fn event(name: &str, details: &str) -> Event {
    Event::from_json(&format!(
        r#"{{"userIdentity":{{"accountId":"111122223333","invokedBy":"organizations.amazonaws.com"}},"eventSource":"organizations.amazonaws.com",
            "eventName":"{name}","requestParameters":null,"recipientAccountId":"111122223333",{details}}}"#
    ))
    .unwrap()
}

fn joined(details: &str) -> Event {
    event("AccountJoinedOrganization", details)
}

fn departed(details: &str) -> Event {
    event("AccountDepartedOrganization", details)
}

fn account(digits: &str) -> Option<AccountId> {
    digits.parse().ok()
}

#[test]
fn a_join_has_a_member_a_method_and_a_time() {
    let event = joined(
        r#""serviceEventDetails":{"accountId":"444455556666","joinedMethod":"INVITED","joinedTime":"Aug 25, 2026, 9:48:07 AM"}"#,
    );
    let join = event.account_joined().unwrap();
    assert_eq!(join.member(), account("444455556666"));
    assert_eq!(join.method(), Some(JoinMethod::Invited));
    assert_eq!(join.method_word().as_deref(), Some("INVITED"));
    assert_eq!(join.time().unwrap().to_string(), "2026-08-25T09:48:07Z");
    assert!(!join.is_management_account());
    assert!(event.account_departed().is_none());
}

#[test]
fn both_spellings_of_a_departure_are_read_in_any_letter_case() {
    for (field, word, method) in [
        ("departureMethod", "LEFT", DepartureMethod::Left),
        ("departedMethod", "Left", DepartureMethod::Left),
        ("departedMethod", "Removed", DepartureMethod::Removed),
        ("DepartureMethod", "removed", DepartureMethod::Removed),
        ("departureMethod", "CLEANED", DepartureMethod::Cleaned),
    ] {
        let event = departed(&format!(r#""serviceEventDetails":{{"accountId":"444455556666","{field}":"{word}"}}"#));
        assert_eq!(event.account_departed().unwrap().method(), Some(method), "{field}: {word}");
    }
    for (field, time) in [("departureTime", "1787651287000"), ("departedTime", r#""2026-08-25T09:48:07Z""#)] {
        let event = departed(&format!(r#""serviceEventDetails":{{"{field}":{time}}}"#));
        assert_eq!(event.account_departed().unwrap().time().unwrap().to_string(), "2026-08-25T09:48:07Z");
    }
}

#[test]
fn the_member_is_found_under_any_likely_name() {
    for details in [
        r#"{"accountId":"444455556666"}"#,
        r#"{"AccountId":"444455556666"}"#,
        r#"{"accountId":444455556666}"#,
        r#"{"memberAccountId":"444455556666"}"#,
        r#"{"memberAccountId":"444455556666","accountId":"111122223333"}"#,
        r#"{"departedAccountId":"444455556666"}"#,
        r#"{"account":{"id":"444455556666","name":"****"}}"#,
        r#"{"accountMembership":{"accountId":"444455556666","departureMethod":"LEFT"}}"#,
        r#"{"account":{"id":"444455556666"},"managementAccount":{"id":"111122223333"}}"#,
        r#"{"accountId":"444455556666","managementAccountId":"111122223333"}"#,
        r#"{"id":"car-examplecreateaccountrequestid111","accountId":"444455556666"}"#,
        r#""{\"accountId\":\"444455556666\",\"departureMethod\":\"LEFT\"}""#,
        r#""{\"details\":{\"memberAccountId\":\"444455556666\"}}""#,
    ] {
        let event = departed(&format!(r#""serviceEventDetails":{details}"#));
        assert_eq!(event.account_departed().unwrap().member(), account("444455556666"), "{details}");
    }
    let event = departed(r#""serviceEventDetails":null,"additionalEventData":{"accountId":"444455556666"}"#);
    assert_eq!(event.account_departed().unwrap().member(), account("444455556666"));
}

#[test]
fn an_account_that_is_not_certain_is_no_account() {
    for details in [
        "null",
        "{}",
        r#"{"accountId":"44445555666"}"#,
        r#"{"accountId":"o-exampleorgid"}"#,
        r#"{"accountId":null}"#,
        r#"{"accountId":["444455556666"]}"#,
        r#"{"accountId":"444455556666","account":"777788889999"}"#,
        r#"{"accountId":"111122223333","newcomer":"444455556666"}"#,
        r#"{"accountId":"111122223333","newcomer":{"number":"444455556666"}}"#,
        r#"{"accountId":"444455556666","requester":{"accountId":"111122223333"}}"#,
        r#"{"managementAccountId":"111122223333"}"#,
        r#"{"managementAccount":{"id":"111122223333"}}"#,
        r#"{"one":{"two":{"accountId":"444455556666"}}}"#,
        r#""not JSON""#,
        "[]",
    ] {
        let event = departed(&format!(r#""serviceEventDetails":{details}"#));
        let departure = event.account_departed().unwrap();
        assert_eq!(departure.member(), None, "{details}");
        assert!(!departure.is_management_account());
    }
}

#[test]
fn what_the_caller_may_choose_never_names_the_member() {
    let event = event(
        "AccountDepartedOrganization",
        r#""requestParameters":{"accountId":"444455556666","departureMethod":"CLEANED"},"resources":[{"accountId":"444455556666"}]"#,
    );
    let departure = event.account_departed().unwrap();
    assert_eq!((departure.member(), departure.method()), (None, None));
}

#[test]
fn two_answers_are_none() {
    let event = departed(r#""serviceEventDetails":{"departureMethod":"LEFT","departedMethod":"CLEANED"}"#);
    assert_eq!(event.account_departed().unwrap().method(), None);
    let event = departed(r#""serviceEventDetails":{"departureMethod":"LEFT","departedMethod":"Left"}"#);
    assert_eq!(event.account_departed().unwrap().method(), Some(DepartureMethod::Left));
}

#[test]
fn a_method_that_nobody_knows_is_kept_as_a_word() {
    let event = departed(r#""serviceEventDetails":{"departureMethod":"Transferred"}"#);
    let departure = event.account_departed().unwrap();
    assert_eq!(departure.method(), None);
    assert_eq!(departure.method_word().as_deref(), Some("TRANSFERRED"));
}

#[test]
fn the_management_account_is_the_one_that_received_the_record() {
    let details = r#""serviceEventDetails":{"accountId":"111122223333","joinedMethod":"INVITED"}"#;
    assert!(joined(details).account_joined().unwrap().is_management_account());
    assert!(departed(details).account_departed().unwrap().is_management_account());
}

#[test]
fn other_sources_and_names_are_no_membership_events() {
    for record in [
        r#"{"eventSource":"example.amazonaws.com","eventName":"AccountJoinedOrganization"}"#,
        r#"{"eventSource":"organizations.amazonaws.com","eventName":"accountjoinedorganization"}"#,
        r#"{"eventSource":["organizations.amazonaws.com"],"eventName":"AccountJoinedOrganization"}"#,
        "{}",
    ] {
        let event = Event::from_json(record).unwrap();
        assert!(event.account_joined().is_none() && event.account_departed().is_none(), "{record}");
    }
}

#[test]
fn settings_name_a_join_method_in_any_letter_case() {
    let methods: Vec<JoinMethod> = serde_json::from_str(r#"["created","INVITED"]"#).unwrap();
    assert_eq!(methods, [JoinMethod::Created, JoinMethod::Invited]);
    let refusal = serde_json::from_str::<JoinMethod>("\"adopted\"").unwrap_err().to_string();
    assert!(refusal.starts_with("unknown method \"adopted\": the methods are created and invited"), "{refusal}");
}
