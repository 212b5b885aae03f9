//! Keeping credentials out of what leaves the program.
//!
//! Some records carry credentials: `AssumeRole` answers with a session token, a careless caller passes a password. A rule may copy any of
//! it. [`Secrets`] gathers the secret strings of one record, by the names that they stand under (`names.rs`), and replaces each of them
//! wherever it turns up in what a rule returned; what stands in a rule's details under such a name goes too, however short. [`record`]
//! does the same to a whole record, and [`bytes()`] does what it can for text that is no JSON.
//!
//! Redaction looks for a secret as it was written, or as JSON escapes it. A rule that takes one apart or encodes it gets it through:
//! this protects from carelessness, and rules are code that somebody has chosen to run.

mod names;
mod raw;

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use orgwatch_rules_sdk::json::{Document, Kind, Node, write_string};
use serde_json::{Map, Value};

use self::names::{holds_pair, is_secret};
pub use self::raw::bytes;

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// The shortest text, in bytes, that is looked for in other texts. A shorter one would be found where it means something else.
const SHORTEST: usize = 8;

/// How many times JSON in a string in JSON is followed.
const UNWRAPPED: usize = 4;

/// The longest string that is tried for JSON inside it, in bytes: CloudTrail cuts a record's parts at 100 KB.
const LONGEST_WRAPPING: usize = 1 << 20;

/// Where a record says who did what and where. A text in one of these is no secret whatever else it is called; otherwise a caller could pass
/// their own name as a password to have it struck out of the finding.
const IDENTITY: [&str; 12] = [
    "/userIdentity/arn",
    "/userIdentity/principalId",
    "/userIdentity/userName",
    "/userIdentity/accountId",
    "/userIdentity/accessKeyId",
    "/userIdentity/invokedBy",
    "/userIdentity/sessionContext/sessionIssuer/arn",
    "/eventSource",
    "/eventName",
    "/eventID",
    "/sourceIPAddress",
    "/recipientAccountId",
];

/// The secret strings of one record, ready to be found in other texts.
#[derive(Debug, Default)]
pub struct Secrets {
    // An automaton finds all of them in one pass, so that a record of ten thousand passwords costs no more than a long one.
    found: Option<AhoCorasick>,
    strings: BTreeSet<String>,
}

impl Secrets {
    /// Gathers the secrets of a record.
    pub fn of(document: &Document) -> Self {
        let mut strings = BTreeSet::new();
        gather(document.root(), false, UNWRAPPED, &mut strings);
        if strings.is_empty() {
            return Self::default();
        }
        let identity: Vec<Cow<'_, str>> =
            IDENTITY.iter().filter_map(|path| document.pointer(path).and_then(Node::string)).collect();
        strings.retain(|secret| !identity.iter().any(|text| text.contains(secret.as_str())));
        let escaped: Vec<String> = strings.iter().map(|secret| json_escaped(secret)).collect();
        strings.extend(escaped);
        if strings.is_empty() {
            return Self::default();
        }
        // What is too much for an automaton is gigabytes; a record is bounded far below that.
        let found = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&strings);
        Self { found: Some(found.expect("a record's strings fit into an automaton")), strings }
    }

    /// Tells whether the record holds no secret.
    pub fn is_empty(&self) -> bool {
        self.found.is_none()
    }

    /// Replaces every secret in a text.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.found {
            Some(found) if found.is_match(text) => {
                let mut out = String::with_capacity(text.len());
                found.replace_all_with(text, &mut out, |_, _, out| {
                    out.push_str(REDACTED);
                    true
                });
                Cow::Owned(out)
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// Replaces every secret in a text whose end may have been cut off, and with it the beginning of one.
    pub fn redact_cut(&self, text: &str) -> String {
        let (text, cut) = split_brief(text);
        let start = |secret: &String| {
            (SHORTEST..secret.len()).rev().find(|&end| secret.is_char_boundary(end) && text.ends_with(&secret[..end]))
        };
        let longest = self.strings.iter().filter_map(start).max().unwrap_or(0);
        let mut out = self.redact_text(&text[..text.len() - longest]).into_owned();
        if longest > 0 {
            out.push_str(REDACTED);
        }
        out + cut
    }

    /// Replaces every secret in a value, and whatever stands in it under the name of a secret.
    pub fn redact_value(&self, value: Value) -> Value {
        self.value(value, false)
    }

    /// Replaces every secret in an object, and whatever stands in it under the name of a secret.
    pub fn redact_object(&self, object: Map<String, Value>) -> Map<String, Value> {
        self.object(object, false)
    }

    fn value(&self, value: Value, secret: bool) -> Value {
        match value {
            Value::String(_) | Value::Number(_) if secret => Value::String(REDACTED.to_owned()),
            Value::String(text) => match self.redact_text(&text) {
                Cow::Borrowed(_) => Value::String(text),
                Cow::Owned(redacted) => Value::String(redacted),
            },
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item, secret)).collect()),
            Value::Object(object) => Value::Object(self.object(object, secret)),
            other => other,
        }
    }

    fn object(&self, object: Map<String, Value>, secret: bool) -> Map<String, Value> {
        let pair = holds_pair(|key| object.get(key).and_then(Value::as_str).map(Cow::Borrowed));
        let members = object.into_iter().map(|(key, value)| {
            let secret = names::inherits(&key, secret) || is_secret(&key) || pair == Some(key.as_str());
            let value = self.value(value, secret);
            (self.redact_text(&key).into_owned(), value)
        });
        members.collect()
    }
}

/// Writes a record as JSON without its secrets: for what is kept of a record beside its findings.
pub fn record(document: &Document) -> String {
    let mut out = String::with_capacity(document.text().len());
    write(document.root(), false, UNWRAPPED, &Secrets::of(document), &mut out);
    out
}

/// Gathers the strings below a node. `secret` tells that the node stands under the name of a secret.
fn gather(node: Node<'_>, secret: bool, unwrap: usize, strings: &mut BTreeSet<String>) {
    match node.kind() {
        Kind::String => {
            let Some(text) = node.string() else { return };
            if secret && text.len() >= SHORTEST && !names::is_placeholder(&text) {
                strings.insert(text.clone().into_owned());
            }
            if let Some(inner) = wrapped(&text, unwrap) {
                gather(inner.root(), secret, unwrap - 1, strings);
            }
        }
        Kind::Array => node.elements().for_each(|element| gather(element, secret, unwrap, strings)),
        Kind::Object => {
            let pair = holds_pair(|key| node.get(key).and_then(Node::string));
            for (key, value) in node.written_members() {
                let key = key.string().unwrap_or_default();
                let secret = names::inherits(&key, secret) || is_secret(&key) || pair == Some(&*key);
                gather(value, secret, unwrap, strings);
            }
        }
        Kind::Null | Kind::True | Kind::False | Kind::Number => {}
    }
}

/// Writes a node as compact JSON, its secrets replaced.
fn write(node: Node<'_>, secret: bool, unwrap: usize, secrets: &Secrets, out: &mut String) {
    match node.kind() {
        Kind::String | Kind::Number if secret => write_string(REDACTED, out),
        Kind::String => {
            let text = node.string().unwrap_or_default();
            match wrapped(&text, unwrap) {
                Some(inner) => {
                    let mut unwrapped = String::with_capacity(text.len());
                    write(inner.root(), false, unwrap - 1, secrets, &mut unwrapped);
                    // The text stays as it was written where nothing in it is secret.
                    let same = unwrapped == inner.root().canonical();
                    write_string(if same { &text } else { &unwrapped }, out);
                }
                None => write_string(&secrets.redact_text(&text), out),
            }
        }
        Kind::Array => {
            out.push('[');
            for (index, element) in node.elements().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(element, secret, unwrap, secrets, out);
            }
            out.push(']');
        }
        Kind::Object => {
            let pair = holds_pair(|key| node.get(key).and_then(Node::string));
            out.push('{');
            for (index, (key, value)) in node.members().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&secrets.redact_text(&key), out);
                out.push(':');
                let secret = names::inherits(&key, secret) || is_secret(&key) || pair == Some(&*key);
                write(value, secret, unwrap, secrets, out);
            }
            out.push('}');
        }
        Kind::Null | Kind::True | Kind::False | Kind::Number => out.push_str(node.raw_text()),
    }
}

/// Returns the JSON object or array that a string holds.
fn wrapped(text: &str, unwrap: usize) -> Option<Document> {
    let candidate = unwrap > 0 && text.len() <= LONGEST_WRAPPING && text.trim_start().starts_with(['{', '[']);
    if candidate { Document::parse(text).ok() } else { None }
}

/// Returns a text as it stands inside a JSON string.
fn json_escaped(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    write_string(text, &mut quoted);
    quoted[1..quoted.len() - 1].to_owned()
}

/// Splits a text from the words that say how long it was before it was cut.
fn split_brief(text: &str) -> (&str, &str) {
    match text.rfind("… (") {
        Some(at) if text.ends_with(" bytes in all)") => text.split_at(at),
        _ => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(value: &Value) -> Document {
        Document::parse(value.to_string()).unwrap()
    }

    fn assumed() -> Document {
        document(&json!({
            "userIdentity": { "arn": "arn:aws:iam::111122223333:user/anaya" },
            "requestParameters": {
                "password": "arn:aws:iam::111122223333:user/anaya",
                "body": "{\"clientSecret\": \"in \\\"JSON\\\" in a string\", \"pin\": {\"password\": \"short\"}, \"n\": 1.0}",
                "environment": [{ "name": "DB_PASSWORD", "value": "hunter2hunter2" }, { "name": "MODE", "value": "productive" }],
                "userData": { "value": "IyEvYmluL3No" }
            },
            "responseElements": { "credentials": {
                "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
                "secretAccessKey": "wJalrXUtnFEMI/K7MDENG",
                "sessionToken": "IQoJb3JpZ2luX2Vj",
                "expiration": "Nov 1, 2026"
            } }
        }))
    }

    #[test]
    fn every_secret_is_found_in_text_and_nothing_else() {
        let secrets = Secrets::of(&assumed());
        for secret in
            ["wJalrXUtnFEMI/K7MDENG", "IQoJb3JpZ2luX2Vj", "hunter2hunter2", "IyEvYmluL3No", "in \"JSON\" in a string"]
        {
            assert_eq!(secrets.redact_text(&format!("a {secret} b")), "a [redacted] b");
            let wrapped = json!({ "x": secret }).to_string();
            assert_eq!(secrets.redact_text(&wrapped), "{\"x\":\"[redacted]\"}", "{secret}");
        }
        for open in
            ["ASIAIOSFODNN7EXAMPLE", "Nov 1, 2026", "productive", "short", "arn:aws:iam::111122223333:user/anaya"]
        {
            assert_eq!(secrets.redact_text(open), open);
        }
    }

    #[test]
    fn the_beginning_of_a_secret_is_found_at_the_end_of_a_text_that_was_cut() {
        let secrets = Secrets::of(&assumed());
        assert_eq!(
            secrets.redact_cut("IyEvYmluL3No, wJalrXUtnF… (99 bytes in all)"),
            "[redacted], [redacted]… (99 bytes in all)"
        );
        assert_eq!(secrets.redact_cut("a wJalrXUtnFEM"), "a [redacted]");
        assert_eq!(secrets.redact_cut("a wJal"), "a wJal");
    }

    #[test]
    fn details_lose_secrets_and_what_stands_under_their_names() {
        let secrets = Secrets::default();
        assert!(secrets.is_empty());
        let details = json!({
            "Password": "short", "/responseElements/credentials/sessionToken": 12, "passwords": ["a", { "value": "b" }],
            "password_changed": true, "allowPassword": true, "accessKeyId": "ASIA",
            "credentials": { "secret_access_key": "x", "accessKeyId": "ASIA" }
        });
        let expected = json!({
            "Password": REDACTED, "/responseElements/credentials/sessionToken": REDACTED,
            "passwords": [REDACTED, { "value": REDACTED }],
            "password_changed": true, "allowPassword": true, "accessKeyId": "ASIA",
            "credentials": { "secret_access_key": REDACTED, "accessKeyId": "ASIA" }
        });
        assert_eq!(secrets.redact_value(details), expected);
        let details = json!({ "wJalrXUtnFEMI/K7MDENG": ["key wJalrXUtnFEMI/K7MDENG"] });
        assert_eq!(Secrets::of(&assumed()).redact_value(details), json!({ REDACTED: ["key [redacted]"] }));
    }

    #[test]
    fn a_record_keeps_everything_but_its_secrets() {
        let document = assumed();
        let redacted: Value = serde_json::from_str(&record(&document)).unwrap();
        let expected = json!({
            "userIdentity": { "arn": "arn:aws:iam::111122223333:user/anaya" },
            "requestParameters": {
                "password": REDACTED,
                "body": "{\"clientSecret\":\"[redacted]\",\"n\":1.0,\"pin\":{\"password\":\"[redacted]\"}}",
                "environment": [{ "name": "DB_PASSWORD", "value": REDACTED }, { "name": "MODE", "value": "productive" }],
                "userData": { "value": REDACTED }
            },
            "responseElements": { "credentials": {
                "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": REDACTED, "sessionToken": REDACTED,
                "expiration": "Nov 1, 2026"
            } }
        });
        assert_eq!(redacted, expected);
    }

    #[test]
    fn a_record_without_secrets_stays_as_it_is() {
        let document =
            Document::parse(r#"{"a": 1.50, "policy": "{ \"b\" : [1e2] }", "next\u0054oken": "abcdefghij"}"#).unwrap();
        assert!(Secrets::of(&document).is_empty());
        assert_eq!(record(&document), document.root().canonical());
    }
}
