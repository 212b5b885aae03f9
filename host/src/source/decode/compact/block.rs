//! Sixty-four bytes as words of bits, one word for each kind of byte.

use wide::{i8x16, u8x16};

/// A bit for each byte of a block, the lowest for the first.
pub(super) type Bits = u64;

/// Where the bytes of a block are that JSON is made of, in strings or out of them.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) quote: Bits,
    pub(super) backslash: Bits,
    /// `{` and `[`.
    pub(super) open: Bits,
    /// `}` and `]`.
    pub(super) close: Bits,
    pub(super) colon: Bits,
    pub(super) comma: Bits,
    /// The control characters, and the bytes that are not ASCII.
    pub(super) unusual: Bits,
}

impl Block {
    pub(super) const SIZE: usize = 64;

    /// Looks at all bytes, sixteen at a time: what every processor can of the two architectures that the program is built for.
    #[inline(always)]
    pub(super) fn of(text: &[u8; Self::SIZE]) -> Self {
        let mut block = Self { quote: 0, backslash: 0, open: 0, close: 0, colon: 0, comma: 0, unusual: 0 };
        let (lanes, _) = text.as_chunks::<16>();
        for (place, lane) in lanes.iter().enumerate() {
            let bytes = u8x16::new(*lane);
            let equal = |byte: u8| bits(bytes.simd_eq(u8x16::splat(byte)), place);
            // The square and the curly bracket of a pair differ in this bit alone, and no other byte differs so from either.
            let folded = bytes | u8x16::splat(0x20);
            let equal_folded = |byte: u8| bits(folded.simd_eq(u8x16::splat(byte)), place);
            block.quote |= equal(b'"');
            block.backslash |= equal(b'\\');
            block.open |= equal_folded(b'{');
            block.close |= equal_folded(b'}');
            block.colon |= equal(b':');
            block.comma |= equal(b',');
            // As signed numbers the bytes that are not ASCII are below zero.
            let signed = i8x16::new(lane.map(u8::cast_signed));
            block.unusual |= Bits::from(signed.simd_lt(i8x16::splat(0x20)).to_bitmask()) << (16 * place);
        }
        block
    }

    /// Does as [`Block::of`], thirty-two bytes at a time.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn of_avx2(text: &[u8; Self::SIZE]) -> Self {
        use std::arch::x86_64::{
            __m256i, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
            _mm256_set1_epi8,
        };
        // Nothing here goes through a function of the library that takes a closure: one is compiled without the instructions, and what it is
        // given and returns then goes through memory.
        let (low, high) = text.split_at(Self::SIZE / 2);
        #[expect(unsafe_code, reason = "there is no safe way to load so many bytes that becomes one instruction")]
        // SAFETY: both halves have 32 bytes, and the loads ask for no alignment.
        let (low, high) =
            unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())) };
        let all = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
        let half = |equal: __m256i| Bits::from(_mm256_movemask_epi8(equal).cast_unsigned());
        let bits = |low: __m256i, high: __m256i| half(low) | half(high) << 32;
        let equal = |byte: u8| bits(_mm256_cmpeq_epi8(low, all(byte)), _mm256_cmpeq_epi8(high, all(byte)));
        let (low_folded, high_folded) = (_mm256_or_si256(low, all(0x20)), _mm256_or_si256(high, all(0x20)));
        let equal_folded =
            |byte: u8| bits(_mm256_cmpeq_epi8(low_folded, all(byte)), _mm256_cmpeq_epi8(high_folded, all(byte)));
        Self {
            quote: equal(b'"'),
            backslash: equal(b'\\'),
            open: equal_folded(b'{'),
            close: equal_folded(b'}'),
            colon: equal(b':'),
            comma: equal(b','),
            unusual: bits(_mm256_cmpgt_epi8(all(0x20), low), _mm256_cmpgt_epi8(all(0x20), high)),
        }
    }

    /// Tells whether a control character is among some of the bytes.
    pub(super) fn has_control(&self, text: &[u8; Self::SIZE], among: Bits) -> bool {
        places(self.unusual & among).any(|place| text[place] < 0x20)
    }
}

/// Tells whether the processor has the instructions of `object_avx2`.
#[cfg(target_arch = "x86_64")]
pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("pclmulqdq")
}

fn bits(equal: u8x16, place: usize) -> Bits {
    Bits::from(equal.to_bitmask()) << (16 * place)
}

/// Returns the places of the bits that are set, from the first on.
#[inline(always)]
pub(super) fn places(bits: Bits) -> impl Iterator<Item = usize> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let place = left.trailing_zeros() as usize;
        // Taking the lowest bit off zero leaves zero.
        left &= left.wrapping_sub(1);
        (place < Block::SIZE).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..Block::SIZE {
                let mut text = [b'a'; Block::SIZE];
                text[place] = byte;
                let block = Block::of(&text);
                let expect = |is: bool| if is { 1 << place } else { 0 };
                assert_eq!(block.quote, expect(byte == b'"'), "{byte}");
                assert_eq!(block.backslash, expect(byte == b'\\'), "{byte}");
                assert_eq!(block.open, expect(matches!(byte, b'{' | b'[')), "{byte}");
                assert_eq!(block.close, expect(matches!(byte, b'}' | b']')), "{byte}");
                assert_eq!(block.colon, expect(byte == b':'), "{byte}");
                assert_eq!(block.comma, expect(byte == b','), "{byte}");
                assert_eq!(block.unusual, expect(!(0x20..0x80).contains(&byte)), "{byte}");
                assert_eq!(block.has_control(&text, Bits::MAX), byte < 0x20, "{byte}");
            }
        }
    }

    #[test]
    fn places_come_in_order() {
        assert_eq!(places(1 | 1 << 5 | 1 << 63).collect::<Vec<_>>(), [0, 5, 63]);
        assert_eq!(places(0).count(), 0);
    }
}
