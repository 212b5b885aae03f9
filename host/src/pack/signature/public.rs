//! Public keys.

use std::fmt;
use std::fs::File;
use std::path::Path;

use p256::ecdsa::VerifyingKey;
use p256::ecdsa::signature::Verifier as _;
use pkcs8::der::{Decode as _, Document};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding};

use super::pem::{self, check_kind, found, label};
use super::{Found, KeyError, KeyProblem, Signature};
use crate::digest::Digest;

/// A public key: what its owner gives to everybody who is to check signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    der: Document,
}

/// What a key is known by: SHA-256 of its `SubjectPublicKeyInfo` in DER. One key has one id, however its file was written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(Digest);

impl KeyId {
    /// Returns as much of the id as people compare: the first 16 digits.
    pub fn short(&self) -> String {
        let mut text = self.0.to_string();
        text.truncate(16);
        text
    }
}

/// The whole id: `sha256:` and the hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.tagged())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl PublicKey {
    /// Reads a file of PEM as `openssl ec -pubout` and cosign write it.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or holds anything else, and says what.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let file = File::open(path).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
        let pem = pem::read(path, &file)?;
        Self::from_pem(&pem).map_err(|problem| KeyError::Wrong { path: path.to_owned(), problem })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    ///
    /// Fails when it holds anything else.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyProblem> {
        let label = label(pem)?;
        if label != "PUBLIC KEY" {
            return Err(match found(label) {
                Found::Public => KeyProblem::Kind("an RSA key"),
                Found::Sec1 => KeyProblem::Other(Found::Private),
                other => KeyProblem::Other(other),
            });
        }
        let text = str::from_utf8(pem).map_err(|_| KeyProblem::NotPem)?;
        let (_, der) = Document::from_pem(text).map_err(|_| KeyProblem::Broken)?;
        let info = SubjectPublicKeyInfoRef::from_der(der.as_bytes()).map_err(|_| KeyProblem::Broken)?;
        check_kind(&info.algorithm)?;
        Self::of(VerifyingKey::from_public_key_der(der.as_bytes()).map_err(|_| KeyProblem::Broken)?)
    }

    /// Takes a key, in the one DER form that it has here: a point can be written in two ways, and a key with two ids would count twice where
    /// several keys are required.
    pub(super) fn of(key: VerifyingKey) -> Result<Self, KeyProblem> {
        let der = key.to_public_key_der().map_err(|_| KeyProblem::Broken)?;
        Ok(Self { key, der })
    }

    /// Returns what the key is known by.
    pub fn id(&self) -> KeyId {
        KeyId(Digest::of(self.der.as_bytes()))
    }

    /// Tells whether the owner of the key made a signature over these very bytes.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> bool {
        self.key.verify(bytes, &signature.0).is_ok()
    }

    /// Returns the key as its file has it.
    pub fn to_pem(&self) -> String {
        self.der.to_pem("PUBLIC KEY", LineEnding::LF).expect("a key is short enough for PEM")
    }

    /// Writes the key into a new file, which everybody may read.
    ///
    /// # Errors
    ///
    /// Fails when the file is there already or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        pem::write_new(path, &self.to_pem(), 0o644)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::super::PrivateKey;
    use super::*;

    #[test]
    fn a_key_reads_as_it_is_written_and_has_one_id() {
        let key = PrivateKey::generate().unwrap().public();
        let again = PublicKey::from_pem(key.to_pem().as_bytes()).unwrap();
        assert_eq!(again, key);
        assert_eq!(again.id(), key.id());
        assert_ne!(PrivateKey::generate().unwrap().public().id(), key.id());
        assert!(key.id().to_string().starts_with(&format!("sha256:{}", key.id().short())));
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_its_key_alone() {
        let (ours, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let signature = ours.sign(b"a pack");
        assert!(ours.public().verify(b"a pack", &signature));
        assert!(!ours.public().verify(b"a pacl", &signature));
        assert!(!ours.public().verify(b"", &signature));
        assert!(!other.public().verify(b"a pack", &signature));
    }

    #[test]
    fn what_is_no_public_key_is_told_for_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = PrivateKey::generate().unwrap();
        key.write(&path, None).unwrap();
        let problem = |error: KeyError| match error {
            KeyError::Wrong { problem, .. } => problem,
            other => panic!("{other}"),
        };
        assert_eq!(problem(PublicKey::read(&path).unwrap_err()), KeyProblem::Other(Found::Private));
        let pem = key.public().to_pem();
        let broken = pem.replacen("MFkw", "MFkv", 1);
        for (text, expected) in [
            ("", KeyProblem::NotPem),
            ("ssh-ed25519 AAAA", KeyProblem::NotPem),
            (broken.as_str(), KeyProblem::Broken),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", KeyProblem::Other(Found::Certificate)),
            (
                "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
                KeyProblem::Other(Found::Cosign),
            ),
        ] {
            assert_eq!(PublicKey::from_pem(text.as_bytes()), Err(expected), "{text}");
        }
        // Two keys in a file: which of them is meant, nobody can say.
        assert!(PublicKey::from_pem(format!("{pem}{pem}").as_bytes()).is_err());
        std::fs::write(&path, "x".repeat(1 << 20)).unwrap();
        assert_eq!(problem(PublicKey::read(&path).unwrap_err()), KeyProblem::TooLarge);
    }
}
