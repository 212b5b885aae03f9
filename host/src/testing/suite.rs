//! A suite: one built rule with its cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::case::{Case, CaseError, Room};
use super::expected::Difference;
use super::trial::{Found, Trial};
use crate::digest::Digest;
use crate::gap::GapCause;
use crate::judge::Judge;
use crate::pack::Pack;
use crate::rule::{DiscoverError, Discovered, Instance, Rule, RuleFile, discover, load};
use crate::sandbox::{Compiler, Component, Engine, Limits, LoadFault};
use crate::state::StateError;

/// A built rule with its cases.
pub struct Suite {
    /// The rule's file, which holds a sound component.
    pub rule: RuleFile,
    /// The pack that it lies in.
    pub pack: Pack,
    /// The folder of its cases.
    pub folder: PathBuf,
    /// The cases.
    pub cases: Vec<Case>,
}

/// Why there are no suites to be had.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// There are no rules.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// Cases cannot be read.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// A component that is in no pack: nobody knows where its cases are.
    #[error("`{}` lies in no pack, and cases lie in a pack\nhint: name the pack's folder", crate::escape::path(.0))]
    NoPack(PathBuf),
}

/// What came of a case.
pub struct Verdict {
    /// Whether it passed.
    pub outcome: Outcome,
    /// What the rule found and looked at; nothing where it was not loaded.
    pub found: Option<Found>,
}

/// Whether a case passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as expected.
    Passed,
    /// It is not.
    Failed(Vec<Difference>),
    /// The rule could not be loaded, or not judge.
    Fault(String),
}

/// Where rules are loaded for tests: with any settings and tables, each once.
pub struct Workbench<'a> {
    compiler: &'a Compiler,
    engine: Engine,
    jobs: usize,
    loaded: BTreeMap<Loading, Result<Arc<Judge>, LoadFault>>,
}

/// What makes a loaded rule another one: the component, the settings, the tables.
type Loading = (Digest, String, Vec<Digest>);

impl Suite {
    /// Finds the rules that a path names, with their cases: a pack's folder, a folder of packs, or a component in a pack's `dist/`. Files that are no
    /// rules come back beside them.
    ///
    /// # Errors
    ///
    /// Fails when there is no pack, it is not built, or its cases cannot be read.
    pub fn find(path: &Path, limits: &Limits) -> Result<(Vec<Self>, Vec<RuleFile>), SuiteError> {
        let found = discover(path)?;
        let mut suites = Vec::new();
        let mut broken = Vec::new();
        let room = Room::default();
        for file in files(&found, limits)? {
            if file.component.is_err() {
                broken.push(file);
                continue;
            }
            let stem = file.path.file_stem().unwrap_or_default().to_owned();
            let pack = file.path.ancestors().nth(2).filter(|_| file.pack.is_some());
            let pack = Pack::open(pack.ok_or_else(|| SuiteError::NoPack(file.path.clone()))?);
            let pack = pack.map_err(DiscoverError::from)?;
            let folder = pack.folder().join("events").join(stem);
            let cases = Case::read(&folder, &room)?;
            suites.push(Self { rule: file, pack, folder, cases });
        }
        Ok((suites, broken))
    }

    /// Returns the component.
    ///
    /// # Panics
    ///
    /// Never: a suite holds a sound one.
    pub fn component(&self) -> &Component {
        self.rule.component.as_ref().expect("a suite holds a sound component")
    }

    /// Returns the rule's id, which it has in tests even where it is generic.
    pub fn id(&self) -> &str {
        &self.component().metadata().id
    }

    /// Tells which of the two signs no case shows: `(fires, quiet)`.
    pub fn lacks(&self) -> (bool, bool) {
        let none = |shows: fn(&Case) -> bool| !self.cases.iter().any(shows);
        (none(|case| case.expected.fires()), none(|case| case.expected.is_quiet()))
    }

    /// Judges a case.
    ///
    /// # Errors
    ///
    /// Fails when there is no room for temporary files.
    pub fn judge(&self, case: &Case, bench: &mut Workbench<'_>) -> Result<Verdict, StateError> {
        use super::Expected::Refused;
        let judge = match bench.judge(self, case) {
            Ok(judge) => judge,
            Err(fault) => {
                let refusal = match (&case.expected, &fault) {
                    (Refused(expected), LoadFault::Refused(message)) => message.contains(expected),
                    _ => false,
                };
                let outcome = if refusal { Outcome::Passed } else { Outcome::Fault(fault.to_string()) };
                return Ok(Verdict { outcome, found: None });
            }
        };
        let found = Trial::new(&judge).run(case.story.documents())?;
        Ok(Verdict { outcome: outcome(case, &found), found: Some(found) })
    }
}

/// Compares what was found with what a case expects.
pub(super) fn outcome(case: &Case, found: &Found) -> Outcome {
    if let Some(gap) = found.verdicts.gaps.first() {
        return Outcome::Fault(match &gap.cause {
            GapCause::Fault { fault, .. } => fault.to_string(),
            other => other.to_string(),
        });
    }
    let differences = case.expected.compare(&found.verdicts.findings);
    if differences.is_empty() { Outcome::Passed } else { Outcome::Failed(differences) }
}

impl<'a> Workbench<'a> {
    /// Makes a place where rules are loaded, `jobs` at a time.
    ///
    /// # Errors
    ///
    /// Fails when the WebAssembly engine does not start.
    pub fn new(compiler: &'a Compiler, limits: Limits, jobs: usize) -> wasmtime::Result<Self> {
        let engine = Engine::for_evaluation(u32::try_from(jobs).unwrap_or(u32::MAX), limits)?;
        Ok(Self { compiler, engine, jobs, loaded: BTreeMap::new() })
    }

    /// Loads what the cases of these suites need, several at a time.
    pub fn prepare(&mut self, suites: &[Suite]) {
        self.prepare_all(suites.iter().flat_map(|suite| suite.cases.iter().map(move |case| (suite, case))));
    }

    /// Loads these rules as these cases want them, several at a time.
    pub fn prepare_all<'c>(&mut self, wanted: impl Iterator<Item = (&'c Suite, &'c Case)>) {
        self.load(&wanted.collect::<Vec<_>>());
    }

    /// Returns the rule of a suite as a case wants it.
    ///
    /// # Errors
    ///
    /// Fails when the rule cannot be loaded, or refuses the settings.
    pub fn judge(&mut self, suite: &Suite, case: &Case) -> Result<Arc<Judge>, LoadFault> {
        self.load(&[(suite, case)]);
        self.loaded[&loading(suite, case)].clone()
    }

    fn load(&mut self, wanted: &[(&Suite, &Case)]) {
        // The rules that share their tables are loaded together.
        let mut groups: BTreeMap<Vec<Digest>, BTreeMap<Loading, (&Suite, &Case)>> = BTreeMap::new();
        for &(suite, case) in wanted {
            let loading = loading(suite, case);
            if !self.loaded.contains_key(&loading) {
                groups.entry(loading.2.clone()).or_default().insert(loading, (suite, case));
            }
        }
        for group in groups.into_values() {
            let mut files = Vec::new();
            let mut instances = Vec::new();
            for (suite, case) in group.values() {
                instances.push(Instance {
                    id: suite.id().to_owned(),
                    file: files.len(),
                    settings: case.settings.clone(),
                    severity: None,
                });
                files.push(suite.rule.clone());
            }
            let tables = group.values().next().map(|(_, case)| case.tables.clone()).unwrap_or_default();
            let rules = load(&files, &instances, self.compiler, &self.engine, &Arc::new(tables), self.jobs);
            for (loading, rule) in group.into_keys().zip(rules) {
                self.loaded.insert(loading, judge(rule));
            }
        }
    }
}

fn judge(rule: Rule) -> Result<Arc<Judge>, LoadFault> {
    if let Err(fault) = &rule.judge {
        return Err(fault.clone());
    }
    Ok(Arc::new(Judge::new(vec![rule]).recording()))
}

fn loading(suite: &Suite, case: &Case) -> Loading {
    let settings = serde_json::Value::Object(case.settings.clone()).to_string();
    (suite.component().digest(), settings, case.tables.iter().map(|table| table.digest()).collect())
}

/// Reads the components that were found; one that was named by itself gets the pack around it.
fn files(found: &Discovered, limits: &Limits) -> Result<Vec<RuleFile>, DiscoverError> {
    let mut files = found.files(limits)?;
    for file in files.iter_mut().filter(|file| file.pack.is_none()) {
        let folder = file.path.canonicalize().ok().and_then(|path| Some(path.ancestors().nth(2)?.to_owned()));
        let pack = folder.filter(|folder| Pack::is_at(folder)).map(|folder| Pack::open(&folder));
        file.pack = pack.transpose()?.map(|pack| pack.manifest().reference());
    }
    Ok(files)
}
