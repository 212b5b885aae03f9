//! SHA-256 digests: of records, components, settings.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes some bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hashes several parts, each preceded by its length as eight bytes, so that no two lists of parts hash alike.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Takes the 32 bytes of a digest that was made before.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a digest as it is shown: 64 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }

    /// Reads a digest as it stands in findings: `sha256:` and the hexadecimal digits.
    pub fn parse_tagged(text: &str) -> Option<Self> {
        Self::parse(text.strip_prefix("sha256:")?)
    }

    /// Returns the 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the digest as it stands in findings: `sha256:` and the hexadecimal digits.
    pub fn tagged(&self) -> String {
        format!("sha256:{self}")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.map(|byte| [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
        formatter.write_str(str::from_utf8(digits.as_flattened()).expect("digits are ASCII"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not a SHA-256 digest"))
    }
}

/// A digest as it stands in findings: `sha256:` and the hexadecimal digits.
pub(crate) mod tagged {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Digest;

    pub(crate) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.tagged())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::parse_tagged(&text).ok_or_else(|| serde::de::Error::custom("not a SHA-256 digest"))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    // `from_str_radix` would take a sign, and one digest must not have two forms.
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_shown_in_hexadecimal_and_read_back() {
        let digest = Digest::of("");
        assert_eq!(digest.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
    }

    #[test]
    fn a_digest_has_one_form() {
        let digest = Digest::of("").to_string();
        assert_eq!(Digest::parse_tagged(&format!("sha256:{digest}")), Some(Digest::of("")));
        let signed = digest.replacen("e3", "+3", 1);
        for other in [digest.to_uppercase().as_str(), &digest[1..], &signed, ""] {
            assert_eq!(Digest::parse(other), None, "{other}");
        }
    }

    #[test]
    fn where_one_part_ends_and_the_next_begins_counts() {
        let left = Digest::of_parts([b"ab".as_slice(), b"c"]);
        let right = Digest::of_parts([b"a".as_slice(), b"bc"]);
        assert_ne!(left, right);
    }
}
