//! Signing a request, so that its receiver can tell that it comes from here, now.
//!
//! The header is `X-Orgwatch-Signature: t=SECONDS,v1=HEX`. HEX is HMAC-SHA256, with the shared key, over the seconds as decimal digits, a full stop,
//! and the body's bytes. A receiver computes the same, compares in constant time, and refuses times that are more than some minutes off.

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The header's name.
pub(super) const NAME: &str = "x-orgwatch-signature";

/// Returns the header's value for a body that is sent at a time, in seconds since 1970.
pub(super) fn header(key: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let mut header = format!("t={seconds},v1=");
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_what_openssl_computes() {
        // printf '1793527200.{"a":1}' | openssl dgst -sha256 -hmac key
        let expected = "28c46ea7939f70ea91a930f20368b4c747b0880c2638eb1c22635813c012db5a";
        assert_eq!(super::header("key", 1_793_527_200, b"{\"a\":1}"), format!("t=1793527200,v1={expected}"));
    }
}
