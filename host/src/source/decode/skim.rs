//! Skims a record: tells from its text that it is well-formed and that no rule can have asked for it, so that it need not be parsed.
//!
//! Skimming is allowed to be in doubt, and whatever it doubts is framed and parsed as if there were no skimming. What it does say equals what
//! framing, parsing and judging would have said; tests compare the two on real, made-up and random text.

#![expect(clippy::inline_always, reason = "a key is looked at in a loop that is compiled for certain instructions")]

use std::borrow::Cow;
use std::str;

use memchr::memchr2;
use orgwatch_rules_sdk::json::Document;

use super::compact::{self, Compact, Key, Keys};
use super::prefix::LISTS;
use crate::index::Sieve;

/// The longest record that is skimmed, in bytes: CloudTrail's own limit. One that is longer than what is read at once is looked at again each
/// time there is more of it.
const MOST: usize = 256 << 10;

/// What is looked at in every record, to know it again or to tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// `eventVersion`, which CloudTrail writes into every record. One without it is known by other keys, but not here.
    Record,
    /// The keys under which other objects than records have a list of records.
    List,
    /// `eventSource`, which notifications of other services have, too.
    Source,
    Time,
    Account,
    /// The sieve's, by its place.
    Sieve(usize),
}

/// What to skim records for.
#[derive(Debug)]
pub struct Skim {
    sieve: Sieve,
    members: Vec<(Box<[u8]>, Use)>,
    /// The names of eight letters and more.
    long: Tails<8>,
    /// The others, of which there are none as a rule.
    short: Option<Tails<4>>,
}

/// What came of skimming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skimmed {
    /// A record of that many bytes that no rule asks for.
    Unasked(usize, Unasked),
    /// A well-formed object of that many bytes that is to be parsed.
    Asked(usize),
    /// It has to be framed and parsed.
    Doubtful,
    /// It goes on behind the bytes at hand.
    Unfinished,
}

/// A record that no rule asks for, as places in its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unasked {
    /// Where the value of `eventTime` starts.
    time: Option<usize>,
    /// Where the value of `recipientAccountId` starts.
    account: Option<usize>,
}

/// What is known of a record that no rule asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance<'a> {
    /// `eventTime`, where it is a string.
    pub time: Option<Cow<'a, str>>,
    /// `recipientAccountId`, where it is a string.
    pub account: Option<Cow<'a, str>>,
}

impl Unasked {
    /// Reads the values in the text that was skimmed.
    pub(super) fn glance(self, text: &[u8]) -> Glance<'_> {
        let read = |place: Option<usize>| string(text.get(place?..)?);
        Glance { time: read(self.time), account: read(self.account) }
    }
}

/// Reads the string at the start of some well-formed JSON; nothing where it is something else.
fn string(json: &[u8]) -> Option<Cow<'_, str>> {
    let rest = json.strip_prefix(b"\"")?;
    let mut end = memchr2(b'"', b'\\', rest)?;
    if rest[end] == b'"' {
        return str::from_utf8(&rest[..end]).ok().map(Cow::Borrowed);
    }
    // Nobody writes escapes there, so it may take the parser, which has to be told where the string ends.
    while rest[end] == b'\\' {
        end += 2 + memchr2(b'"', b'\\', rest.get(end + 2..)?)?;
    }
    let document = Document::parse(&json[..end + 2]).ok()?;
    document.root().string().map(|text| Cow::Owned(text.into_owned()))
}

impl Skim {
    /// Prepares to skim for what passes the sieve.
    pub fn new(sieve: Sieve) -> Self {
        let fixed: [(&[u8], Use); 4] = [
            (b"eventVersion", Use::Record),
            (b"eventSource", Use::Source),
            (b"eventTime", Use::Time),
            (b"recipientAccountId", Use::Account),
        ];
        let lists = LISTS.map(|name| (name, Use::List));
        let asked = sieve.names().enumerate().map(|(place, name)| (name.as_bytes(), Use::Sieve(place)));
        let members: Vec<(Box<[u8]>, Use)> =
            fixed.into_iter().chain(lists).chain(asked).map(|(name, used)| (name.into(), used)).collect();
        let mut long = Tails::new();
        let mut short = None;
        for (place, (name, used)) in members.iter().enumerate() {
            if let Some(tail) = name.last_chunk() {
                long.add(*tail, place);
            } else if *used == Use::List {
                // A key without dots, in front of which stands a quotation mark, and a brace or a comma.
                for before in [b"{\"", b",\""] {
                    let key = [before, &**name].concat();
                    long.add(*key.last_chunk().expect("six letters and two"), place);
                }
            } else {
                let short = short.get_or_insert_with(Tails::new);
                match name.last_chunk() {
                    Some(tail) => short.add(*tail, place),
                    None => short.add_to_all(place),
                }
            }
        }
        Self { sieve, members, long, short }
    }

    /// Skims the object at the start of some bytes.
    pub(super) fn skim(&self, bytes: &[u8]) -> Skimmed {
        let mut seen =
            Seen { skim: self, bytes, record: false, wanted: false, doubtful: false, found: Unasked::default() };
        let len = match compact::object(bytes, &mut seen) {
            Compact::Object(len) => len,
            Compact::Unfinished if bytes.len() < MOST => return Skimmed::Unfinished,
            Compact::Unfinished | Compact::Unknown => return Skimmed::Doubtful,
        };
        if !seen.record {
            Skimmed::Doubtful
        } else if seen.wanted {
            Skimmed::Asked(len)
        } else {
            Skimmed::Unasked(len, seen.found)
        }
    }
}

/// What was seen of a record so far.
struct Seen<'a> {
    skim: &'a Skim,
    bytes: &'a [u8],
    /// It has a key that only records have.
    record: bool,
    wanted: bool,
    doubtful: bool,
    found: Unasked,
}

impl Keys for Seen<'_> {
    /// Looks at a key. Nearly none is one that is looked for, which its last bytes tell.
    #[inline(always)]
    fn key(&mut self, key: Key) -> bool {
        let text = &self.bytes[..key.end];
        if self.skim.long.may_end(text) {
            self.member(self.skim.long.places(text), key);
        }
        if let Some(short) = &self.skim.short
            && short.may_end(text)
        {
            self.member(short.places(text), key);
        }
        !self.doubtful
    }
}

impl Seen<'_> {
    /// Looks at a member whose name may be one of those at some places.
    #[inline(never)]
    fn member(&mut self, places: &[usize], key: Key) {
        let text = &self.bytes[..key.end];
        // A value that is not at hand yet belongs to an object that is unfinished.
        let value_at = key.end + 2;
        let value = self.bytes.get(value_at..).unwrap_or_default();
        for &place in places {
            let (name, used) = &self.skim.members[place];
            let Some(before) = before(text, name) else { continue };
            match used {
                Use::Sieve(place) if matches!(before, b'"' | b'.') => {
                    self.wanted |= self.skim.sieve.takes(*place, value);
                }
                _ if !key.outermost || before != b'"' => {}
                // With an escape it may be what it does not look like.
                Use::Source => {
                    self.doubtful |= value.starts_with(b"\"aws:") || value.iter().take(5).any(|&byte| byte == b'\\');
                }
                Use::Record => self.record = true,
                Use::List => self.doubtful |= value.starts_with(b"["),
                // Of two members with one name the last counts.
                Use::Time => self.found.time = Some(value_at),
                Use::Account => self.found.account = Some(value_at),
                Use::Sieve(_) => {}
            }
        }
    }
}

/// Returns the byte before a name with which a text ends.
#[inline(always)]
fn before(text: &[u8], name: &[u8]) -> Option<u8> {
    let start = text.len().checked_sub(name.len() + 1)?;
    let (before, end) = text[start..].split_first()?;
    let is_name = match name.len() {
        8.. => equal::<8>(end, name),
        4.. => equal::<4>(end, name),
        _ => end == name,
    };
    is_name.then_some(*before)
}

/// Tells whether two texts of one length, which is `N` at least, are equal. Names are short: comparing them here takes less than a call to `memcmp`.
#[inline(always)]
fn equal<const N: usize>(left: &[u8], right: &[u8]) -> bool {
    let chunks = |text| <[u8]>::as_chunks::<N>(text).0.iter();
    left.last_chunk::<N>() == right.last_chunk::<N>()
        && chunks(left).zip(chunks(right)).all(|(left, right)| left == right)
}

/// Names by their last `N` bytes: a first look that costs next to nothing.
#[derive(Debug)]
struct Tails<const N: usize> {
    known: [bool; 256],
    /// The places of the names, by what [`Tails::known`] is asked with.
    places: Vec<Vec<usize>>,
}

impl<const N: usize> Tails<N> {
    fn new() -> Self {
        Self { known: [false; 256], places: vec![Vec::new(); 256] }
    }

    fn add(&mut self, tail: [u8; N], place: usize) {
        let hash = Self::hash(tail);
        self.known[hash] = true;
        if !self.places[hash].contains(&place) {
            self.places[hash].push(place);
        }
    }

    /// Adds a name that is shorter than `N`: any key may end with it.
    fn add_to_all(&mut self, place: usize) {
        self.known = [true; 256];
        self.places.iter_mut().for_each(|places| places.push(place));
    }

    /// Tells whether some text may end with one of the names. One that is shorter than `N` may.
    #[inline(always)]
    fn may_end(&self, text: &[u8]) -> bool {
        text.last_chunk().is_none_or(|tail| self.known[Self::hash(*tail)])
    }

    /// Returns the places of the names that some text may end with.
    fn places(&self, text: &[u8]) -> &[usize] {
        // Any list has those that may be the end of any key.
        let hash = text.last_chunk().map_or(0, |tail| Self::hash(*tail));
        &self.places[hash]
    }

    #[inline(always)]
    fn hash(tail: [u8; N]) -> usize {
        let mut word = [0; 8];
        word[..N].copy_from_slice(&tail);
        // The upper bits of the product depend on all of the word.
        (u64::from_le_bytes(word).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }
}
