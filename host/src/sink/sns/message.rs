//! What a finding looks like as a message of a topic.

use std::collections::BTreeMap;

use serde_json::json;

use super::MessageForm;
use crate::encoding::{Encoding, harmless_json};
use crate::escape::defang;
use crate::finding::Finding;
use crate::sink::Delivery;
use crate::sink::fit::{allowed_json, allowed_text, attribute, group, within};

/// The most that SNS takes of a message with its attributes, in bytes, and of all messages of a batch together.
pub(super) const MOST_BYTES: usize = 262_144;

/// The longest subject that SNS takes, in characters.
const LONGEST_SUBJECT: usize = 99;

/// The longest attribute, in characters. A filter policy compares names and ids, none of which is longer.
const LONGEST_ATTRIBUTE: usize = 256;

/// Room for what is not counted exactly: the escapes of the inner messages of [`MessageForm::PerProtocol`] are, this is for the rest.
const SLACK: usize = 1_024;

/// A message, without the names of the client's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) body: String,
    /// True where the body holds a message for each protocol.
    pub(super) per_protocol: bool,
    /// By name: the type and the value.
    pub(super) attributes: BTreeMap<&'static str, (&'static str, String)>,
    /// Group and deduplication id, for a FIFO topic.
    pub(super) fifo: Option<(String, String)>,
}

impl Message {
    pub(super) fn of(delivery: &Delivery, form: MessageForm, fifo: bool) -> Self {
        let finding = &delivery.finding;
        let subject = subject(delivery);
        let per_protocol = form == MessageForm::PerProtocol;
        // SNS drops the attributes of a message that has a structure.
        let attributes = if per_protocol { BTreeMap::new() } else { attributes(delivery) };
        let fifo = fifo.then(|| (group(finding), format!("{}-{}", finding.id, delivery.revision)));
        let mut message = Self { subject, body: String::new(), per_protocol, attributes, fifo };
        let most = MOST_BYTES - message.size() - SLACK;
        message.body = within(finding, most, |finding| body(finding, delivery, form));
        message
    }

    /// Returns how much of a batch it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        let attributes: usize =
            self.attributes.iter().map(|(name, (kind, value))| name.len() + kind.len() + value.len()).sum();
        self.subject.len() + self.body.len() + attributes
    }
}

/// Writes the subject: how bad, what, and in which account. It is ASCII, since some mail programs show nothing else well.
fn subject(delivery: &Delivery) -> String {
    let Finding { title, severity, event, .. } = &delivery.finding;
    let update = if delivery.revision > 1 { "Update: " } else { "" };
    let head = format!("[{}] {update}", severity.name().to_uppercase());
    // A forged record can have any text in the place of an account.
    let account = event.account.as_deref().map(ascii).filter(|account| account.len() <= 12);
    let tail = account.map(|account| format!(" ({account})")).unwrap_or_default();
    let room = LONGEST_SUBJECT - head.len() - tail.len();
    let mut title = ascii(title);
    if title.len() > room {
        title.truncate(room - 3);
        title.push_str("...");
    }
    format!("{head}{title}{tail}")
}

/// Writes a text in printable ASCII: Western letters without their accents, white space as one space, everything else as a question mark.
fn ascii(text: &str) -> String {
    /// What stands for U+00C0 to U+00FF.
    const LETTERS: &[u8; 64] = b"AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
    let mut out = String::with_capacity(text.len());
    for character in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        out.push(match character {
            ' '..='~' => character,
            '\u{c0}'..='\u{ff}' => char::from(LETTERS[character as usize - 0xc0]),
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2010}'..='\u{2015}' | '·' => '-',
            _ => '?',
        });
    }
    out
}

fn body(finding: &Finding, delivery: &Delivery, form: MessageForm) -> String {
    let json = || allowed_json(&harmless_json(finding));
    match form {
        MessageForm::Text => text(finding, delivery),
        MessageForm::Json => json(),
        MessageForm::PerProtocol => {
            let short = subject(delivery);
            json!({ "default": json(), "email": text(finding, delivery), "sms": short }).to_string()
        }
    }
}

fn text(finding: &Finding, delivery: &Delivery) -> String {
    let mut text = Vec::new();
    if delivery.revision > 1 {
        let Delivery { revision, filed, updated, .. } = delivery;
        text.extend_from_slice(format!("Update {} of {updated}, first reported {filed}\n\n", revision - 1).as_bytes());
    }
    Encoding::Text { color: false }.encode(finding, &mut text);
    // Mail programs make links of whatever looks like one, and whoever made the event chose what does.
    allowed_text(&defang(&String::from_utf8_lossy(&text)))
}

/// Returns the attributes for filter policies. A topic with raw delivery to SQS discards messages with more than ten.
fn attributes(delivery: &Delivery) -> BTreeMap<&'static str, (&'static str, String)> {
    let Finding { id, rule, severity, event, .. } = &delivery.finding;
    let texts = [
        ("severity", Some(severity.name())),
        ("rule", Some(rule.id.as_str())),
        ("account", event.account.as_deref()),
        ("region", event.region.as_deref()),
        ("event_name", event.name.as_deref()),
    ];
    let mut attributes = BTreeMap::new();
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| attribute(text, LONGEST_ATTRIBUTE)) {
            attributes.insert(name, ("String", value));
        }
    }
    attributes.insert("finding_id", ("String", id.to_string()));
    attributes.insert("revision", ("Number", delivery.revision.to_string()));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::samples::delivery;

    #[test]
    fn a_subject_says_how_bad_what_and_where() {
        let mut delivery = delivery("Account left the organization");
        assert_eq!(subject(&delivery), "[HIGH] Account left the organization (111122223333)");
        delivery.revision = 3;
        assert_eq!(subject(&delivery), "[HIGH] Update: Account left the organization (111122223333)");
    }

    #[test]
    fn a_subject_is_short_printable_ascii_whatever_the_title() {
        let mut hostile =
            delivery(&format!("Zürich — café\r\nBcc: all@example.com\u{1b}[2J\u{202e} {}", "東".repeat(200)));
        let shown = subject(&hostile);
        assert_eq!(shown.len(), 99, "{shown}");
        assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{shown}");
        assert!(shown.starts_with("[HIGH] Zurich - cafe Bcc: all@example.com?[2J?"), "{shown}");
        assert!(shown.ends_with("... (111122223333)"), "{shown}");
        hostile.finding.event.account = Some("x".repeat(300));
        assert!(subject(&hostile).len() <= 99);
    }

    #[test]
    fn attributes_are_few_and_never_empty() {
        let mut delivery = delivery("x");
        delivery.finding.event.region = Some(String::new());
        delivery.finding.event.account = None;
        let names: Vec<&str> = attributes(&delivery).into_keys().collect();
        assert_eq!(names, ["event_name", "finding_id", "revision", "rule", "severity"]);
    }

    #[test]
    fn each_form_reads_well() {
        let mut delivery = delivery("Account left the organization");
        delivery.revision = 2;
        let text = Message::of(&delivery, MessageForm::Text, false);
        assert!(text.body.starts_with("Update 1 of 2026-11-01T10:05:00Z, first reported"), "{}", text.body);
        assert!(text.body.contains("HIGH      Account left the organization\n"), "{}", text.body);
        let json = Message::of(&delivery, MessageForm::Json, true);
        assert_eq!(serde_json::from_str::<Finding>(&json.body).unwrap(), delivery.finding);
        let (group, deduplication) = json.fifo.unwrap();
        assert_eq!((group.as_str(), deduplication), ("org.account-departed", format!("{}-2", delivery.finding.id)));
        let both = Message::of(&delivery, MessageForm::PerProtocol, false);
        let parts: BTreeMap<String, String> = serde_json::from_str(&both.body).unwrap();
        assert_eq!(parts["email"], text.body);
        assert_eq!(parts["default"], json.body);
        assert!(both.attributes.is_empty() && both.per_protocol);
    }

    #[test]
    fn a_message_is_never_larger_than_a_topic_takes() {
        let mut delivery = delivery("x");
        for name in 0..2_000 {
            delivery.finding.details.insert(format!("detail {name}"), "\"\\".repeat(400).into());
        }
        for form in [MessageForm::Text, MessageForm::Json, MessageForm::PerProtocol] {
            let message = Message::of(&delivery, form, false);
            assert!(message.size() <= MOST_BYTES, "{form:?}: {}", message.size());
            assert!(message.body.contains("the details were left out"), "{form:?}");
        }
    }
}
