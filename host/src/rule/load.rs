//! Loading rules: each prepared in a child process, several at a time.

use std::sync::Arc;

use orgwatch_rules_sdk::Matches;

use super::{Instance, Rule, RuleFile};
use crate::digest::Digest;
use crate::finding::{Defaults, RuleReference};
use crate::index::Pattern;
use crate::parallel;
use crate::sandbox::{Compiler, Component, Engine, LoadFault, LoadedRule};
use crate::table::Tables;

/// Loads rules, at most `jobs` at a time, and returns them in the order of the instances. A rule that cannot be loaded is among them with its
/// reason: it never stops the others.
///
/// Instances of a file that is no component are left out; the caller has told of that file.
pub fn load(
    files: &[RuleFile],
    instances: &[Instance],
    compiler: &Compiler,
    engine: &Engine,
    tables: &Arc<Tables>,
    jobs: usize,
) -> Vec<Rule> {
    let rules = parallel::map(instances, jobs, |instance| {
        let file = &files[instance.file];
        let component = file.component.as_ref().ok()?;
        Some(load_one(file, component, instance, compiler, engine, tables))
    });
    rules.into_iter().flatten().collect()
}

fn load_one(
    file: &RuleFile,
    component: &Component,
    instance: &Instance,
    compiler: &Compiler,
    engine: &Engine,
    tables: &Arc<Tables>,
) -> Rule {
    let metadata = component.metadata();
    let settings = instance.settings_text();
    let judge = prepare(component, &settings, compiler, engine, tables);
    let grant = file.grant.as_deref();
    let (patterns, judge) = match judge {
        Ok((patterns, mut judge)) => {
            if let Some(fuel) = grant.and_then(|grant| grant.max_fuel) {
                judge.cap_fuel(fuel);
            }
            (patterns, Ok(judge))
        }
        Err(fault) => (default_patterns(&metadata.matches), Err(fault)),
    };
    let reference = RuleReference {
        id: instance.id.clone(),
        component: metadata.id.clone(),
        version: metadata.version.clone(),
        digest: component.digest().tagged(),
        settings: Digest::of(&settings).tagged(),
        pack: file.pack.clone(),
    };
    let defaults = Defaults {
        rule: Arc::new(reference),
        title: metadata.title.clone(),
        severity: metadata.severity,
        severity_ceiling: grant.and_then(|grant| grant.max_severity),
        severity_override: instance.severity,
        attack: metadata.attack.clone().into(),
        references: metadata.references.clone().into(),
    };
    Rule {
        id: instance.id.clone(),
        state_version: metadata.state_version,
        defaults,
        grant: file.grant.clone(),
        patterns,
        judge,
    }
}

fn prepare(
    component: &Component,
    settings: &str,
    compiler: &Compiler,
    engine: &Engine,
    tables: &Arc<Tables>,
) -> Result<(Vec<Pattern>, LoadedRule), LoadFault> {
    let preparation = compiler.prepare(component, settings)?;
    let patterns = preparation.patterns().iter().map(|text| parse_pattern(text)).collect::<Result<_, _>>()?;
    let listed = component.metadata().tables.clone();
    Ok((patterns, LoadedRule::link(engine, preparation, settings, Arc::clone(tables), listed)?))
}

/// Parses a pattern as it crosses the interface: an EventBridge pattern, or the text `"everything"`.
fn parse_pattern(text: &str) -> Result<Pattern, LoadFault> {
    if Matches::Everything.to_wire() == [text] {
        return Ok(Pattern::everything());
    }
    Pattern::parse(text).map_err(|error| LoadFault::Pattern(error.to_string()))
}

/// Returns what a rule that cannot be loaded would have asked for, as far as its metadata says.
fn default_patterns(matches: &Matches) -> Vec<Pattern> {
    matches.to_wire().iter().filter_map(|text| parse_pattern(text).ok()).collect()
}
