//! Packs in registries: any that speaks the OCI distribution protocol.
//!
//! A registry is believed nothing. What it gives is what was asked for by digest, or it is refused; where it sends this program, and what it wants to be
//! told, has bounds that `session.rs`, `challenge.rs` and `download.rs` say. Whose a pack is and whether that is enough is decided elsewhere,
//! from what is pulled alone.
//!
//! Signatures are kept in the way of cosign: as a manifest under the tag `sha256-HEX.sig`, which every registry can hold. The referrers API is
//! not used: registries as common as Debian's do not have it.

mod cache;
mod challenge;
mod config;
mod credentials;
mod download;
mod error;
mod keep;
mod manifests;
mod patience;
mod reference;
mod session;
mod signatures;
mod tags;
mod token;
mod transport;
mod upload;

use std::future::Future;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use self::cache::Cache;
pub use self::config::{Registries, RegistriesError, RegistryConfig};
pub use self::credentials::{Credentials, Place};
pub use self::error::RegistryError;
use self::manifests::Which;
pub use self::patience::Patience;
pub use self::reference::{Reference, ReferenceError};
use self::session::{Rights, Session};
pub use self::tags::{tag_of, tags_of};
use self::transport::Transport;
use super::packed::oci::{Descriptor, MANIFEST, Manifest};
use super::packed::{LARGEST_LAYOUT, LARGEST_MANIFEST, Layout, LayoutError, MOST_BLOBS, is_pack};
use crate::digest::Digest;

/// How many blobs are on their way at one time.
const AT_ONCE: usize = 4;

/// The annotation with the version of what a manifest holds.
const VERSION: &str = "org.opencontainers.image.version";

/// How registries are used.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// The state directory: what is pulled is kept in it.
    pub state: PathBuf,
    /// A file with certificates (PEM): the registry's is held against these alone, not against those that the system trusts.
    pub ca: Option<PathBuf>,
    /// True to speak to the registry without TLS, credentials and all. A registry at `localhost`, `127.0.0.1` or `[::1]` is spoken to so anyway,
    /// unless `ca` is set.
    pub plain_http: bool,
    /// Where credentials are looked for.
    pub credentials: Credentials,
    /// How long it is waited for, and how often it is asked again.
    pub patience: Patience,
}

impl RegistryOptions {
    /// Returns what is usual: TLS with the certificates that the system trusts, and the credentials of the environment.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            ca: None,
            plain_http: false,
            credentials: Credentials::from_environment(),
            patience: Patience::default(),
        }
    }
}

/// Pushes packs to registries and pulls them.
pub struct Registry {
    options: RegistryOptions,
    transport: Transport,
    cache: Cache,
}

impl Registry {
    /// Makes ready, without reaching anybody.
    ///
    /// # Errors
    ///
    /// Fails when the authority's certificates cannot be read, or the folder for what is pulled not be made.
    pub fn new(options: RegistryOptions) -> Result<Self, RegistryError> {
        let transport = Transport::new(&options)?;
        let cache = Cache::open(&options.state)?;
        Ok(Self { options, transport, cache })
    }

    /// Returns the digest of what a reference names now. One with a digest names that, and nobody is asked.
    ///
    /// # Errors
    ///
    /// Fails when the registry does not have it, or cannot be asked.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        if let Some(digest) = reference.digest() {
            return Ok(digest);
        }
        let session = self.session(reference, Rights::Pull)?;
        Ok(self.manifest(&session, reference).await?.0)
    }

    /// Returns what a reference names, with its signatures. Where the reference has a digest and everything is here from an earlier time, nobody is asked.
    ///
    /// # Errors
    ///
    /// Fails when the registry does not have it, cannot be asked, or gives something else; and when it is no pack.
    pub async fn pull(&self, reference: &Reference) -> Result<(Digest, Layout), RegistryError> {
        let Some((digest, mut layout)) = self.kept_pack(reference)? else { return self.pull_anew(reference).await };
        if self.add_kept_signatures(reference.host(), &mut layout, digest)? {
            return Ok((digest, layout));
        }
        // Whether a pack without signatures can be trusted is not decided here, and no registry is needed to say that it has none.
        let session = self.session(reference, Rights::Pull)?.hasty();
        match self.add_signatures(&session, &mut layout, digest).await {
            Ok(()) => Ok((digest, layout)),
            Err(error) if error.is_unreached() => {
                tracing::warn!(pack = %reference, "the registry cannot be asked for signatures of the pack");
                Ok((digest, layout))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what a reference names, with the signatures that the registry has of it now. Blobs that are here are not fetched again.
    ///
    /// # Errors
    ///
    /// Fails when the registry does not have it, cannot be asked, or gives something else; and when it is no pack.
    pub async fn pull_anew(&self, reference: &Reference) -> Result<(Digest, Layout), RegistryError> {
        let session = self.session(reference, Rights::Pull)?;
        let (digest, bytes) = self.manifest(&session, reference).await?;
        let mut layout = Layout::default();
        let manifest = parse(&session.host, &bytes)?;
        if !is_pack(&manifest) {
            let kind = manifest.artifact_type.unwrap_or(manifest.config.media_type);
            return Err(refused(&session.host, LayoutError::NoManifest(kind)));
        }
        let tag = tag(reference, &manifest, digest);
        self.add(&session, &mut layout, &bytes, &manifest, &tag).await?;
        self.add_signatures(&session, &mut layout, digest).await?;
        Ok((digest, layout))
    }

    /// Returns what a reference names from what was pulled before, without asking anybody; nothing where it has no digest, or a part is missing. There
    /// are the signatures in it that the registry had when it was asked last.
    ///
    /// # Errors
    ///
    /// Fails when the cache cannot be read, or what is in it is no pack.
    pub fn kept(&self, reference: &Reference) -> Result<Option<(Digest, Layout)>, RegistryError> {
        let Some((digest, mut layout)) = self.kept_pack(reference)? else { return Ok(None) };
        self.add_kept_signatures(reference.host(), &mut layout, digest)?;
        Ok(Some((digest, layout)))
    }

    /// Stores a pack: first its blobs, then its manifest by digest, then that under each tag, and its signatures beside those that are there. Returns
    /// the digest.
    ///
    /// Two who sign at the same moment can lose one signature, since the protocol has no way to say "unless it has changed". Signing again mends it.
    ///
    /// # Errors
    ///
    /// Fails when the layout is not one pack, or the registry does not take it.
    pub async fn push(&self, layout: &Layout, reference: &Reference, tags: &[String]) -> Result<Digest, RegistryError> {
        for tag in tags {
            reference::check_tag(tag)?;
        }
        let session = self.session(reference, Rights::Push)?;
        let (descriptor, manifest) = layout.pack()?;
        self.put(&session, layout, descriptor, &manifest).await?;
        self.put_signatures(&session, layout, descriptor.digest).await?;
        // A tag is what others look at, so it comes last: whoever sees the pack sees it signed.
        let bytes = layout.blob(descriptor)?;
        for tag in tags {
            session.put_manifest(Which::Tag(tag), bytes).await?;
        }
        Ok(descriptor.digest)
    }

    /// Lists the tags of a reference's repository, sorted.
    ///
    /// # Errors
    ///
    /// Fails when the registry cannot be asked, or does not have the repository.
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        self.session(reference, Rights::Pull)?.tags().await
    }

    fn session(&self, reference: &Reference, rights: Rights) -> Result<Session<'_>, RegistryError> {
        Session::new(&self.options, &self.transport, reference, rights)
    }

    /// Fetches the manifest that a reference names, and keeps it.
    async fn manifest(&self, session: &Session<'_>, reference: &Reference) -> Result<(Digest, Vec<u8>), RegistryError> {
        let which = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => Which::Digest(digest),
            (None, Some(tag)) => Which::Tag(tag),
            (None, None) => return Err(RegistryError::NothingNamed(reference.to_string())),
        };
        if let Which::Digest(digest) = which
            && let Some(bytes) = self.cache.get(digest, LARGEST_MANIFEST)?
        {
            return Ok((digest, bytes));
        }
        let found = session.manifest(which).await?;
        let not_found = || RegistryError::NotFound { host: session.host.clone(), what: format!("`{reference}`") };
        let (digest, bytes) = found.ok_or_else(not_found)?;
        self.cache.put(&bytes)?;
        Ok((digest, bytes))
    }

    /// Adds a manifest to a layout with all its blobs.
    async fn add(
        &self,
        session: &Session<'_>,
        layout: &mut Layout,
        bytes: &[u8],
        manifest: &Manifest,
        tag: &str,
    ) -> Result<(), RegistryError> {
        let blobs = checked(&session.host, manifest)?;
        let fetch = |blob: Descriptor| async move { session.blob(&self.cache, &blob).await };
        let mut contents = stream::iter(blobs).map(fetch).buffered(AT_ONCE);
        while let Some(content) = contents.try_next().await? {
            layout.add_blob(content).map_err(|error| refused(&session.host, error))?;
        }
        let added = layout.add_manifest(bytes, manifest.artifact_type.as_deref(), tag);
        added.map_err(|error| refused(&session.host, error))?;
        Ok(())
    }

    /// Returns a pack from the cache, without signatures.
    fn kept_pack(&self, reference: &Reference) -> Result<Option<(Digest, Layout)>, RegistryError> {
        let Some(digest) = reference.digest() else { return Ok(None) };
        let Some(bytes) = self.cache.get(digest, LARGEST_MANIFEST)? else { return Ok(None) };
        let manifest = parse(reference.host(), &bytes)?;
        let tag = tag(reference, &manifest, digest);
        let mut layout = Layout::default();
        let complete = self.add_kept(reference.host(), &mut layout, &bytes, &manifest, &tag)?;
        Ok(complete.then_some((digest, layout)))
    }

    /// Adds a manifest to a layout with its blobs from the cache. Tells whether they are all there.
    fn add_kept(
        &self,
        host: &str,
        layout: &mut Layout,
        bytes: &[u8],
        manifest: &Manifest,
        tag: &str,
    ) -> Result<bool, RegistryError> {
        for descriptor in checked(host, manifest)? {
            let Some(content) = self.cache.get(descriptor.digest, descriptor.size)? else { return Ok(false) };
            layout.add_blob(content).map_err(|error| refused(host, error))?;
        }
        layout.add_manifest(bytes, manifest.artifact_type.as_deref(), tag).map_err(|error| refused(host, error))?;
        Ok(true)
    }

    /// Stores a manifest with its blobs.
    async fn put(
        &self,
        session: &Session<'_>,
        layout: &Layout,
        descriptor: &Descriptor,
        manifest: &Manifest,
    ) -> Result<(), RegistryError> {
        let blobs = distinct(manifest);
        let store = |blob: Descriptor| async move { session.put_blob(blob.digest, layout.blob(&blob)?).await };
        let mut blobs = stream::iter(blobs).map(store).buffered(AT_ONCE);
        while blobs.try_next().await?.is_some() {}
        session.put_manifest(Which::Digest(descriptor.digest), layout.blob(descriptor)?).await
    }
}

/// Runs what asks a registry to its end, for callers that wait: commands, and what loads rules.
///
/// # Panics
///
/// Panics where the system gives no thread, or what is run panics.
pub fn wait<T: Send, F: Future<Output = T>>(start: impl FnOnce() -> F + Send) -> T {
    // A thread of its own, because the caller's may belong to a runtime already.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("the system has what a runtime needs").block_on(start())
        });
        thread.join().expect("asking a registry does not panic")
    })
}

/// Returns the folder of a state directory that holds what was pulled.
pub fn folder(state: &Path) -> PathBuf {
    state.join("packs")
}

fn refused(host: &str, source: LayoutError) -> RegistryError {
    RegistryError::Layout { host: host.to_owned(), source }
}

/// Reads a manifest.
fn parse(host: &str, bytes: &[u8]) -> Result<Manifest, RegistryError> {
    let manifest: Manifest = serde_json::from_slice(bytes)
        .map_err(|source| refused(host, LayoutError::NotUnderstood { what: "a manifest", source }))?;
    if manifest.media_type == MANIFEST {
        Ok(manifest)
    } else {
        Err(refused(host, LayoutError::NoManifest(manifest.media_type)))
    }
}

/// Returns the blobs of a manifest, each once, before anything of them is fetched: a manifest can name more than anybody wants.
fn checked(host: &str, manifest: &Manifest) -> Result<Vec<Descriptor>, RegistryError> {
    let blobs = distinct(manifest);
    let size = blobs.iter().try_fold(0_u64, |sum, blob| sum.checked_add(blob.size));
    if size.is_none_or(|size| size > LARGEST_LAYOUT) {
        return Err(refused(host, LayoutError::TooLarge { limit: LARGEST_LAYOUT }));
    }
    if blobs.len() > MOST_BLOBS {
        return Err(refused(host, LayoutError::TooMany { limit: MOST_BLOBS }));
    }
    Ok(blobs)
}

/// Returns the blobs of a manifest, each once. One that is said to have two sizes is two, of which one will be found wrong.
fn distinct(manifest: &Manifest) -> Vec<Descriptor> {
    let mut blobs: Vec<Descriptor> = manifest.blobs().cloned().collect();
    blobs.sort_by_key(|blob| (blob.digest, blob.size));
    blobs.dedup_by_key(|blob| (blob.digest, blob.size));
    blobs
}

/// Returns the tag that a pulled pack has in its layout.
fn tag(reference: &Reference, manifest: &Manifest, digest: Digest) -> String {
    let version = manifest.annotations.get(VERSION).filter(|version| reference::check_tag(version).is_ok());
    reference.tag().or(version.map(String::as_str)).map_or_else(|| format!("sha256-{digest}"), str::to_owned)
}
