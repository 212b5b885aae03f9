//! Fuzzing: a rule judges records that nobody would write.
//!
//! Records are made from what the rule asks for and from the shapes of those operations, then damaged: fields dropped, of other types, empty, enormous. The
//! same seed gives the same records everywhere. A rule may find in them what it likes; it may not trap, run out of anything, or answer differently the
//! second time.

use fastrand::Rng;
use orgwatch_rules_sdk::Metadata;
use orgwatch_rules_sdk::json::escape_pointer_token;
use serde_json::{Map, Value, json};

use super::change;
use super::story::Story;
use super::trial::{Found, Trial};
use crate::catalogue::{Catalogue, Kind, Shape};
use crate::gap::GapCause;
use crate::index::Pattern;
use crate::judge::Judge;
use crate::state::StateError;

/// Records that one story has at most, for rules that look back.
const LONGEST_STORY: usize = 4;

/// How deep the shapes of an operation are filled: they may hold themselves.
const DEEPEST: usize = 5;

/// What came of fuzzing a rule.
#[derive(Debug, Default)]
pub struct Fuzzed {
    /// Stories that were judged.
    pub stories: u64,
    /// Records that the rule asked for.
    pub asked: u64,
    /// Findings.
    pub findings: u64,
    /// The most fuel of one evaluation.
    pub most_fuel: u64,
    /// The first story on which the rule failed, made as small as it could be.
    pub failure: Option<Failure>,
}

/// How a rule failed, and on what.
#[derive(Debug)]
pub struct Failure {
    /// The story's number, from 0 on: with the seed, what makes it again.
    pub number: u64,
    /// What went wrong.
    pub fault: String,
    /// The records that are left when nothing more can be taken away.
    pub records: Vec<Value>,
}

/// Has a rule judge `number` generated stories.
///
/// # Errors
///
/// Fails when there is no room for temporary files.
pub fn fuzz(metadata: &Metadata, judge: &Judge, seed: u64, number: u64) -> Result<Fuzzed, StateError> {
    let generator = Generator::new(judge.rules().iter().flat_map(|rule| &rule.patterns));
    let trial = Trial::new(judge);
    let mut fuzzed = Fuzzed::default();
    for number in 0..number {
        let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let length = if metadata.state_version.is_some() { rng.usize(1..=LONGEST_STORY) } else { 1 };
        let records: Vec<Value> = (0..length).map(|_| generator.record(&mut rng)).collect();
        let found = trial.run(story(&records).documents())?;
        fuzzed.stories += 1;
        fuzzed.asked += found.asked.iter().map(|rules| rules.len() as u64).sum::<u64>();
        fuzzed.findings += found.verdicts.findings.len() as u64;
        let most = found.verdicts.fuel.iter().map(|&(_, fuel)| fuel).max().unwrap_or_default();
        fuzzed.most_fuel = fuzzed.most_fuel.max(most);
        if let Some(fault) = fault_of(&trial, &records, &found)? {
            let records = smallest(&trial, records, &fault)?;
            fuzzed.failure = Some(Failure { number, fault, records });
            break;
        }
    }
    Ok(fuzzed)
}

fn story(records: &[Value]) -> Story {
    Story::new(records.iter().map(Value::to_string).collect()).expect("a value is JSON")
}

/// Says how a rule fails on some records; nothing where it does not.
fn fault(trial: &Trial<'_>, records: &[Value]) -> Result<Option<String>, StateError> {
    let found = trial.run(story(records).documents())?;
    fault_of(trial, records, &found)
}

/// Says how a rule failed on records of which something came; nothing where it did not, and does the same again.
fn fault_of(trial: &Trial<'_>, records: &[Value], found: &Found) -> Result<Option<String>, StateError> {
    if let Some(gap) = found.verdicts.gaps.first() {
        return Ok(Some(match &gap.cause {
            GapCause::Fault { fault, .. } => fault.to_string(),
            other => other.to_string(),
        }));
    }
    let again = trial.run(story(records).documents())?;
    let same = found.verdicts.findings == again.verdicts.findings && found.verdicts.fuel == again.verdicts.fuel;
    Ok((!same).then(|| "it gave another answer the second time".to_owned()))
}

/// Takes away whatever the fault does not need: records, then values, the largest first.
fn smallest(trial: &Trial<'_>, mut records: Vec<Value>, expected: &str) -> Result<Vec<Value>, StateError> {
    let kind = |fault: &str| fault.split(':').next().unwrap_or_default().to_owned();
    let same = |records: &[Value]| -> Result<bool, StateError> {
        Ok(fault(trial, records)?.is_some_and(|fault| kind(&fault) == kind(expected)))
    };
    let mut place = 0;
    while records.len() > 1 && place < records.len() {
        let mut fewer = records.clone();
        fewer.remove(place);
        if same(&fewer)? { records = fewer } else { place += 1 }
    }
    for place in 0..records.len() {
        let mut paths = Vec::new();
        gather(&records[place], "", &mut paths);
        for path in paths {
            let mut smaller = records.clone();
            if change::remove(&mut smaller[place], &path).is_ok() && same(&smaller)? {
                records = smaller;
            }
        }
    }
    Ok(records)
}

/// Gathers all paths of a value, what is around before what is inside.
fn gather(value: &Value, path: &str, paths: &mut Vec<String>) {
    let mut add = |name: String, value: &Value| {
        let path = format!("{path}/{name}");
        paths.push(path.clone());
        gather(value, &path, paths);
    };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| add(escape_pointer_token(name).into_owned(), value));
        }
        // From the last on, so that the places of the others stay.
        Value::Array(elements) => {
            elements.iter().enumerate().rev().for_each(|(place, value)| add(place.to_string(), value));
        }
        _ => {}
    }
}

/// Makes records of what a rule asks for.
struct Generator {
    /// Pairs of `eventSource` and `eventName`.
    events: Vec<(String, String)>,
    patterns: Vec<Value>,
}

impl Generator {
    fn new<'a>(asked: impl IntoIterator<Item = &'a Pattern>) -> Self {
        let parse = |pattern: &Pattern| serde_json::from_str::<Value>(pattern.source()).ok();
        let patterns: Vec<Value> =
            asked.into_iter().filter_map(parse).filter(|pattern| *pattern != json!({})).collect();
        let catalogue = Catalogue::embedded();
        let mut events = Vec::new();
        for pattern in &patterns {
            let Ok(pattern) = Pattern::parse(&pattern.to_string()) else { continue };
            let owned = |texts: Option<Vec<&str>>| -> Vec<String> {
                texts.unwrap_or_default().into_iter().map(str::to_owned).collect()
            };
            let (mut sources, mut names) = (owned(pattern.pinned("eventSource")), owned(pattern.pinned("eventName")));
            if sources.is_empty() {
                sources = vec!["organizations.amazonaws.com".to_owned(), "iam.amazonaws.com".to_owned()];
            }
            if names.is_empty() {
                names = sources
                    .iter()
                    .flat_map(|source| catalogue.names(Some(source)).take(20))
                    .map(str::to_owned)
                    .collect();
            }
            for source in &sources {
                events.extend(names.iter().map(|name| (source.clone(), name.clone())));
            }
        }
        if events.is_empty() {
            let names = ["CreatePolicy", "AttachPolicy", "LeaveOrganization", "ConsoleLogin"];
            events = names.map(|name| ("organizations.amazonaws.com".to_owned(), name.to_owned())).to_vec();
        }
        Self { events, patterns }
    }

    /// Makes one record: a likely one, then damaged a few times, or not at all.
    fn record(&self, rng: &mut Rng) -> Value {
        let (source, name) = &self.events[rng.usize(..self.events.len())];
        let operation = Catalogue::embedded().operation(source, name);
        let side = |shape: Option<Shape<'_>>, rng: &mut Rng| match shape {
            Some(shape) => of_shape(&shape, rng, 0),
            None => free(rng, 0),
        };
        let request = side(operation.and_then(|operation| operation.request()), rng);
        let response = side(operation.and_then(|operation| operation.response()), rng);
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": identity(rng),
            "eventTime": format!("2026-11-01T{:02}:{:02}:{:02}Z", rng.u8(..24), rng.u8(..60), rng.u8(..60)),
            "eventSource": source,
            "eventName": name,
            "awsRegion": choose(rng, &["us-east-1", "eu-central-1", "cn-northwest-1", ""]),
            "sourceIPAddress": choose(rng, &["192.0.2.44", "2001:db8::1", "AWS Internal", "organizations.amazonaws.com", "256.1.1"]),
            "userAgent": choose(rng, &["aws-cli/2.31.0", "", "\u{202e}evil", "AWS Internal"]),
            "requestParameters": request,
            "responseElements": response,
            "eventID": format!("{:08x}-0000-4000-8000-{:012x}", rng.u32(..), rng.u64(..1 << 48)),
            "eventType": choose(rng, &["AwsApiCall", "AwsServiceEvent", "AwsConsoleSignIn", "AwsConsoleAction"]),
            "recipientAccountId": choose(rng, &["111122223333", "444455556666", "1", ""]),
        });
        for (path, value) in [
            ("/errorCode", json!("AccessDenied")),
            ("/errorMessage", json!("is not authorized to perform")),
            ("/serviceEventDetails", free(rng, 0)),
            ("/additionalEventData", free(rng, 0)),
            (
                "/resources",
                json!([{ "ARN": "arn:aws:s3:::bucket", "accountId": "111122223333", "type": "AWS::S3::Bucket" }]),
            ),
        ] {
            if rng.u8(..4) == 0 {
                let _ = change::set(&mut record, path, value);
            }
        }
        self.satisfy(&mut record, rng);
        for _ in 0..[0, 0, 1, 2, 4, 8][rng.usize(..6)] {
            damage(&mut record, rng);
        }
        record
    }

    /// Puts literals of a pattern where it asks for them, so that the rule is asked at all.
    fn satisfy(&self, record: &mut Value, rng: &mut Rng) {
        if self.patterns.is_empty() {
            return;
        }
        let pattern = &self.patterns[rng.usize(..self.patterns.len())];
        satisfy(pattern, "", record, rng);
    }
}

fn satisfy(pattern: &Value, path: &str, record: &mut Value, rng: &mut Rng) {
    for (name, asked) in pattern.as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        match asked {
            Value::Object(_) => satisfy(asked, &path, record, rng),
            Value::Array(branches) if name == "$or" => {
                if let Some(branch) = branches.get(rng.usize(..branches.len().max(1))) {
                    satisfy(branch, path.trim_end_matches("/$or"), record, rng);
                }
            }
            Value::Array(alternatives) => {
                let is_named = matches!(path.as_str(), "/eventSource" | "/eventName")
                    && record.pointer(&path).is_some_and(|value| alternatives.contains(value));
                let alternative = alternatives.get(rng.usize(..alternatives.len().max(1)));
                if let Some(alternative) = alternative.filter(|_| !is_named) {
                    let _ = match fitting(alternative) {
                        Some(value) => change::set(record, &path, value),
                        None => change::remove(record, &path),
                    };
                }
            }
            _ => {}
        }
    }
}

/// Makes a value that fits an alternative; nothing where it asks for none.
fn fitting(alternative: &Value) -> Option<Value> {
    let Some((operator, argument)) = alternative.as_object().and_then(|members| members.iter().next()) else {
        return Some(alternative.clone());
    };
    let text = argument.as_str().unwrap_or_default();
    match operator.as_str() {
        "exists" if *argument == json!(false) => None,
        "prefix" | "suffix" | "equals-ignore-case" | "exactly" if argument.is_string() => Some(json!(text)),
        "wildcard" => Some(json!(text.replace('*', "x"))),
        "cidr" => Some(json!(text.split('/').next())),
        "numeric" => argument.as_array().and_then(|parts| parts.iter().find(|part| part.is_number()).cloned()),
        _ => Some(json!("x")),
    }
}

fn choose(rng: &mut Rng, texts: &[&str]) -> Value {
    json!(texts[rng.usize(..texts.len())])
}

fn identity(rng: &mut Rng) -> Value {
    let kinds = [
        "Root",
        "IAMUser",
        "AssumedRole",
        "FederatedUser",
        "AWSService",
        "AWSAccount",
        "SAMLUser",
        "IdentityCenterUser",
    ];
    let mut identity = json!({ "type": choose(rng, &kinds), "accountId": "111122223333", "principalId": "AROACKCEVSQ6C2EXAMPLE:anaya" });
    let arns = [
        "arn:aws:sts::111122223333:assumed-role/OrgAdmin/anaya",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/a/b",
        "arn:",
        "",
    ];
    for (path, value) in [
        ("/arn", choose(rng, &arns)),
        ("/invokedBy", json!("organizations.amazonaws.com")),
        ("/userName", json!("anaya")),
        ("/accessKeyId", json!("ASIAIOSFODNN7EXAMPLE")),
        (
            "/sessionContext/sessionIssuer",
            json!({ "type": "Role", "arn": "arn:aws:iam::111122223333:role/OrgAdmin", "userName": "OrgAdmin" }),
        ),
        ("/sessionContext/attributes/mfaAuthenticated", choose(rng, &["true", "false", "TRUE", ""])),
    ] {
        if rng.bool() {
            let _ = change::set(&mut identity, path, value);
        }
    }
    identity
}

/// Makes a value of a shape.
fn of_shape(shape: &Shape<'_>, rng: &mut Rng, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    match shape.kind() {
        Kind::Structure => {
            let members = shape.members().filter(|member| member.required || rng.u8(..3) > 0).collect::<Vec<_>>();
            members
                .into_iter()
                .map(|member| (member.name.to_owned(), of_shape(&member.shape, rng, depth + 1)))
                .collect::<Map<_, _>>()
                .into()
        }
        Kind::List => (0..rng.usize(..3)).filter_map(|_| Some(of_shape(&shape.items()?, rng, depth + 1))).collect(),
        Kind::Map => json!({ "key": shape.items().map(|items| of_shape(&items, rng, depth + 1)) }),
        Kind::Boolean => json!(rng.bool()),
        Kind::Number => json!(rng.i64(-2..1_000)),
        Kind::Timestamp => choose(rng, &["Nov 1, 2026, 10:00:00 AM", "2026-11-01T10:00:00Z"]),
        Kind::Document | Kind::Blob => free(rng, depth),
        Kind::Text => match shape.values() {
            [] => text(rng),
            values => json!(values[rng.usize(..values.len())]),
        },
    }
}

/// Makes a value of no shape in particular.
fn free(rng: &mut Rng, depth: usize) -> Value {
    match rng.u8(..if depth > 2 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(-2..1_800_000_000_000)),
        3 => text(rng),
        4 => (0..rng.usize(..3)).map(|_| free(rng, depth + 1)).collect(),
        _ => {
            let names = ["accountId", "name", "policyId", "x", "a/b~c"];
            (0..rng.usize(..3))
                .map(|place| (names[(place + rng.usize(..2)) % names.len()].to_owned(), free(rng, depth + 1)))
                .collect::<Map<_, _>>()
                .into()
        }
    }
}

fn text(rng: &mut Rng) -> Value {
    let texts = [
        "",
        " ",
        "main",
        "111122223333",
        "p-examplepolicyid111",
        "arn:aws:organizations::111122223333:account/o-exampleorgid/444455556666",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#,
        "{",
        "\u{0}",
        "\u{202e}",
        "é",
        "%20",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
    ];
    if rng.u8(..40) == 0 { json!("x".repeat(20_000)) } else { choose(rng, &texts) }
}

/// Damages a record: one of its values is dropped, replaced or made enormous. What the rule asks for mostly stays.
fn damage(record: &mut Value, rng: &mut Rng) {
    let mut paths = Vec::new();
    gather(record, "", &mut paths);
    if paths.is_empty() {
        return;
    }
    let path = paths.swap_remove(rng.usize(..paths.len()));
    let kept = ["/eventSource", "/eventName"].contains(&path.as_str()) && rng.u8(..20) > 0;
    let _ = match rng.u8(..4) {
        _ if kept => Ok(()),
        0 | 1 => change::remove(record, &path),
        2 => change::set(record, &path, Value::Null),
        _ => change::set(record, &path, free(rng, 1)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_records_and_another_others() {
        let pattern = json!({ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"], "userIdentity": { "type": ["Root"] } });
        let pattern = Pattern::parse(&pattern.to_string()).unwrap();
        let generator = Generator::new([&pattern]);
        let records = |seed: u64| {
            (0..200).map(|number: u64| generator.record(&mut Rng::with_seed(seed + number))).collect::<Vec<_>>()
        };
        assert_eq!(records(1), records(1));
        assert_ne!(records(1), records(1_000));
        let records = records(1);
        let asked = records.iter().filter(|record| {
            let record = orgwatch_rules_sdk::json::Document::parse(record.to_string()).unwrap();
            pattern.matches(record.root())
        });
        assert!(asked.count() > 120, "most records should be asked for");
    }
}
