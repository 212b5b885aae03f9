//! Against Debian's `docker-registry`, over TLS, with a password; and what other programs get from it.

use std::process::{Command, Stdio};
use std::time::Duration;

use orgwatch_host::pack::packed::Layout;
use orgwatch_host::pack::registry::{Registry, RegistryError};

use super::server::Server;
use super::{PASSWORD, USER, blobs, credentials, options, pack, reference, registry, signature, wait};
use crate::python;
use crate::support::outcome;

/// How long another program may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// A user of a registry with an empty cache.
fn user(server: &Server) -> (Registry, tempfile::TempDir) {
    let state = tempfile::tempdir().expect("a temporary folder");
    let mut options = options(state.path());
    options.ca = Some(server.authority().join("ca.crt"));
    options.credentials = credentials(&server.host(), PASSWORD);
    options.patience.silence = Duration::from_secs(30);
    (registry(options), state)
}

/// Runs another program and returns what it says.
fn run(command: &mut Command) -> String {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let (status, said, complained) = outcome(child, PATIENCE);
    assert!(status.is_some_and(|status| status.success()), "{command:?}\n{said}\n{complained}");
    said
}

#[test]
fn a_pack_comes_back_with_every_byte_and_signature() {
    let server = Server::start();
    let (mut layout, digest) = pack("1.2.3");
    layout.sign(digest, vec![signature("one"), signature("two")]).unwrap();
    let repository = format!("oci://{}/team/pack", server.host());
    let (publisher, _state) = user(&server);
    let tags = ["1", "1.2", "1.2.3"].map(str::to_owned);
    for _ in 0..2 {
        assert_eq!(wait(publisher.push(&layout, &reference(&repository), &tags)).unwrap(), digest);
    }
    let (reader, _state) = user(&server);
    let signed = format!("sha256-{digest}.sig");
    assert_eq!(wait(reader.tags(&reference(&repository))).unwrap(), ["1", "1.2", "1.2.3", signed.as_str()]);
    for text in [format!("{repository}:1.2"), format!("{repository}@{}", digest.tagged())] {
        let reference = reference(&text);
        assert_eq!(wait(reader.resolve(&reference)).unwrap(), digest);
        let (pulled, back) = wait(reader.pull(&reference)).unwrap();
        assert_eq!(pulled, digest);
        assert_eq!(blobs(&back), blobs(&layout));
        assert_eq!(back.pack().unwrap().0.digest, digest);
        assert_eq!(back.signatures(digest).unwrap(), [signature("one"), signature("two")]);
    }
    let none = wait(reader.pull(&reference(&format!("{repository}:2")))).unwrap_err();
    assert!(matches!(none, RegistryError::NotFound { .. }), "{none:?}");
    let nothing = wait(reader.pull(&reference(&repository))).unwrap_err();
    assert!(matches!(nothing, RegistryError::NothingNamed(_)), "{nothing:?}");
}

#[test]
fn what_was_pulled_needs_no_registry_any_more() {
    let server = Server::start();
    let (mut layout, digest) = pack("1.0.0");
    layout.sign(digest, vec![signature("one")]).unwrap();
    let repository = format!("oci://{}/pack", server.host());
    let (registry, _state) = user(&server);
    wait(registry.push(&layout, &reference(&repository), &["1.0.0".to_owned()])).unwrap();
    let by_tag = reference(&format!("{repository}:1.0.0"));
    let by_digest = by_tag.clone().with_digest(digest);
    assert!(registry.kept(&by_digest).unwrap().is_none(), "it was pushed, not pulled");
    wait(registry.pull(&by_tag)).unwrap();
    drop(server);
    let (_, back) = wait(registry.pull(&by_digest)).unwrap();
    assert_eq!(blobs(&back), blobs(&layout));
    assert_eq!(back.signatures(digest).unwrap(), [signature("one")]);
    for error in [wait(registry.pull(&by_tag)).unwrap_err(), wait(registry.pull_anew(&by_digest)).unwrap_err()] {
        assert!(matches!(error, RegistryError::Unreached { .. }), "{error:?}");
    }
}

#[test]
fn a_pack_without_signatures_is_pulled_again_without_the_registry_and_gets_them_when_it_is_back() {
    let server = Server::start();
    let (mut layout, digest) = pack("1.0.0");
    let repository = reference(&format!("oci://{}/pack", server.host()));
    let (publisher, _publishers) = user(&server);
    wait(publisher.push(&layout, &repository, &[])).unwrap();
    let pinned = repository.clone().with_digest(digest);
    let (reader, _readers) = user(&server);
    wait(reader.pull(&pinned)).unwrap();
    layout.sign(digest, vec![signature("one")]).unwrap();
    wait(publisher.push(&layout, &repository, &[])).unwrap();
    let signatures = |pulled: Result<(_, Layout), _>| pulled.unwrap().1.signatures(digest).unwrap();
    assert_eq!(signatures(wait(reader.pull(&pinned))), [signature("one")]);
    layout.sign(digest, vec![signature("two")]).unwrap();
    wait(publisher.push(&layout, &repository, &[])).unwrap();
    assert_eq!(signatures(wait(reader.pull(&pinned))), [signature("one")], "everything is here");
    assert_eq!(signatures(wait(reader.pull_anew(&pinned))), [signature("one"), signature("two")]);

    let (late, late_digest) = pack("2.0.0");
    wait(publisher.push(&late, &repository, &[])).unwrap();
    let unsigned = repository.with_digest(late_digest);
    wait(reader.pull(&unsigned)).unwrap();
    drop(server);
    assert_eq!(blobs(&wait(reader.pull(&unsigned)).unwrap().1), blobs(&late));
}

#[test]
fn a_signature_that_is_there_already_stays() {
    let server = Server::start();
    let repository = format!("oci://{}/pack", server.host());
    let (layout, digest) = pack("1.0.0");
    for name in ["one", "two", "one"] {
        let (registry, _state) = user(&server);
        let mut signed = layout.clone();
        signed.sign(digest, vec![signature(name)]).unwrap();
        wait(registry.push(&signed, &reference(&repository), &[])).unwrap();
    }
    let (registry, _state) = user(&server);
    let (_, back) = wait(registry.pull(&reference(&format!("{repository}@{}", digest.tagged())))).unwrap();
    assert_eq!(back.signatures(digest).unwrap(), [signature("one"), signature("two")]);
}

#[test]
fn nobody_is_let_in_without_the_password_or_to_a_registry_that_a_stranger_certified() {
    let server = Server::start();
    let other = Server::start();
    let (layout, _) = pack("1.0.0");
    let repository = reference(&format!("oci://{}/pack", server.host()));
    let state = tempfile::tempdir().unwrap();
    let mut options = options(state.path());
    options.ca = Some(server.authority().join("ca.crt"));
    options.patience.silence = Duration::from_secs(30);
    let push = |options| wait(registry(options).push(&layout, &repository, &[])).unwrap_err();
    let error = push(options.clone());
    assert!(matches!(error, RegistryError::NoCredentials { .. }), "{error:?}");
    options.credentials = credentials(&other.host(), PASSWORD);
    let error = push(options.clone());
    assert!(
        matches!(&error, RegistryError::NoCredentials { looked, .. } if looked.contains("DOCKER_AUTH_CONFIG")),
        "{error:?}"
    );
    options.credentials = credentials(&server.host(), "wrong");
    let error = push(options.clone());
    assert!(
        matches!(&error, RegistryError::Unauthorized { from, .. } if from.contains("DOCKER_AUTH_CONFIG")),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("wrong"), "{error:?}");
    options.credentials = credentials(&server.host(), PASSWORD);
    options.ca = Some(other.authority().join("ca.crt"));
    let error = push(options);
    assert!(matches!(error, RegistryError::Unreached { .. }), "{error:?}");
}

#[test]
fn oras_and_skopeo_give_back_the_same_digests() {
    let server = Server::start();
    let host = server.host();
    let (mut layout, digest) = pack("1.2.3");
    layout.sign(digest, vec![signature("one")]).unwrap();
    let (registry, _state) = user(&server);
    wait(registry.push(&layout, &reference(&format!("oci://{host}/team/pack")), &["1.2.3".to_owned()])).unwrap();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/packs/pull.py");
    let files = server.folder().join("oras");
    let mut oras = python::command("registry", "python");
    oras.arg(script).arg(format!("{host}/team/pack:1.2.3")).arg(server.authority().join("ca.crt")).arg(&files);
    let said = run(oras.env("ORAS_USER", USER).env("ORAS_PASS", PASSWORD));
    let mut expected = vec![format!("manifest {digest}")];
    expected.extend(layout.pack().unwrap().1.layers.iter().map(|layer| format!("file {}", layer.digest)));
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);

    let skopeo = |arguments: &[&str]| {
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "--command-timeout", "1m"]).args(arguments);
        run(skopeo.env("HOME", server.folder()))
    };
    let (authority, user_and_password) = (server.authority(), format!("{USER}:{PASSWORD}"));
    let authority = authority.to_str().unwrap();
    let image = format!("docker://{host}/team/pack:1.2.3");
    let access = ["--cert-dir", authority, "--creds", &user_and_password];
    let raw = skopeo(&[&["inspect", "--raw"][..], &access, &[&image]].concat());
    assert_eq!(orgwatch_host::digest::Digest::of(raw), digest);
    let tags = skopeo(&[&["list-tags"][..], &access, &[&format!("docker://{host}/team/pack")]].concat());
    assert!(tags.contains("\"1.2.3\"") && tags.contains(&format!("sha256-{digest}.sig")), "{tags}");

    // Out of the registry into a folder, and from there into another repository: both are the pack that was pushed.
    let folder = server.folder().join("skopeo");
    let to = format!("oci:{}:1.2.3", folder.display());
    skopeo(&["copy", "--src-cert-dir", authority, "--src-creds", &user_and_password, &image, &to]);
    assert_eq!(Layout::read(&folder).unwrap().pack().unwrap().0.digest, digest);
    let again = format!("docker://{host}/other/pack:1.2.3");
    skopeo(&["copy", "--dest-cert-dir", authority, "--dest-creds", &user_and_password, &to, &again]);
    let (pulled, _) = wait(registry.pull(&reference(&format!("oci://{host}/other/pack:1.2.3")))).unwrap();
    assert_eq!(pulled, digest);
}
