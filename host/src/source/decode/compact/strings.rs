//! Where strings are, across blocks.

use super::block::{Bits, Block, places};

/// What runs on from one block to the next.
#[derive(Default)]
pub(super) struct Strings {
    /// The next byte is escaped: 1 or 0.
    escaped: u64,
    /// All bits set within a string.
    inside: Bits,
    /// A marked string is open: 1 or 0.
    marked: u64,
    /// The bytes inside strings of the block at hand.
    block: Bits,
}

/// The strings of a block.
#[derive(Clone, Copy)]
pub(super) struct Found {
    /// The bytes behind a backslash that is not escaped itself.
    pub(super) escaped: Bits,
    /// The quotation marks that open or close a string.
    pub(super) quotes: Bits,
    /// The bytes in strings, with the opening quotation marks and without the closing ones.
    pub(super) inside: Bits,
}

/// Some of the strings of a block.
#[derive(Clone, Copy)]
pub(super) struct Runs {
    pub(super) inside: Bits,
    /// Their closing quotation marks.
    pub(super) ends: Bits,
}

impl Strings {
    /// Goes on with a block. `parity` is one of the two functions below.
    #[inline(always)]
    pub(super) fn feed(&mut self, quote: Bits, backslash: Bits, parity: impl Fn(Bits) -> Bits) -> Found {
        let escaped = self.escaped(backslash);
        let quotes = quote & !escaped;
        self.block = parity(quotes) ^ self.inside;
        self.inside = (self.block >> 63).wrapping_neg();
        Found { escaped, quotes, inside: self.block }
    }

    /// Follows the strings that start at `marks`, and one that was followed up to this block, to their ends. To be called once a block.
    ///
    /// The bytes inside a string are a run of ones. Adding a one at its start carries through to the zero behind it.
    #[inline(always)]
    pub(super) fn runs(&mut self, marks: Bits) -> Runs {
        let (sum, over) = self.block.overflowing_add(marks);
        let (sum, over_again) = sum.overflowing_add(self.marked);
        self.marked = u64::from(over | over_again);
        Runs { inside: self.block & !sum, ends: sum & !self.block }
    }

    /// Returns the bytes that a backslash escapes. In a row of backslashes every other one is escaped.
    #[inline(always)]
    fn escaped(&mut self, backslash: Bits) -> Bits {
        const EVEN: Bits = 0x5555_5555_5555_5555;
        let first = self.escaped;
        if backslash == 0 {
            self.escaped = 0;
            return first;
        }
        let backslash = backslash & !first;
        let behind = backslash << 1 | first;
        // Adding a row to its start carries out at its end. Where that lies against the start tells whether the row is odd.
        let odd_starts = backslash & !EVEN & !behind;
        let (rows, over) = odd_starts.overflowing_add(backslash);
        self.escaped = u64::from(over);
        (EVEN ^ (rows << 1)) & behind
    }
}

/// Sets each bit to the parity of those up to it: from an opening quotation mark up to the closing one, without it.
#[inline(always)]
pub(super) fn parity(quotes: Bits) -> Bits {
    let mut bits = quotes;
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Does as [`parity`] in one step: in a product without carries each bit is the parity of those below it where the factor is all ones.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "pclmulqdq")]
pub(super) fn parity_by_product(quotes: Bits) -> Bits {
    use std::arch::x86_64::{_mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8};
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, quotes.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

/// Tells whether the characters behind backslashes make escapes of JSON. `at` is where the block starts in `bytes`.
#[inline(always)]
pub(super) fn escapes_are_right(bytes: &[u8], at: usize, escaped: Bits) -> bool {
    escaped == 0
        || places(escaped).all(|place| match &bytes[at + place..] {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => true,
            [b'u', digits @ ..] => digits.len() >= 4 && digits[..4].iter().all(u8::is_ascii_hexdigit),
            _ => false,
        })
}

const _: () = assert!(Block::SIZE == Bits::BITS as usize);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the words say of a text, byte by byte, with the blocks cut anywhere.
    fn plain(text: &[u8]) -> Vec<(bool, bool)> {
        let mut inside = false;
        let mut escaped = false;
        let mut said = Vec::new();
        for &byte in text {
            let is_escaped = escaped;
            escaped = byte == b'\\' && !is_escaped;
            if byte == b'"' && !is_escaped {
                inside = !inside;
            }
            said.push((is_escaped, inside));
        }
        said
    }

    #[test]
    fn strings_and_escapes_are_found_as_one_byte_after_another_would_find_them() {
        proptest::proptest!(|(text in "[\\\\\"a]{0,300}")| {
            let mut strings = Strings::default();
            let mut said = Vec::new();
            for chunk in text.as_bytes().chunks(Block::SIZE) {
                let bits = |byte: u8| (0..chunk.len()).filter(|&at| chunk[at] == byte).fold(0, |bits, at| bits | 1 << at);
                let found = strings.feed(bits(b'"'), bits(b'\\'), parity);
                said.extend((0..chunk.len()).map(|at| (found.escaped >> at & 1 == 1, found.inside >> at & 1 == 1)));
            }
            proptest::prop_assert_eq!(said, plain(text.as_bytes()));
        });
    }

    #[test]
    fn a_marked_string_is_followed_to_its_end_in_a_later_block() {
        let mut strings = Strings::default();
        let found = strings.feed(1 << 3 | 1 << 5 | 1 << 60, 0, parity);
        assert_eq!(found.inside, 0b11 << 3 | 0b1111 << 60);
        let runs = strings.runs(1 << 60);
        assert_eq!((runs.inside, runs.ends), (0b1111 << 60, 0));
        strings.feed(0, 0, parity);
        assert_eq!((strings.runs(0).inside, strings.marked), (Bits::MAX, 1));
        strings.feed(1 << 2 | 1 << 4 | 1 << 9, 0, parity);
        let runs = strings.runs(0);
        assert_eq!((runs.inside, runs.ends), (0b11, 1 << 2));
    }
}
