//! What a run does, checked: which rules, under which ids, with which settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::{Config, RuleConfig};
use crate::rule::{Instance, RuleFile};
use crate::sandbox::is_rule_id;
use crate::tuning::RuleIds;

/// Why a configuration makes no sense with these rules.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It names a rule that is not there.
    #[error(
        "[rule.\"{id}\"] names no rule that is there\nhint: the rules are {known}; `use` makes a new rule of a component"
    )]
    NoSuchRule {
        /// The id.
        id: String,
        /// Those that are there.
        known: String,
    },
    /// It gives settings to a generic component as if it were a rule.
    #[error(
        "[rule.{id}] is generic: it is nothing until a rule uses it\nhint: give the rule an id of its own, with `use = \"{id}\"`"
    )]
    Generic {
        /// The component's id.
        id: String,
    },
    /// It uses a component that is not there.
    #[error("[rule.\"{id}\"] uses `{component}`, which is not there\nhint: the components are {known}")]
    NoSuchComponent {
        /// The rule's id.
        id: String,
        /// The component's id.
        component: String,
        /// Those that are there.
        known: String,
    },
    /// An id that cannot be one.
    #[error(
        "[rule.\"{0}\"] is not a rule's id\nhint: an id is lower-case words joined by `-`, in namespaces joined by `.`"
    )]
    BadId(String),
    /// Two rules would have one id.
    #[error(
        "[rule.\"{id}\"] uses `{component}`, but there is a component with the rule's own id\nhint: choose another id"
    )]
    TakenId {
        /// The id.
        id: String,
        /// The component's id.
        component: String,
    },
    /// Two components have one id.
    #[error("`{first}` and `{second}` are both the rule `{id}`\nhint: name one of them only")]
    SameRule {
        /// The id.
        id: String,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// Settings for several rules at once.
    #[error(
        "[rule.\"{0}\"] is for several rules, and gives them settings or a component\nhint: those are a rule's own; give them under its id"
    )]
    PatternWithSettings(String),
    /// A setting that JSON cannot hold.
    #[error("[rule.\"{id}\"] has a setting that is not a finite number")]
    NotJson {
        /// The rule's id.
        id: String,
    },
}

/// Works out which rules run. Components that are generic run only where the configuration uses them; all others run under their own id
/// unless they are switched off. Where some rules could not be had (`partial`), what is said of a rule that is not there may be of one of those,
/// and is passed over.
///
/// # Errors
///
/// Fails when the configuration and the rules that are there contradict each other.
pub fn instances(config: &Config, files: &[RuleFile], partial: bool) -> Result<Vec<Instance>, PlanError> {
    let components = components(files)?;
    let known = components.keys().copied().collect::<Vec<_>>().join(", ");
    let mut instances = Vec::new();
    for (&id, &file) in &components {
        if !is_generic(&files[file]) {
            instances.extend(instance(id, file, &RuleConfig::of(&config.rule, id))?);
        }
    }
    for (id, rule) in &config.rule {
        if RuleIds::is_pattern(id) {
            if rule.r#use.is_some() || !rule.settings.is_empty() {
                return Err(PlanError::PatternWithSettings(id.clone()));
            }
            continue;
        }
        match &rule.r#use {
            None if components.get(id.as_str()).is_some_and(|&file| is_generic(&files[file])) => {
                return Err(PlanError::Generic { id: id.clone() });
            }
            None if components.contains_key(id.as_str()) => {}
            None if partial => {}
            None => return Err(PlanError::NoSuchRule { id: id.clone(), known }),
            Some(_) if !is_rule_id(id) => return Err(PlanError::BadId(id.clone())),
            Some(component) => {
                let Some(&file) = components.get(component.as_str()) else {
                    if partial {
                        continue;
                    }
                    return Err(PlanError::NoSuchComponent { id: id.clone(), component: component.clone(), known });
                };
                if components.contains_key(id.as_str()) {
                    return Err(PlanError::TakenId { id: id.clone(), component: component.clone() });
                }
                instances.extend(instance(id, file, &RuleConfig::of(&config.rule, id))?);
            }
        }
    }
    instances.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(instances)
}

fn is_generic(file: &RuleFile) -> bool {
    file.component.as_ref().is_ok_and(|component| component.metadata().generic)
}

/// Returns the sound components by id. The same component found twice is one; two different ones with one id are a contradiction.
fn components(files: &[RuleFile]) -> Result<BTreeMap<&str, usize>, PlanError> {
    let mut components: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, file) in files.iter().enumerate() {
        let Ok(component) = &file.component else { continue };
        let id = component.metadata().id.as_str();
        if let Some(&first) = components.get(id) {
            let same = files[first].component.as_ref().is_ok_and(|first| first.digest() == component.digest());
            if !same {
                let name = |file: &RuleFile| file.path.to_string_lossy().into_owned();
                return Err(PlanError::SameRule { id: id.to_owned(), first: name(&files[first]), second: name(file) });
            }
        } else {
            components.insert(id, place);
        }
    }
    Ok(components)
}

fn instance(id: &str, file: usize, rule: &RuleConfig) -> Result<Option<Instance>, PlanError> {
    if !rule.is_enabled() {
        return Ok(None);
    }
    let settings = json_table(&rule.settings).ok_or_else(|| PlanError::NotJson { id: id.to_owned() })?;
    Ok(Some(Instance { id: id.to_owned(), file, settings, severity: rule.severity }))
}

/// Turns a TOML table into JSON; nothing where it holds a number that JSON does not have.
pub(crate) fn json_table(table: &toml::Table) -> Option<Map<String, Value>> {
    table.iter().map(|(key, value)| Some((key.clone(), json(value)?))).collect()
}

/// Turns a TOML value into JSON; nothing for a number that JSON does not have. A date becomes its text.
fn json(value: &toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::Number(serde_json::Number::from_f64(*number)?),
        toml::Value::Boolean(value) => Value::from(*value),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.iter().map(json).collect::<Option<_>>()?),
        toml::Value::Table(table) => Value::Object(json_table(table)?),
    })
}
