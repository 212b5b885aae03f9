//! Finds where a JSON object or array ends by counting brackets outside strings.
//!
//! This is the one loop that sees every byte of a replay. It trusts the text: a record with a bracket or a quotation
//! mark too few makes it run on, which the parser then notices, and [`super::checker`] takes over.

/// A count in progress, which goes on across chunks.
#[derive(Default)]
pub(super) struct Balance {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

/// What a byte means outside a string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Quote,
    Open,
    Close,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    classes[b'"' as usize] = Class::Quote;
    classes[b'{' as usize] = Class::Open;
    classes[b'[' as usize] = Class::Open;
    classes[b'}' as usize] = Class::Close;
    classes[b']' as usize] = Class::Close;
    classes
};

impl Balance {
    /// Goes on with the next bytes, the first of which is the opening bracket, and returns how many of them belong to
    /// the value once it is closed.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.escaped && !bytes.is_empty() {
            self.escaped = false;
            at = 1;
        }
        loop {
            if self.in_string {
                at = string_stop(bytes, at)?;
                if bytes[at] == b'\\' {
                    self.escaped = at + 1 == bytes.len();
                    at += 2;
                    continue;
                }
                self.in_string = false;
                at += 1;
            }
            loop {
                let byte = *bytes.get(at)?;
                at += 1;
                match CLASSES[usize::from(byte)] {
                    Class::Other => {}
                    Class::Quote => {
                        self.in_string = true;
                        break;
                    }
                    Class::Open => self.depth += 1,
                    Class::Close => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at);
                        }
                    }
                }
            }
        }
    }
}

/// Finds the next quotation mark or backslash.
///
/// Most strings of a record are shorter than twenty bytes, where looking at eight of them at once in place beats a call
/// to
/// `memchr` by a fifth.
fn string_stop(bytes: &[u8], from: usize) -> Option<usize> {
    let mut rest = bytes.get(from..)?;
    let mut at = from;
    while let Some((word, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        let stops = zero_bytes(word ^ (ONES * u64::from(b'"'))) | zero_bytes(word ^ (ONES * u64::from(b'\\')));
        if stops != 0 {
            return Some(at + (stops.trailing_zeros() / 8) as usize);
        }
        rest = behind;
        at += 8;
    }
    Some(at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?)
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// Sets the high bit of each byte that is zero, exactly so up to the lowest such byte.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_quotation_marks_in_strings_do_not_count() {
        let text = br#"{"a":"}\"]\\","b":[{"c":"{"}]} {"#;
        assert_eq!(Balance::default().feed(text), Some(text.len() - 2));
    }

    #[test]
    fn the_end_of_a_string_is_found_at_any_place_beside_any_byte() {
        for byte in (0..=u8::MAX).filter(|byte| !matches!(byte, b'"' | b'\\')) {
            for length in 0..20 {
                for stop in [b'"', b'\\'] {
                    let text = [&vec![byte; length][..], &[stop, byte, b'"']].concat();
                    assert_eq!(string_stop(&text, 0), Some(length), "{byte}");
                    assert_eq!(string_stop(&text[..length], 0), None, "{byte}");
                }
            }
        }
    }

    #[test]
    fn it_goes_on_across_any_cut() {
        let text = br#"{"a\\\"":["}\"]\\",{}],"b":"\\"}"#;
        for cut in 1..text.len() {
            let mut balance = Balance::default();
            assert_eq!(balance.feed(&text[..cut]), None, "{cut}");
            assert_eq!(balance.feed(&text[cut..]), Some(text.len() - cut), "{cut}");
        }
    }
}
