//! The rules that a command works with: found in their places, let in by the lock file and the trust policy, and not loaded yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::args::RuleSource;
use super::live::state_folder;
use super::run::RuleFailure;
use super::{Failure, build, compiler, tell};
use crate::causes;
use crate::config::Config;
use crate::exit::Exit;
use crate::pack::lock::{Lock, Locked};
use crate::pack::registry::Registries;
use crate::pack::seen::Seen;
use crate::plan;
use crate::route::RouteConfig;
use crate::rule::{Gathered, Gatherer, Instance, Locking, Place, Refusal, RuleFile, discover};
use crate::sandbox::Limits;
use crate::table::Tables;
use crate::trust::{Policy, TrustConfig};
use crate::tuning::Tuning;

/// The rules that a command works with, before they are loaded.
pub(super) struct RulesFound {
    /// Whether credentials are kept out of findings.
    pub(super) redacts: bool,
    pub(super) limits: Limits,
    pub(super) tables: Arc<Tables>,
    pub(super) tuning: Arc<Tuning>,
    pub(super) routes: Vec<RouteConfig>,
    pub(super) trust: Option<TrustConfig>,
    /// What is allowed of the rules and may not be meant, each with a hint.
    pub(super) warnings: Vec<String>,
    pub(super) files: Vec<RuleFile>,
    pub(super) instances: Vec<Instance>,
    /// The places whose rules do not load.
    refused: Vec<Refusal>,
    /// What each place was.
    pub(super) resolved: Vec<(String, Locked)>,
    seen: Option<Seen>,
}

/// How rules are found.
#[derive(Clone, Copy)]
pub(super) struct Finding<'a> {
    /// Whether packs are built first.
    pub(super) build_first: bool,
    /// The state directory of the command line.
    pub(super) state_dir: Option<&'a Path>,
    pub(super) locking: Locking,
}

impl RulesFound {
    /// Reads the configuration and finds the rules that it and the arguments name.
    pub(super) fn find(source: &RuleSource) -> Result<Self, Failure> {
        Self::find_building(source, false, None)
    }

    /// Reads the configuration and finds the rules that it and the arguments name, building the packs first where that is asked for.
    pub(super) fn find_building(
        source: &RuleSource,
        build_first: bool,
        state_dir: Option<&Path>,
    ) -> Result<Self, Failure> {
        let locking = if source.locked { Locking::Demanded } else { Locking::Followed };
        Self::find_with(source, Finding { build_first, state_dir, locking })
    }

    /// Finds the rules in a certain way.
    pub(super) fn find_with(source: &RuleSource, finding: Finding<'_>) -> Result<Self, Failure> {
        let config = Config::read(source.config.as_deref()).map_err(Failure::usage)?;
        let limits = config.limits.limits();
        let tables = Arc::new(Tables::load(&config.table).map_err(Failure::usage)?);
        let Gathered { files, refused, warnings, resolved, seen } = gather(source, &config, &limits, finding)?;
        // What a refused place would have brought is not known, so it is not asked whether a rule is there.
        let partial = !refused.is_empty() || files.iter().any(|file| file.component.is_err());
        let instances = plan::instances(&config, &files, partial).map_err(Failure::usage)?;
        let ids: Vec<&str> = instances.iter().map(|instance| instance.id.as_str()).collect();
        let tuning = Arc::new(Tuning::new(&config, &ids, &tables).map_err(Failure::usage)?);
        let redacts = !config.keep_credentials;
        let Config { route: routes, trust, .. } = config;
        Ok(Self { redacts, limits, tables, tuning, routes, trust, warnings, files, instances, refused, resolved, seen })
    }

    /// Writes down which packs were loaded, once they are: an older version is refused from then on. Where it cannot be written, that is a warning.
    pub(super) fn remember(&mut self) {
        if let Some(Err(error)) = self.seen.as_mut().map(Seen::write) {
            let hint =
                "an older version of a pack could be loaded another time; name a folder that lasts with --state-dir";
            self.warnings.push(format!("{error}\nhint: {hint}"));
        }
    }

    /// Returns the rules that read a table which is not configured, each with the table's name.
    pub(super) fn missing_tables(&self) -> Vec<(&str, &str)> {
        let mut missing = Vec::new();
        for instance in &self.instances {
            let Ok(component) = &self.files[instance.file].component else { continue };
            let tables = component.metadata().tables.iter().filter(|table| self.tables.get(table).is_none());
            missing.extend(tables.map(|table| (instance.id.as_str(), table.as_str())));
        }
        missing
    }

    /// Returns what does not load, with the reasons: files that are no rules, and places that are refused.
    pub(super) fn broken(&self) -> Vec<(String, String)> {
        let broken = self.files.iter().filter_map(|file| {
            let fault = file.component.as_ref().err()?;
            Some((file.path.to_string_lossy().into_owned(), fault.to_string()))
        });
        let refused = self.refused.iter().map(|refusal| {
            let reason = causes::on_one_line(&refusal.reason);
            (refusal.place.clone(), reason.replace("\nhint: ", "; "))
        });
        broken.chain(refused).collect()
    }

    /// Tells of files that are no rules, and of places that are refused.
    pub(super) fn tell_of_broken(&self) -> Exit {
        let broken = if tell_of_broken(&self.files) { Exit::Rules } else { Exit::Done };
        self.refused.iter().fold(broken, |exit, refusal| {
            tell(refusal);
            exit.max(exit_of(refusal))
        })
    }
}

fn gather(source: &RuleSource, config: &Config, limits: &Limits, finding: Finding<'_>) -> Result<Gathered, Failure> {
    let places: Vec<Place> = if source.rules.is_empty() {
        config.rules.iter().map(|rules| rules.path.clone()).collect()
    } else {
        source.rules.iter().flat_map(|places| places.0.clone()).collect()
    };
    if places.is_empty() {
        return Err(Failure::usage("no rules are named\nhint: name them with --rules PATH, or in orgwatch.toml"));
    }
    if finding.build_first && finding.locking == Locking::Demanded {
        return Err(Failure::usage("--locked loads what is locked, and --build makes it anew\nhint: give one of them"));
    }
    let policy = Policy::new(config.trust.as_ref()).map_err(Failure::usage)?;
    let state = state_folder(finding.state_dir, &config.state).ok();
    let registries = Registries::new(config.registry.clone(), state).map_err(Failure::usage)?;
    let lock = lock(source)?;
    if lock.is_none() && finding.locking == Locking::Demanded {
        let path = crate::escape::path(&Lock::path(source.config.as_deref()));
        return Err(Failure::usage(format!("there is no `{path}`\nhint: `orgwatch-host pack lock` writes it")));
    }
    let lock = lock.unwrap_or_else(|| Lock::new(&Lock::path(source.config.as_deref())));
    let mut gatherer = Gatherer::new(limits, &policy, &registries, lock, finding.locking, Timestamp::now());
    for place in &places {
        match place {
            Place::Registry(reference) => gatherer.add_reference(reference),
            Place::Path(path) => {
                let found = discover(path).map_err(Failure::rules)?;
                if finding.build_first {
                    // What may not run is not built either: building runs programs of whoever wrote it.
                    policy.judge_local(path).map_err(Failure::rules)?;
                    let compiler = compiler(source.cache_dir.as_deref(), limits)?;
                    build::build(&found.packs, &compiler, limits)?;
                }
                gatherer.add_discovered(path, &found).map_err(Failure::rules)?;
            }
        }
    }
    let mut all = gatherer.finish();
    // Where nothing is left there is nothing to go on with.
    if all.files.is_empty()
        && let Some(last) = all.refused.pop()
    {
        let exit = all.refused.iter().map(exit_of).fold(exit_of(&last), Exit::max);
        all.refused.iter().for_each(|refusal| tell(refusal));
        return Err(Failure { exit, error: last.into() });
    }
    Ok(all)
}

/// Reads the lock file; nothing where there is none.
pub(super) fn lock(source: &RuleSource) -> Result<Option<Lock>, Failure> {
    Lock::read(&Lock::path(source.config.as_deref())).map_err(Failure::usage)
}

fn exit_of(refusal: &Refusal) -> Exit {
    if refusal.reason.is_input_output() { Exit::InputOutput } else { Exit::Rules }
}

/// Tells of those among some files that are no rules. Returns true where there is one.
pub(super) fn tell_of_broken(files: &[RuleFile]) -> bool {
    let mut any = false;
    for file in files {
        if let Err(fault) = &file.component {
            tell(&RuleFailure { rule: file.path.to_string_lossy().into_owned(), reason: fault.to_string() });
            any = true;
        }
    }
    any
}

/// Returns the paths among places of rules.
pub(super) fn paths<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<PathBuf> {
    let path = |place: &Place| match place {
        Place::Path(path) => Some(path.clone()),
        Place::Registry(_) => None,
    };
    places.filter_map(path).collect()
}
