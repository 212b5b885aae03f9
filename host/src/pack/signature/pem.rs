//! Files of keys: read with a bound, written once, and what PEM says of itself.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use pkcs8::der::asn1::AnyRef;
use pkcs8::der::pem::decode_label;
use pkcs8::spki::AlgorithmIdentifier;
use pkcs8::{ObjectIdentifier, der};

use super::{Found, KeyError, KeyProblem};

/// The most bytes that a file of a key has. One of ours has some hundred.
const MAX: u64 = 16 << 10;

/// The algorithm of keys on elliptic curves, and the curve that is P-256.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// Other kinds of keys, by algorithm, as people call them.
const KINDS: [(&str, &str); 5] = [
    ("1.2.840.113549.1.1.1", "an RSA key"),
    ("1.2.840.113549.1.1.10", "an RSA key"),
    ("1.2.840.10040.4.1", "a DSA key"),
    ("1.3.101.112", "an Ed25519 key"),
    ("1.3.101.113", "an Ed448 key"),
];

/// Reads a file of a key that is open.
pub(super) fn read(path: &Path, file: &File) -> Result<Vec<u8>, KeyError> {
    let mut bytes = Vec::new();
    file.take(MAX + 1).read_to_end(&mut bytes).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX {
        return Err(KeyError::Wrong { path: path.to_owned(), problem: KeyProblem::TooLarge });
    }
    Ok(bytes)
}

/// Writes a new file that only those may read whom the mode allows from the first moment on. One that is there stays as it is.
pub(super) fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
        _ => KeyError::Write { path: path.to_owned(), source },
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Returns what stands between BEGIN and the five dashes.
pub(super) fn label(pem: &[u8]) -> Result<&str, KeyProblem> {
    decode_label(pem).map_err(|_| KeyProblem::NotPem)
}

/// Says what PEM with this label holds.
pub(super) fn found(label: &str) -> Found {
    match label {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Found::Public,
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" => Found::Private,
        "EC PRIVATE KEY" | "EC PARAMETERS" => Found::Sec1,
        "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => Found::Cosign,
        "CERTIFICATE" => Found::Certificate,
        _ => Found::Else,
    }
}

/// Refuses every algorithm but the one that packs are signed with.
pub(super) fn check_kind(algorithm: &AlgorithmIdentifier<AnyRef<'_>>) -> Result<(), KeyProblem> {
    if algorithm.oid != EC {
        let kind = KINDS.iter().find(|(oid, _)| ObjectIdentifier::new_unwrap(oid) == algorithm.oid);
        return Err(KeyProblem::Kind(kind.map_or("a key of another kind", |(_, name)| name)));
    }
    let curve: Option<Result<ObjectIdentifier, der::Error>> = algorithm.parameters.map(AnyRef::decode_as);
    match curve {
        Some(Ok(curve)) if curve == P256 => Ok(()),
        _ => Err(KeyProblem::Kind("a key on another curve")),
    }
}
