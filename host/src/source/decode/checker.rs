//! Finds where a JSON value ends by its grammar, and where it stops being JSON.
//!
//! Slower than [`super::balance`] and used once an input has shown a fault: it stops at the first byte that cannot
//! stand where it does, so a broken record never swallows the ones behind it. It is lax inside scalars and strings,
//! where a fault cannot move the record's end; the parser judges those.

use memchr::memchr3;

/// How deep a value may be nested before that alone is a fault. The parser's limit is lower; this one bounds memory.
const MAX_OPEN: usize = 1 << 16;

/// What has become of the value. Positions count from its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Well-formed so far.
    Going,
    /// The value ends before this position.
    Complete(usize),
    /// The byte at this position cannot stand there.
    Fault(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    /// A value or the end of the array just opened.
    FirstElement,
    Key,
    /// A key or the end of the object just opened.
    FirstKey,
    Colon,
    CommaOrEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    String,
    Escape,
    Scalar,
}

/// A check in progress, which goes on across chunks.
pub(super) struct Checker {
    /// The open arrays and objects, true for an object.
    open: Vec<bool>,
    expect: Expect,
    inside: Inside,
    fed: usize,
    last_string: usize,
}

impl Checker {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), expect: Expect::Value, inside: Inside::Nothing, fed: 0, last_string: 0 }
    }

    /// Returns where the last string starts.
    ///
    /// Everything before a fault is well-formed, so no other record begins there, except in the last string: it may be
    /// one whose closing quotation mark is missing.
    pub(super) fn last_string(&self) -> usize {
        self.last_string
    }

    /// Goes on with the next bytes. After anything but [`Verdict::Going`] the check is over.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Verdict {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match self.inside {
                Inside::Escape => {
                    self.inside = Inside::String;
                    at += 1;
                }
                Inside::String => match memchr3(b'"', b'\\', b'\n', &bytes[at..]) {
                    None => at = bytes.len(),
                    Some(next) => {
                        at += next + 1;
                        match bytes[at - 1] {
                            b'"' => {
                                self.inside = Inside::Nothing;
                                if self.open.is_empty() {
                                    return Verdict::Complete(self.fed + at);
                                }
                            }
                            b'\\' => self.inside = Inside::Escape,
                            // No string of JSON spans lines, so this one has lost its end.
                            _ => return Verdict::Fault(self.fed + at - 1),
                        }
                    }
                },
                Inside::Scalar if is_scalar(byte) => at += 1,
                Inside::Scalar if self.open.is_empty() => return Verdict::Complete(self.fed + at),
                Inside::Scalar => self.inside = Inside::Nothing,
                Inside::Nothing => {
                    if !self.token(byte, self.fed + at) {
                        return Verdict::Fault(self.fed + at);
                    }
                    at += 1;
                    if self.open.is_empty() && matches!(byte, b'}' | b']') {
                        return Verdict::Complete(self.fed + at);
                    }
                }
            }
        }
        self.fed += bytes.len();
        Verdict::Going
    }

    /// Takes the first byte of a token; false where it cannot stand.
    fn token(&mut self, byte: u8, at: usize) -> bool {
        let in_object = self.open.last().copied().unwrap_or(false);
        self.expect = match (self.expect, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => return true,
            (Expect::FirstKey, b'}') | (Expect::FirstElement, b']') => self.close(),
            (Expect::CommaOrEnd, b'}') if in_object => self.close(),
            (Expect::CommaOrEnd, b']') if !in_object => self.close(),
            (Expect::CommaOrEnd, b',') => {
                if in_object {
                    Expect::Key
                } else {
                    Expect::Value
                }
            }
            (Expect::Colon, b':') => Expect::Value,
            (Expect::Key | Expect::FirstKey, b'"') => {
                self.inside = Inside::String;
                self.last_string = at;
                Expect::Colon
            }
            (Expect::Value | Expect::FirstElement, b'"') => {
                self.inside = Inside::String;
                self.last_string = at;
                Expect::CommaOrEnd
            }
            (Expect::Value | Expect::FirstElement, b'{' | b'[') if self.open.len() < MAX_OPEN => {
                self.open.push(byte == b'{');
                if byte == b'{' { Expect::FirstKey } else { Expect::FirstElement }
            }
            (Expect::Value | Expect::FirstElement, _) if is_scalar(byte) => {
                self.inside = Inside::Scalar;
                Expect::CommaOrEnd
            }
            _ => return false,
        };
        true
    }

    fn close(&mut self) -> Expect {
        self.open.pop();
        Expect::CommaOrEnd
    }
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Verdict {
        Checker::new().feed(text.as_bytes())
    }

    #[test]
    fn a_value_ends_where_its_grammar_says() {
        assert_eq!(check(r#"{"a":[1,tru,"x\"}",{}],"b":{}},"#), Verdict::Complete(30));
        assert_eq!(check("12,"), Verdict::Complete(2));
        assert_eq!(check("\"a,\","), Verdict::Complete(4));
        assert_eq!(check(r#"{"a":[1"#), Verdict::Going);
    }

    #[test]
    fn a_missing_brace_is_noticed_at_the_next_record_and_a_missing_quotation_mark_in_its_own() {
        assert_eq!(check(r#"{"a":{"b":1},{"c":2}"#), Verdict::Fault(13));
        assert_eq!(check("{\"a\":{\"b\":1}\n{\"c\":2}"), Verdict::Fault(13));
        assert_eq!(check(r#"{"a":"x,"b":1},{"c":2}"#), Verdict::Fault(9));
        assert_eq!(check("{\"a\":\"x}\n{\"c\":2}"), Verdict::Fault(8));
    }

    #[test]
    fn it_goes_on_across_any_cut() {
        let text = br#"{"a\\\"":["}\"]\\",{}],"b":12}"#;
        for cut in 1..text.len() {
            let mut checker = Checker::new();
            assert_eq!(checker.feed(&text[..cut]), Verdict::Going, "{cut}");
            assert_eq!(checker.feed(&text[cut..]), Verdict::Complete(text.len()), "{cut}");
        }
    }
}
