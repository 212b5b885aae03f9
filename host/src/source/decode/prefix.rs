//! Tells from the first bytes of something what it is, before it is framed.
//!
//! Each function answers `None` while the bytes at hand do not decide it, and never changes its answer when it sees
//! more of them.

use memchr::memchr2;

use super::balance::Balance;
use super::shape;

/// The keys whose list is read element by element rather than as one item.
pub(super) const LISTS: [&[u8]; 3] = [b"Records", b"Events", b"logEvents"];

/// The keys that only an item has, so that there is no use in looking for a list after them.
const ITEMS: [&[u8]; 4] = [b"detail-type", b"CloudTrailEvent", b"awslogs", b"digestS3Bucket"];

/// What a top-level text starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// An object.
    Object,
    /// An array of objects.
    List,
    /// That many bytes of time stamp, then an object: a line of a CloudWatch Logs export.
    Stamped(usize),
    /// Nothing that could hold a record.
    Text,
}

/// What an object turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// An envelope around a list, whose elements start at that byte. `control` marks the test messages of CloudWatch
    /// Logs.
    List { elements: usize, control: bool },
    /// An item by itself, or broken.
    Item,
}

/// A member of an envelope that follows its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// Another list, whose elements start at that byte.
    List(usize),
    /// Any other value, which starts at that byte.
    Value(usize),
    /// Not a member.
    Broken,
}

/// Tells what a text at top level starts with.
///
/// Prose has lines that start with a bracket, so what follows the bracket counts too.
pub(super) fn start(bytes: &[u8]) -> Option<Start> {
    match bytes.first()? {
        b'{' => Some(if matches!(bytes[skip_space(bytes, 1)?], b'"' | b'}') { Start::Object } else { Start::Text }),
        b'[' => Some(if matches!(bytes[skip_space(bytes, 1)?], b'{' | b']') { Start::List } else { Start::Text }),
        b'0'..=b'9' => {
            let end = memchr2(b'{', b'\n', bytes)?;
            if bytes[end] == b'{' && is_stamp(&bytes[..end]) && start(&bytes[end..])? == Start::Object {
                return Some(Start::Stamped(end));
            }
            Some(Start::Text)
        }
        _ => Some(Start::Text),
    }
}

/// Recognises `2026-01-01T00:00:00.000Z `, alone or with the log stream's name behind it as the AWS command line prints
/// it.
fn is_stamp(bytes: &[u8]) -> bool {
    let mut words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let time = words.next().unwrap_or_default();
    let form = b"0000-00-00T00:00:00";
    let alike = |(&byte, &form): (&u8, &u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    let zone = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'+' | b'-' | b'Z');
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    time.len() >= form.len()
        && time.iter().zip(form).all(alike)
        && time.iter().skip(form.len()).all(zone)
        && words.next().is_none_or(|stream| stream.iter().all(name))
        && words.next().is_none()
        && bytes.last().is_some_and(u8::is_ascii_whitespace)
}

/// Tells whether an object is an envelope around a list. The first key of a record decides it.
pub(super) fn wrapping(bytes: &[u8]) -> Option<Wrapping> {
    let mut at = 1;
    let mut control = false;
    loop {
        at = skip_space(bytes, at)?;
        let Key::Of(key, value) = key(bytes, at)? else { return Some(Wrapping::Item) };
        if LISTS.contains(&key) && bytes[value] == b'[' {
            return Some(Wrapping::List { elements: value + 1, control });
        }
        if ITEMS.contains(&key) || is_record_field(key) {
            return Some(Wrapping::Item);
        }
        let end = value_end(bytes, value)?;
        if key == b"messageType" {
            control = &bytes[value..end] == b"\"CONTROL_MESSAGE\"";
        }
        at = skip_space(bytes, end)?;
        if bytes[at] != b',' {
            return Some(Wrapping::Item);
        }
        at += 1;
    }
}

/// Tells what a member of an envelope is, from its key's quotation mark on.
pub(super) fn member(bytes: &[u8]) -> Option<Member> {
    Some(match key(bytes, 0)? {
        Key::Of(key, value) if LISTS.contains(&key) && bytes[value] == b'[' => Member::List(value + 1),
        // A record's field behind a list shows that the list was part of a broken record.
        Key::Of(key, value) if !is_record_field(key) => Member::Value(value),
        _ => Member::Broken,
    })
}

fn is_record_field(key: &[u8]) -> bool {
    shape::RECORD_FIELDS.iter().any(|field| field.as_bytes() == key)
}

enum Key<'a> {
    /// A key as it is written, and where its value starts.
    Of(&'a [u8], usize),
    Missing,
}

fn key(bytes: &[u8], at: usize) -> Option<Key<'_>> {
    if bytes[at] != b'"' {
        return Some(Key::Missing);
    }
    let end = string_end(bytes, at)?;
    let colon = skip_space(bytes, end)?;
    if bytes[colon] != b':' {
        return Some(Key::Missing);
    }
    let value = skip_space(bytes, colon + 1)?;
    Some(Key::Of(&bytes[at + 1..end - 1], value))
}

fn skip_space(bytes: &[u8], from: usize) -> Option<usize> {
    let space = bytes.get(from..)?.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
    Some(from + space)
}

/// Returns the place after a string's closing quotation mark.
fn string_end(bytes: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => Some(at + Balance::default().feed(&bytes[at..])?),
        _ => {
            let length = bytes[at..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))?;
            Some(at + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_told_from_json() {
        assert_eq!(start(b"{ \"a\""), Some(Start::Object));
        assert_eq!(start(b"[\n {"), Some(Start::List));
        assert_eq!(start(b"[INFO] started"), Some(Start::Text));
        assert_eq!(start(b"{foo}"), Some(Start::Text));
        assert_eq!(start(b"{  "), None);
    }

    #[test]
    fn a_time_stamp_is_skipped_only_in_front_of_an_object() {
        assert_eq!(start(b"2026-01-01T00:00:00.000Z {\"a\":1}"), Some(Start::Stamped(25)));
        assert_eq!(start(b"2026-01-01T00:00:00+00:00 some_stream {\"a\":1}"), Some(Start::Stamped(38)));
        assert_eq!(start(b"2026-01-01T00:00:00.000Z text\n"), Some(Start::Text));
        assert_eq!(start(b"2026-01-01 {\"a\":1}"), Some(Start::Text));
        assert_eq!(start(b"2026-01-01T00"), None);
    }

    #[test]
    fn a_list_is_found_behind_other_members_but_not_inside_a_record() {
        let control = br#"{"owner":"a","n":[1,{"Records":[]}],"messageType":"CONTROL_MESSAGE","logEvents":[{"#;
        assert_eq!(wrapping(control), Some(Wrapping::List { elements: control.len() - 1, control: true }));
        assert_eq!(wrapping(br#"{"eventVersion":"1.08","Records":["#), Some(Wrapping::Item));
        assert_eq!(wrapping(br#"{"Records":null}"#), Some(Wrapping::Item));
        assert_eq!(wrapping(br#"{"a":1,"Rec"#), None);
    }
}
