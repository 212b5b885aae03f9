//! Signatures, checked by a program that is not ours: `openssl` verifies what is signed here, and what it signs is verified here.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orgwatch_host::digest::Digest;
use orgwatch_host::pack::signature::simple_signing::{Payload, SignedPayload};
use orgwatch_host::pack::signature::{Detached, Found, KeyError, KeyProblem, PrivateKey, PublicKey, Signature};
use tempfile::TempDir;

use crate::support::Run;

/// What is signed: bytes of all values, more than a block of any hash.
fn pack() -> Vec<u8> {
    (0..=255).cycle().take(10_000).collect()
}

/// A folder for `openssl` to work in.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), bytes).expect("the file can be written");
    }

    fn run(&self, arguments: &str) -> Output {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(self.path()).stdin(Stdio::null());
        openssl.output().expect("openssl is installed: apt-get install openssl")
    }

    /// Runs `openssl` with arguments that work.
    fn openssl(&self, arguments: &str) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Has `openssl` make a private key, as the file `name`, and its public one, `name.pub`.
    fn make_key(&self, name: &str, algorithm: &str) {
        self.openssl(&format!("genpkey {algorithm} -out {name}"));
        self.openssl(&format!("pkey -in {name} -pubout -out {name}.pub"));
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.path().join(name), mode).expect("its mode can be set");
    }

    fn private(&self, name: &str, password: Option<&str>) -> Result<PrivateKey, KeyError> {
        PrivateKey::read(&self.path().join(name), password)
    }

    fn public(&self, name: &str) -> Result<PublicKey, KeyError> {
        PublicKey::read(&self.path().join(name))
    }
}

const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

#[track_caller]
fn problem<T>(result: Result<T, KeyError>) -> KeyProblem {
    match result {
        Err(KeyError::Wrong { problem, .. }) => problem,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the key is taken"),
    }
}

#[test]
fn openssl_verifies_a_signed_file_as_the_documentation_says() {
    let folder = Folder::new();
    let key = PrivateKey::generate().expect("a new key");
    key.public().write(&folder.path().join("acme.pub")).expect("the key is written");
    folder.write("pack.tar", pack());
    let mut detached = Detached::default();
    assert!(detached.add(&pack(), &key));
    detached.write(&Detached::path_of(&folder.path().join("pack.tar"))).expect("the signature is written");
    let check = || {
        let script = "base64 -d pack.tar.sig | openssl dgst -sha256 -verify acme.pub -signature /dev/stdin pack.tar";
        let output = Command::new("bash").args(["-o", "pipefail", "-c", script]).current_dir(folder.path()).output();
        output.expect("bash runs").status.success()
    };
    assert!(check());
    let mut flipped = pack();
    flipped[5_000] ^= 1;
    folder.write("pack.tar", flipped);
    assert!(!check());
}

#[test]
fn openssl_verifies_a_signed_payload_of_a_registry() {
    let folder = Folder::new();
    let key = PrivateKey::generate().expect("a new key");
    folder.write("acme.pub", key.public().to_pem());
    let payload = Payload { reference: "registry.example.com/acme/pack".to_owned(), digest: Digest::of("manifest") };
    let signed = SignedPayload::sign(&payload, &key);
    folder.write("payload.json", &signed.payload);
    let annotation = signed.signature.to_string();
    folder.write("signature.der", STANDARD.decode(annotation).expect("the annotation is base64"));
    folder.openssl("dgst -sha256 -verify acme.pub -signature signature.der payload.json");
    folder.write("payload.json", String::from_utf8_lossy(&signed.payload).replace("acme/pack", "acme/pakc"));
    assert!(!folder.run("dgst -sha256 -verify acme.pub -signature signature.der payload.json").status.success());
}

#[test]
fn what_openssl_signs_is_verified_here() {
    let folder = Folder::new();
    folder.make_key("acme", P256);
    let key = folder.public("acme.pub").expect("openssl writes such keys");
    folder.write("pack.tar", pack());
    let digest = Digest::of("manifest");
    let payload = Payload { reference: "registry.example.com/acme/pack".to_owned(), digest }.to_bytes();
    folder.write("payload.json", &payload);
    // Each of openssl's signatures is another one, and in half of them the second number is in the upper half of its range.
    for _ in 0..8 {
        let der = folder.openssl("dgst -sha256 -sign acme pack.tar");
        folder.write("pack.tar.sig", STANDARD.encode(&der));
        let detached = Detached::read(&folder.path().join("pack.tar.sig")).expect("one signature, without a line end");
        assert!(detached.is_signed_by(&pack(), &key));
        assert!(!detached.is_signed_by(&pack()[1..], &key));
        let der = folder.openssl("dgst -sha256 -sign acme payload.json");
        let signature = Signature::from_der(&der).expect("openssl writes DER");
        let signed = SignedPayload { payload: payload.clone(), signature };
        assert!(signed.is_of(&digest, &key));
        assert!(!signed.is_of(&Digest::of("another"), &key));
    }
}

#[test]
fn openssl_opens_our_keys_plain_and_encrypted() {
    let folder = Folder::new();
    let key = PrivateKey::generate().expect("a new key");
    for (name, password) in [("plain", None), ("encrypted", Some("correct-horse"))] {
        key.write(&folder.path().join(name), password).expect("the key is written");
        let public = folder.openssl(&format!("pkey -in {name} -passin pass:correct-horse -pubout"));
        assert_eq!(String::from_utf8_lossy(&public), key.public().to_pem(), "{name}");
    }
    assert!(!folder.run("pkey -in encrypted -passin pass:wrong -pubout").status.success());
    let text = fs::read_to_string(folder.path().join("encrypted")).expect("it is text");
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{text}");
    let fingerprint = folder.openssl("pkey -in plain -pubout -outform DER");
    assert_eq!(key.public().id().to_string(), Digest::of(fingerprint).tagged());
}

#[test]
fn keys_of_openssl_are_read_here_plain_and_encrypted_however_their_point_is_written() {
    let folder = Folder::new();
    folder.make_key("acme", P256);
    let id = folder.public("acme.pub").expect("a public key").id();
    assert_eq!(folder.private("acme", None).expect("a private key").public().id(), id);
    for (name, how) in [
        ("pbkdf2", "-v2 aes-256-cbc"),
        ("scrypt", "-scrypt"),
        ("aes128", "-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000"),
    ] {
        folder.openssl(&format!("pkcs8 -topk8 -in acme {how} -passout pass:correct-horse -out {name}"));
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o600)).expect("its mode can be set");
        let key = folder.private(name, Some("correct-horse")).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(key.public().id(), id, "{name}");
        assert_eq!(problem(folder.private(name, Some("wrong"))), KeyProblem::Password, "{name}");
        assert_eq!(problem(folder.private(name, None)), KeyProblem::PasswordNeeded, "{name}");
    }
    // The same key written shorter is no second key.
    folder.openssl("ec -in acme -pubout -conv_form compressed -out compressed.pub");
    let compressed = fs::read_to_string(folder.path().join("compressed.pub")).expect("it is text");
    assert_ne!(compressed, folder.public("acme.pub").expect("a public key").to_pem());
    assert_eq!(folder.public("compressed.pub").expect("a public key").id(), id);
}

#[test]
fn keys_of_other_kinds_are_told_for_what_they_are() {
    let folder = Folder::new();
    for (name, algorithm, kind) in [
        ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "an RSA key"),
        ("ed25519", "-algorithm ED25519", "an Ed25519 key"),
        ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "a key on another curve"),
        (
            "explicit",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
            "a key on another curve",
        ),
    ] {
        folder.make_key(name, algorithm);
        assert_eq!(problem(folder.private(name, None)), KeyProblem::Kind(kind));
        assert_eq!(problem(folder.public(&format!("{name}.pub"))), KeyProblem::Kind(kind));
    }
    folder.make_key("acme", P256);
    assert_eq!(problem(folder.public("acme")), KeyProblem::Other(Found::Private));
    folder.openssl("ec -in acme -out older");
    fs::set_permissions(folder.path().join("older"), fs::Permissions::from_mode(0o600)).expect("its mode can be set");
    assert_eq!(problem(folder.private("older", None)), KeyProblem::Other(Found::Sec1));
    folder.openssl("req -x509 -key acme -subj /CN=acme -out certificate");
    assert_eq!(problem(folder.public("certificate")), KeyProblem::Other(Found::Certificate));
    // The hint that goes with it works.
    let mut pem = fs::File::create(folder.path().join("of-certificate.pub")).expect("a file");
    pem.write_all(&folder.openssl("x509 -pubkey -noout -in certificate")).expect("it can be written");
    assert_eq!(
        folder.public("of-certificate.pub").expect("a key").id(),
        folder.public("acme.pub").expect("a key").id()
    );
}

#[test]
fn a_pair_of_keys_is_written_whole_or_not_at_all() {
    let folder = Folder::new();
    let keygen = || Run::new(["pack", "keygen"]).argument(folder.path().join("acme")).run();
    folder.write("acme.pub", "another's");
    let refused = keygen();
    assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("is there already"), "{}", refused.stderr);
    assert!(!folder.path().join("acme.key").exists());
    assert_eq!(fs::read_to_string(folder.path().join("acme.pub")).expect("it is there"), "another's");
    fs::remove_file(folder.path().join("acme.pub")).expect("it is there");
    assert_eq!(keygen().code, 0);
    folder.private("acme.key", None).expect("it was written");
    assert_eq!(keygen().code, 3);
}
