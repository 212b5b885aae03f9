//! Signatures over packs: who says that these bytes are theirs.
//!
//! There is one kind of key, ECDSA over P-256 with SHA-256, as cosign makes its key pairs. One key signs a pack in a registry
//! ([`simple_signing`], in the layout that cosign reads) and a packed file ([`Detached`], which `openssl` checks without help). Everything here
//! works without a network, and nothing here decides what a signer may do: that is the trust policy's part.
//!
//! The two kinds of signed text cannot be taken for each other: one is a small JSON object that names its own type, the other a tar file.

mod detached;
mod error;
mod pem;
mod private;
mod public;
pub mod simple_signing;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa;

pub use self::detached::{Detached, DetachedError};
pub use self::error::{Found, KeyError, KeyProblem};
pub use self::private::PrivateKey;
pub use self::public::{KeyId, PublicKey};

/// A signature. In texts it is the base64 of its DER form, as `openssl` and cosign have it.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(ecdsa::Signature);

/// A text that is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no ECDSA signature in base64")]
pub struct NotASignature;

impl Signature {
    /// The most bytes that the base64 of a signature has: DER writes two numbers of 33 bytes at most.
    pub const MAX_BASE64: usize = 96;

    /// Reads a signature in DER.
    ///
    /// # Errors
    ///
    /// Fails for anything else, and for DER with something behind it.
    pub fn from_der(der: &[u8]) -> Result<Self, NotASignature> {
        ecdsa::Signature::from_der(der).map(Self).map_err(|_| NotASignature)
    }

    /// Reads a signature as it stands in texts.
    ///
    /// # Errors
    ///
    /// Fails for anything else, and for white space around it.
    pub fn from_base64(text: &str) -> Result<Self, NotASignature> {
        if text.len() > Self::MAX_BASE64 {
            return Err(NotASignature);
        }
        Self::from_der(&STANDARD.decode(text).map_err(|_| NotASignature)?)
    }

    /// Returns the signature in DER.
    pub fn to_der(&self) -> Vec<u8> {
        self.0.to_der().as_bytes().to_vec()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&STANDARD.encode(self.to_der()))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_reads_as_it_is_written() {
        let key = PrivateKey::generate().unwrap();
        let signature = key.sign(b"bytes");
        let text = signature.to_string();
        assert!(text.len() <= Signature::MAX_BASE64, "{text}");
        assert_eq!(Signature::from_base64(&text), Ok(signature.clone()));
        assert_eq!(Signature::from_der(&signature.to_der()), Ok(signature));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let signature = PrivateKey::generate().unwrap().sign(b"bytes");
        let mut longer = signature.to_der();
        longer.push(0);
        assert_eq!(Signature::from_der(&longer), Err(NotASignature));
        // Both numbers zero: a verifier that takes this takes it for every text.
        assert_eq!(Signature::from_der(&[0x30, 6, 2, 1, 0, 2, 1, 0]), Err(NotASignature));
        let text = signature.to_string();
        for wrong in [String::new(), format!("{text}\n"), format!(" {text}"), text.replace('M', "!"), "A".repeat(400)] {
            assert_eq!(Signature::from_base64(&wrong), Err(NotASignature), "{wrong:?}");
        }
    }
}
