//! The rules that a run has: found, configured, loaded.

mod discover;
mod gather;
mod load;
pub mod page;
mod place;

use std::path::PathBuf;
use std::sync::Arc;

use orgwatch_rules_sdk::Severity;
use serde_json::{Map, Value};

pub use discover::{DiscoverError, Discovered, discover};
pub use gather::{Gathered, Gatherer, Locking, Refusal, RefusalReason};
pub use load::load;
pub use place::{Place, Places};

use crate::finding::Defaults;
use crate::index::Pattern;
use crate::sandbox::{Component, ComponentFault, LoadFault, LoadedRule};
use crate::trust::Grant;

/// A component file as it was found.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Where it stands.
    pub path: PathBuf,
    /// The pack that it belongs to, as `publisher/name@version`.
    pub pack: Option<String>,
    /// What the rule may do, by the trust policy; nothing for a rule that is held to nothing.
    pub grant: Option<Arc<Grant>>,
    /// The component, or why it is none.
    pub component: Result<Component, ComponentFault>,
}

/// What the configuration makes of a component: one rule under an id, with settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The id that the rule runs under.
    pub id: String,
    /// The place of its component in the list of files.
    pub file: usize,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// A severity over whatever the rule says.
    pub severity: Option<Severity>,
}

impl Instance {
    /// Returns the settings as the rule gets them: JSON with sorted keys, the same text wherever they come from.
    pub fn settings_text(&self) -> String {
        Value::Object(self.settings.clone()).to_string()
    }
}

/// A rule of a run.
pub struct Rule {
    /// The id that it runs under.
    pub id: String,
    /// What its findings get.
    pub defaults: Defaults,
    /// What it may do, by the trust policy; nothing for a rule that is held to nothing.
    pub grant: Option<Arc<Grant>>,
    /// For a rule that looks back, the version of what it notes.
    pub state_version: Option<u32>,
    /// The records that it asks for; where it could not be loaded, those that it asks for with its default settings.
    pub patterns: Vec<Pattern>,
    /// The rule itself, or why it could not be loaded. What it asked for is a gap then.
    pub judge: Result<LoadedRule, LoadFault>,
}

impl Rule {
    /// Returns how far the rule looks back at most, in seconds; nothing for one that does not with its settings, or could not be loaded.
    pub fn keep(&self) -> Option<u64> {
        self.judge.as_ref().ok()?.keep()
    }
}
