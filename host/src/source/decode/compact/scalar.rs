//! Numbers, `true`, `false` and `null`.

use super::block::{Bits, places};

/// Tells whether each of the places is the first byte of a scalar that ends where a value may end. `at` is where the block starts in `bytes`.
#[inline(always)]
pub(super) fn are_right(bytes: &[u8], at: usize, starts: Bits) -> bool {
    places(starts).all(|place| is_right(&bytes[at + place..]))
}

/// Tells whether a scalar is at the front, and behind it what may follow a value.
fn is_right(bytes: &[u8]) -> bool {
    let rest = match bytes.first() {
        Some(b't') => bytes.strip_prefix(b"true"),
        Some(b'f') => bytes.strip_prefix(b"false"),
        Some(b'n') => bytes.strip_prefix(b"null"),
        _ => number(bytes),
    };
    rest.is_some_and(|rest| matches!(rest.first(), Some(b',' | b'}' | b']')))
}

/// Takes a number off the front.
fn number(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let rest = match rest.strip_prefix(b"0") {
        Some(rest) => rest,
        None => digits(rest)?,
    };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => digits(fraction)?,
        None => rest,
    };
    match rest {
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => digits(exponent),
        _ => Some(rest),
    }
}

/// Takes digits off the front, one at least.
fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| &bytes[count..])
}
