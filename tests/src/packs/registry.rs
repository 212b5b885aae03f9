//! Packs through registries: a real one, and ones that lie.

mod answers;
mod honest;
mod hostile;
mod login;
mod moved;
mod places;
mod real;
pub(super) mod server;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orgwatch_host::digest::Digest;
use orgwatch_host::pack::form::FormVersion;
use orgwatch_host::pack::packed::oci::{Descriptor, MANIFEST, Manifest, PACK, TITLE, WASM, WASM_CONFIG};
use orgwatch_host::pack::packed::{Layout, Signed};
use orgwatch_host::pack::registry::{Credentials, Patience, Place, Reference, Registry, RegistryOptions};

/// Who may use the registries of the tests.
pub(super) const USER: &str = "anaya";
pub(super) const PASSWORD: &str = "correct horse";

/// A pack of this version, as far as a registry can tell: what is in its layers makes no difference to it.
fn pack(version: &str) -> (Layout, Digest) {
    let mut layout = Layout::default();
    let mut layers = Vec::new();
    for (name, media_type, size) in
        [("contents.json", PACK, 200), ("dist/one.wasm", WASM, 300_000), ("dist/two.wasm", WASM, 1)]
    {
        let bytes = format!("{name} of {version} ").repeat(size);
        layers.push(Descriptor::of(media_type, bytes.as_bytes()).with(TITLE, name));
        layout.add_blob(bytes.into_bytes()).expect("there is room");
    }
    let config = b"{\"architecture\":\"wasm\",\"os\":\"wasip2\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}";
    let manifest = Manifest {
        schema_version: FormVersion,
        media_type: MANIFEST.to_owned(),
        artifact_type: Some(PACK.to_owned()),
        config: Descriptor::of(WASM_CONFIG, config),
        layers,
        annotations: [("org.opencontainers.image.version".to_owned(), version.to_owned())].into(),
    };
    layout.add_blob(config.to_vec()).expect("there is room");
    let digest = layout.add_manifest(&manifest.to_bytes(), Some(PACK), version).expect("there is room");
    (layout, digest)
}

/// What somebody might have signed. A registry does not look at it.
fn signature(by: &str) -> Signed {
    Signed { payload: format!("{{\"signed\":\"by {by}\"}}").into_bytes(), signature: STANDARD.encode(by) }
}

/// What is usual in these tests: no waits that anybody notices.
fn options(state: &Path) -> RegistryOptions {
    RegistryOptions {
        credentials: Credentials::none(),
        patience: Patience {
            tries: 3,
            first_wait: Duration::from_millis(1),
            silence: Duration::from_millis(700),
            ..Patience::default()
        },
        ..RegistryOptions::new(state)
    }
}

/// The user's credentials for a host.
fn credentials(host: &str, password: &str) -> Credentials {
    let auth = STANDARD.encode(format!("{USER}:{password}"));
    let content = format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{auth}\"}}}}}}");
    Credentials::from_places(vec![Place::Variable { name: "DOCKER_AUTH_CONFIG", content }])
}

/// What a request has in it when the user's name and password are sent.
fn secret() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

/// Runs what asks a registry to its end.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn registry(options: RegistryOptions) -> Registry {
    Registry::new(options).expect("everything is there")
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Every blob of a layout.
fn blobs(layout: &Layout) -> Vec<Digest> {
    layout.blobs().map(|(digest, _)| *digest).collect()
}
