//! `pack sign` and `pack verify`: who says that a pack is theirs.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::key::{PasswordArgs, public};
use super::registry::{RegistryArgs, failure};
use super::target::packed;
use crate::command::run::count;
use crate::command::{Failure, print, warn};
use crate::escape;
use crate::exit::Exit;
use crate::pack::packed::{Layout, LayoutError, Packed};
use crate::pack::registry::wait;
use crate::pack::signature::simple_signing::{Payload, SignedPayload};
use crate::pack::signature::{Detached, DetachedError, PrivateKey, PublicKey};
use crate::rule::Place;
use crate::sandbox::Limits;
use crate::trust::{Origin, Policy, TrustError, Trusted};

#[derive(Debug, Args)]
pub(in crate::command) struct SignArgs {
    /// A packed file, whose signature is written beside it as FILE.sig; an image layout; or a pack in a registry
    pack: Place,
    /// The private key: NAME.key of `pack keygen`, or another on P-256 in PKCS#8 (PEM)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct VerifyArgs {
    /// A packed file, an image layout, or a pack in a registry
    pack: Place,
    /// A public key that must have signed the pack; repeatable [default: what `[trust]` in the configuration says of its publisher]
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// How many of the keys must have signed it [default: all]
    #[arg(long, value_name = "N", requires = "key", value_parser = clap::value_parser!(u16).range(1..))]
    required: Option<u16>,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn sign(arguments: &SignArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let key = arguments.password.key(&arguments.key)?;
    // What cannot be opened is not signed: a signature says that somebody stands by it.
    let mut packed = packed(&arguments.pack, &arguments.registry, &limits)?;
    let added = match &arguments.pack {
        Place::Path(path) if path.is_dir() => {
            let added = add(&mut packed, String::new(), &key)?;
            packed.layout().write_folder(path).map_err(Failure::input_output)?;
            added
        }
        Place::Path(path) => beside(path, &packed, &key)?,
        Place::Registry(reference) => {
            let identity = format!("{}/{}", reference.host(), reference.repository());
            let added = add(&mut packed, identity, &key)?;
            let registry = arguments.registry.registry(&arguments.registry.config()?, reference)?;
            wait(|| registry.push(packed.layout(), reference, &[])).map_err(failure)?;
            registry.keep(packed.layout()).map_err(failure)?;
            added
        }
    };
    let reference = packed.manifest().reference();
    let what = if added { "signed" } else { "had signed before" };
    print(format!("{what} {reference}\n{}\nwith the key {}\n", packed.digest().tagged(), key.public().id().short()))
}

/// Adds a signature to a layout. Returns false where this key has signed before.
fn add(packed: &mut Packed, reference: String, key: &PrivateKey) -> Result<bool, Failure> {
    let digest = packed.digest();
    if packed.is_signed_by(&key.public()) {
        return Ok(false);
    }
    let signed = SignedPayload::sign(&Payload { reference, digest }, key);
    let layout = packed.layout_mut();
    layout.sign(digest, vec![signed.into()]).and_then(|()| layout.prune()).map_err(Failure::rules)?;
    Ok(true)
}

/// Adds a signature beside a file.
fn beside(path: &Path, packed: &Packed, key: &PrivateKey) -> Result<bool, Failure> {
    let read = |source| LayoutError::File { doing: "read", path: path.to_owned(), source };
    let file = std::fs::read(path).map_err(read).map_err(Failure::input_output)?;
    // These bytes are signed, so they have to be those of the pack that was opened.
    let same = Layout::parse(&file).and_then(|layout| Ok(layout.pack()?.0.digest == packed.digest()));
    if !same.map_err(Failure::rules)? {
        let path = escape::path(path);
        return Err(Failure::rules(format!("`{path}` has changed while it was looked at, and is not signed")));
    }
    let signatures = Detached::path_of(path);
    let mut detached =
        if signatures.exists() { Detached::read(&signatures).map_err(unusable)? } else { Detached::default() };
    // A file that was made anew has another's signatures beside it, which say nothing of it.
    let added = detached.add(&file, key);
    if added {
        detached.write(&signatures).map_err(unusable)?;
    }
    Ok(added)
}

fn unusable(error: DetachedError) -> Failure {
    Failure::input_output(error)
}

pub(super) fn verify(arguments: &VerifyArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let packed = packed(&arguments.pack, &arguments.registry, &limits)?;
    let reference = packed.manifest().reference();
    let digest = packed.digest().tagged();
    let signers = if arguments.key.is_empty() {
        by_policy(&packed, arguments)?
    } else {
        let keys = public(&arguments.key)?;
        by_keys(&packed, &keys, arguments)?
    };
    let signers: Vec<String> = signers.iter().map(|key| format!("  {}\n", key.id())).collect();
    print(format!("verified {reference}\n{digest}\nsigned with\n{}", signers.concat()))
}

/// Holds a pack against keys of the command line.
fn by_keys(packed: &Packed, keys: &[PublicKey], arguments: &VerifyArgs) -> Result<Vec<PublicKey>, Failure> {
    let signers = signers(packed, keys.iter());
    let required = arguments.required.map_or(keys.len(), usize::from);
    if signers.len() < required {
        let message = format!(
            "{} of the {required} keys that must have signed {} did; it has {}",
            signers.len(),
            packed.manifest().reference(),
            count(packed.signatures() as u64, "signature"),
        );
        return Err(Failure::rules(message));
    }
    Ok(signers)
}

/// Holds a pack against the trust policy, as loading it does.
fn by_policy(packed: &Packed, arguments: &VerifyArgs) -> Result<Vec<PublicKey>, Failure> {
    let config = arguments.registry.config()?;
    let policy = Policy::new(config.trust.as_ref()).map_err(Failure::usage)?;
    if !policy.is_set() {
        let hint = "name a public key with --key, or write [trust] into the configuration";
        return Err(Failure::usage(format!("there is nothing to verify the pack with\nhint: {hint}")));
    }
    let trusted = judge(packed, &arguments.pack, &policy).map_err(Failure::rules)?;
    for warning in &trusted.warnings {
        warn(warning);
    }
    Ok(signers(packed, policy.keys()))
}

/// Judges a pack by a policy, as loading it for the first time does.
pub(super) fn judge(packed: &Packed, place: &Place, policy: &Policy) -> Result<Trusted, TrustError> {
    let shown = place.to_string();
    let origin = match place {
        Place::Path(path) => Origin::File(path),
        Place::Registry(_) => Origin::Registry(&shown),
    };
    packed.judge(policy, origin, None, Timestamp::now())
}

/// Returns those of some keys that signed a pack. One that is named twice signs once.
pub(super) fn signers<'a>(packed: &Packed, keys: impl Iterator<Item = &'a PublicKey>) -> Vec<PublicKey> {
    let mut signers: Vec<PublicKey> = Vec::new();
    for key in keys {
        if !signers.contains(key) && packed.is_signed_by(key) {
            signers.push(key.clone());
        }
    }
    signers
}
