//! Checks an object that is written without white space, sixty-four bytes at a time.
//!
//! CloudTrail writes its records so, and of most of them no more is wanted than that they are well-formed and where they end. In text without
//! white space every rule of JSON but two is a rule about neighbouring bytes: which kind of byte may follow which. A block of 64 bytes becomes
//! one word of 64 bits for each kind, and shifted by one bit against each other the words show every wrong neighbour at once. The two others are
//! that brackets match, for which the brackets are walked, and what an object's strings are, keys or values, for which a carry runs along them.
//!
//! What this module takes, [`Document::parse`](orgwatch_rules_sdk::json::Document::parse) takes. The converse does not hold: whatever is written
//! in another way, or is wrong, is left to the framer and the parser, which also say what is wrong.

#![expect(
    clippy::inline_always,
    reason = "each part is called once a block, and has to be compiled for the instructions of its caller"
)]

mod block;
mod brackets;
mod scalar;
mod strings;

#[cfg(test)]
mod tests;

use self::block::{Bits, Block};
use self::brackets::Brackets;
use self::strings::Strings;

/// What was found at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compact {
    /// A well-formed object of that many bytes.
    Object(usize),
    /// Something that is not JSON, or that this module does not know: white space, an escape in a key, much nesting.
    Unknown,
    /// An object that goes on behind the bytes at hand.
    Unfinished,
}

/// A key that was met, in no object but one that is well-formed up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The place of its closing quotation mark. The value starts two bytes behind it.
    pub(super) end: usize,
    /// Whether it is one of the outermost object's own.
    pub(super) outermost: bool,
}

/// Is shown the keys of an object, and those of the objects in it, in their order.
pub(super) trait Keys {
    /// Takes a key. Returns false where there is no use in going on: the object is then unknown. What follows the key may be unknown or
    /// unfinished, too.
    fn key(&mut self, key: Key) -> bool;
}

/// What the rules of neighbours ask of the byte before, each as the highest bit: the last byte of the block before.
#[derive(Clone, Copy, Default)]
struct Before {
    /// A value may start behind it.
    start: Bits,
    /// A value may end with it.
    end: Bits,
    /// `{` and `[`.
    open: Bits,
    /// It is `{`, or a comma in an object: a key comes behind it.
    intro: Bits,
    /// The closing quotation mark of a key.
    key_end: Bits,
    /// A byte of a number or of `true`, `false` or `null`.
    scalar: Bits,
}

impl Before {
    /// Shifts each word by one, so that each bit stands at the byte behind.
    #[inline(always)]
    fn behind(self, before: Self) -> Self {
        let shift = |now: Bits, before: Bits| now << 1 | before >> 63;
        Self {
            start: shift(self.start, before.start),
            end: shift(self.end, before.end),
            open: shift(self.open, before.open),
            intro: shift(self.intro, before.intro),
            key_end: shift(self.key_end, before.key_end),
            scalar: shift(self.scalar, before.scalar),
        }
    }
}

/// Checks the object at the start of `bytes`.
#[inline]
pub(super) fn object(bytes: &[u8], keys: &mut impl Keys) -> Compact {
    #[cfg(target_arch = "x86_64")]
    if block::has_avx2() {
        #[expect(unsafe_code, reason = "the compiler cannot know that the processor was asked")]
        // SAFETY: the processor has the instructions.
        return unsafe { object_avx2(bytes, keys) };
    }
    object_by(bytes, Block::of, strings::parity, keys)
}

/// Does as [`object`] with instructions that most processors have, and not all: checking takes four fifths of the time with them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,pclmulqdq")]
fn object_avx2(bytes: &[u8], keys: &mut impl Keys) -> Compact {
    object_by(bytes, |text| Block::of_avx2(text), |quotes| strings::parity_by_product(quotes), keys)
}

#[inline(always)]
fn object_by(
    bytes: &[u8],
    look: impl Fn(&[u8; Block::SIZE]) -> Block,
    parity: impl Fn(Bits) -> Bits,
    keys: &mut impl Keys,
) -> Compact {
    if bytes.first() != Some(&b'{') {
        return if bytes.is_empty() { Compact::Unfinished } else { Compact::Unknown };
    }
    let mut strings = Strings::default();
    let mut brackets = Brackets::default();
    // The object stands where a value may stand.
    let mut before = Before { start: 1 << 63, ..Before::default() };
    let mut ascii = true;
    let mut at = 0;
    let mut padded = [b' '; Block::SIZE];
    loop {
        let rest = &bytes[at..];
        let text = if let Some(text) = rest.first_chunk() {
            text
        } else {
            padded[..rest.len()].copy_from_slice(rest);
            &padded
        };
        let block = look(text);
        let found = strings.feed(block.quote, block.backslash, &parity);
        let outside = !found.inside;
        let Some(walked) = brackets.walk(text, block.open & outside, block.close & outside) else {
            return Compact::Unknown;
        };
        let whole = match walked.end {
            None if rest.len() < Block::SIZE => return Compact::Unfinished,
            None => Bits::MAX,
            Some(end) => Bits::MAX >> (63 - end),
        };
        let colon = block.colon & outside & whole;
        let comma = block.comma & outside & whole;
        let string_start = found.quotes & found.inside & whole;
        let string_end = found.quotes & outside & whole;
        // Whatever has no place outside a string is no scalar either, and is refused below.
        let scalar = outside & whole & !(walked.open | walked.close | colon | comma | string_end);
        let mut now = Before {
            start: walked.open | comma | colon,
            end: string_end | scalar | walked.close,
            open: walked.open,
            intro: walked.curly | (comma & walked.in_object),
            key_end: 0,
            scalar,
        };
        let behind = now.behind(before);
        let found_keys = strings.runs(string_start & behind.intro);
        now.key_end = found_keys.ends & string_end;
        let behind_key = now.key_end << 1 | before.key_end >> 63;

        let wrong = ((string_start | walked.open) & !behind.start)
            | (scalar & !(behind.start | behind.scalar))
            | (comma & !behind.end)
            | (walked.close & !(behind.end | behind.open))
            // A colon follows each key, and nothing else.
            | ((colon ^ behind_key) & whole)
            // A key follows an object's brace or comma. The end follows a comma nowhere, as was seen.
            | (behind.intro & !(string_start | walked.close) & whole)
            | (found.escaped & found_keys.inside & whole);
        if wrong != 0 {
            return Compact::Unknown;
        }
        if block.unusual & whole != 0 {
            if block.has_control(text, whole) {
                return Compact::Unknown;
            }
            ascii = false;
        }
        if !strings::escapes_are_right(bytes, at, found.escaped & found.inside & whole)
            || !scalar::are_right(bytes, at, scalar & !behind.scalar)
        {
            return Compact::Unknown;
        }
        for place in block::places(now.key_end) {
            if !keys.key(Key { end: at + place, outermost: walked.outermost >> place & 1 == 1 }) {
                return Compact::Unknown;
            }
        }
        if let Some(end) = walked.end {
            let len = at + end as usize + 1;
            let well_formed = ascii || std::str::from_utf8(&bytes[..len]).is_ok();
            return if well_formed { Compact::Object(len) } else { Compact::Unknown };
        }
        before = now;
        at += Block::SIZE;
    }
}
