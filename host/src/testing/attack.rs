//! Attacks: what the caller of an API chooses in a record that fires, changed until the rule is silent.
//!
//! Who makes a call chooses its parameters, the user agent, the name of the session; not who they are, from where, or what came of it. The smallest
//! change of the chosen parts that silences a rule is what an attacker would try first. Whether AWS would take the call like that, the tool cannot
//! know: an engineer judges what it reports.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::change;
use super::mutation::read;
use super::suite::{Outcome, Suite, Workbench, outcome};
use super::trial::Trial;
use super::values::other_case;
use crate::catalogue::Catalogue;
use crate::encoding::harmless_json;
use crate::state::StateError;

/// Pairs of changes that are tried where no single one does it.
const MOST_PAIRS: usize = 500;

/// Choices that are paired with one another, at most.
const MOST_PAIRED: usize = 100;

/// Texts of the settings that are tried in each place, at most.
const MOST_LISTED: usize = 50;

/// The parts of a record outside the parameters that the caller writes whole.
const CHOSEN: [&str; 3] =
    ["/userAgent", "/userIdentity/sessionContext/sourceIdentity", "/tlsDetails/clientProvidedHostHeader"];

/// The parts that end with the name of the session, which the caller chose: with what stands before the name.
const SESSION: [(&str, char); 2] = [("/userIdentity/arn", '/'), ("/userIdentity/principalId", ':')];

/// A change by the caller after which a rule is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silenced {
    /// The case.
    pub case: String,
    /// What the caller writes, field by field.
    pub changes: Vec<Chosen>,
}

/// One thing that the caller writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chosen {
    /// How large the change is: characters, or more for another type or place.
    pub cost: usize,
    /// The path.
    pub field: String,
    /// What is done.
    pub what: String,
    /// What the case has there, in JSON.
    pub from: String,
    /// What stands there then, in JSON; nothing where the parameter is left out.
    pub to: Option<String>,
}

impl Silenced {
    /// Returns the size of all changes.
    pub fn cost(&self) -> usize {
        self.changes.iter().map(|chosen| chosen.cost).sum()
    }
}

/// Attacks the firing cases of a suite that pass. Returns for each the smallest change of each field that silences it, or a pair where no field
/// alone does; the smallest first.
///
/// # Errors
///
/// Fails when there is no room for temporary files.
pub fn attack(suite: &Suite, bench: &mut Workbench<'_>) -> Result<Vec<Silenced>, StateError> {
    let mut silenced = Vec::new();
    for case in suite.cases.iter().filter(|case| case.expected.fires()) {
        let Ok(judge) = bench.judge(suite, case) else { continue };
        let trial = Trial::new(&judge);
        let documents = case.story.documents();
        let found = trial.run(case.story.documents())?;
        if outcome(case, &found) != Outcome::Passed {
            continue;
        }
        let listed = texts(&Value::Object(case.settings.clone())).into_iter().take(MOST_LISTED).collect::<Vec<_>>();
        for (place, document) in documents.iter().enumerate() {
            let Some(record) = case.story.record(place) else { continue };
            let silent = |record: &Value| -> Result<bool, StateError> {
                let found = trial.run(case.story.with(place, record).documents())?;
                let verdicts = found.verdicts;
                // A gap is told as loudly as a finding.
                Ok(verdicts.findings.is_empty() && verdicts.withheld.is_empty() && verdicts.gaps.is_empty())
            };
            let choices = choices(&record, &read(&found, document), &listed);
            let mut fields = BTreeSet::new();
            let mut hits = Vec::new();
            for chosen in &choices {
                if !fields.contains(&chosen.field) && silent(&applied(&record, &[chosen]))? {
                    fields.insert(chosen.field.clone());
                    hits.push(vec![chosen.clone()]);
                }
            }
            if hits.is_empty() {
                for pair in pairs(&choices).take(MOST_PAIRS) {
                    if silent(&applied(&record, &pair))? {
                        hits.push(pair.into_iter().cloned().collect());
                        break;
                    }
                }
            }
            silenced.extend(hits.into_iter().map(|changes| Silenced { case: case.name.clone(), changes }));
        }
    }
    silenced.sort_by_key(Silenced::cost);
    Ok(silenced)
}

/// Pairs of changes of different fields, the cheapest first.
fn pairs(choices: &[Chosen]) -> impl Iterator<Item = [&Chosen; 2]> {
    let mut pairs: Vec<[&Chosen; 2]> = Vec::new();
    // The cheapest only: there are as many pairs as the square of the choices.
    let choices = &choices[..choices.len().min(MOST_PAIRED)];
    for (place, first) in choices.iter().enumerate() {
        for second in choices[place + 1..].iter().filter(|second| second.field != first.field) {
            pairs.push([first, second]);
        }
    }
    pairs.sort_by_key(|[first, second]| first.cost + second.cost);
    pairs.into_iter()
}

fn applied(record: &Value, choices: &[&Chosen]) -> Value {
    let mut record = record.clone();
    for chosen in choices {
        let to = chosen.to.as_ref().and_then(|text| serde_json::from_str(text).ok());
        // A change that cannot be made leaves the record as it is, and the rule fires as before.
        let _ = match to {
            Some(value) => change::set(&mut record, &chosen.field, value),
            None => change::remove(&mut record, &chosen.field),
        };
    }
    record
}

/// Lists what the caller may write differently in what the rule read, the smallest change first.
fn choices(record: &Value, read: &BTreeSet<String>, listed: &[String]) -> Vec<Chosen> {
    let mut choices = Vec::new();
    for field in read {
        let Some(value) = record.pointer(field) else { continue };
        let mut add = |cost: usize, what: &str, to: Option<Value>| {
            let from = harmless_json(value);
            let to = to.map(|to| harmless_json(&to));
            if to.as_ref() != Some(&from) {
                choices.push(Chosen { cost, field: field.clone(), what: what.to_owned(), from, to });
            }
        };
        if let Some((_, end)) = SESSION.iter().find(|(path, _)| path == field) {
            if let Some((before, name)) = value.as_str().and_then(|text| text.rsplit_once(*end))
                && is_session(record)
            {
                for (cost, what, other) in spellings(name, listed) {
                    add(cost, what, Some(json!(format!("{before}{end}{other}"))));
                }
            }
            continue;
        }
        if !(field.starts_with("/requestParameters/") || CHOSEN.contains(&field.as_str())) {
            continue;
        }
        match value {
            Value::String(text) => {
                // Another text than JSON in the place of a policy is refused by AWS, and goes around nothing.
                let mut others = rewritten(text);
                if others.is_empty() {
                    others = spellings(text, listed);
                    others.extend(resource_names(text, record));
                }
                for (cost, what, other) in others {
                    add(cost, what, Some(json!(other)));
                }
                add(20, "in a list", Some(json!([text])));
            }
            Value::Number(number) => {
                if let Some(number) = number.as_i64() {
                    add(1, "one more", Some(json!(number.saturating_add(1))));
                    add(1, "one less", Some(json!(number.saturating_sub(1))));
                }
                add(2, "as a string", Some(json!(number.to_string())));
            }
            Value::Bool(value) => {
                add(2, "as a string", Some(json!(value.to_string())));
                add(5, "the opposite", Some(json!(!value)));
            }
            Value::Array(elements) => {
                add(3, "in reverse order", Some(elements.iter().rev().cloned().collect()));
                let more = elements.first().cloned().unwrap_or_else(|| json!("x"));
                add(5, "with one more element", Some(elements.iter().chain([&more]).cloned().collect()));
                let rest: Vec<Value> = elements.iter().skip(1).cloned().collect();
                add(10, "without the first element", Some(json!(rest)));
            }
            Value::Object(_) | Value::Null => {}
        }
        if !is_required(record, field) {
            add(8, "left out", None);
        }
    }
    choices.sort();
    choices
}

/// Tells whether the caller acts in a session that they named.
fn is_session(record: &Value) -> bool {
    record.pointer("/userIdentity/type").is_some_and(|kind| kind == "AssumedRole" || kind == "FederatedUser")
}

/// Tells whether AWS takes no call without a parameter, as far as its models say. Those outside the parameters may always be left out.
fn is_required(record: &Value, field: &str) -> bool {
    let (Some(source), Some(name)) = (record["eventSource"].as_str(), record["eventName"].as_str()) else {
        return false;
    };
    let Some(parameter) = field.strip_prefix("/requestParameters/").filter(|rest| !rest.contains('/')) else {
        return false;
    };
    let request = Catalogue::embedded().operation(source, name).and_then(|operation| operation.request());
    request.and_then(|request| request.member(parameter)).is_some_and(|member| member.required)
}

/// Other spellings of a text that a careless service, or a careless comparison, takes for the same or for another: each with its size.
fn spellings(text: &str, listed: &[String]) -> Vec<(usize, &'static str, String)> {
    let mut spellings = Vec::new();
    let first_letter = text.char_indices().find(|(_, letter)| letter.is_ascii_alphabetic());
    if let Some((at, letter)) = first_letter
        && let Some(turned) = other_case(&letter.to_string())
    {
        spellings.push((1, "one letter in other case", format!("{}{turned}{}", &text[..at], &text[at + 1..])));
    }
    for more in [" ", "x", "/", "*", "\u{200b}"] {
        spellings.push((1, "one character at the end", format!("{text}{more}")));
        spellings.push((1, "one character at the start", format!("{more}{text}")));
    }
    if let Some(turned) = other_case(text) {
        spellings.push((2 + text.len() / 8, "in other letter case", turned));
    }
    if let Some((at, letter)) = first_letter {
        spellings.push((
            3,
            "one character percent-encoded",
            format!("{}%{:02X}{}", &text[..at], letter as u32, &text[at + 1..]),
        ));
    }
    spellings.extend(listed.iter().map(|listed| (4 + listed.len() / 8, "a value of the settings", listed.clone())));
    spellings
}

/// Other names of the same resource: many operations take a name and an ARN alike.
fn resource_names(text: &str, record: &Value) -> Vec<(usize, &'static str, String)> {
    if text.starts_with("arn:") {
        return match text.rsplit(['/', ':']).next() {
            Some(name) if !name.is_empty() => vec![(6, "by its name instead of its ARN", name.to_owned())],
            _ => Vec::new(),
        };
    }
    let service = record["eventSource"].as_str().and_then(|source| source.strip_suffix(".amazonaws.com"));
    let (Some(service), Some(region)) = (service, record["awsRegion"].as_str()) else { return Vec::new() };
    let account = record["recipientAccountId"].as_str().unwrap_or_default();
    vec![(6, "by an ARN instead of its name", format!("arn:aws:{service}:{region}:{account}:{text}"))]
}

/// Other texts of the same JSON, such as a policy: AWS keeps what the caller wrote.
fn rewritten(text: &str) -> Vec<(usize, &'static str, String)> {
    let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text) else {
        return Vec::new();
    };
    let mut texts = vec![
        (2, "the same JSON with white space", serde_json::to_string_pretty(&value).unwrap_or_default()),
        (2, "the same JSON without white space", value.to_string()),
    ];
    let in_text = |(at, _): &(usize, &str)| text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphabetic);
    if let Some((at, _)) = text.match_indices('"').find(in_text) {
        let at = at + 1;
        let escaped = format!("{}\\u{:04x}{}", &text[..at], u32::from(text.as_bytes()[at]), &text[at + 1..]);
        texts.push((3, "the same JSON with one letter escaped", escaped));
    }
    for (place, inner) in inner_texts(&value).into_iter().enumerate() {
        if let Some(turned) = other_case(&inner) {
            texts.push((3 + place, "a text in the JSON in other letter case", text.replacen(&inner, &turned, 1)));
        }
    }
    texts
}

fn inner_texts(value: &Value) -> Vec<String> {
    texts(value).into_iter().take(20).collect()
}

/// Gathers the texts inside a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(elements) => elements.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Value {
        json!({
            "eventSource": "cloudtrail.amazonaws.com",
            "eventName": "StopLogging",
            "awsRegion": "us-east-1",
            "recipientAccountId": "111122223333",
            "userAgent": "aws-cli",
            "sourceIPAddress": "192.0.2.44",
            "userIdentity": { "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya" },
            "requestParameters": { "name": "main", "list": [1, 2] },
        })
    }

    fn of(field: &str) -> Vec<Chosen> {
        let record = record();
        let read = BTreeSet::from([field.to_owned()]);
        choices(&record, &read, &["trusted".to_owned()])
    }

    #[test]
    fn the_caller_chooses_parameters_user_agent_and_session_name_and_nothing_else() {
        for field in ["/requestParameters/name", "/requestParameters/list", "/userAgent", "/userIdentity/arn"] {
            assert!(!of(field).is_empty(), "{field}");
        }
        for field in ["/sourceIPAddress", "/eventName", "/awsRegion", "/userIdentity/type", "/requestParameters/absent"]
        {
            assert!(of(field).is_empty(), "{field}");
        }
        for chosen in of("/userIdentity/arn") {
            let to = chosen.to.unwrap();
            assert!(to.starts_with("\"arn:aws:sts::111122223333:assumed-role/OrgAdmin/"), "{to}");
        }
    }

    #[test]
    fn the_smallest_change_comes_first() {
        let choices = of("/requestParameters/name");
        assert_eq!(choices[0].cost, 1);
        assert!(choices.is_sorted_by_key(|chosen| chosen.cost));
        let to: Vec<&str> = choices.iter().filter_map(|chosen| chosen.to.as_deref()).collect();
        for expected in ["\"Main\"", "\"MAIN\"", "\"main \"", "\"%6Dain\"", "\"trusted\""] {
            assert!(to.contains(&expected), "{expected}: {to:?}");
        }
        assert!(to.contains(&"\"arn:aws:cloudtrail:us-east-1:111122223333:main\""), "{to:?}");
    }

    #[test]
    fn a_policy_is_written_in_other_ways() {
        let texts = rewritten(r#"{"Effect":"Deny","Action":"iam:*"}"#);
        let texts: Vec<&str> = texts.iter().map(|(_, _, text)| text.as_str()).collect();
        assert!(texts.contains(&r#"{"\u0045ffect":"Deny","Action":"iam:*"}"#), "{texts:?}");
        assert!(texts.contains(&r#"{"Effect":"Deny","Action":"IAM:*"}"#), "{texts:?}");
        assert!(rewritten("main").is_empty());
    }
}
