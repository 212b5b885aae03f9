//! Private keys. What they hold is written into their file and nowhere else.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::Generate as _;
use pkcs8::der::zeroize::Zeroizing;
use pkcs8::der::{Decode as _, SecretDocument};
use pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use rustix::process::geteuid;

use super::pem::{self, check_kind, found, label};
use super::{Found, KeyError, KeyProblem, PublicKey, Signature};

/// A private key. It is wiped from memory when it is dropped.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key, of the system's randomness.
    ///
    /// # Errors
    ///
    /// Fails when the system has none to give.
    pub fn generate() -> Result<Self, KeyError> {
        let key = SigningKey::try_generate().map_err(|_| KeyError::Randomness)?;
        Self::of(key).map_err(|_| KeyError::Randomness)
    }

    /// Reads a file of PKCS#8 in PEM, as [`Self::write`] and `openssl genpkey` write it. A password is needed for an encrypted one, and does not
    /// matter for another.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or holds anything else, or is encrypted with another password; and, as ssh does, when it is the user's
    /// own file and somebody else may read it too.
    pub fn read(path: &Path, password: Option<&str>) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        // What belongs to somebody else, such as a secret that the system hands to a service, has the permissions that its owner gave it.
        let mode = metadata.mode() & 0o7777;
        if metadata.uid() == geteuid().as_raw() && mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
        let pem = Zeroizing::new(pem::read(path, &file)?);
        Self::from_pem(&pem, password).map_err(|problem| KeyError::Wrong { path: path.to_owned(), problem })
    }

    fn from_pem(pem: &[u8], password: Option<&str>) -> Result<Self, KeyProblem> {
        let label = label(pem)?;
        let encrypted = label == "ENCRYPTED PRIVATE KEY";
        if !encrypted && label != "PRIVATE KEY" {
            return Err(match (label, found(label)) {
                (_, Found::Private) => KeyProblem::Kind("an RSA key"),
                (_, other) => KeyProblem::Other(other),
            });
        }
        let text = str::from_utf8(pem).map_err(|_| KeyProblem::NotPem)?;
        let (_, der) = SecretDocument::from_pem(text).map_err(|_| KeyProblem::Broken)?;
        if !encrypted {
            return Self::from_der(der.as_bytes());
        }
        let info = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| KeyProblem::Broken)?;
        let password = password.ok_or(KeyProblem::PasswordNeeded)?;
        let der = info.decrypt(password).map_err(|_| KeyProblem::Password)?;
        // One wrong password in some hundred gives bytes that look whole: they are still no key.
        Self::from_der(der.as_bytes()).map_err(|problem| match problem {
            KeyProblem::Broken => KeyProblem::Password,
            other => other,
        })
    }

    fn from_der(der: &[u8]) -> Result<Self, KeyProblem> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyProblem::Broken)?;
        check_kind(&info.algorithm)?;
        Self::of(SigningKey::from_pkcs8_der(der).map_err(|_| KeyProblem::Broken)?)
    }

    fn of(key: SigningKey) -> Result<Self, KeyProblem> {
        let public = PublicKey::of(*key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// Returns the public key that belongs to it.
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// Signs some bytes. The same key gives the same signature over the same bytes every time (RFC 6979), so that it can be made again.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.key.sign(bytes))
    }

    /// Writes the key into a new file that only its owner may read: encrypted, where there is a password, in a way that `openssl pkey` opens.
    ///
    /// # Errors
    ///
    /// Fails when the file is there already or cannot be written.
    pub fn write(&self, path: &Path, password: Option<&str>) -> Result<(), KeyError> {
        let pem = match password {
            Some(password) => self.key.to_pkcs8_encrypted_pem(password, LineEnding::LF),
            None => self.key.to_pkcs8_pem(LineEnding::LF),
        };
        // A sound key is always written; what encrypting needs beyond it is a salt.
        let pem = pem.map_err(|_| KeyError::Randomness)?;
        pem::write_new(path, &pem, 0o600)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateKey({})", self.public.id())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn problem(error: KeyError) -> KeyProblem {
        match error {
            KeyError::Wrong { problem, .. } => problem,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_key_is_read_back_plain_and_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate().unwrap();
        let [plain, encrypted] = ["plain", "encrypted"].map(|name| folder.path().join(name));
        key.write(&plain, None).unwrap();
        key.write(&encrypted, Some("correct horse")).unwrap();
        let id = key.public().id();
        assert_eq!(PrivateKey::read(&plain, None).unwrap().public().id(), id);
        assert_eq!(PrivateKey::read(&plain, Some("not needed")).unwrap().public().id(), id);
        assert_eq!(PrivateKey::read(&encrypted, Some("correct horse")).unwrap().public().id(), id);
        assert_eq!(problem(PrivateKey::read(&encrypted, None).unwrap_err()), KeyProblem::PasswordNeeded);
        assert_eq!(problem(PrivateKey::read(&encrypted, Some("wrong")).unwrap_err()), KeyProblem::Password);
    }

    #[test]
    fn a_key_is_its_owners_alone_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = PrivateKey::generate().unwrap();
        key.write(&path, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let before = fs::read(&path).unwrap();
        let error = PrivateKey::generate().unwrap().write(&path, None).unwrap_err();
        assert!(matches!(error, KeyError::Exists(_)), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        for mode in [0o640, 0o604, 0o644, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = PrivateKey::read(&path, None).unwrap_err();
            assert!(matches!(error, KeyError::Open { mode: found, .. } if found == mode), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(PrivateKey::read(&path, None).unwrap().public(), key.public());
    }

    #[test]
    fn what_is_no_private_key_is_told_for_what_it_is() {
        let public = PrivateKey::generate().unwrap().public().to_pem();
        for (text, expected) in [
            (public.as_str(), KeyProblem::Other(Found::Public)),
            ("hello", KeyProblem::NotPem),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", KeyProblem::Broken),
            ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", KeyProblem::Other(Found::Sec1)),
            ("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", KeyProblem::Kind("an RSA key")),
            (
                "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n",
                KeyProblem::Other(Found::Cosign),
            ),
        ] {
            assert_eq!(PrivateKey::from_pem(text.as_bytes(), None).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_key_does_not_tell_itself_to_whoever_prints_it() {
        let key = PrivateKey::generate().unwrap();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("PrivateKey({})", key.public().id()));
    }

    #[test]
    fn the_same_bytes_have_the_same_signature() {
        let key = PrivateKey::generate().unwrap();
        assert_eq!(key.sign(b"a pack"), key.sign(b"a pack"));
    }
}
