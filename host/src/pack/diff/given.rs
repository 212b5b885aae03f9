//! What was given beside the packs: events, and the configuration that the rules have at home.

use std::path::PathBuf;

use crate::config::{Config, RuleConfig};
use crate::plan::json_table;
use crate::table::{TableError, Tables};
use crate::testing::{Case, Expected, Story};

/// Events to compare two versions on, with the settings and tables that the rules have here. What else the configuration makes of findings, such as
/// exceptions and severities, is left out: the rules are compared.
#[derive(Debug, Default)]
pub struct Given {
    story: Option<Story>,
    config: Config,
    tables: Tables,
}

/// Why the configuration is of no use.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// A table cannot be used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A setting that JSON cannot hold.
    #[error("[rule.\"{0}\"] has a setting that is not a finite number")]
    NotJson(String),
}

impl Given {
    /// Takes events, if there are any, and the configuration that they are judged with.
    ///
    /// # Errors
    ///
    /// Fails when a table cannot be read.
    pub fn new(story: Option<Story>, config: Config) -> Result<Self, GivenError> {
        let tables = if story.is_some() { Tables::load(&config.table)? } else { Tables::default() };
        Ok(Self { story, config, tables })
    }

    /// Returns the events as cases of a rule: one for each time that the configuration has the rule run.
    pub(super) fn cases(&self, component: &str, generic: bool) -> Result<Vec<Case>, GivenError> {
        let Some(story) = self.story.as_ref().filter(|story| !story.is_empty()) else { return Ok(Vec::new()) };
        let rules = &self.config.rule;
        let uses = rules.iter().filter(|(_, rule)| rule.r#use.as_deref() == Some(component)).map(|(id, _)| id.as_str());
        let own = (!generic).then_some(component);
        let mut cases = Vec::new();
        for id in own.into_iter().chain(uses) {
            let rule = RuleConfig::of(rules, id);
            if !rule.is_enabled() {
                continue;
            }
            let settings = json_table(&rule.settings).ok_or_else(|| GivenError::NotJson(id.to_owned()))?;
            let name = if id == component { "the events".to_owned() } else { format!("the events, as {id}") };
            cases.push(Case {
                name,
                file: PathBuf::new(),
                story: story.clone(),
                settings,
                tables: self.tables.clone(),
                expected: Expected::Quiet,
            });
        }
        Ok(cases)
    }
}
