//! Signatures of a file, in a file beside it: one line of base64 for each signer. With one signer that is what `cosign sign-blob` writes, and
//! `base64 -d FILE.sig | openssl dgst -sha256 -verify KEY -signature /dev/stdin FILE` checks it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{PrivateKey, PublicKey, Signature};
use crate::escape;

/// The most signatures of one file.
const MAX_SIGNATURES: usize = 16;

/// The signatures of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detached {
    signatures: Vec<Signature>,
}

/// Why a file of signatures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DetachedError {
    /// It cannot be read.
    #[error("failed to read the signatures in `{}`", escape::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("failed to write the signatures to `{}`", escape::path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is no signature.
    #[error("line {line} of `{}` is no ECDSA signature in base64", escape::path(path))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
    },
    /// There are more signatures than a file may have.
    #[error("`{}` has more than {MAX_SIGNATURES} signatures\nhint: remove it and sign again", escape::path(.0))]
    TooMany(PathBuf),
}

impl Detached {
    /// Returns where the signatures of a file stand: beside it, with `.sig` behind its name.
    pub fn path_of(file: &Path) -> PathBuf {
        let mut name = OsString::from(file);
        name.push(".sig");
        name.into()
    }

    /// Reads the signatures in a file; there are none where there is no file.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read or holds anything else.
    pub fn read(path: &Path) -> Result<Self, DetachedError> {
        let failed = |source| DetachedError::Read { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        // With the two bytes of a line's end.
        let limit = (MAX_SIGNATURES * (Signature::MAX_BASE64 + 2)) as u64;
        let mut text = Vec::new();
        file.take(limit + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > limit {
            return Err(DetachedError::TooMany(path.to_owned()));
        }
        let mut signatures = Vec::new();
        // Bytes that are no text are no signature either.
        for (place, line) in String::from_utf8_lossy(&text).lines().enumerate() {
            let signature = Signature::from_base64(line)
                .map_err(|_| DetachedError::Line { path: path.to_owned(), line: place + 1 })?;
            signatures.push(signature);
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(DetachedError::TooMany(path.to_owned()));
        }
        Ok(Self { signatures })
    }

    /// Adds a key's signature of a file's bytes. Returns false where it has signed them before, and adds nothing.
    pub fn add(&mut self, bytes: &[u8], key: &PrivateKey) -> bool {
        if self.is_signed_by(bytes, &key.public()) {
            return false;
        }
        self.signatures.push(key.sign(bytes));
        true
    }

    /// Tells whether a key has signed a file's bytes.
    #[must_use]
    pub fn is_signed_by(&self, bytes: &[u8], key: &PublicKey) -> bool {
        self.signatures.iter().any(|signature| key.verify(bytes, signature))
    }

    /// Returns the signatures.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Writes the signatures into a file, in place of what it holds: all of it, or nothing where that fails.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be written, or has more signatures than could be read back.
    pub fn write(&self, path: &Path) -> Result<(), DetachedError> {
        if self.signatures.len() > MAX_SIGNATURES {
            return Err(DetachedError::TooMany(path.to_owned()));
        }
        let failed = |source| DetachedError::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)
            .map_err(failed)?;
        for signature in &self.signatures {
            writeln!(file, "{signature}").map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_key_signs_a_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = Detached::path_of(&folder.path().join("pack.tar"));
        assert!(path.ends_with("pack.tar.sig"));
        let [anna, ben] = [(); 2].map(|()| PrivateKey::generate().unwrap());
        let mut detached = Detached::read(&path).unwrap();
        assert!(detached.add(b"pack", &anna));
        assert!(!detached.add(b"pack", &anna));
        detached.write(&path).unwrap();
        let mut detached = Detached::read(&path).unwrap();
        assert!(!detached.add(b"pack", &anna));
        assert!(detached.add(b"pack", &ben));
        detached.write(&path).unwrap();
        let detached = Detached::read(&path).unwrap();
        assert_eq!(detached.signatures().len(), 2);
        for key in [&anna, &ben] {
            assert!(detached.is_signed_by(b"pack", &key.public()));
            assert!(!detached.is_signed_by(b"pacl", &key.public()));
        }
        assert!(!detached.is_signed_by(b"pack", &PrivateKey::generate().unwrap().public()));
        // The file that was replaced, and no other, is left.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_line_that_is_no_signature_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack.tar.sig");
        let line = PrivateKey::generate().unwrap().sign(b"pack").to_string();
        for text in [format!("{line}\r\n{line}\n"), format!("{line}\n{line}"), line.clone()] {
            fs::write(&path, &text).unwrap();
            assert!(!Detached::read(&path).unwrap().signatures().is_empty(), "{text:?}");
        }
        for text in [format!("{line}\nnothing\n"), format!("{line}\n\n"), format!("{line}\n\u{0}{line}")] {
            fs::write(&path, &text).unwrap();
            let error = Detached::read(&path).unwrap_err();
            assert!(matches!(error, DetachedError::Line { line: 2, .. }), "{text:?}: {error}");
        }
        fs::write(&path, [0xff; 10]).unwrap();
        assert!(matches!(Detached::read(&path).unwrap_err(), DetachedError::Line { line: 1, .. }));
        for text in [format!("{line}\n").repeat(MAX_SIGNATURES + 1), "A".repeat(1 << 20)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Detached::read(&path).unwrap_err(), DetachedError::TooMany(_)));
        }
    }
}
