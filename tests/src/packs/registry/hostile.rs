//! Registries that give something else than what was asked for, too much of it, too little, or nothing.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orgwatch_host::digest::Digest;
use orgwatch_host::pack::form::FormVersion;
use orgwatch_host::pack::packed::oci::{Descriptor, MANIFEST, Manifest, PACK, WASM, WASM_CONFIG};
use orgwatch_host::pack::packed::{Layout, LayoutError};
use orgwatch_host::pack::registry::{RegistryError, folder};
use tempfile::TempDir;

use super::{blobs, honest, options, pack, reference, registry, wait};
use crate::servers::{Asked, Reply, Scripted};

/// A registry that lies where `lie` says so, with the pack that it has.
fn liar(lie: impl Fn(&Layout, &Asked) -> Option<Reply> + Send + Sync + 'static) -> Scripted {
    let (layout, _) = pack("1.0.0");
    Scripted::start(move |asked, _| lie(&layout, asked).unwrap_or_else(|| honest::answer(&layout, asked)))
}

/// The largest blob of the pack: a rule.
fn rule() -> Descriptor {
    let (layout, _) = pack("1.0.0");
    layout.pack().expect("it holds a pack").1.layers[1].clone()
}

fn is_rule(asked: &Asked) -> bool {
    asked.path.ends_with(&rule().digest.tagged())
}

fn bytes(layout: &Layout) -> Vec<u8> {
    layout.blob(&rule()).expect("it holds the rule").to_vec()
}

/// Pulls the pack's tag, with an empty cache.
fn pull(server: &Scripted) -> (Result<(Digest, Layout), RegistryError>, TempDir) {
    let state = tempfile::tempdir().expect("a temporary folder");
    let registry = registry(options(state.path()));
    (wait(registry.pull(&reference(&format!("oci://{}/team/pack:1", server.host())))), state)
}

/// Tells whether anything of the rule is in a cache.
fn is_kept(state: &TempDir) -> bool {
    let folder = folder(state.path()).join("blobs/sha256");
    let rule = rule().digest.to_string();
    let mut files = fs::read_dir(folder).expect("there is a cache").map(|file| file.expect("it can be listed"));
    files.any(|file| file.file_name().to_string_lossy().starts_with(&rule))
}

#[test]
fn a_registry_that_is_honest_is_believed() {
    let server = liar(|_, _| None);
    let (pulled, state) = pull(&server);
    let (digest, layout) = pulled.unwrap();
    assert_eq!((digest, blobs(&layout)), (pack("1.0.0").1, blobs(&pack("1.0.0").0)));
    assert!(is_kept(&state));
}

#[test]
fn another_blob_is_refused_and_not_kept() {
    let server = liar(|layout, asked| is_rule(asked).then(|| Reply::ok(bytes(layout).to_ascii_uppercase())));
    let (pulled, state) = pull(&server);
    let error = pulled.unwrap_err();
    assert!(matches!(error, RegistryError::WrongDigest { .. }), "{error:?}");
    assert!(!is_kept(&state));
}

#[test]
fn another_manifest_than_that_of_the_digest_is_refused() {
    let (other, _) = pack("6.6.6");
    let server = Scripted::start(move |asked, _| {
        let digest = other.pack().unwrap().0.digest;
        let path = asked.path.replace(&pack("1.0.0").1.tagged(), &digest.tagged());
        honest::answer(&other, &Asked { path, ..asked.clone() })
    });
    let state = tempfile::tempdir().unwrap();
    let pinned = reference(&format!("oci://{}/team/pack:1", server.host())).with_digest(pack("1.0.0").1);
    let error = wait(registry(options(state.path())).pull(&pinned)).unwrap_err();
    assert!(matches!(error, RegistryError::WrongDigest { .. }), "{error:?}");
}

#[test]
fn a_download_that_breaks_off_is_an_error_and_the_next_run_goes_on_with_it() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let server = liar(move |layout, asked| {
        // It gives the first thousand bytes of what it is asked for, and then nothing more.
        (is_rule(asked) && is_broken.load(Ordering::Relaxed))
            .then(|| honest::part(asked, &bytes(layout)).breaking_after(1000))
    });
    let state = tempfile::tempdir().unwrap();
    let tag = reference(&format!("oci://{}/team/pack:1", server.host()));
    let error = wait(registry(options(state.path())).pull(&tag)).unwrap_err();
    assert!(matches!(error, RegistryError::Unreached { .. }), "{error:?}");
    broken.store(false, Ordering::Relaxed);
    let (_, layout) = wait(registry(options(state.path())).pull(&tag)).unwrap();
    assert_eq!(blobs(&layout), blobs(&pack("1.0.0").0));
    let asked = server.asked().into_iter().filter(is_rule);
    let ranges: Vec<String> = asked.map(|asked| asked.header("range").unwrap_or("all").to_owned()).collect();
    assert_eq!(ranges, ["all", "bytes=1000-", "bytes=2000-", "bytes=3000-"]);
}

#[test]
fn what_another_run_left_wrong_is_fetched_anew() {
    let server = liar(|_, _| None);
    let state = tempfile::tempdir().unwrap();
    let registry = registry(options(state.path()));
    let part = folder(state.path()).join(format!("blobs/sha256/{}.part", rule().digest));
    fs::write(&part, "not the beginning of it").unwrap();
    wait(registry.pull(&reference(&format!("oci://{}/team/pack:1", server.host())))).unwrap();
    assert!(!part.exists());
    assert_eq!(server.asked().iter().filter(|asked| is_rule(asked)).count(), 2);
}

#[test]
fn a_blob_that_is_cut_short_is_an_error() {
    let server = liar(|layout, asked| is_rule(asked).then(|| Reply::ok(&bytes(layout)[..5000])));
    let error = pull(&server).0.unwrap_err();
    assert!(matches!(error, RegistryError::Incomplete { got: 5000, .. }), "{error:?}");
}

#[test]
fn a_blob_that_never_ends_is_given_up_at_its_size() {
    for chunked in [true, false] {
        let server = liar(move |layout, asked| {
            let mut more = bytes(layout);
            more.extend_from_slice(b"more");
            is_rule(asked).then(|| if chunked { Reply::ok(more).endless() } else { Reply::ok(more) })
        });
        let (pulled, state) = pull(&server);
        let error = pulled.unwrap_err();
        assert!(matches!(error, RegistryError::TooLarge { limit, .. } if limit == rule().size), "{error:?}");
        assert!(!is_kept(&state));
    }
}

#[test]
fn a_manifest_that_is_huge_or_never_ends_is_given_up() {
    for endless in [true, false] {
        let server = liar(move |_, asked| {
            let reply = Reply::ok(vec![b' '; if endless { 1 << 20 } else { 5 << 20 }]);
            asked.path.contains("/manifests/").then(|| if endless { reply.endless() } else { reply })
        });
        let error = pull(&server).0.unwrap_err();
        assert!(matches!(error, RegistryError::TooLarge { limit: 4_194_304, .. }), "{error:?}");
    }
}

#[test]
fn a_registry_that_says_nothing_is_given_up() {
    for path in ["/manifests/", "/blobs/"] {
        let server = liar(move |_, asked| asked.path.contains(path).then(Reply::silent));
        let error = pull(&server).0.unwrap_err();
        assert!(matches!(error, RegistryError::Silent { .. }), "{path}: {error:?}");
    }
}

#[test]
fn a_registry_that_gives_a_byte_now_and_then_is_given_up() {
    for path in ["/manifests/", "/blobs/"] {
        let server = liar(move |layout, asked| {
            let reply = honest::answer(layout, asked).dripping(Duration::from_millis(50));
            asked.path.contains(path).then_some(reply)
        });
        let state = tempfile::tempdir().unwrap();
        let mut options = options(state.path());
        options.patience.slowest = 1 << 30;
        let tag = reference(&format!("oci://{}/team/pack:1", server.host()));
        let error = wait(registry(options).pull(&tag)).unwrap_err();
        assert!(matches!(error, RegistryError::Silent { .. }), "{path}: {error:?}");
    }
}

#[test]
fn a_manifest_that_names_more_than_a_pack_can_hold_is_refused_before_anything_is_fetched() {
    let mut large = Descriptor::of(WASM, b"a");
    large.size = u64::MAX;
    let manifest = Manifest {
        schema_version: FormVersion,
        media_type: MANIFEST.to_owned(),
        artifact_type: Some(PACK.to_owned()),
        config: Descriptor::of(WASM_CONFIG, b"{}"),
        layers: vec![large],
        annotations: std::collections::BTreeMap::new(),
    };
    let bytes = manifest.to_bytes();
    let server = liar(move |_, asked| asked.path.contains("/manifests/").then(|| Reply::ok(bytes.clone())));
    let error = pull(&server).0.unwrap_err();
    assert!(matches!(error, RegistryError::Layout { source: LayoutError::TooLarge { .. }, .. }), "{error:?}");
    assert!(!server.asked().iter().any(|asked| asked.path.contains("/blobs/")));
}

#[test]
fn what_is_no_manifest_of_a_pack_is_refused() {
    let image = String::from_utf8(pack("1.0.0").0.blob(pack("1.0.0").0.pack().unwrap().0).unwrap().to_vec()).unwrap();
    let image = image.replace(&format!("\"artifactType\":\"{PACK}\","), "");
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let deep = "[".repeat(100_000);
    for (what, text) in [("an image", image.as_str()), ("an index", index), ("nested", &deep), ("nothing", "")] {
        let text = text.to_owned();
        let server = liar(move |_, asked| asked.path.contains("/manifests/").then(|| Reply::ok(text.clone())));
        let error = pull(&server).0.unwrap_err();
        assert!(matches!(error, RegistryError::Layout { .. }), "{what}: {error:?}");
    }
}

#[test]
fn what_was_changed_in_the_cache_is_fetched_again() {
    let server = liar(|_, _| None);
    let state = tempfile::tempdir().unwrap();
    let registry = registry(options(state.path()));
    let tag = reference(&format!("oci://{}/team/pack:1", server.host()));
    wait(registry.pull(&tag)).unwrap();
    let path = folder(state.path()).join(format!("blobs/sha256/{}", rule().digest));
    let content = fs::read(&path).unwrap();
    fs::write(&path, content.to_ascii_uppercase()).unwrap();
    let (_, layout) = wait(registry.pull(&tag)).unwrap();
    assert_eq!(blobs(&layout), blobs(&pack("1.0.0").0));
    assert_eq!(fs::read(&path).unwrap(), content);
}
