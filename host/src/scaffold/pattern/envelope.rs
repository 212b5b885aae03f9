//! From EventBridge's envelope to the CloudTrail record: a pattern is written over events that have the record under `detail`, a rule over the
//! record itself.
//!
//! `account` and `region` stand in the record under other names, and so does `source`, as far as it is one of AWS's. The types of event that
//! CloudTrail sends are left out: a record does not say under which it was sent. Everything else of the envelope is in no record.

use std::collections::BTreeSet;

use orgwatch_rules_sdk::json::{Document, Node};
use serde_json::{Map, Value as Json, json};

use crate::index::Pattern;

/// The types of event under which CloudTrail sends records.
const DETAIL_TYPES: [&str; 7] = [
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "AWS Console Signin via CloudTrail",
    "AWS Console Action via CloudTrail",
    "AWS Insight via CloudTrail",
    "AWS Network Activity Event via CloudTrail",
];

/// Fields of which each shows that a pattern is written over the envelope.
const SIGNS: [&str; 5] = ["detail", "detail-type", "source", "account", "region"];

const SERVICE: &str = ".amazonaws.com";

/// Why no pattern over the record is equivalent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A field of the envelope that no record has.
    #[error("`{0}` stands in EventBridge's envelope and in no CloudTrail record")]
    NotInARecord(String),
    /// A field that is asked for in two places: which counts depends on the order.
    #[error("`{0}` is asked for in two places, of which only the last counts")]
    Twice(String),
    /// A source that no record is from.
    #[error("`source` asks for {0}, and CloudTrail's records are from `aws.…`")]
    Source(String),
    /// A type of event that CloudTrail does not send.
    #[error("`detail-type` asks for {0}, which is no type of CloudTrail's")]
    DetailType(String),
    /// `source` and `eventSource` that agree in nothing, or in a way that cannot be told.
    #[error("`source` and `eventSource` do not say the same\nhint: leave `source` out")]
    Sources,
    /// Nothing is left that tells records apart.
    #[error("it would match every record\nhint: name `eventSource` or `eventName` under `detail`")]
    Everything,
    /// A branch of `$or` in which nothing is left.
    #[error("a branch of `$or` would match every record")]
    Branch,
}

/// A pattern over the record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) json: Json,
    pub(super) enveloped: bool,
    pub(super) left_out: bool,
}

/// Makes a pattern over the record of one that is a pattern, over the envelope or over the record.
pub(super) fn translate(pattern: &Json) -> Result<Translated, EnvelopeError> {
    let enveloped = is_enveloped(pattern);
    let mut left_out = false;
    let json = if enveloped { Json::Object(unwrapped(pattern, &mut left_out)?) } else { pattern.clone() };
    if json.as_object().is_none_or(Map::is_empty) {
        return Err(EnvelopeError::Everything);
    }
    paths(&json, "")?;
    Ok(Translated { json, enveloped, left_out })
}

fn is_enveloped(pattern: &Json) -> bool {
    let sign = |name: &str| SIGNS.contains(&name) || name.starts_with("detail.");
    let Some(fields) = pattern.as_object() else { return false };
    fields.iter().any(|(name, value)| sign(name) || (name == "$or" && branches(value).any(is_enveloped)))
}

fn branches(or: &Json) -> impl Iterator<Item = &Json> {
    or.as_array().into_iter().flatten()
}

fn unwrapped(pattern: &Json, left_out: &mut bool) -> Result<Map<String, Json>, EnvelopeError> {
    let mut record = Map::new();
    let mut source = None;
    let mut put = |name: &str, value: Json| match record.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(EnvelopeError::Twice(name.to_owned())),
    };
    for (name, value) in pattern.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("$or", _) => {
                let mut translated = Vec::new();
                for branch in branches(value) {
                    let branch = unwrapped(branch, left_out)?;
                    if branch.is_empty() {
                        return Err(EnvelopeError::Branch);
                    }
                    translated.push(Json::Object(branch));
                }
                put("$or", Json::Array(translated))?;
            }
            ("detail", Json::Object(fields)) => {
                for (name, value) in fields {
                    put(name, value.clone())?;
                }
            }
            ("account", Json::Array(_)) => put("recipientAccountId", value.clone())?,
            ("region", Json::Array(_)) => put("awsRegion", value.clone())?,
            ("source", Json::Array(alternatives)) => source = Some(alternatives),
            ("detail-type", Json::Array(alternatives)) => {
                are_of_cloudtrail(alternatives)?;
                *left_out = true;
            }
            (dotted, _) if dotted.starts_with("detail.") => put(&dotted["detail.".len()..], value.clone())?,
            (other, _) => return Err(EnvelopeError::NotInARecord(other.to_owned())),
        }
    }
    if let Some(source) = source {
        add_source(&mut record, source)?;
    }
    Ok(record)
}

/// Accepts alternatives of which each matches one of CloudTrail's types.
fn are_of_cloudtrail(alternatives: &[Json]) -> Result<(), EnvelopeError> {
    for alternative in alternatives {
        let accepts = |kind: &&str| accepts("detail-type", &[alternative], kind);
        if !DETAIL_TYPES.iter().any(accepts) {
            return Err(EnvelopeError::DetailType(alternative.to_string()));
        }
    }
    Ok(())
}

fn accepts(name: &str, alternatives: &[&Json], value: &str) -> bool {
    let pattern = Pattern::parse(&json!({ name: alternatives }).to_string());
    let event = Document::parse(json!({ name: value }).to_string());
    pattern.is_ok_and(|pattern| event.is_ok_and(|event| pattern.matches(event.root())))
}

/// Leaves `source` out where `eventSource` says as much, and says it in the record's words where nothing does.
fn add_source(record: &mut Map<String, Json>, source: &[Json]) -> Result<(), EnvelopeError> {
    let Some(known) = record.get("eventSource") else {
        let mut translated = Vec::new();
        for alternative in source {
            match event_source(alternative)? {
                Some(alternative) => translated.push(alternative),
                None => return Ok(()),
            }
        }
        record.insert("eventSource".to_owned(), Json::Array(translated));
        return Ok(());
    };
    let names: Option<Vec<&str>> = known.as_array().and_then(|names| names.iter().map(Json::as_str).collect());
    let source: Vec<&Json> = source.iter().collect();
    let agreed: Vec<&str> = names
        .ok_or(EnvelopeError::Sources)?
        .into_iter()
        .filter(|name| accepts("source", &source, &sent_by(name)))
        .collect();
    if agreed.is_empty() {
        return Err(EnvelopeError::Sources);
    }
    let agreed = json!(agreed);
    record.insert("eventSource".to_owned(), agreed);
    Ok(())
}

/// Says an alternative of `source` of `eventSource`; nothing where it accepts every service.
fn event_source(alternative: &Json) -> Result<Option<Json>, EnvelopeError> {
    let refused = || EnvelopeError::Source(alternative.to_string());
    let service = |text: &str| text.strip_prefix("aws.").filter(|name| !name.contains('/')).map(str::to_owned);
    let named =
        |text: &str| service(text).filter(|name| !name.is_empty()).map(|name| name + SERVICE).ok_or_else(refused);
    if let Some(text) = alternative.as_str() {
        return named(text).map(|name| Some(json!(name)));
    }
    let operator = alternative.as_object().and_then(|operators| operators.iter().next());
    match operator {
        Some((operator, Json::String(text))) if operator == "prefix" => match text.as_str() {
            "aws." | "aws" | "" => Ok(None),
            _ => Ok(Some(json!({ "prefix": service(text).ok_or_else(refused)? }))),
        },
        Some((operator, excluded @ (Json::String(_) | Json::Array(_)))) if operator == "anything-but" => {
            let excluded = excluded.as_array().cloned().unwrap_or_else(|| vec![excluded.clone()]);
            let mut services = Vec::new();
            for excluded in &excluded {
                services.push(named(excluded.as_str().ok_or_else(refused)?)?);
            }
            Ok(Some(json!({ "anything-but": services })))
        }
        _ => Err(refused()),
    }
}

/// Returns the `source` under which EventBridge sends the records of a service.
fn sent_by(event_source: &str) -> String {
    format!("aws.{}", event_source.strip_suffix(SERVICE).unwrap_or(event_source))
}

/// Puts the envelope around a record, in which EventBridge would send it: under each of CloudTrail's types at once, since the record does not
/// say under which.
pub(super) fn around(record: &Document) -> String {
    let root = record.root();
    let text = |name: &str| root.get(name).map(Node::canonical);
    let source = root.get("eventSource").and_then(Node::string).map(|source| json!(sent_by(&source)).to_string());
    let fields = [
        ("detail-type", Some(json!(DETAIL_TYPES).to_string())),
        ("source", source),
        ("account", text("recipientAccountId")),
        ("region", text("awsRegion")),
        ("detail", Some(root.canonical())),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// Lists the paths of a pattern's fields.
///
/// A path that stands in two places counts as it was written last. A rule's patterns have no order, so they have to say each thing once; the
/// branches of one `$or` may say the same, since they are alternatives.
fn paths(pattern: &Json, around: &str) -> Result<BTreeSet<String>, EnvelopeError> {
    let mut all = BTreeSet::new();
    for (name, value) in pattern.as_object().into_iter().flatten() {
        let path = if around.is_empty() { name.clone() } else { format!("{around}.{name}") };
        let mut found = BTreeSet::new();
        if name == "$or" {
            for branch in branches(value) {
                found.extend(paths(branch, around)?);
            }
        } else if value.is_object() {
            found = paths(value, &path)?;
        } else {
            found.insert(path);
        }
        for path in found {
            if !all.insert(path.clone()) {
                return Err(EnvelopeError::Twice(path));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(pattern: &Json) -> Result<Json, EnvelopeError> {
        translate(pattern).map(|translated| translated.json)
    }

    #[test]
    fn what_the_envelope_says_is_said_of_the_record() {
        for (pattern, expected) in [
            (
                json!({ "source": ["aws.iam"], "detail-type": ["AWS API Call via CloudTrail"], "account": ["111122223333"],
                        "region": [{ "prefix": "us-" }], "detail": { "eventSource": ["iam.amazonaws.com"], "eventName": ["CreateUser"] } }),
                json!({ "recipientAccountId": ["111122223333"], "awsRegion": [{ "prefix": "us-" }],
                        "eventSource": ["iam.amazonaws.com"], "eventName": ["CreateUser"] }),
            ),
            (json!({ "source": ["aws.signin"] }), json!({ "eventSource": ["signin.amazonaws.com"] })),
            (json!({ "source": [{ "prefix": "aws.ec2" }] }), json!({ "eventSource": [{ "prefix": "ec2" }] })),
            (
                json!({ "source": [{ "anything-but": "aws.ec2" }] }),
                json!({ "eventSource": [{ "anything-but": ["ec2.amazonaws.com"] }] }),
            ),
            (json!({ "source": [{ "prefix": "aws." }], "detail.eventName": ["A"] }), json!({ "eventName": ["A"] })),
            (
                json!({ "source": ["aws.iam"], "detail": { "eventSource": ["iam.amazonaws.com", "sts.amazonaws.com"] } }),
                json!({ "eventSource": ["iam.amazonaws.com"] }),
            ),
            (
                json!({ "$or": [{ "source": ["aws.iam"] }, { "detail": { "eventName": ["A"] } }] }),
                json!({ "$or": [{ "eventSource": ["iam.amazonaws.com"] }, { "eventName": ["A"] }] }),
            ),
            (
                json!({ "eventName": ["A"], "resources": { "ARN": ["x"] } }),
                json!({ "eventName": ["A"], "resources": { "ARN": ["x"] } }),
            ),
        ] {
            assert_eq!(translated(&pattern), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn what_no_record_says_is_refused_with_the_reason() {
        for (pattern, reason) in [
            (json!({ "detail": { "a": [1] }, "time": ["x"] }), "`time` stands in EventBridge's envelope"),
            (json!({ "source": ["aws.s3"], "resources": ["x"] }), "`resources` stands in EventBridge's envelope"),
            (json!({ "source": ["shop.orders"] }), "`source` asks for \"shop.orders\""),
            (json!({ "source": [{ "suffix": "iam" }] }), "`source` asks for {\"suffix\":\"iam\"}"),
            (json!({ "source": ["aws.partner/x"] }), "`source` asks for"),
            (json!({ "detail-type": ["EC2 Instance State-change Notification"] }), "no type of CloudTrail's"),
            (json!({ "detail-type": ["AWS API Call via CloudTrail"] }), "it would match every record"),
            (
                json!({ "source": ["aws.iam"], "detail": { "eventSource": ["sts.amazonaws.com"] } }),
                "do not say the same",
            ),
            (json!({ "source": ["aws.iam"], "detail": { "eventSource": [{ "prefix": "s" }] } }), "do not say the same"),
            (
                json!({ "account": ["1"], "detail": { "recipientAccountId": ["2"] } }),
                "`recipientAccountId` is asked for in two places",
            ),
            (json!({ "a": [1], "$or": [{ "a": [2] }, { "b": [3] }] }), "`a` is asked for in two places"),
            (json!({ "a": { "b": [1] }, "a.b": [2] }), "`a.b` is asked for in two places"),
            (
                json!({ "$or": [{ "detail-type": [{ "suffix": "CloudTrail" }] }, { "source": ["aws.s3"] }] }),
                "a branch of `$or`",
            ),
        ] {
            let error = translated(&pattern).unwrap_err().to_string();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }
}
