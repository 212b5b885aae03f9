//! The brackets that are open.

use super::block::{Bits, Block};

/// How deep objects and arrays may lie in one another. Records of AWS stay below 20.
const MAX_OPEN: u32 = 64;

/// The open objects and arrays, from one block to the next.
#[derive(Default)]
pub(super) struct Brackets {
    /// A bit for each, the lowest for the innermost: set for an object.
    objects: u64,
    depth: u32,
}

/// What the brackets say of a block, up to the end of the outermost object.
pub(super) struct Walked {
    pub(super) open: Bits,
    pub(super) close: Bits,
    /// The opening brackets of objects.
    pub(super) curly: Bits,
    /// The bytes whose innermost open bracket is an object's, as they are read behind it.
    pub(super) in_object: Bits,
    /// The bytes in the outermost object and in nothing in it.
    pub(super) outermost: Bits,
    /// The place of the bracket that closes the outermost object.
    pub(super) end: Option<u32>,
}

impl Brackets {
    /// Walks the brackets of a block; nothing where two do not match or too many are open.
    #[inline(always)]
    pub(super) fn walk(&mut self, text: &[u8; Block::SIZE], open: Bits, close: Bits) -> Option<Walked> {
        let mut walked =
            Walked { open, close, curly: 0, in_object: self.in_object(), outermost: self.outermost(), end: None };
        let mut left = open | close;
        while left != 0 {
            let place = left.trailing_zeros();
            let bit = left & left.wrapping_neg();
            let object = u64::from(is_curly(text[place as usize]));
            if open & bit != 0 {
                if self.depth == MAX_OPEN {
                    return None;
                }
                self.objects = self.objects << 1 | object;
                self.depth += 1;
                walked.curly |= bit * object;
            } else {
                if self.objects & 1 != object {
                    return None;
                }
                self.objects >>= 1;
                self.depth -= 1;
                if self.depth == 0 {
                    let whole = Bits::MAX >> (63 - place);
                    return Some(Walked { open: open & whole, close: close & whole, end: Some(place), ..walked });
                }
            }
            let behind = !(bit | (bit - 1));
            walked.in_object = (walked.in_object & !behind) | (self.in_object() & behind);
            walked.outermost = (walked.outermost & !behind) | (self.outermost() & behind);
            left ^= bit;
        }
        Some(walked)
    }

    fn in_object(&self) -> Bits {
        (self.objects & 1).wrapping_neg()
    }

    fn outermost(&self) -> Bits {
        u64::from(self.depth == 1).wrapping_neg()
    }
}

/// Tells the curly bracket from the square one of the pair.
fn is_curly(bracket: u8) -> bool {
    bracket & 0x20 != 0
}
