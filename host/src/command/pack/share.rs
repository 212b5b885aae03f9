//! `pack push`, `pull`, `tags`, `save` and `load`: the ways of a pack between organizations.

use std::path::PathBuf;

use clap::Args;

use super::registry::{RegistryArgs, failure};
use super::target::packed;
use crate::command::run::{count, digits};
use crate::command::{Failure, print, warn};
use crate::escape;
use crate::exit::Exit;
use crate::pack::packed::{Packed, write_file};
use crate::pack::registry::{self, Reference, Registry, RegistryError, tag_of, tags_of, wait};
use crate::pack::seen::Seen;
use crate::pack::signature::Detached;
use crate::rule::Place;
use crate::sandbox::Limits;

#[derive(Debug, Args)]
pub(in crate::command) struct PushArgs {
    /// A packed file, or an image layout
    pack: PathBuf,
    /// Where it goes: `oci://HOST/REPOSITORY`. It gets its version as a tag, and the shorter ones that follow it, 1.2 and 1; with a tag
    /// in the reference, that one alone
    to: Reference,
    /// Put it in the place of another pack that has the same version. Whoever has locked that one refuses this one
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct PullArgs {
    /// The pack: `oci://HOST/REPOSITORY:TAG`
    pack: Reference,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct SaveArgs {
    /// The pack: `oci://HOST/REPOSITORY:TAG`
    pack: Reference,
    /// The file to write [default: NAME-VERSION.tar]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct LoadArgs {
    /// A packed file, or an image layout
    pack: PathBuf,
    /// What it is called: `oci://HOST/REPOSITORY:TAG`. Rules that are named so are taken from it where that registry cannot be reached, and where orgwatch.lock names it
    reference: Reference,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn push(arguments: &PushArgs) -> Result<Exit, Failure> {
    let limits = Limits::default();
    let packed = packed(&Place::Path(arguments.pack.clone()), &arguments.registry, &limits)?;
    let reference = &arguments.to;
    if reference.digest().is_some() {
        return Err(Failure::usage(format!(
            "`{reference}` names a digest, and that is the pack's own\nhint: leave it out"
        )));
    }
    let registry = arguments.registry.registry(&arguments.registry.config()?, reference)?;
    let there = match wait(|| registry.tags(reference)) {
        Ok(tags) => tags,
        Err(RegistryError::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(failure(error)),
    };
    let version = &packed.manifest().version;
    let tags = reference.tag().map_or_else(|| tags_of(version, &there), |tag| vec![tag.to_owned()]);
    if there.contains(&tag_of(version)) && tags.contains(&tag_of(version)) && !arguments.replace {
        refuse_other(&registry, reference, &packed)?;
    }
    let digest = wait(|| registry.push(packed.layout(), reference, &tags)).map_err(failure)?;
    if packed.layout().signatures(digest).is_ok_and(|signatures| signatures.is_empty()) {
        let place = format!("oci://{}/{}@{}", reference.host(), reference.repository(), digest.tagged());
        let beside = Detached::path_of(&arguments.pack).exists();
        let why = if beside { "the signature beside the file is of the file, and " } else { "" };
        warn(&format!(
            "{why}nobody has signed what the registry has\nhint: `orgwatch-host pack sign {place} --key FILE`"
        ));
    }
    print(format!(
        "pushed {} to {}/{}\ntags: {}\n{}\n",
        packed.manifest().reference(),
        reference.host(),
        reference.repository(),
        tags.join(", "),
        digest.tagged()
    ))
}

/// Refuses to put a pack in the place of another one with the same version.
fn refuse_other(registry: &Registry, reference: &Reference, packed: &Packed) -> Result<(), Failure> {
    let version = tag_of(&packed.manifest().version);
    let published = reference.clone().with_tag(&version).map_err(Failure::usage)?;
    let there = wait(|| registry.resolve(&published)).map_err(failure)?;
    if there == packed.digest() {
        return Ok(());
    }
    let message = format!(
        "`{published}` is there and is another pack, {}\nhint: give this one a version of its own in pack.toml; --replace puts it there all the same",
        there.tagged()
    );
    Err(Failure { exit: Exit::Failed, error: message.into() })
}

pub(super) fn pull(arguments: &PullArgs) -> Result<Exit, Failure> {
    let packed = packed(&Place::Registry(arguments.pack.clone()), &arguments.registry, &Limits::default())?;
    print(format!(
        "pulled {}\n{}, {}\n{}\n",
        packed.manifest().reference(),
        count(packed.contents().rules.len() as u64, "rule"),
        count(packed.signatures() as u64, "signature"),
        packed.digest().tagged()
    ))
}

pub(super) fn tags(arguments: &PullArgs) -> Result<Exit, Failure> {
    let registry = arguments.registry.registry(&arguments.registry.config()?, &arguments.pack)?;
    let tags = wait(|| registry.tags(&arguments.pack)).map_err(failure)?;
    // The tags of signatures are for programs.
    let tags: Vec<String> = tags.into_iter().filter(|tag| !tag.starts_with("sha256-")).map(|tag| tag + "\n").collect();
    print(tags.concat())
}

pub(super) fn save(arguments: &SaveArgs) -> Result<Exit, Failure> {
    let packed = packed(&Place::Registry(arguments.pack.clone()), &arguments.registry, &Limits::default())?;
    let manifest = packed.manifest();
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| PathBuf::from(format!("{}-{}.tar", manifest.id.name(), manifest.version)));
    let tar = packed.layout().to_tar();
    write_file(&out, &tar).map_err(Failure::input_output)?;
    print(format!(
        "saved {} into {}\n{}, {} bytes\n{}\n",
        manifest.reference(),
        escape::path(&out),
        count(packed.signatures() as u64, "signature"),
        digits(tar.len() as u64),
        packed.digest().tagged()
    ))
}

pub(super) fn load(arguments: &LoadArgs) -> Result<Exit, Failure> {
    let packed = packed(&Place::Path(arguments.pack.clone()), &arguments.registry, &Limits::default())?;
    let reference = &arguments.reference;
    if reference.digest().is_some_and(|digest| digest != packed.digest()) {
        let message = format!("`{}` is {}", escape::path(&arguments.pack), packed.digest().tagged());
        return Err(Failure::rules(message));
    }
    let registries = arguments.registry.registries(&arguments.registry.config()?, reference)?;
    let registry = registries.open(reference).map_err(failure)?;
    registry.keep(packed.layout()).map_err(failure)?;
    let state = registries.state().ok_or(RegistryError::NoState).map_err(failure)?;
    let mut seen = Seen::read(&registry::folder(state)).map_err(Failure::input_output)?;
    seen.resolved(reference.to_string(), packed.digest());
    seen.write().map_err(Failure::input_output)?;
    print(format!(
        "loaded {} as {reference}\n{}\n{}\n",
        packed.manifest().reference(),
        count(packed.signatures() as u64, "signature"),
        packed.digest().tagged()
    ))
}
