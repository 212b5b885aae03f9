//! Values to try in the place of others: those that CloudTrail is known to write, and those that are only different.

use serde_json::{Value, json};

use super::story::Story;

/// Values that CloudTrail writes in fields which many rules read, after its documentation of the record's contents.
const KNOWN: [(&str, &[&str]); 5] = [
    ("/errorCode", &["AccessDenied", "Client.UnauthorizedOperation", "ThrottlingException"]),
    (
        "/userIdentity/type",
        &["Root", "IAMUser", "AssumedRole", "FederatedUser", "AWSService", "AWSAccount", "SAMLUser"],
    ),
    ("/userIdentity/invokedBy", &["organizations.amazonaws.com", "AWS Internal"]),
    ("/eventType", &["AwsApiCall", "AwsServiceEvent", "AwsConsoleAction", "AwsConsoleSignIn"]),
    ("/userIdentity/sessionContext/attributes/mfaAuthenticated", &["true", "false"]),
];

/// An account that is none of the record's: AWS keeps it for documentation.
const OTHER_ACCOUNT: &str = "999999999999";

/// Values of other records that are tried, at most.
const MOST_OTHERS: usize = 4;

/// Returns the values that a field is known to have; none for most fields.
pub(super) fn known(field: &str) -> Vec<Value> {
    let known = KNOWN.iter().find(|(path, _)| *path == field);
    known.iter().flat_map(|(_, values)| values.iter()).map(|value| json!(value)).collect()
}

/// Returns fields that a record of the same kind may have as well, whether the rule reads them or not: a call may fail, and a service may make it.
pub(super) fn additions(record: &Value) -> Vec<(&'static str, Value)> {
    if record["eventType"].as_str().is_some_and(|kind| kind != "AwsApiCall") {
        return Vec::new();
    }
    vec![("/errorCode", json!("AccessDenied")), ("/userIdentity/invokedBy", json!("organizations.amazonaws.com"))]
}

/// Returns a value of another type.
pub(super) fn retyped(value: &Value) -> (&'static str, Value) {
    match value {
        Value::Null => ("a string", json!("")),
        Value::Bool(value) => ("a string", json!(value.to_string())),
        Value::Number(number) => ("a string", json!(number.to_string())),
        Value::String(text) => ("in a list", json!([text])),
        Value::Array(_) | Value::Object(_) => ("a string", json!("text")),
    }
}

/// Returns a text with the case of every letter turned; nothing where it has none.
pub(super) fn other_case(text: &str) -> Option<String> {
    let turn = |letter: char| {
        if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
    };
    let turned: String = text.chars().map(turn).collect();
    (turned != text).then_some(turned)
}

/// Returns other values of the same kind: known ones, those of other records, and one that is only different.
pub(super) fn others(field: &str, value: &Value, elsewhere: &[&Value]) -> Vec<Value> {
    let mut others = known(field);
    for other in elsewhere {
        if others.len() < MOST_OTHERS + known(field).len()
            && other.is_string() == value.is_string()
            && !others.contains(other)
        {
            others.push((*other).clone());
        }
    }
    others.push(match value {
        Value::String(text) if is_account(text) => json!(OTHER_ACCOUNT),
        Value::String(text) => json!(format!("{text}-other")),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_i64().map_or(1, |number| number.saturating_add(1))),
        Value::Array(elements) => json!(elements.iter().rev().collect::<Vec<_>>()),
        Value::Null | Value::Object(_) => return others.into_iter().filter(|other| other != value).collect(),
    });
    others.retain(|other| other != value);
    others
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns other values for a setting, each with what was done, nothing for leaving it out: by its schema, by the value that it has, and for a list the texts of the event.
pub(super) fn settings(schema: &Value, current: Option<&Value>, story: &Story) -> Vec<(String, Option<Value>)> {
    let left_out = current.map(|_| ("left out".to_owned(), None));
    let others = other_settings(schema, current, story).into_iter().map(|(label, value)| (label, Some(value)));
    left_out.into_iter().chain(others).collect()
}

fn other_settings(schema: &Value, current: Option<&Value>, story: &Story) -> Vec<(String, Value)> {
    let default = current.or_else(|| schema.get("default"));
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("boolean") => {
            let flipped = !default.and_then(Value::as_bool).unwrap_or(false);
            vec![(flipped.to_string(), json!(flipped))]
        }
        Some("integer" | "number") => {
            let number = default.and_then(Value::as_i64).unwrap_or(1);
            [number.saturating_add(1), 1].map(|number| (number.to_string(), json!(number))).to_vec()
        }
        Some("array") => {
            let mut texts = Vec::new();
            if let Some(record) = story.record(story.len().saturating_sub(1)) {
                gather(&record, &mut texts);
            }
            // An allow-list of what is in the event should silence a rule that has one; it may take texts of one kind only.
            let accounts: Vec<&String> = texts.iter().filter(|text| is_account(text)).collect();
            let arns: Vec<&String> = texts.iter().filter(|text| text.starts_with("arn:")).collect();
            let list = |what: &str, value: Value| (format!("all {what} of the event"), value);
            vec![list("texts", json!(texts)), list("accounts", json!(accounts)), list("ARNs", json!(arns))]
        }
        _ => Vec::new(),
    }
}

/// Gathers the texts in a record, those first that name somebody or something.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if texts.len() < 40 && !texts.contains(text) => texts.push(text.clone()),
        Value::Array(elements) => elements.iter().for_each(|element| gather(element, texts)),
        Value::Object(members) => members.values().for_each(|member| gather(member, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_value_is_never_the_same_one() {
        for value in
            [json!("Root"), json!("111122223333"), json!(1), json!(true), json!([1, 2]), json!(null), json!({})]
        {
            for other in others("/userIdentity/type", &value, &[&value]) {
                assert_ne!(other, value);
            }
            assert_ne!(retyped(&value).1, value);
        }
        assert_eq!(other_case("AccessDenied").as_deref(), Some("aCCESSdENIED"));
        assert_eq!(other_case("123"), None);
    }

    #[test]
    fn only_a_call_can_fail() {
        assert!(additions(&json!({ "eventType": "AwsServiceEvent" })).is_empty());
        assert_eq!(additions(&json!({ "eventType": "AwsApiCall" })).len(), 2);
    }
}
