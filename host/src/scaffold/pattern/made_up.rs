//! Records made up from a pattern: one that it matches, and the same with as little changed as makes it quiet. Both are judged by the pattern
//! and as the rule will before they are returned, so what cannot be made up is said and never guessed.

use std::collections::BTreeMap;

use orgwatch_rules_sdk::Event;
use orgwatch_rules_sdk::json::{Document, escape_pointer_token};
use serde_json::{Map, Value as Json, json};

use super::{EventPattern, Filter, Original};
use crate::index::Pattern;
use crate::scaffold::template;

/// Values by JSON Pointer; nothing where no value may be.
type Values = BTreeMap<String, Option<Json>>;

/// How many ways through the `$or`s of a pattern are tried.
const MOST_WAYS: usize = 200;

/// A record could not be made up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no record could be made up that the pattern {}\nhint: give some with --events FILE", if *.matching { "matches" } else { "does not match" })]
pub struct MadeUpError {
    matching: bool,
}

/// Makes up a record that the pattern matches and one that it does not.
///
/// # Errors
///
/// Fails where no such record is found.
pub fn make_up(original: &Original) -> Result<(Json, Json), MadeUpError> {
    let base: Json = serde_json::from_str(template::RECORD).expect("the template is a record");
    let (_, fires) = first(original, true, &base).ok_or(MadeUpError { matching: true })?;
    let quiet =
        first(original, false, &fires).map(|(_, quiet)| quiet).or_else(|| changed_until_quiet(original, &fires));
    let quiet = quiet.ok_or(MadeUpError { matching: false })?;
    Ok((fires, told_apart(quiet)))
}

/// Gives a record another identity: two actions never have one `eventID`.
fn told_apart(mut record: Json) -> Json {
    record["eventID"] = json!("e3c8f2b7-75da-4a1e-84a5-bd801f9f4e67");
    record["requestID"] = json!("7c3a6d85-af41-4abe-8d74-824c915eaf43");
    record
}

/// Returns the first record with a wanted verdict, of the ways to get there. Names of events and services change last: a record that was never
/// asked for says little about a rule.
fn first(original: &Original, matching: bool, base: &Json) -> Option<(Values, Json)> {
    let mut ways = match original {
        Original::EventBridge(pattern) => pattern.ways(matching, base),
        Original::MetricFilter(filter) => filter.ways(matching, base),
    };
    if !matching {
        ways.sort_by_key(|way| {
            let changed: Vec<&String> =
                way.iter().filter(|(path, value)| base.pointer(path) != value.as_ref()).map(|(path, _)| path).collect();
            let named = changed.iter().any(|path| matches!(path.as_str(), "/eventName" | "/eventSource"));
            (named, changed.len())
        });
    }
    ways.into_iter().find_map(|way| {
        let record = with(base, &way);
        is_judged(original, matching, &record).then_some((way, record))
    })
}

/// Changes field after field of a record that the pattern matches until it does not, where no one change is enough.
fn changed_until_quiet(original: &Original, fires: &Json) -> Option<Json> {
    let Original::EventBridge(pattern) = original else { return None };
    let mut record = fires.clone();
    for leaf in leaves(&pattern.json, "").iter().flatten() {
        let Some(field) = leaf.value(false, &record) else { continue };
        record = with(&record, &[field].into());
        if is_judged(original, false, &record) {
            return Some(record);
        }
    }
    None
}

/// Judges a record by the pattern and as the rule will.
fn is_judged(original: &Original, matching: bool, record: &Json) -> bool {
    let document = Document::parse(record.to_string());
    document.is_ok_and(|record| original.matches(&record) == matching && original.rule_finds(&record) == matching)
}

impl Filter {
    fn ways(&self, matching: bool, base: &Json) -> Vec<Values> {
        let base = Event::from_json(&base.to_string());
        base.map(|base| self.given.made_up(matching, &base)).unwrap_or_default()
    }
}

impl EventPattern {
    /// To match, every field of one way through the `$or`s has to; not to match, one field is enough to begin with.
    fn ways(&self, matching: bool, base: &Json) -> Vec<Values> {
        let ways = leaves(&self.json, "");
        if matching {
            return ways.iter().filter_map(|way| way.iter().map(|leaf| leaf.value(true, base)).collect()).collect();
        }
        let fields = ways.iter().flatten().filter_map(|leaf| leaf.value(false, base));
        fields.map(|field| [field].into()).collect()
    }
}

/// A field of a pattern with its alternatives.
#[derive(Clone)]
struct Leaf {
    path: String,
    alternatives: Vec<Json>,
}

/// Lists the fields of a pattern, once for each way through its `$or`s.
fn leaves(pattern: &Json, around: &str) -> Vec<Vec<Leaf>> {
    let mut ways = vec![Vec::new()];
    for (name, value) in pattern.as_object().into_iter().flatten() {
        let path = if around.is_empty() { name.clone() } else { format!("{around}.{name}") };
        let more: Vec<Vec<Leaf>> = match value {
            Json::Array(branches) if name == "$or" => {
                branches.iter().flat_map(|branch| leaves(branch, around)).collect()
            }
            Json::Array(alternatives) => vec![vec![Leaf { path, alternatives: alternatives.clone() }]],
            inner => leaves(inner, &path),
        };
        let joined = ways.iter().flat_map(|way: &Vec<Leaf>| more.iter().map(|more| [&way[..], more].concat()));
        ways = joined.take(MOST_WAYS).collect();
    }
    ways
}

impl Leaf {
    /// Finds a value that the field accepts, or does not: the record's own where it will do.
    fn value(&self, accepted: bool, base: &Json) -> Option<(String, Option<Json>)> {
        let pattern = Pattern::parse(&json!({ &self.path: self.alternatives }).to_string()).ok()?;
        let mut pointer = String::new();
        for name in self.path.split('.') {
            pointer.push('/');
            pointer.push_str(&escape_pointer_token(name));
        }
        let own = base.pointer(&pointer).cloned();
        let other = match pointer.as_str() {
            "/eventName" => json!("GetCallerIdentity"),
            "/eventSource" => json!("sts.amazonaws.com"),
            "/errorCode" => json!("ThrottlingException"),
            _ => json!("another"),
        };
        let candidates = [own].into_iter().chain(self.alternatives.iter().flat_map(candidates));
        let mut candidates =
            candidates.chain([Some(other), Some(json!("example")), None, Some(json!(0)), Some(Json::Null)]);
        let found = candidates.find(|value| {
            let record = with(&Json::Object(Map::new()), &[(pointer.clone(), value.clone())].into());
            let accepts = Document::parse(record.to_string()).is_ok_and(|record| pattern.matches(record.root()));
            accepts == accepted
        })?;
        Some((pointer, found))
    }
}

/// Lists values that an alternative may accept.
fn candidates(alternative: &Json) -> Vec<Option<Json>> {
    let Some((operator, argument)) = alternative.as_object().and_then(|operators| operators.iter().next()) else {
        return vec![Some(alternative.clone())];
    };
    // The operators that take letters in any case hold theirs in an object.
    let inner = argument.as_object().and_then(|inner| inner.values().next()).unwrap_or(argument);
    let text = inner.as_str().unwrap_or_default();
    let values = match operator.as_str() {
        "prefix" => vec![json!(format!("{text}example")), json!(text)],
        "suffix" => vec![json!(format!("example{text}")), json!(text)],
        "equals-ignore-case" => vec![json!(text)],
        "wildcard" => vec![json!(unescaped(text))],
        "cidr" => vec![json!(text.split('/').next())],
        "numeric" => {
            let bounds: Vec<f64> = argument.as_array().into_iter().flatten().filter_map(Json::as_f64).collect();
            let mut values: Vec<f64> = bounds.iter().flat_map(|bound| [*bound, bound - 1.0, bound + 1.0]).collect();
            if let [low, high] = bounds[..] {
                values.push(f64::midpoint(low, high));
            }
            values.into_iter().map(|value| json!(value)).collect()
        }
        "exists" => return if argument == &json!(true) { vec![Some(json!("example"))] } else { vec![None] },
        _ => Vec::new(),
    };
    values.into_iter().map(Some).collect()
}

/// Makes a text that a wildcard matches: its stars stand for nothing, what was escaped for itself.
fn unescaped(wildcard: &str) -> String {
    let mut text = String::new();
    let mut characters = wildcard.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => {}
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

/// Puts values into a record. Objects on the way are made, and arrays where a number stands.
fn with(record: &Json, values: &Values) -> Json {
    let mut record = record.clone();
    for (pointer, value) in values {
        let tokens: Vec<String> =
            pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
        put(&mut record, &tokens, value.as_ref());
    }
    record
}

fn put(place: &mut Json, tokens: &[String], value: Option<&Json>) {
    let Some((token, rest)) = tokens.split_first() else {
        *place = value.cloned().unwrap_or(Json::Null);
        return;
    };
    let number = token.parse::<usize>().ok().filter(|number| *number < 100 && !place.is_object());
    if let Some(number) = number {
        if value.is_none() && !place.is_array() {
            return;
        }
        if !place.is_array() {
            *place = Json::Array(Vec::new());
        }
        let Json::Array(elements) = place else { return };
        if elements.len() <= number && value.is_some() {
            elements.resize(number + 1, Json::Null);
        }
        match elements.get_mut(number) {
            None => {}
            Some(_) if value.is_none() && rest.is_empty() => elements.truncate(number),
            Some(element) => put(element, rest, value),
        }
        return;
    }
    if !place.is_object() {
        if value.is_none() {
            return;
        }
        *place = Json::Object(Map::new());
    }
    let Json::Object(members) = place else { return };
    match (value, rest.is_empty()) {
        (None, true) => {
            members.remove(token);
        }
        (None, false) => {
            if let Some(member) = members.get_mut(token) {
                put(member, rest, value);
            }
        }
        (Some(_), _) => put(members.entry(token).or_insert(Json::Null), rest, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up(pattern: &str) -> (Json, Json) {
        let original = Original::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        make_up(&original).unwrap_or_else(|error| panic!("{pattern}: {error}"))
    }

    #[test]
    fn records_of_both_signs_are_made_up_from_every_operator() {
        for pattern in [
            r#"{"eventSource": ["iam.amazonaws.com"], "eventName": ["CreateUser"], "errorCode": [{"exists": false}]}"#,
            r#"{"eventName": [{"prefix": "Delete"}], "requestParameters": {"name": [{"suffix": "main"}]}}"#,
            r#"{"eventName": [{"wildcard": "De*e\\*"}], "userAgent": [{"anything-but": ["x", "aws-cli/2.31.9"]}]}"#,
            r#"{"sourceIPAddress": [{"cidr": "10.0.0.0/8"}], "awsRegion": [{"anything-but": {"prefix": "us-"}}]}"#,
            r#"{"additionalEventData": {"bytes": [{"numeric": [">", 10, "<=", 11]}], "x": [null], "y": [true]}}"#,
            r#"{"eventName": [{"prefix": {"equals-ignore-case": "delete"}}], "requestParameters": {"a": {"b": [{"exists": true}]}}}"#,
            r#"{"$or": [{"eventName": ["A"]}, {"eventName": ["B"]}, {"errorCode": [{"exists": false}]}]}"#,
            r#"{"detail": {"eventName": ["A"], "userIdentity": {"type": ["Root"]}}, "account": ["444455556666"]}"#,
            "{ $.eventName = A }",
            "{ ($.a = b* || $.c != 5) && $.d NOT EXISTS && $.e IS NULL && $.f IS TRUE }",
            "{ $.recipientAccountId = 444455556666 && $.bytes > 1024 && $.ip = %^10\\.[0-9]+$% }",
            r#"{ $.requestParameters.list[*].name = "x" && $.requestParameters.list[1].name = y && $.resources.*.z = 1 }"#,
            r#"{ ($.errorCode = "A*") || ($.sourceIPAddress != "b") || ($.eventName != "HeadBucket") }"#,
        ] {
            let (fires, quiet) = made_up(pattern);
            assert_ne!(fires, quiet, "{pattern}");
        }
    }

    #[test]
    fn the_quiet_record_differs_in_one_field_and_not_in_what_is_asked_for() {
        let (fires, quiet) = made_up(r#"{ $.eventName = ConsoleLogin && $.additionalEventData.MFAUsed != "Yes" }"#);
        assert_eq!(fires["additionalEventData"]["MFAUsed"], "No");
        assert_eq!(quiet["additionalEventData"]["MFAUsed"], "Yes");
        assert_eq!(quiet["eventName"], "ConsoleLogin");
    }

    #[test]
    fn a_pattern_that_nothing_matches_makes_up_nothing() {
        let original = Original::parse("{ $.a = b && $.a.c = d && $.e = f }").unwrap();
        assert_eq!(make_up(&original), Err(MadeUpError { matching: true }));
    }
}
