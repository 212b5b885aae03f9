//! Takes a CloudTrail record out of what it is wrapped in.
//!
//! A record is known by the keys at its top level, which CloudTrail alone chooses. What lies deeper is chosen by
//! whoever makes the API call, so nothing there ever decides what an item is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orgwatch_rules_sdk::json::{Document, Kind, Node};

use super::unreadable::{Skipped, UnreadableReason};

/// The keys of which every kind of CloudTrail record has at least one: `eventId` is that of aggregated events.
pub(super) const RECORD_FIELDS: [&str; 7] =
    ["eventVersion", "eventTime", "eventID", "eventId", "userIdentity", "eventType", "eventCategory"];

/// How many wrappings may lie inside one another.
const MAX_WRAPPINGS: usize = 4;

/// What an item holds.
pub(super) enum Shape {
    Record(Document),
    Skipped(Skipped),
    /// A text of its own, compressed or not, to be decoded like an input.
    Payload(Vec<u8>),
    Unreadable(UnreadableReason),
}

/// Counts the different fields of a CloudTrail record that an object has.
pub(super) fn record_fields(object: Node<'_>) -> usize {
    RECORD_FIELDS.iter().filter(|field| object.get(field).is_some()).count()
}

/// Tells whether an object is a CloudTrail record, by the keys at its top level.
pub(in crate::source) fn is_record(object: Node<'_>) -> bool {
    RECORD_FIELDS.iter().any(|field| object.get(field).is_some())
}

/// Tells what an item holds.
pub(super) fn read(document: Document) -> Shape {
    let mut item = document;
    for _ in 0..MAX_WRAPPINGS {
        match unwrap(item) {
            Unwrapped::Done(shape) => return shape,
            Unwrapped::Inner(inner) => item = inner,
        }
    }
    not_a_record("something wrapped too many times")
}

enum Unwrapped {
    Done(Shape),
    Inner(Document),
}

/// Takes off one wrapping.
fn unwrap(document: Document) -> Unwrapped {
    let root = document.root();
    if root.kind() != Kind::Object {
        return Unwrapped::Done(not_a_record(root.kind().name()));
    }
    if is_record(root) {
        return Unwrapped::Done(match service_notification(root) {
            Some(shape) => shape,
            None => Shape::Record(document),
        });
    }
    let text_in = |key: &str| root.get(key).and_then(Node::string);
    if let (Some(_), Some(detail)) = (root.get("detail-type"), root.get("detail")) {
        if !is_record(detail) && root.get("source").is_some_and(|source| source.is_string("aws.s3")) {
            return Unwrapped::Done(Shape::Skipped(Skipped::S3Notification));
        }
        return inner(detail.raw_text());
    }
    if let Some(record) = text_in("CloudTrailEvent") {
        return inner(&record);
    }
    if let (Some(_), Some(message)) = (root.get("timestamp"), text_in("message")) {
        return inner(&message);
    }
    Unwrapped::Done(other(root))
}

fn inner(text: &str) -> Unwrapped {
    match Document::parse(text) {
        Ok(document) => Unwrapped::Inner(document),
        Err(error) => Unwrapped::Done(Shape::Unreadable(UnreadableReason::WrappedJson(error))),
    }
}

/// Tells notifications of other services from records, with which they share some keys: their source is not a service's
/// host name.
fn service_notification(root: Node<'_>) -> Option<Shape> {
    let source = root.get("eventSource")?.string()?;
    if !source.starts_with("aws:") {
        return None;
    }
    if source == "aws:s3" && root.get("s3").is_some() {
        return Some(Shape::Skipped(Skipped::S3Notification));
    }
    Some(not_a_record("a notification of another AWS service"))
}

/// Recognises the objects that are neither a record nor wrapped around a single one.
fn other(root: Node<'_>) -> Shape {
    let text_in = |key: &str| root.get(key).and_then(Node::string);
    let has = |key: &str| root.get(key).is_some();
    if let Some(data) = root.pointer("/awslogs/data").and_then(Node::string) {
        return match STANDARD.decode(data.as_bytes()) {
            Ok(payload) if payload.is_empty() => not_a_record("an empty CloudWatch Logs payload"),
            Ok(payload) => Shape::Payload(payload),
            Err(_) => Shape::Unreadable(UnreadableReason::Base64),
        };
    }
    match (text_in("Type").as_deref(), text_in("Message")) {
        (Some("Notification"), Some(message)) if !message.trim().is_empty() => {
            return Shape::Payload(message.into_owned().into_bytes());
        }
        (Some("Notification"), _) => return not_a_record("an SNS notification without a message"),
        (Some("SubscriptionConfirmation" | "UnsubscribeConfirmation"), _) => {
            return Shape::Skipped(Skipped::SubscriptionMessage);
        }
        _ => {}
    }
    if has("digestS3Bucket") && has("digestEndTime") {
        Shape::Skipped(Skipped::Digest)
    } else if has("s3Bucket") && has("s3ObjectKey") {
        Shape::Skipped(Skipped::S3Notification)
    } else if text_in("Event").as_deref() == Some("s3:TestEvent") {
        Shape::Skipped(Skipped::TestEvent)
    } else if text_in("messageType").as_deref() == Some("CONTROL_MESSAGE") {
        Shape::Skipped(Skipped::ControlMessage)
    } else {
        not_a_record("an object without any CloudTrail field")
    }
}

fn not_a_record(found: &'static str) -> Shape {
    Shape::Unreadable(UnreadableReason::NotARecord(found))
}
