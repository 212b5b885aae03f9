//! Gathering rules: what each place holds is fetched, held against the lock file and the trust policy, and only then one of the rules that load.
//!
//! A pack that is refused stops no other: it is told, and what it would have judged is judged by nobody. What comes out has been checked and not
//! compiled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{DiscoverError, Discovered, RuleFile};
use crate::digest::Digest;
use crate::escape;
use crate::pack::Pack;
use crate::pack::lock::{Lock, Locked};
use crate::pack::packed::{Packed, PackedError};
use crate::pack::registry::{self, Reference, Registries, RegistryError};
use crate::pack::seen::{Seen, SeenError};
use crate::sandbox::Limits;
use crate::trust::{Origin, Policy, TrustError, Trusted};

/// What comes of gathering.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The components.
    pub files: Vec<RuleFile>,
    /// The places that are refused.
    pub refused: Vec<Refusal>,
    /// What is allowed and may not be meant, each with a hint.
    pub warnings: Vec<String>,
    /// What each place was, to be locked.
    pub resolved: Vec<(String, Locked)>,
    /// What was loaded before, with what is about to be; nothing where no pack was looked for in it. It is for whoever runs the rules to write: to look at
    /// a pack is not to load it.
    pub seen: Option<Seen>,
}

/// A place that is refused.
#[derive(Debug, thiserror::Error)]
#[error("the rules of `{}` are not loaded", escape::terminal(place))]
pub struct Refusal {
    /// The place.
    pub place: String,
    /// Why.
    #[source]
    pub reason: RefusalReason,
}

/// Why a place is refused.
#[derive(Debug, thiserror::Error)]
pub enum RefusalReason {
    /// The pack is damaged, lies, or is none.
    #[error(transparent)]
    Packed(#[from] PackedError),
    /// It is not trusted, or wants more than it may.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The registry does not give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What was loaded before cannot be read.
    #[error(transparent)]
    Seen(#[from] SeenError),
    /// It is not in the lock file.
    #[error(
        "it is not in {}\nhint: look at it with `orgwatch-host pack inspect`, then run `orgwatch-host pack lock`",
        Lock::NAME
    )]
    NotLocked,
    /// It is not what the lock file says.
    #[error(
        "it is {} now, and {} says {}\nhint: if that is in order, run `orgwatch-host pack lock`",
        found.tagged(), Lock::NAME, locked.tagged()
    )]
    LockedOtherwise {
        /// What the lock file says.
        locked: Digest,
        /// What it is.
        found: Digest,
    },
    /// It was locked, and is gone.
    #[error(
        "it is in {}, and is not there any more\nhint: if that is in order, run `orgwatch-host pack lock`",
        Lock::NAME
    )]
    Gone,
    /// A version that was locked is something else now.
    #[error(
        "{pack} is {} now, and was {} when it was locked: a version that is published does not change\nhint: ask the publisher; to take it all the same, remove its entry from {}",
        found.tagged(), locked.tagged(), Lock::NAME
    )]
    VersionMoved {
        /// The pack with its version.
        pack: String,
        /// What the lock file says.
        locked: Digest,
        /// What it is.
        found: Digest,
    },
}

impl RefusalReason {
    /// Tells whether it is the network, a disk or credentials that failed, and no judgement on the pack.
    pub fn is_input_output(&self) -> bool {
        use crate::pack::packed::LayoutError::File;
        match self {
            Self::Registry(error) => error.is_input_output(),
            Self::Seen(_) | Self::Packed(PackedError::Layout(File { .. })) => true,
            _ => false,
        }
    }
}

/// How a lock file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// References in it are taken by their digests. What differs otherwise is told.
    Followed,
    /// Nothing loads that is not in it or differs.
    Demanded,
    /// It is about to be written anew: tags are asked for, and what it says is compared.
    Renewed,
}

/// Gathers rules.
pub struct Gatherer<'a> {
    limits: &'a Limits,
    policy: &'a Policy,
    registries: &'a Registries,
    lock: Lock,
    locking: Locking,
    seen: Option<Seen>,
    now: Timestamp,
    gathered: Gathered,
}

impl<'a> Gatherer<'a> {
    /// Starts with nothing. `now` is the host's clock, by which keys expire.
    pub fn new(
        limits: &'a Limits,
        policy: &'a Policy,
        registries: &'a Registries,
        lock: Lock,
        locking: Locking,
        now: Timestamp,
    ) -> Self {
        Self { limits, policy, registries, lock, locking, seen: None, now, gathered: Gathered::default() }
    }

    /// Adds what a path of this machine holds.
    ///
    /// # Errors
    ///
    /// Fails when a pack has not been built or a file cannot be read.
    pub fn add_discovered(&mut self, path: &Path, found: &Discovered) -> Result<(), DiscoverError> {
        self.look_for_locked(path, found);
        if !found.components.is_empty() || !found.packs.is_empty() {
            let place = path.to_string_lossy().into_owned();
            let files = found.files(self.limits)?;
            match self.judge_local(path, found, &files) {
                Ok(()) => self.gathered.files.extend(files),
                Err(reason) => self.gathered.refused.push(Refusal { place, reason }),
            }
        }
        for path in &found.packed {
            let added = Packed::read(path, self.limits)
                .map_err(RefusalReason::from)
                .and_then(|packed| self.admit(&packed, Origin::File(path), &path.to_string_lossy()));
            if let Err(reason) = added {
                let place = path.to_string_lossy().into_owned();
                self.gathered.refused.push(Refusal { place, reason });
            }
        }
        Ok(())
    }

    /// Adds a pack from a registry.
    pub fn add_reference(&mut self, reference: &Reference) {
        let place = reference.to_string();
        if let Err(reason) = self.fetch(reference, &place) {
            self.gathered.refused.push(Refusal { place, reason });
        }
    }

    /// Returns what was gathered.
    pub fn finish(mut self) -> Gathered {
        self.gathered.seen = self.seen;
        self.gathered
    }

    /// Looks for what was locked in a folder and is gone: a rule that somebody took away finds nothing, and says nothing either.
    fn look_for_locked(&mut self, path: &Path, found: &Discovered) {
        if self.lock.iter().next().is_none() {
            return;
        }
        let packs = found.packs.iter().map(Pack::folder);
        let there = packs.chain(found.components.iter().chain(&found.packed).map(PathBuf::as_path));
        let there: BTreeSet<String> = there.map(|path| self.lock.place_of(path)).collect();
        let folder = self.lock.place_of(path);
        let lies_in_folder =
            |place: &str| Path::new(place).parent() == Some(Path::new(&folder)) && !is_published(place);
        let locked = self.lock.iter().map(|(place, _)| place.to_owned());
        let gone: Vec<String> = locked.filter(|place| lies_in_folder(place) && !there.contains(place)).collect();
        for place in gone {
            match self.locking {
                Locking::Demanded => self.gathered.refused.push(Refusal { place, reason: RefusalReason::Gone }),
                Locking::Followed => {
                    let place = escape::terminal(&place);
                    self.gathered.warnings.push(format!("`{place}` is missing: {}", RefusalReason::Gone));
                }
                Locking::Renewed => {}
            }
        }
    }

    /// Judges folders and components of this machine.
    fn judge_local(&mut self, path: &Path, found: &Discovered, files: &[RuleFile]) -> Result<(), RefusalReason> {
        let warning = self.policy.judge_local(path)?;
        let mut resolved = Vec::new();
        for file in files.iter().filter(|file| file.pack.is_none()) {
            if let Ok(component) = &file.component {
                resolved.push((self.lock.place_of(&file.path), Locked { pack: None, digest: component.digest() }));
            }
        }
        for pack in &found.packs {
            let dist = pack.dist();
            let rules: Vec<&RuleFile> = files.iter().filter(|file| file.path.starts_with(&dist)).collect();
            resolved.push((self.lock.place_of(pack.folder()), Locked::folder(pack, &rules)));
        }
        for (place, locked) in &resolved {
            self.check_lock(place, locked)?;
        }
        self.gathered.resolved.extend(resolved);
        self.gathered.warnings.extend(warning);
        Ok(())
    }

    /// Fetches a pack and admits it.
    fn fetch(&mut self, reference: &Reference, place: &str) -> Result<(), RefusalReason> {
        let locked = self.lock.get(place).map(|locked| locked.digest);
        if let (Some(locked), Some(found)) = (locked, reference.digest())
            && locked != found
            && self.locking != Locking::Renewed
        {
            // What a reference says by digest is meant: a lock file can only confirm it.
            return Err(RefusalReason::LockedOtherwise { locked, found });
        }
        let wanted = match (locked, self.locking) {
            (Some(digest), Locking::Followed | Locking::Demanded) => reference.clone().with_digest(digest),
            (None, Locking::Demanded) => return Err(RefusalReason::NotLocked),
            _ => reference.clone(),
        };
        let registry = self.registries.open(reference)?;
        let pulled = registry::wait(|| registry.pull(&wanted));
        let (digest, layout) = match pulled {
            Err(error) if error.is_away() && self.locking == Locking::Followed => {
                // A service that starts while its registry is away goes on with what it had.
                let Some(digest) = self.seen()?.named(place) else { return Err(error.into()) };
                let kept = registry.kept(&reference.clone().with_digest(digest))?;
                let Some(kept) = kept else { return Err(error.into()) };
                self.gathered.warnings.push(format!(
                    "{error}: `{}` is what it was before, {}",
                    escape::terminal(place),
                    digest.tagged()
                ));
                kept
            }
            pulled => pulled?,
        };
        let admitted = self.admit(&Packed::open(layout, self.limits)?, Origin::Registry(place), place);
        match admitted {
            // What was pulled before may lack a signature that was added since.
            Err(RefusalReason::Trust(error)) if wanted.digest().is_some() => {
                let Ok((_, layout)) = registry::wait(|| registry.pull_anew(&wanted)) else { return Err(error.into()) };
                self.admit(&Packed::open(layout, self.limits)?, Origin::Registry(place), place)?;
            }
            admitted => admitted?,
        }
        self.seen()?.resolved(place.to_owned(), digest);
        Ok(())
    }

    /// Holds a pack against the lock file and the policy, and takes its rules. `shown` is what its files are called by.
    fn admit(&mut self, packed: &Packed, origin: Origin<'_>, shown: &str) -> Result<(), RefusalReason> {
        let place = match origin {
            Origin::File(path) => self.lock.place_of(path),
            Origin::Registry(reference) => reference.to_owned(),
        };
        let manifest = packed.manifest();
        let locked = Locked { pack: Some((manifest.id.clone(), manifest.version.clone())), digest: packed.digest() };
        self.check_lock(&place, &locked)?;
        let highest = if self.is_told(&place, &locked) { None } else { self.highest(packed)? };
        let Trusted { grant, warnings } = packed.judge(self.policy, origin, highest.as_ref(), self.now)?;
        if self.policy.is_set() {
            self.seen()?.loaded(&manifest.id, &manifest.version);
        }
        for (file, component) in packed.components() {
            self.gathered.files.push(RuleFile {
                path: Path::new(shown).join("dist").join(file),
                pack: Some(manifest.reference()),
                grant: grant.clone(),
                component: Ok(component.clone()),
            });
        }
        self.gathered.warnings.extend(warnings);
        self.gathered.resolved.push((place, locked));
        Ok(())
    }

    /// Tells whether the lock file says this very pack: whoever wrote that wants it, be it older than what was tried in between.
    fn is_told(&self, place: &str, now: &Locked) -> bool {
        self.locking != Locking::Renewed && self.lock.get(place).is_some_and(|locked| locked.digest == now.digest)
    }

    /// Returns the highest version of a pack that was loaded before, or that the lock file has.
    fn highest(&mut self, packed: &Packed) -> Result<Option<semver::Version>, RefusalReason> {
        if !self.policy.is_set() {
            return Ok(None);
        }
        let seen = self.seen()?.highest(&packed.manifest().id).cloned();
        Ok(seen.into_iter().chain(self.locked_version(packed)).max())
    }

    /// Returns the highest version that the lock file has of a pack, wherever it is from.
    fn locked_version(&self, packed: &Packed) -> Option<semver::Version> {
        let id = &packed.manifest().id;
        let versions = self.lock.iter().filter_map(|(_, locked)| locked.pack.clone());
        versions.filter(|(locked, _)| locked == id).map(|(_, version)| version).max()
    }

    fn check_lock(&mut self, place: &str, now: &Locked) -> Result<(), RefusalReason> {
        let Some(locked) = self.lock.get(place) else {
            return if self.locking == Locking::Demanded { Err(RefusalReason::NotLocked) } else { Ok(()) };
        };
        if locked.digest == now.digest {
            return Ok(());
        }
        let otherwise = RefusalReason::LockedOtherwise { locked: locked.digest, found: now.digest };
        match self.locking {
            Locking::Demanded => Err(otherwise),
            Locking::Followed => {
                self.gathered.warnings.push(format!("`{}` has changed: {otherwise}", escape::terminal(place)));
                Ok(())
            }
            Locking::Renewed => match (&locked.pack, &now.pack) {
                (Some(before), Some((id, version)))
                    if is_published(place) && *before == (id.clone(), version.clone()) =>
                {
                    let pack = format!("{id}@{version}");
                    Err(RefusalReason::VersionMoved { pack, locked: locked.digest, found: now.digest })
                }
                _ => Ok(()),
            },
        }
    }

    fn seen(&mut self) -> Result<&mut Seen, RefusalReason> {
        if self.seen.is_none() {
            let state = self.registries.state().ok_or(RegistryError::NoState)?;
            self.seen = Some(Seen::read(&registry::folder(state))?);
        }
        Ok(self.seen.as_mut().expect("it has just been read"))
    }
}

/// Tells whether a place is one where a version does not change any more: an author's own folder changes all the time.
fn is_published(place: &str) -> bool {
    place.starts_with("oci://")
}
