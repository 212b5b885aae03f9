//! Packing: a built pack's folder becomes one thing that can be handed on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::contents::{Contents, Fuel, RuleContents, TableContents};
use super::error::{LayoutError, PackedError};
use super::files::{FOLDERS, Files, is_text};
use super::{Packed, is_rule_file};
use crate::escape::{self, terminal};
use crate::pack::Pack;
use crate::pack::form::FormVersion;
use crate::rule::page;
use crate::sandbox::{Compiler, Limits};
use crate::state::StateError;
use crate::testing::{Outcome, Suite, SuiteError, Workbench};

/// How large a file beside the rules may be, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Packs packs.
#[derive(Debug)]
pub struct Packer<'a> {
    compiler: &'a Compiler,
    limits: &'a Limits,
    jobs: usize,
}

/// Why a pack cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackerError {
    /// Its rules or their cases cannot be read.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// A file in `dist/` is no rule.
    #[error("`{}` is no rule: {}", escape::path(path), terminal(reason))]
    NoRule {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A test case fails.
    #[error("the case \"{}\" of `{rule}` fails\nhint: `orgwatch-host test` says how", terminal(case))]
    CaseFails {
        /// The rule.
        rule: String,
        /// The case.
        case: String,
    },
    /// Two rules have one id, so that only one of them could ever run.
    #[error("two rules have the id `{0}`")]
    SameId(String),
    /// The rules were built for another interface than `pack.toml` says.
    #[error(
        "`{rule}` is built for the interface {built}, and pack.toml says {said}\nhint: build the pack anew, or mend pack.toml"
    )]
    Interface {
        /// The rule.
        rule: String,
        /// What it is built for.
        built: String,
        /// What is said.
        said: String,
    },
    /// The file that pack.toml names for the changes is not there.
    #[error("pack.toml says `changelog = \"{}\"`, and there is no such file at the top of the pack", terminal(.0))]
    NoChangelog(String),
    /// A file of the pack is a link, or too large.
    #[error("`{}` is {problem}", escape::path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What is the matter.
        problem: String,
    },
    /// A file of the pack cannot be read.
    #[error("failed to read `{}`", escape::path(path))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no room for temporary files.
    #[error(transparent)]
    State(#[from] StateError),
    /// The engine does not start.
    #[error("failed to start the WebAssembly engine: {0}")]
    Engine(String),
    /// What came of it is nothing that could be opened again.
    #[error(transparent)]
    Packed(#[from] PackedError),
}

impl<'a> Packer<'a> {
    /// Makes a packer that judges test cases with this compiler, `jobs` rules at a time.
    pub fn new(compiler: &'a Compiler, limits: &'a Limits, jobs: usize) -> Self {
        Self { compiler, limits, jobs }
    }

    /// Packs a built pack: its rules, what they say of themselves and what they take, its tests and its documentation.
    ///
    /// # Errors
    ///
    /// Fails when a file is no rule, a test case fails, or something cannot be read or is nothing that a pack has.
    pub fn pack(&self, pack: &Pack) -> Result<Packed, PackerError> {
        let (suites, broken) = Suite::find(pack.folder(), self.limits)?;
        if let Some(file) = broken.into_iter().next() {
            let reason = file.component.err().map(|fault| fault.to_string()).unwrap_or_default();
            return Err(PackerError::NoRule { path: file.path, reason });
        }
        let rules = self.rules(pack, &suites)?;
        let files = files(pack, &suites)?;
        let contents = Contents {
            schema_version: FormVersion,
            pack: pack.manifest().clone(),
            tables: TableContents::of_rules(&rules),
            rules,
        };
        let components = suites.iter().map(|suite| suite.component().clone()).collect();
        let packed = Packed::assemble(contents, components, files).map_err(PackedError::from)?;
        // What would be refused on the other side is refused here.
        Ok(Packed::open(packed.layout, self.limits)?)
    }

    fn rules(&self, pack: &Pack, suites: &[Suite]) -> Result<Vec<RuleContents>, PackerError> {
        let mut bench = Workbench::new(self.compiler, self.limits.clone(), self.jobs)
            .map_err(|error| PackerError::Engine(format!("{error:#}")))?;
        bench.prepare(suites);
        let mut rules: Vec<RuleContents> = Vec::new();
        for suite in suites {
            let component = suite.component();
            let metadata = component.metadata();
            if rules.iter().any(|rule| rule.metadata.id == metadata.id) {
                return Err(PackerError::SameId(metadata.id.clone()));
            }
            if let Some(said) = pack.manifest().interface.as_ref().filter(|said| **said != metadata.interface) {
                let (rule, built) = (metadata.id.clone(), metadata.interface.clone());
                return Err(PackerError::Interface { rule, built, said: said.clone() });
            }
            let mut fuel = Vec::new();
            for case in &suite.cases {
                let verdict = suite.judge(case, &mut bench)?;
                if verdict.outcome != Outcome::Passed {
                    return Err(PackerError::CaseFails { rule: metadata.id.clone(), case: case.name.clone() });
                }
                fuel.extend(verdict.found.iter().flat_map(|found| &found.verdicts.fuel).map(|&(_, fuel)| fuel));
            }
            let file = suite.rule.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !is_rule_file(&file) {
                let problem = "not named in letters, digits, `_` and `-`".to_owned();
                return Err(PackerError::File { path: suite.rule.path.clone(), problem });
            }
            rules.push(RuleContents::of(&file, component, Fuel::of(fuel)));
        }
        Ok(rules)
    }
}

/// Reads what is packed beside the rules, and writes a page for each rule.
fn files(pack: &Pack, suites: &[Suite]) -> Result<Files, PackerError> {
    let mut files = Files::default();
    let folder = pack.folder();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == Pack::MANIFEST || is_text(&name) {
            files.add(&name, read(&path)?)?;
        } else if FOLDERS.contains(&name.as_str()) {
            add_folder(&mut files, &path, &name)?;
        }
    }
    if let Some(changelog) = &pack.manifest().changelog
        && (changelog.contains('/') || files.get(changelog).is_none())
    {
        return Err(PackerError::NoChangelog(changelog.clone()));
    }
    let reference = pack.manifest().reference();
    for suite in suites {
        let subject = page::Subject { metadata: suite.component().metadata(), pack: Some(&reference) };
        let path = format!("docs/rules/{}.md", suite.id());
        if files.get(&path).is_none() {
            files.add(&path, page::of(&subject).into_bytes())?;
        }
    }
    Ok(files)
}

/// Adds the files of a folder, but none whose name begins with a dot: editors and file managers leave such behind.
fn add_folder(files: &mut Files, folder: &Path, name: &str) -> Result<(), PackerError> {
    for path in entries(folder)? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{name}/{file}");
        if file.starts_with('.') {
            continue;
        }
        let metadata = fs::symlink_metadata(&path).map_err(failed(&path))?;
        if metadata.is_dir() {
            add_folder(files, &path, &name)?;
        } else {
            files.add(&name, read(&path)?)?;
        }
    }
    Ok(())
}

/// Lists a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, PackerError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        entries.push(entry.map_err(failed(folder))?.path());
    }
    entries.sort();
    Ok(entries)
}

/// Reads a plain file. A link could bring into the pack what the publisher never meant to hand on.
fn read(path: &Path) -> Result<Vec<u8>, PackerError> {
    let metadata = fs::symlink_metadata(path).map_err(failed(path))?;
    let problem = if !metadata.is_file() {
        "no plain file, and only such are packed".to_owned()
    } else if metadata.len() > LARGEST_FILE {
        format!("larger than {} MiB", LARGEST_FILE >> 20)
    } else {
        return fs::read(path).map_err(failed(path));
    };
    Err(PackerError::File { path: path.to_owned(), problem })
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PackerError {
    let path = path.to_owned();
    move |source| PackerError::Read { path, source }
}

impl From<LayoutError> for PackerError {
    fn from(error: LayoutError) -> Self {
        Self::Packed(error.into())
    }
}
