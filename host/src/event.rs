//! An event: one CloudTrail record with where it came from and what identifies it.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use orgwatch_rules_sdk::json::{Document, Node};

use crate::digest::Digest;
use crate::source::Place;

/// Reads the value of `eventTime`, where it is a time.
pub fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// One CloudTrail record on its way through the host.
#[derive(Debug)]
pub struct Event {
    document: Arc<Document>,
    place: Place,
    digest: OnceLock<Digest>,
}

impl Event {
    /// Takes a record that was read somewhere.
    pub fn new(document: Document, place: Place) -> Self {
        Self { document: Arc::new(document), place, digest: OnceLock::new() }
    }

    /// Takes a record that is known by the digest that it had before credentials were taken out of it.
    pub fn with_digest(document: Document, place: Place, digest: Digest) -> Self {
        Self { digest: OnceLock::from(digest), ..Self::new(document, place) }
    }

    /// Returns the record.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// Returns where the record was read. Never part of a finding: the same record is the same finding wherever it comes from.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the record's digest: SHA-256 of its canonical JSON, the same through whichever source it came.
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| Digest::of(self.document.root().canonical()))
    }

    /// Returns `eventID`, or `eventId` as aggregated events spell it.
    pub fn id(&self) -> Option<String> {
        self.text("/eventID").or_else(|| self.text("/eventId"))
    }

    /// Returns what names the action that the record tells of: one action can be delivered to several accounts (`sharedEventID`) and again,
    /// corrected, under a new id (`addendum`). Without any id it is the digest.
    pub fn action(&self) -> String {
        self.text("/sharedEventID")
            .or_else(|| self.text("/addendum/originalEventID"))
            .or_else(|| self.id())
            .unwrap_or_else(|| self.digest().tagged())
    }

    /// Returns `eventTime`, where it is a time. Documentation and fixtures hold others.
    pub fn time(&self) -> Option<Timestamp> {
        time(&self.text("/eventTime")?)
    }

    /// Returns the account that the record was delivered to, else the caller's.
    pub fn account(&self) -> Option<String> {
        ["/recipientAccountId", "/userIdentity/accountId", "/accountId"].into_iter().find_map(|path| self.text(path))
    }

    /// Returns who acted: the ARN, else the service that did.
    pub fn actor(&self) -> Option<String> {
        ["/userIdentity/arn", "/userIdentity/invokedBy"].into_iter().find_map(|path| self.text(path))
    }

    /// Returns the string at a path; nothing where there is none, an empty one, or something else.
    pub fn text(&self, path: &str) -> Option<String> {
        let text = self.document.pointer(path).and_then(Node::string)?;
        if text.is_empty() { None } else { Some(text.into_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event::new(Document::parse(text).unwrap(), Place::default())
    }

    #[test]
    fn the_digest_does_not_depend_on_how_the_record_was_written() {
        let one = event(r#"{"eventName": "A", "x": {"b": 1.0, "a": "é"}}"#);
        let other = event("{\"x\":{\"a\":\"\\u00e9\",\n\"b\":1.0},\"eventName\":\"B\",\"eventName\":\"A\"}");
        assert_eq!(one.digest(), other.digest());
        assert_ne!(one.digest(), event(r#"{"eventName": "A", "x": {"b": 1, "a": "é"}}"#).digest());
    }

    #[test]
    fn the_action_is_the_shared_id_then_the_original_then_the_own_then_the_digest() {
        let full = r#"{"sharedEventID":"s","addendum":{"originalEventID":"o"},"eventID":"e"}"#;
        assert_eq!(event(full).action(), "s");
        assert_eq!(event(&full.replace("sharedEventID", "x")).action(), "o");
        assert_eq!(event(r#"{"eventID":"e"}"#).action(), "e");
        assert_eq!(event(r#"{"eventId":"a"}"#).action(), "a");
        let bare = event(r#"{"eventID":null}"#);
        assert_eq!(bare.action(), bare.digest().tagged());
    }

    #[test]
    fn a_time_that_is_none_reads_as_none() {
        assert_eq!(event(r#"{"eventTime":"eventTime"}"#).time(), None);
        let time = event(r#"{"eventTime":"2026-11-01T10:00:00Z"}"#).time().unwrap();
        assert_eq!(time.to_string(), "2026-11-01T10:00:00Z");
    }
}
