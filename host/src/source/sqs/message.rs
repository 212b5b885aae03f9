//! What a message of a queue is about: records, or objects in S3 that hold records.
//!
//! AWS has many ways to say that a file was written: S3's notification, the same in SNS, CloudTrail's own notification, the event of
//! EventBridge. Whoever may send to the queue chooses what a message says, so it only ever names objects here; whether they may be read is
//! decided in `allowed.rs`. Everything that names no object is left to the decoder, which knows every wrapping of a record and makes a gap of
//! what it does not know.

use orgwatch_rules_sdk::json::{Document, Kind, Node};
use percent_encoding::percent_decode_str;

use crate::source::decode::is_record;
use crate::source::key::LogKey;

/// How many wrappings of SNS and EventBridge may lie inside one another.
const MAX_WRAPPINGS: usize = 4;

/// Objects that one message may name. CloudTrail names some tens at most; a message of 1 MiB could name a hundred thousand.
pub(super) const MAX_OBJECTS: usize = 2_000;

/// An object that a message names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectRef {
    pub(super) bucket: String,
    /// The key as S3 knows it, out of whatever encoding it was named in.
    pub(super) key: String,
}

/// What is to be done with the text of a message itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Text {
    /// Nothing: it says what it has to say by naming objects, or has nothing to say.
    #[default]
    Ignore,
    /// It is decoded: it holds records, or nothing that is known.
    Decode,
    /// It should name objects and does not do so in a way that can be followed. The decoder would know it for a notification, which holds no
    /// record, and be content.
    Unclear,
}

/// What a message is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The objects that it names.
    pub(super) objects: Vec<ObjectRef>,
    /// What is to be done with its text.
    pub(super) text: Text,
}

impl Message {
    /// A message without anything to read, such as the one that S3 sends when notifications are set up.
    fn nothing() -> Self {
        Self::default()
    }

    fn records() -> Self {
        Self { objects: Vec::new(), text: Text::Decode }
    }

    fn unclear() -> Self {
        Self { objects: Vec::new(), text: Text::Unclear }
    }

    fn objects(objects: Vec<ObjectRef>) -> Self {
        if objects.len() > MAX_OBJECTS { Self::unclear() } else { Self { objects, text: Text::Ignore } }
    }
}

/// Tells what a message is about.
pub(super) fn read(body: &str) -> Message {
    let mut text = body.to_owned();
    for _ in 0..MAX_WRAPPINGS {
        let Ok(document) = Document::parse(text) else { return Message::records() };
        match look(document.root()) {
            Looked::Message(message) => return message,
            Looked::Inner(inner) => text = inner,
        }
    }
    Message::records()
}

enum Looked {
    Message(Message),
    Inner(String),
}

fn look(root: Node<'_>) -> Looked {
    if root.kind() != Kind::Object || is_record(root) {
        return Looked::Message(Message::records());
    }
    let text_in = |key: &str| root.get(key).and_then(Node::string);
    if let Some(entries) = root.get("Records").filter(|records| records.kind() == Kind::Array) {
        return Looked::Message(s3_notification(entries));
    }
    if let (Some(_), Some(detail)) = (root.get("detail-type"), root.get("detail")) {
        let from_s3 = text_in("source").is_some_and(|source| source == "aws.s3");
        return Looked::Message(if from_s3 && !is_record(detail) {
            s3_event(root, detail)
        } else {
            Message::records()
        });
    }
    if let (Some("Notification"), Some(message)) = (text_in("Type").as_deref(), text_in("Message")) {
        return Looked::Inner(message.into_owned());
    }
    if let (Some(bucket), Some(keys)) = (text_in("s3Bucket"), root.get("s3ObjectKey")) {
        return Looked::Message(cloudtrail_notification(&bucket, keys));
    }
    if text_in("Event").is_some_and(|event| event == "s3:TestEvent") {
        return Looked::Message(Message::nothing());
    }
    Looked::Message(Message::records())
}

/// Reads a list that is S3's notification or CloudTrail's records: both are called `Records`. Where somebody mixed them, the objects are read
/// and the rest is decoded.
fn s3_notification(entries: Node<'_>) -> Message {
    let mut objects = Vec::new();
    let mut text = Text::Ignore;
    for entry in entries.elements() {
        if !entry.get("eventSource").is_some_and(|source| source.is_string("aws:s3")) {
            text = Text::Decode;
            continue;
        }
        let text_at = |path: &str| entry.pointer(path).and_then(Node::string);
        // An object that was removed, tagged or restored brings no new records.
        if text_at("/eventName").is_some_and(|name| !name.trim_start_matches("s3:").starts_with("ObjectCreated:")) {
            continue;
        }
        match (text_at("/s3/bucket/name"), text_at("/s3/object/key")) {
            (Some(bucket), Some(key)) if !bucket.is_empty() && !key.is_empty() => {
                objects.push(ObjectRef { bucket: bucket.into_owned(), key: decode_form(&key) });
            }
            _ => return Message::unclear(),
        }
    }
    if objects.len() > MAX_OBJECTS { Message::unclear() } else { Message { objects, text } }
}

/// Reads an event that EventBridge brings from S3.
fn s3_event(root: Node<'_>, detail: Node<'_>) -> Message {
    if !root.get("detail-type").is_some_and(|kind| kind.is_string("Object Created")) {
        return Message::nothing();
    }
    let text_at = |path: &str| detail.pointer(path).and_then(Node::string);
    match (text_at("/bucket/name"), text_at("/object/key")) {
        (Some(bucket), Some(key)) if !bucket.is_empty() && !key.is_empty() => {
            Message::objects(vec![ObjectRef { bucket: bucket.into_owned(), key: plain_key(&key) }])
        }
        _ => Message::unclear(),
    }
}

/// Reads the notification that CloudTrail itself sends: one bucket, several keys.
fn cloudtrail_notification(bucket: &str, keys: Node<'_>) -> Message {
    let mut objects = Vec::new();
    let names: Vec<Node<'_>> = if keys.kind() == Kind::Array { keys.elements().collect() } else { vec![keys] };
    for name in names {
        let Some(key) = name.string().filter(|key| !key.is_empty()) else { return Message::unclear() };
        objects.push(ObjectRef { bucket: bucket.to_owned(), key: plain_key(&key) });
    }
    if bucket.is_empty() { Message::unclear() } else { Message::objects(objects) }
}

/// Takes a key out of the encoding of HTML forms, which S3's notifications use: a space is `+`.
fn decode_form(key: &str) -> String {
    let spaced = key.replace('+', " ");
    // A key that is not UTF-8 cannot be named in JSON in any other way: it is kept as it is, and not found.
    percent_decode_str(&spaced).decode_utf8().map_or_else(|_| key.to_owned(), std::borrow::Cow::into_owned)
}

/// Takes a key as it stands. That CloudTrail's notifications and EventBridge do not encode keys is seen, not documented: one that is a key of
/// CloudTrail only when it is decoded was encoded.
fn plain_key(key: &str) -> String {
    let decoded = decode_form(key);
    if LogKey::parse(key).is_none() && LogKey::parse(&decoded).is_some() { decoded } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/file.json.gz";

    fn object(bucket: &str, key: &str) -> ObjectRef {
        ObjectRef { bucket: bucket.to_owned(), key: key.to_owned() }
    }

    fn notification(key: &str) -> serde_json::Value {
        json!({ "Records": [{
            "eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-11-05T09:55:00.000Z",
            "eventName": "ObjectCreated:Put", "s3": { "bucket": { "name": "trail" }, "object": { "key": key, "size": 1 } }
        }] })
    }

    fn in_sns(message: &str) -> serde_json::Value {
        json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": message, "Timestamp": "2026-11-05T09:55:00.000Z" })
    }

    fn named(body: &serde_json::Value) -> Vec<ObjectRef> {
        let message = read(&body.to_string());
        assert_eq!(message.text, Text::Ignore, "{body}");
        message.objects
    }

    #[test]
    fn a_notification_of_s3_names_its_object_with_the_key_decoded() {
        assert_eq!(named(&notification(KEY)), [object("trail", KEY)]);
        assert_eq!(named(&notification("red+flower%2B%C3%A9.json")), [object("trail", "red flower+é.json")]);
        assert_eq!(named(&notification(&KEY.replace('/', "%2F"))), [object("trail", KEY)]);
    }

    #[test]
    fn the_same_in_sns_and_twice_in_sns_names_it_too() {
        let once = in_sns(&notification(KEY).to_string());
        assert_eq!(named(&once), [object("trail", KEY)]);
        assert_eq!(named(&in_sns(&once.to_string())), [object("trail", KEY)]);
    }

    #[test]
    fn a_notification_of_cloudtrail_names_each_of_its_keys_as_they_stand() {
        let other = KEY.replace("file", "a+b%20c");
        let body = json!({ "s3Bucket": "trail", "s3ObjectKey": [KEY, other] });
        assert_eq!(named(&in_sns(&body.to_string())), [object("trail", KEY), object("trail", &other)]);
        assert_eq!(named(&body), [object("trail", KEY), object("trail", &other)]);
    }

    #[test]
    fn a_plain_key_that_was_encoded_all_the_same_is_decoded() {
        let body = json!({ "s3Bucket": "trail", "s3ObjectKey": [KEY.replace('/', "%2F")] });
        assert_eq!(named(&body), [object("trail", KEY)]);
    }

    #[test]
    fn an_event_of_s3_through_eventbridge_names_its_object() {
        let event = |kind: &str| {
            json!({ "version": "0", "id": "i", "detail-type": kind, "source": "aws.s3", "account": "111122223333",
                "time": "2026-11-05T09:55:00Z", "region": "us-east-1", "resources": [],
                "detail": { "version": "0", "bucket": { "name": "trail" }, "object": { "key": KEY, "size": 5 }, "reason": "PutObject" } })
        };
        assert_eq!(named(&event("Object Created")), [object("trail", KEY)]);
        assert_eq!(named(&event("Object Deleted")), []);
    }

    #[test]
    fn a_test_event_and_a_removed_object_ask_for_nothing() {
        let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "t", "Bucket": "trail", "RequestId": "r", "HostId": "h" });
        assert_eq!(read(&test.to_string()), Message::nothing());
        assert_eq!(read(&in_sns(&test.to_string()).to_string()), Message::nothing());
        let removed = notification(KEY).to_string().replace("ObjectCreated:Put", "ObjectRemoved:Delete");
        assert_eq!(read(&removed), Message::nothing());
        assert_eq!(read(r#"{"Records":[]}"#), Message::nothing());
    }

    #[test]
    fn records_in_every_wrapping_are_left_to_the_decoder() {
        let record = json!({ "eventVersion": "1.11", "eventID": "e", "eventSource": "organizations.amazonaws.com" });
        let event =
            json!({ "detail-type": "AWS API Call via CloudTrail", "source": "aws.organizations", "detail": record });
        let from_s3 = json!({ "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": record });
        for body in [
            record.clone(),
            json!({ "Records": [record] }),
            event.clone(),
            from_s3,
            in_sns(&event.to_string()),
            json!({ "awslogs": { "data": "H4sI" } }),
            json!({ "Type": "SubscriptionConfirmation", "Message": "m", "SubscribeURL": "https://example.com" }),
        ] {
            assert_eq!(read(&body.to_string()), Message::records(), "{body}");
        }
    }

    #[test]
    fn what_an_api_call_says_never_names_an_object() {
        let mut record = notification(KEY);
        record["eventVersion"] = json!("1.11");
        assert_eq!(read(&record.to_string()), Message::records());
        let inside =
            json!({ "eventVersion": "1.11", "requestParameters": { "s3Bucket": "trail", "s3ObjectKey": [KEY] } });
        assert_eq!(read(&inside.to_string()), Message::records());
        let event = json!({ "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3",
            "detail": { "eventVersion": "1.11", "bucket": { "name": "trail" }, "object": { "key": KEY } } });
        assert_eq!(read(&event.to_string()), Message::records());
    }

    #[test]
    fn a_list_of_notifications_and_records_loses_neither() {
        let mut mixed = notification(KEY);
        mixed["Records"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "eventVersion": "1.11", "eventSource": "organizations.amazonaws.com" }));
        assert_eq!(read(&mixed.to_string()), Message { objects: vec![object("trail", KEY)], text: Text::Decode });
    }

    #[test]
    fn nonsense_is_left_to_the_decoder_and_stops_nothing() {
        let deep = "[".repeat(100_000);
        let wrapped = (0..9).fold("{}".to_owned(), |inner, _| in_sns(&inner).to_string());
        for body in [
            "",
            "CloudTrail validation message.",
            "null",
            "[]",
            "{",
            &deep,
            &wrapped,
            r#"{"Type":"Notification","Message":{"s3Bucket":"b"}}"#,
        ] {
            let head: String = body.chars().take(60).collect();
            assert_eq!(read(body), Message::records(), "{head}");
        }
    }

    #[test]
    fn a_notification_that_cannot_be_followed_is_not_taken_for_one_that_was() {
        for body in [
            r#"{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":1},"object":{"key":"k"}}}]}"#,
            r#"{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"b"},"object":{"key":""}}}]}"#,
            r#"{"Records":[{"eventSource":"aws:s3"}]}"#,
            r#"{"s3Bucket":"b","s3ObjectKey":[{}]}"#,
            r#"{"s3Bucket":"","s3ObjectKey":["k"]}"#,
            r#"{"detail-type":"Object Created","source":"aws.s3","detail":null}"#,
        ] {
            assert_eq!(read(body), Message::unclear(), "{body}");
        }
    }

    #[test]
    fn a_message_that_names_too_many_objects_is_not_understood() {
        let keys = vec!["k"; MAX_OBJECTS + 1];
        assert_eq!(read(&json!({ "s3Bucket": "b", "s3ObjectKey": keys }).to_string()), Message::unclear());
        let entry = notification(KEY)["Records"][0].clone();
        assert_eq!(read(&json!({ "Records": vec![entry; MAX_OBJECTS + 1] }).to_string()), Message::unclear());
    }

    #[test]
    fn a_key_that_is_not_utf8_stays_as_it_was_written() {
        assert_eq!(decode_form("a%FFb"), "a%FFb");
        assert_eq!(decode_form("100%"), "100%");
    }
}
