//! Making a finding fit a service's limits.
//!
//! A message that is too large is shortened with a clear mark rather than refused: that something happened, and where to look for the rest,
//! matters more than the details.

use serde_json::{Map, Value};

use crate::escape::terminal;
use crate::finding::Finding;

/// The longest text that a much too large finding keeps of anything, in characters.
const LONGEST: usize = 1_000;

/// Returns a finding in a form, in at most so many bytes where that can be done: without the details where they are too much, and with
/// everything else cut where that is not enough.
pub(super) fn within(finding: &Finding, most: usize, form: impl Fn(&Finding) -> String) -> String {
    let whole = form(finding);
    if whole.len() <= most {
        return whole;
    }
    let mark =
        format!("the details were left out: the finding takes {} bytes, and {most} fit in this message", whole.len());
    let mut short =
        Finding { details: Map::from_iter([("shortened".to_owned(), Value::String(mark))]), ..finding.clone() };
    let without = form(&short);
    if without.len() <= most {
        return without;
    }
    let event = &mut short.event;
    let optional = [
        &mut event.id,
        &mut event.time,
        &mut event.source,
        &mut event.name,
        &mut event.account,
        &mut event.region,
        &mut event.actor,
        &mut event.source_ip,
        &mut event.error_code,
    ];
    for text in [&mut short.title, &mut short.key, &mut event.action].into_iter().chain(optional.into_iter().flatten())
    {
        *text = cut(text, LONGEST);
    }
    short.references = [].into();
    form(&short)
}

/// Cuts a text to so many characters, with `…` as the last of them where something is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Writes a text for an attribute of a message: one line, nothing deceptive, at most so many characters, and `None` where nothing is left.
pub(super) fn attribute(text: &str, most: usize) -> Option<String> {
    let text = cut(&allowed_text(&terminal(text)), most);
    (!text.is_empty()).then_some(text)
}

/// Replaces in JSON the two characters that SQS does not take but JSON does, by escapes that mean the same.
pub(super) fn allowed_json(json: &str) -> String {
    json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

/// Replaces in a text for people the two characters that SQS does not take.
pub(super) fn allowed_text(text: &str) -> String {
    text.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}

/// Tells whether a topic or queue keeps the order of its messages, which its name says.
pub(super) fn is_fifo(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "fifo")
}

/// Returns an id for the group of a FIFO topic or queue: at most 128 printable ASCII characters.
pub(super) fn group(finding: &Finding) -> String {
    let id = &finding.rule.id;
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { id.clone() } else { crate::digest::Digest::of_parts([id.as_bytes()]).to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::samples::delivery;
    use super::*;
    use crate::encoding::harmless_json;

    fn json(finding: &Finding) -> String {
        harmless_json(finding)
    }

    #[test]
    fn what_is_too_large_loses_its_details_and_says_so() {
        let mut finding = delivery("x").finding;
        finding.details.insert("policy".to_owned(), Value::String("y".repeat(5_000)));
        let short: Finding = serde_json::from_str(&within(&finding, 4_000, json)).unwrap();
        assert!(short.details["shortened"].as_str().unwrap().contains("and 4000 fit"));
        assert_eq!(Finding { details: finding.details.clone(), ..short }, finding);
        assert_eq!(within(&finding, 8_000, json), json(&finding));
    }

    #[test]
    fn what_is_still_too_large_keeps_its_id_and_the_beginning_of_everything() {
        let mut finding = delivery(&"title ".repeat(50_000)).finding;
        finding.event.actor = Some("\u{e0041}".repeat(100_000));
        let text = within(&finding, 100_000, json);
        assert!(text.len() < 100_000);
        let short: Finding = serde_json::from_str(&text).unwrap();
        assert_eq!((short.id, &short.event.account), (finding.id, &finding.event.account));
        assert!(short.title.starts_with("title title ") && short.title.ends_with('…'));
    }

    #[test]
    fn attributes_are_never_empty_and_hold_nothing_that_deceives() {
        assert_eq!(attribute("", 10), None);
        assert_eq!(attribute("a\r\nb\u{fffe}\u{202e}", 50).as_deref(), Some("a\\r\\nb\\u{fffe}\\u{202e}"));
        assert_eq!(attribute("abcdef", 4).as_deref(), Some("abc…"));
    }

    #[test]
    fn the_characters_that_sqs_refuses_mean_the_same_escaped() {
        let json = serde_json::to_string("a\u{fffe}b\u{ffff}").unwrap();
        let sent = allowed_json(&json);
        assert!(sent.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&sent).unwrap(), "a\u{fffe}b\u{ffff}");
    }

    #[test]
    fn a_group_is_the_rule_or_stands_for_it() {
        let mut finding = delivery("x").finding;
        assert_eq!(group(&finding), "org.account-departed");
        std::sync::Arc::make_mut(&mut finding.rule).id = "ü".repeat(200);
        assert_eq!(group(&finding).len(), 64);
    }
}
