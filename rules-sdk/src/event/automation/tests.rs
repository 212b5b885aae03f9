//! Who is expected, and the ways to look like it.

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/vending/AccountFactory";
const USER: &str = "arn:aws:iam::111122223333:user/pipelines/deploy";

fn automation(list: &str) -> Automation {
    serde_json::from_str(list).unwrap()
}

fn expected() -> Automation {
    automation(&format!(r#"["{ROLE}", "{USER}", "controltower.amazonaws.com", "AWS Internal"]"#))
}

fn event(identity: &str) -> Event {
    Event::from_json(&format!(r#"{{"userIdentity":{identity}}}"#)).unwrap()
}

fn expects(identity: &str) -> bool {
    expected().expects(&event(identity))
}

/// A session of a role, with its issuer and the session's own ARN.
fn session(issuer: &str, arn: &str) -> String {
    format!(
        r#"{{"type":"AssumedRole","principalId":"AROACKCEVSQ6C2EXAMPLE:session","arn":"{arn}",
            "sessionContext":{{"sessionIssuer":{{"type":"Role","arn":"{issuer}"}}}}}}"#
    )
}

#[test]
fn sessions_of_an_expected_role_are_expected_whatever_they_are_called() {
    for name in ["nightly", "anaya", "AccountFactory"] {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/AccountFactory/{name}");
        assert!(expects(&session(ROLE, &arn)), "{name}");
    }
}

#[test]
fn an_expected_user_is_expected_with_and_without_a_session() {
    assert!(expects(&format!(r#"{{"type":"IAMUser","arn":"{USER}","userName":"deploy"}}"#)));
    assert!(expects(&format!(
        r#"{{"type":"IAMUser","arn":"{USER}","sessionContext":{{"attributes":{{"mfaAuthenticated":"true"}}}}}}"#
    )));
}

#[test]
fn an_expected_service_is_expected_with_and_without_somebody_behind_it() {
    assert!(expects(r#"{"type":"AWSService","invokedBy":"controltower.amazonaws.com"}"#));
    assert!(expects(r#"{"accountId":"111122223333","invokedBy":"AWS Internal"}"#));
    let behind = session("arn:aws:iam::111122223333:role/Admin", "arn:aws:sts::111122223333:assumed-role/Admin/anaya");
    assert!(expects(&behind.replacen('{', r#"{"invokedBy":"controltower.amazonaws.com","#, 1)));
}

#[test]
fn nobody_becomes_expected_by_a_session_name() {
    let other = "arn:aws:iam::111122223333:role/Intern";
    for name in [
        "AccountFactory",
        "vending/AccountFactory",
        ROLE,
        USER,
        "controltower.amazonaws.com",
        "assumed-role/AccountFactory/nightly",
    ] {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/Intern/{name}");
        assert!(!expects(&session(other, &arn)), "{name}");
    }
    assert!(!expects(&session(other, ROLE)), "the session's own ARN is never a role's");
    assert!(!expects(&session(other, USER)), "a session is no user");
}

#[test]
fn a_role_of_another_path_account_partition_or_case_is_another_role() {
    for issuer in [
        "arn:aws:iam::111122223333:role/AccountFactory",
        "arn:aws:iam::111122223333:role/vending/AccountFactory/",
        "arn:aws:iam::111122223333:role/vending//AccountFactory",
        "arn:aws:iam::111122223333:role/evil/vending/AccountFactory",
        "arn:aws:iam::111122223333:role/vending/AccountFactory2",
        "arn:aws:iam::111122223333:role/vending/AccountFactor",
        "arn:aws:iam::444455556666:role/vending/AccountFactory",
        "arn:aws-cn:iam::111122223333:role/vending/AccountFactory",
        "arn:aws:iam::111122223333:role/vending/accountfactory",
        "ARN:AWS:IAM::111122223333:ROLE/VENDING/ACCOUNTFACTORY",
        "arn:aws:iam::111122223333:user/vending/AccountFactory",
        " arn:aws:iam::111122223333:role/vending/AccountFactory",
        "AccountFactory",
        "",
    ] {
        let arn = "arn:aws:sts::111122223333:assumed-role/AccountFactory/nightly";
        assert!(!expects(&session(issuer, arn)), "{issuer}");
    }
}

#[test]
fn a_user_is_its_own_arn_and_nothing_else() {
    for identity in [
        r#"{"type":"IAMUser","arn":"arn:aws:iam::444455556666:user/pipelines/deploy"}"#,
        r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/deploy","userName":"deploy"}"#,
        r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/pipelines/Deploy"}"#,
        r#"{"type":"IAMUser","userName":"arn:aws:iam::111122223333:user/pipelines/deploy"}"#,
        r#"{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/deploy",
            "sessionContext":{"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/pipelines/deploy"}}}"#,
        r#"{"type":"Root","arn":"arn:aws:iam::111122223333:user/pipelines/deploy"}"#,
        r#"{"arn":"arn:aws:iam::111122223333:user/pipelines/deploy"}"#,
    ] {
        assert!(!expects(identity), "{identity}");
    }
}

#[test]
fn what_the_caller_writes_elsewhere_never_counts() {
    let record = format!(
        r#"{{"userAgent":"controltower.amazonaws.com","sourceIPAddress":"controltower.amazonaws.com",
            "invokedBy":"controltower.amazonaws.com","requestParameters":{{"userIdentity":{{"invokedBy":"controltower.amazonaws.com"}}}},
            "userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/Intern/x",
                "principalId":"AROACKCEVSQ6C2EXAMPLE:{ROLE}",
                "sessionContext":{{"sourceIdentity":"{ROLE}","sessionIssuer":{{"type":"Role","userName":"AccountFactory",
                    "arn":"arn:aws:iam::111122223333:role/Intern"}}}}}}}}"#
    );
    assert!(!expected().expects(&Event::from_json(&record).unwrap()));
}

#[test]
fn fields_of_another_type_and_missing_fields_are_not_expected() {
    for identity in [
        "null",
        "{}",
        r#"{"invokedBy":["controltower.amazonaws.com"]}"#,
        r#"{"invokedBy":{"service":"controltower.amazonaws.com"}}"#,
        r#"{"invokedBy":"ControlTower.amazonaws.com"}"#,
        r#"{"invokedBy":"x.controltower.amazonaws.com"}"#,
        r#"{"invokedBy":""}"#,
        r#"{"type":"AssumedRole","sessionContext":{"sessionIssuer":null}}"#,
        r#"{"type":"AssumedRole","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/vending/AccountFactory"}}}"#,
    ] {
        assert!(!expects(identity), "{identity}");
    }
}

#[test]
fn an_empty_list_expects_nobody() {
    for identity in [r#"{"invokedBy":"AWS Internal"}"#.to_owned(), session(ROLE, ROLE), "{}".to_owned()] {
        assert!(!automation("[]").expects(&event(&identity)), "{identity}");
    }
}

#[test]
fn entries_that_name_no_one_for_sure_are_refused_with_a_reason() {
    for (entry, reason) in [
        ("arn:aws:sts::111122223333:assumed-role/AccountFactory/nightly", "write the role's own ARN"),
        ("arn:aws:iam::111122223333:role/*", "letter for letter"),
        ("*", "letter for letter"),
        ("arn:aws:iam::111122223333:root", "nobody's automation"),
        ("signin.amazonaws.com", "everyone who works in the console"),
        ("arn:aws:iam::1111:role/x", "the ARN of a role or user"),
        ("arn:aws:iam::111122223333:role/", "the ARN of a role or user"),
        ("arn:aws:iam::111122223333:group/x", "the ARN of a role or user"),
        ("arn:aws:iam", "the ARN of a role or user"),
        ("AccountFactory", "the ARN of a role or user"),
        ("ControlTower.amazonaws.com", "the ARN of a role or user"),
        (".amazonaws.com", "the ARN of a role or user"),
        ("amazonaws.com.example.com", "the ARN of a role or user"),
        ("", "the ARN of a role or user"),
    ] {
        let refusal = serde_json::from_value::<Automation>(serde_json::json!([entry])).unwrap_err().to_string();
        assert!(refusal.contains(reason) && refusal.contains(&format!("{entry:?}")), "{entry}: {refusal}");
    }
    assert!(serde_json::from_str::<Automation>(r#""controltower.amazonaws.com""#).is_err(), "a list is asked for");
}

#[test]
fn the_schema_describes_the_entries() {
    let schema = serde_json::Value::from(schemars::schema_for!(Automation));
    assert_eq!(schema["type"], "array");
    assert_eq!(schema["items"]["anyOf"].as_array().unwrap().len(), 3);
}
