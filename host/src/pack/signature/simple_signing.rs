//! Signatures in a registry, in the layout of cosign: a small JSON text, the *payload*, says which manifest is meant, and the payload is what is
//! signed. It is a layer of a manifest of its own, which stands beside the signed one under a tag made of its digest; the signature is an
//! annotation of the layer.
//!
//! The payload also says where the signer found the manifest. That is for people: a pack is copied between registries with its signatures, and
//! what it is called stands in the signed manifest itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{PrivateKey, PublicKey, Signature};
use crate::digest::Digest;

/// The media type of a layer that is a payload.
pub const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The annotation of such a layer that holds the signature in base64.
pub const ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// The most bytes that a payload has. One of ours has some hundred.
pub const MAX_PAYLOAD: usize = 16 << 10;

/// What a payload says of its own kind.
const TYPE: &str = "cosign container image signature";

/// Which manifest a signature is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Where the signer found the manifest: a registry and a repository, without tag and digest.
    pub reference: String,
    /// The manifest's digest.
    pub digest: Digest,
}

/// Why a payload is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It is larger than any payload.
    #[error("the signed payload is {0} bytes large, more than {MAX_PAYLOAD}")]
    TooLarge(usize),
    /// It is something else.
    #[error("the signed payload is not understood: {0}")]
    NotUnderstood(String),
    /// It is a payload of another kind of signature.
    #[error("the signed payload is of the type {0:?}, which is no signature of a manifest")]
    Type(String),
}

/// The payload as it is written. Its keys stand in the order that cosign writes them in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    critical: Critical,
    #[serde(default)]
    optional: Option<Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    r#type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    #[serde(rename = "docker-manifest-digest", with = "crate::digest::tagged")]
    digest: Digest,
}

impl Payload {
    /// Returns the bytes to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        let critical = Critical {
            identity: Identity { reference: self.reference.clone() },
            image: Image { digest: self.digest },
            r#type: TYPE.to_owned(),
        };
        serde_json::to_vec(&Written { critical, optional: None }).expect("a payload is JSON")
    }

    /// Reads a payload. What it says beside the manifest, under `optional`, is left aside: nobody here acts on it.
    ///
    /// # Errors
    ///
    /// Fails when it is too large, lacks something or has something that is not known, or is of another type.
    pub fn parse(bytes: &[u8]) -> Result<Self, PayloadError> {
        if bytes.len() > MAX_PAYLOAD {
            return Err(PayloadError::TooLarge(bytes.len()));
        }
        let Written { critical, .. } =
            serde_json::from_slice(bytes).map_err(|error| PayloadError::NotUnderstood(error.to_string()))?;
        if critical.r#type != TYPE {
            return Err(PayloadError::Type(critical.r#type));
        }
        Ok(Self { reference: critical.identity.reference, digest: critical.image.digest })
    }
}

/// A payload as it was found, and the signature that is said to be over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPayload {
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signature.
    pub signature: Signature,
}

impl SignedPayload {
    /// Signs a manifest.
    pub fn sign(payload: &Payload, key: &PrivateKey) -> Self {
        let payload = payload.to_bytes();
        let signature = key.sign(&payload);
        Self { payload, signature }
    }

    /// Tells whether this is a key's signature of the manifest with this digest: the key made it, over these bytes, and the bytes mean that
    /// manifest.
    #[must_use]
    pub fn is_of(&self, manifest: &Digest, key: &PublicKey) -> bool {
        // A payload that nobody signed is not worth reading.
        key.verify(&self.payload, &self.signature)
            && Payload::parse(&self.payload).is_ok_and(|payload| payload.digest == *manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(text: &str) -> Payload {
        Payload { reference: "registry.example.com/acme/pack".to_owned(), digest: Digest::of(text) }
    }

    #[test]
    fn a_payload_is_what_cosign_signs() {
        let expected = concat!(
            r#"{"critical":{"identity":{"docker-reference":"registry.example.com/acme/pack"},"#,
            r#""image":{"docker-manifest-digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"#,
            r#""type":"cosign container image signature"},"optional":null}"#
        );
        assert_eq!(str::from_utf8(&payload("").to_bytes()).unwrap(), expected);
        assert_eq!(Payload::parse(expected.as_bytes()), Ok(payload("")));
        let annotated = expected.replace("null", r#"{"creator":"somebody","timestamp":1793527200}"#);
        assert_eq!(Payload::parse(annotated.as_bytes()), Ok(payload("")));
    }

    #[test]
    fn a_payload_that_says_something_else_is_refused() {
        let text = String::from_utf8(payload("").to_bytes()).unwrap();
        let refused = |from: &str, to: &str| Payload::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        let wrong_type = refused("cosign container image signature", "atomic container signature");
        assert_eq!(wrong_type, PayloadError::Type("atomic container signature".to_owned()));
        for (from, to) in [
            ("\"image\":{\"docker-manifest-digest\"", "\"image\":{\"digest\""),
            ("sha256:", "sha512:"),
            ("sha256:e3", "sha256:E3"),
            ("\"type\"", "\"image\":{},\"type\""),
            ("\"type\"", "\"also\":1,\"type\""),
            ("\"critical\"", "\"Critical\""),
            ("\"optional\"", "\"critical\":{},\"optional\""),
            ("{", "[{"),
            ("null}", "null} {}"),
        ] {
            let error = refused(from, to);
            assert!(matches!(error, PayloadError::NotUnderstood(_)), "{from} -> {to}: {error}");
        }
        let large = text.replace("null", &format!("{{\"a\":\"{}\"}}", "a".repeat(MAX_PAYLOAD)));
        assert!(matches!(Payload::parse(large.as_bytes()), Err(PayloadError::TooLarge(_))));
    }

    #[test]
    fn a_signer_is_whoever_signed_this_manifest_and_no_other() {
        let [anna, ben, chris] = [(); 3].map(|()| PrivateKey::generate().unwrap());
        let by_anna = SignedPayload::sign(&payload("pack"), &anna);
        let of_another = SignedPayload::sign(&payload("another"), &ben);
        let moved = SignedPayload { payload: payload("pack").to_bytes(), signature: of_another.signature.clone() };
        let no_payload = SignedPayload { payload: b"{}".to_vec(), signature: chris.sign(b"{}") };
        let pack = Digest::of("pack");
        assert!(by_anna.is_of(&pack, &anna.public()));
        assert!(of_another.is_of(&Digest::of("another"), &ben.public()));
        for (signed, key) in [(&by_anna, &ben), (&of_another, &ben), (&moved, &ben), (&no_payload, &chris)] {
            assert!(!signed.is_of(&pack, &key.public()));
        }
    }
}
