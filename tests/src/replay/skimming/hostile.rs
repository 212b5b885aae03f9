//! Records and inputs as nobody but an attacker writes them, made at random from a seed.

use std::fmt::Write as _;
use std::io::Write as _;

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Names that patterns ask for, and names that look like them.
const NAMES: [&str; 22] = [
    "eventName",
    "eventSource",
    "eventTime",
    "eventVersion",
    "eventID",
    "eventType",
    "eventCategory",
    "errorCode",
    "recipientAccountId",
    "userIdentity",
    "type",
    "requestParameters",
    "id",
    "ip",
    "userIdentity.type",
    "a.eventName",
    "eventNames",
    "xeventName",
    "",
    "Records",
    "detail",
    "quote\"eventName",
];

const STRINGS: [&str; 20] = [
    "organizations.amazonaws.com",
    "s3.amazonaws.com",
    "aws:s3",
    "DetachPolicy",
    "CreateUser",
    "AccessDenied",
    "Root",
    "IAMUser",
    "192.0.2.7",
    "2026-11-01T10:00:00Z",
    "111122223333",
    "",
    "\",\"eventName\":\"DetachPolicy",
    "{\"eventName\":\"DetachPolicy\"}",
    "\"eventName\":\"DetachPolicy\"",
    "\\",
    "back\\\\slash\\\"",
    "é — \u{1f512}",
    "}]",
    "line\nbreak\ttab\u{1}",
];

/// Makes inputs.
pub(crate) struct Hostile {
    random: Rng,
}

impl Hostile {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed) }
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.random.u32(..chances) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.random.usize(..from.len())]
    }

    /// An input: records in one of the wrappings, whole or broken, packed or not.
    pub(crate) fn input(&mut self) -> Vec<u8> {
        let records: Vec<String> = (0..self.random.usize(1..6)).map(|_| self.record()).collect();
        let text = match self.random.u32(..6) {
            0 => records.join("\n"),
            1 => format!("[{}]", records.join(" ,\n")),
            2 => records.concat(),
            _ => format!("{{\"Records\":[{}]}}", records.join(",")),
        };
        let mut bytes = text.into_bytes();
        if self.one_in(3) {
            self.damage(&mut bytes);
        }
        if self.one_in(3) {
            bytes = self.packed(&bytes);
        }
        bytes
    }

    /// gzip in one member or more, cut off, damaged, or with something behind it.
    fn packed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let members = if self.one_in(4) { 2 } else { 1 };
        let mut packed = Vec::new();
        for part in bytes.chunks(bytes.len().div_ceil(members).max(1)) {
            let mut encoder = GzEncoder::new(packed, Compression::fast());
            encoder.write_all(part).expect("memory takes it");
            packed = encoder.finish().expect("memory takes it");
        }
        match self.random.u32(..8) {
            _ if packed.is_empty() => {}
            0 => packed.truncate(self.random.usize(..packed.len())),
            1 => self.damage(&mut packed),
            2 => packed.extend([0; 9]),
            3 => packed.extend_from_within(packed.len() - 8..),
            4 => packed.extend_from_within(..),
            _ => {}
        }
        packed
    }

    /// Changes, doubles, drops or adds some bytes.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        const ODD: &[u8] = b"\"\\{}[]:, \n\t\0\x1f\x7f\x80\xc3\xff0-.etu";
        for _ in 0..self.random.usize(1..4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.random.usize(..bytes.len());
            let odd = ODD[self.random.usize(..ODD.len())];
            match self.random.u32(..5) {
                0 => bytes[at] = odd,
                1 => bytes.insert(at, odd),
                2 => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
        }
    }

    fn record(&mut self) -> String {
        let mut text = String::from("{");
        if !self.one_in(6) {
            text.push_str(r#""eventVersion":"1.11","#);
        }
        self.members(&mut text, 0);
        text.push('}');
        text
    }

    fn members(&mut self, text: &mut String, depth: u32) {
        for member in 0..self.random.usize(..9) {
            if member > 0 {
                text.push(',');
            }
            self.space(text);
            let name = self.pick(&NAMES);
            self.string(text, name);
            self.space(text);
            text.push(':');
            self.space(text);
            self.value(text, depth);
        }
    }

    fn value(&mut self, text: &mut String, depth: u32) {
        match self.random.u32(..16) {
            0 if depth < 5 => {
                text.push('{');
                self.members(text, depth + 1);
                text.push('}');
            }
            1 if depth < 5 => {
                text.push('[');
                for element in 0..self.random.usize(..4) {
                    if element > 0 {
                        text.push(',');
                    }
                    self.value(text, depth + 1);
                }
                text.push(']');
            }
            2 => {
                text.push_str(self.pick(&[
                    "0",
                    "-1",
                    "1.50",
                    "1e9",
                    "12E-3",
                    "-0.0",
                    "123456789012345678901234567890",
                ]));
            }
            3 => text.push_str(self.pick(&["true", "false", "null"])),
            4 if self.one_in(4) => text.push_str(self.pick(&["01", "+1", "tru", "nulll", ".5", "1.", "NaN", "'x'"])),
            5 if self.one_in(8) => {
                let long = self.random.usize(1..90_000);
                let _ = write!(text, "\"{}\"", "x".repeat(long));
            }
            6 if self.one_in(8) => {
                let deep = self.random.usize(50..600);
                let _ = write!(text, "{}1{}", "[".repeat(deep), "]".repeat(deep));
            }
            _ => {
                let value = self.pick(&STRINGS);
                self.string(text, value);
            }
        }
    }

    /// Writes a string in one of the ways in which JSON lets it be written.
    fn string(&mut self, text: &mut String, value: &str) {
        let spelt = self.one_in(10);
        text.push('"');
        for character in value.chars() {
            match character {
                _ if spelt && self.one_in(3) => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        let _ = write!(text, "\\u{unit:04x}");
                    }
                }
                '"' | '\\' => text.extend(['\\', character]),
                '\n' => text.push_str("\\n"),
                '/' if spelt => text.push_str("\\/"),
                '\0'..' ' => {
                    let _ = write!(text, "\\u{:04X}", u32::from(character));
                }
                _ => text.push(character),
            }
        }
        text.push('"');
    }

    fn space(&mut self, text: &mut String) {
        if self.one_in(40) {
            text.push_str(self.pick(&[" ", "\n", "\t", "\r\n  "]));
        }
    }
}
