//! The decoder as its callers see it. Each file holds one kind of promise.

mod bounds;
mod broken;
mod packed;
mod shapes;

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{DecodeLimits, Decoded, Decoder, Skipped, Unreadable};

/// A record with what makes framing hard: nesting, brackets and quotation marks in strings, and something like a record
/// inside.
fn record(number: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root","arn":"a\\\"}}]é"}},"requestParameters":{{"l":[{{"eventID":"x"}},{{"eventID":"y"}}],"t":" {{\"eventID\":\"z\"}},"}},"eventID":"{number}"}}"#
    )
}

fn records(count: usize) -> Vec<String> {
    (1..=count).map(record).collect()
}

fn wrapped(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

/// Writes a text as a JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    orgwatch_rules_sdk::json::write_string(text, &mut out);
    out
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory suffices");
    // As the command line tool does.
    encoder.include_checksum(true).expect("a known parameter");
    encoder.write_all(bytes.as_ref()).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// An item in a form to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Record(String),
    Unreadable { offset: u64, length: u64, bytes: Vec<u8>, message: String },
    Skipped(Skipped),
}

fn read_from(input: impl Read, limits: DecodeLimits) -> Vec<Item> {
    let mut decoder = Decoder::new(input, limits);
    let mut items = Vec::new();
    while let Some(decoded) = decoder.next().expect("memory can be read") {
        items.push(match decoded {
            Decoded::Record(record) => {
                assert_eq!(record.position.record, items.len() as u64 + 1);
                Item::Record(record.document.text().to_owned())
            }
            Decoded::Unreadable(Unreadable { position, reason, bytes, length }) => {
                assert_eq!(position.record, items.len() as u64 + 1);
                Item::Unreadable { offset: position.offset, length, bytes, message: reason.to_string() }
            }
            Decoded::Skipped(skipped) => Item::Skipped(skipped),
            Decoded::Unasked => panic!("nothing says what is asked for"),
        });
    }
    items
}

fn read(input: impl AsRef<[u8]>) -> Vec<Item> {
    read_from(Cursor::new(input.as_ref()), DecodeLimits::default())
}

fn all(records: &[String]) -> Vec<Item> {
    records.iter().cloned().map(Item::Record).collect()
}

/// Splits the items into the texts of the records and the messages of the rest.
fn split(items: Vec<Item>) -> (Vec<String>, Vec<String>) {
    let mut texts = Vec::new();
    let mut messages = Vec::new();
    for item in items {
        match item {
            Item::Record(text) => texts.push(text),
            Item::Unreadable { message, .. } => messages.push(message),
            Item::Skipped(skipped) => messages.push(format!("{skipped:?}")),
        }
    }
    (texts, messages)
}

/// A reader that returns as many bytes at a time as it is told, over and over.
struct Chunked<'a> {
    bytes: &'a [u8],
    sizes: &'a [usize],
    turn: usize,
}

impl Read for Chunked<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].min(self.bytes.len()).min(out.len());
        self.turn += 1;
        let (now, later) = self.bytes.split_at(size);
        out[..size].copy_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}
