//! What an upgrade of a pack changes: in what its rules say of themselves, in what they read and find, and whether a back door came with it.
//!
//! Two versions of a pack are compared rule by rule. What a rule says of itself is compared as it stands (`said.rs`). Both versions judge the events of
//! each other's test cases, and the events that were given, by the engine that judges everything else (`verdicts.rs`). Then every literal that is new in
//! the new version ([`literals`]) is put into the fields that the rule reads: where the new version falls silent and the old one does not, somebody may
//! have left themselves a door (`door/`).

mod door;
mod given;
pub mod literals;
mod said;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use self::door::{Door, Effect, Flip, Placed};
pub use self::given::{Given, GivenError};
pub use self::said::Change;
use self::verdicts::Judged;
pub use self::verdicts::{Difference, Fuel, Kind, Shown};
use super::{Pack, PackError};
use crate::escape::path as shown;
use crate::rule::RuleFile;
use crate::sandbox::Limits;
use crate::state::StateError;
use crate::testing::{Case, Suite, SuiteError, Workbench};

/// What an upgrade changes.
#[derive(Debug)]
pub struct Diff {
    /// The old pack, as `publisher/name@version`.
    pub old: String,
    /// The new pack.
    pub new: String,
    /// Whether the two have one id.
    pub same_pack: bool,
    /// Whether the new version is higher.
    pub higher: bool,
    /// What `pack.toml` says otherwise.
    pub manifest: Vec<Change>,
    /// The rules of both, by id.
    pub rules: Vec<RuleDiff>,
    /// Files in either that are no rules.
    pub broken: Vec<RuleFile>,
}

/// What an upgrade changes of one rule.
#[derive(Debug)]
pub struct RuleDiff {
    /// The rule's id.
    pub id: String,
    /// What becomes of it.
    pub fate: Fate,
    /// The versions, old and new.
    pub versions: [Option<String>; 2],
    /// The components' digests, old and new.
    pub digests: [Option<String>; 2],
    /// What it says of itself otherwise.
    pub said: Vec<Change>,
    /// Fields that only the new version reads or asks for, as JSON Pointers.
    pub reads: BTreeSet<String>,
    /// Fields that only the old version reads or asks for.
    pub reads_no_more: BTreeSet<String>,
    /// The fuel of both on the events that both judged; nothing where there are none.
    pub fuel: Option<[Fuel; 2]>,
    /// How many events both versions were shown.
    pub events: usize,
    /// What the two find otherwise.
    pub differences: Vec<Difference>,
    /// What came of looking for a back door; nothing for a rule that is not in both, or the same in both.
    pub door: Option<Door>,
}

/// What becomes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its component is another.
    Changed,
    /// Its component is the same, byte for byte.
    Unchanged,
}

/// Why two packs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A path is no pack.
    #[error("`{}` is not a pack\nhint: name the folder of one pack, which has a pack.toml", shown(.0))]
    NotAPack(PathBuf),
    /// A pack cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Its rules or their cases cannot.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// Nobody knows which of two rules is which.
    #[error("two rules of `{}` have the id `{id}`", shown(pack))]
    SameRule {
        /// The pack's folder.
        pack: PathBuf,
        /// The id.
        id: String,
    },
    /// The configuration does not fit the rules.
    #[error(transparent)]
    Given(#[from] GivenError),
    /// There is no room for temporary files.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Diff {
    /// Compares two packs, which are built, on their test cases and on what else was given. Before each rule, `report` is told how many are done, and of how
    /// many.
    ///
    /// # Errors
    ///
    /// Fails when one of them is no pack, is not built, or has cases that cannot be read.
    pub fn of(
        old: &Path,
        new: &Path,
        given: &Given,
        bench: &mut Workbench<'_>,
        limits: &Limits,
        mut report: impl FnMut(usize, usize),
    ) -> Result<Self, DiffError> {
        let [mut old, mut new] = [Side::open(old, limits)?, Side::open(new, limits)?];
        let mut broken = std::mem::take(&mut old.broken);
        broken.append(&mut new.broken);
        let [old_manifest, new_manifest] = [old.pack.manifest(), new.pack.manifest()];
        let mut diff = Self {
            old: old_manifest.reference(),
            new: new_manifest.reference(),
            same_pack: old_manifest.id == new_manifest.id,
            higher: new_manifest.version > old_manifest.version,
            manifest: said::manifests(old_manifest, new_manifest),
            rules: Vec::new(),
            broken,
        };
        let ids: BTreeSet<String> = old.suites.keys().chain(new.suites.keys()).cloned().collect();
        let mut pairs = Vec::new();
        for id in ids {
            pairs.push(Pair::of(id.clone(), old.suites.remove(&id), new.suites.remove(&id), given)?);
        }
        bench.prepare_all(pairs.iter().flat_map(Pair::wanted));
        for (done, pair) in pairs.iter().enumerate() {
            report(done, pairs.len());
            diff.rules.push(pair.diff(bench)?);
        }
        Ok(diff)
    }

    /// Tells whether the upgrade loses something: a finding, a rule that no longer takes the settings that it was judged with, or a verdict that a new
    /// literal flips.
    pub fn loses(&self) -> bool {
        self.rules.iter().any(|rule| rule.lost() > 0 || rule.is_refused() || rule.flips() > 0)
    }
}

impl RuleDiff {
    /// Returns how many findings are lost.
    pub fn lost(&self) -> usize {
        self.differences.iter().filter(|difference| difference.kind == Kind::Lost).count()
    }

    /// Tells whether the new version cannot even be loaded where the old one could.
    pub fn is_refused(&self) -> bool {
        self.differences.iter().any(|difference| difference.kind == Kind::Gap && difference.event.is_none())
    }

    /// Returns how many verdicts a new literal flips.
    pub fn flips(&self) -> usize {
        self.door.as_ref().map_or(0, |door| door.flips.len())
    }
}

/// One of the two packs.
struct Side {
    pack: Pack,
    suites: BTreeMap<String, Suite>,
    broken: Vec<RuleFile>,
}

impl Side {
    fn open(folder: &Path, limits: &Limits) -> Result<Self, DiffError> {
        if !Pack::is_at(folder) {
            return Err(DiffError::NotAPack(folder.to_owned()));
        }
        let pack = Pack::open(folder)?;
        let (found, broken) = Suite::find(folder, limits)?;
        let mut suites = BTreeMap::new();
        for suite in found {
            let id = suite.id().to_owned();
            if suites.insert(id.clone(), suite).is_some() {
                return Err(DiffError::SameRule { pack: folder.to_owned(), id });
            }
        }
        Ok(Self { pack, suites, broken })
    }
}

/// One rule in both versions, or in one of them.
struct Pair {
    id: String,
    old: Option<Suite>,
    new: Option<Suite>,
    /// Everything that the two judge: the cases of both, and what was given.
    cases: Vec<Case>,
}

impl Pair {
    fn of(id: String, old: Option<Suite>, new: Option<Suite>, given: &Given) -> Result<Self, DiffError> {
        let mut cases: Vec<Case> = Vec::new();
        let generic = [&old, &new].into_iter().flatten().any(|suite| suite.component().metadata().generic);
        let given = given.cases(&id, generic)?;
        let of_suites = [&old, &new].into_iter().flatten().flat_map(|suite| suite.cases.iter().cloned());
        for case in of_suites.chain(given) {
            let is_known = cases.iter().any(|known| {
                (&known.story, &known.settings) == (&case.story, &case.settings)
                    && known
                        .tables
                        .iter()
                        .map(|table| table.digest())
                        .eq(case.tables.iter().map(|table| table.digest()))
            });
            if !is_known {
                cases.push(case);
            }
        }
        Ok(Self { id, old, new, cases })
    }

    fn fate(&self) -> Fate {
        match (&self.old, &self.new) {
            (None, _) => Fate::Added,
            (_, None) => Fate::Removed,
            (Some(old), Some(new)) if old.component().digest() == new.component().digest() => Fate::Unchanged,
            _ => Fate::Changed,
        }
    }

    /// The rules that are to be loaded, with what for.
    fn wanted(&self) -> impl Iterator<Item = (&Suite, &Case)> {
        let compared = self.fate() != Fate::Unchanged;
        let suites = [&self.old, &self.new].into_iter().flatten().filter(move |_| compared);
        suites.flat_map(|suite| self.cases.iter().map(move |case| (suite, case)))
    }

    fn diff(&self, bench: &mut Workbench<'_>) -> Result<RuleDiff, StateError> {
        let fate = self.fate();
        let sides = [&self.old, &self.new];
        let components = sides.map(|suite| suite.as_ref().map(Suite::component));
        let mut diff = RuleDiff {
            id: self.id.clone(),
            fate,
            versions: components.map(|component| Some(component?.metadata().version.clone())),
            digests: components.map(|component| Some(component?.digest().tagged())),
            said: Vec::new(),
            reads: BTreeSet::new(),
            reads_no_more: BTreeSet::new(),
            fuel: None,
            events: 0,
            differences: Vec::new(),
            door: None,
        };
        if fate == Fate::Unchanged {
            return Ok(diff);
        }
        let mut judged = Judged::default();
        for case in &self.cases {
            let found =
                [verdicts::judge(self.old.as_ref(), case, bench)?, verdicts::judge(self.new.as_ref(), case, bench)?];
            judged.add(case, found);
        }
        if let [Some(old), Some(new)] = components {
            diff.said = said::components(old, new);
            diff.door = Some(Door::of([old, new], &judged)?);
        }
        let [old_reads, new_reads] =
            judged.reads(components.map(|component| component.map(|known| &known.metadata().matches)));
        diff.reads = new_reads.difference(&old_reads).cloned().collect();
        diff.reads_no_more = old_reads.difference(&new_reads).cloned().collect();
        diff.fuel = judged.fuel();
        diff.events = judged.events.len();
        diff.differences = judged.differences;
        Ok(diff)
    }
}
