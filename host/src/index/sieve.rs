//! The sieve: tells from single members of a record's text that no pattern can match it.
//!
//! A pattern matches only where the record holds certain values: one of these strings at `eventName`, say. Of each pattern one such demand is
//! kept, for each way in which `$or` lets it match. A record without any of them matches nothing and need not be parsed. A pattern that matches by
//! what is absent demands nothing, and with it there is no sieve.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::pattern::{Demand, Pattern, Written};

/// What the patterns demand, by the name of the member.
#[derive(Debug, Default)]
pub struct Sieve {
    members: Vec<Demanded>,
}

/// What is demanded of members of one name.
#[derive(Debug)]
struct Demanded {
    name: Box<str>,
    /// Strings, of which one is enough.
    texts: Texts,
    others: Vec<Demand>,
}

impl Sieve {
    /// Makes the sieve of some patterns, or nothing where one of them can match any record.
    pub(super) fn of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> Option<Self> {
        let mut members: BTreeMap<Box<str>, Demanded> = BTreeMap::new();
        for pattern in patterns {
            for demand in pattern.demands()? {
                let member = members.entry(demand.name().into()).or_insert_with(|| Demanded::new(demand.name()));
                member.add(demand);
            }
        }
        Some(Self { members: members.into_values().collect() })
    }

    /// Returns the names of the members that it looks at.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| &*member.name)
    }

    /// Tells whether a record is to be parsed that has a member with one of the names, wherever in it.
    ///
    /// `name` is the place in [`Sieve::names`]. `value` starts with the value and goes on behind it. A member is also one with a name if its key
    /// ends with a dot and that name, since patterns read a key with dots as a path.
    pub fn takes(&self, name: usize, value: &[u8]) -> bool {
        let member = &self.members[name];
        !member.begins_otherwise(value) && member.accepts(&Written::of(value))
    }
}

impl Demanded {
    fn new(name: &str) -> Self {
        Self { name: name.into(), texts: Texts::default(), others: Vec::new() }
    }

    fn add(&mut self, demand: Demand) {
        match demand.texts() {
            Some(texts) => texts.into_iter().for_each(|text| self.texts.add(text.as_bytes())),
            None => self.others.push(demand),
        }
    }

    /// Tells whether a value is a string that begins in another way than those which are accepted, as most do: then it is none of them, whatever
    /// comes behind.
    fn begins_otherwise(&self, value: &[u8]) -> bool {
        let Some((b'"', text)) = value.split_first() else { return false };
        text.first_chunk().is_some_and(|head| self.others.is_empty() && !self.texts.may_begin(*head))
    }

    fn accepts(&self, value: &Written<'_>) -> bool {
        match value {
            Written::Unclear => true,
            Written::Text(text) if self.texts.contains(text) => true,
            _ => self.others.iter().any(|demand| demand.accepts(value)),
        }
    }
}

/// A set of strings that is asked about once for each record: nearly all that it has not are told by a first look.
#[derive(Debug, Default)]
struct Texts {
    all: BTreeSet<Box<[u8]>>,
    /// Whether there may be a string with such a mark; sixteen places for each string.
    marks: Vec<bool>,
    /// Whether there may be a string that begins so; as many places.
    heads: Vec<bool>,
}

/// The first bytes of a string.
type Head = [u8; 4];

impl Texts {
    fn add(&mut self, text: &[u8]) {
        self.all.insert(text.into());
        let places = (16 * self.all.len()).next_power_of_two();
        if self.marks.len() < places {
            self.marks = vec![false; places];
            self.heads = vec![false; places];
            for known in mem::take(&mut self.all) {
                self.mark(&known);
                self.all.insert(known);
            }
        } else {
            self.mark(text);
        }
    }

    fn mark(&mut self, text: &[u8]) {
        let (mark, head) = (self.place(text), text.first_chunk().map(|head| self.head_place(*head)));
        self.marks[mark] = true;
        if let Some(head) = head {
            self.heads[head] = true;
        }
    }

    fn contains(&self, text: &[u8]) -> bool {
        !self.all.is_empty() && self.marks[self.place(text)] && self.all.contains(text)
    }

    /// Tells whether the text behind a quotation mark may be one of the strings; where it has an escape or its end at once, it may.
    #[inline]
    fn may_begin(&self, head: Head) -> bool {
        let is_plain = head.iter().fold(true, |plain, byte| plain & !matches!(byte, b'"' | b'\\'));
        !is_plain || self.heads.is_empty() || self.heads[self.head_place(head)]
    }

    fn head_place(&self, head: Head) -> usize {
        let mixed = u64::from(u32::from_le_bytes(head)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        usize::try_from(mixed).unwrap_or(0) & (self.heads.len() - 1)
    }

    /// Returns the place of a string's mark, which its length and its first and last eight bytes make.
    fn place(&self, text: &[u8]) -> usize {
        let word = |chunk: Option<&[u8; 8]>| chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk));
        let short = || text.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let ends =
            if text.len() < 8 { short() } else { word(text.first_chunk()).rotate_left(32) ^ word(text.last_chunk()) };
        let mixed = (ends ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        usize::try_from(mixed).unwrap_or(0) & (self.marks.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sieve(patterns: &[&str]) -> Option<Sieve> {
        let patterns: Vec<Pattern> = patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        Sieve::of(&patterns)
    }

    fn takes(sieve: &Sieve, name: &str, value: &str) -> bool {
        let place = sieve.names().position(|known| known == name).unwrap();
        sieve.takes(place, format!("{value},\"x\":1}}").as_bytes())
    }

    #[test]
    fn one_demand_of_each_pattern_is_kept_the_most_telling() {
        let sieve = sieve(&[
            r#"{"eventSource":["a"],"eventName":["X","Y"],"errorCode":[{"exists":true}]}"#,
            r#"{"eventSource":["b"],"errorCode":[{"exists":true}]}"#,
            r#"{"userIdentity":{"type":["Root"]},"awsRegion":[{"prefix":"eu-"}]}"#,
            r#"{"$or":[{"errorCode":[{"prefix":"Access"},null]},{"eventName":["Z"]}]}"#,
        ])
        .unwrap();
        assert_eq!(sieve.names().collect::<Vec<_>>(), ["errorCode", "eventName", "eventSource", "type"]);
        for (name, taken, left) in [
            ("eventName", vec![r#""X""#, r#""Z""#, r#"["Q"]"#, r#""\u0051""#], vec![r#""Q""#, "null", "1", "{}"]),
            ("eventSource", vec![r#""b""#], vec![r#""a""#]),
            ("type", vec![r#""Root""#], vec![r#""root""#, "true"]),
            ("errorCode", vec![r#""AccessDenied""#, "null", r#""é\n""#], vec![r#""Denied""#, "-1.5", "false"]),
        ] {
            for value in taken {
                assert!(takes(&sieve, name, value), "{name} {value}");
            }
            for value in left {
                assert!(!takes(&sieve, name, value), "{name} {value}");
            }
        }
    }

    #[test]
    fn a_set_of_strings_has_what_was_added_and_nothing_else() {
        let text = |number: u32| format!("{}{number}", "Name".repeat(number as usize % 7));
        let mut texts = Texts::default();
        assert!(!texts.contains(b""));
        (0..300).step_by(3).for_each(|number| texts.add(text(number).as_bytes()));
        for number in 0..300 {
            assert_eq!(texts.contains(text(number).as_bytes()), number % 3 == 0, "{number}");
        }
    }

    #[test]
    fn what_can_match_by_absence_alone_leaves_no_sieve() {
        assert!(sieve(&[r#"{"eventName":["X"]}"#, r#"{"errorCode":[{"exists":false}]}"#]).is_none());
        assert!(sieve(&[r#"{"$or":[{"eventName":["X"]},{"errorCode":["a",{"exists":false}]}]}"#]).is_none());
        assert!(Sieve::of(&[Pattern::everything()]).is_none());
        assert_eq!(sieve(&[]).unwrap().names().count(), 0);
    }
}
