//! What a packed pack says of itself: its manifest, and of each rule everything that the host would find out from the component.
//!
//! None of it is believed. When a pack is opened, each statement is held against the components, and a pack that says what is not so is refused:
//! what a person or a program reads here is what runs.

use orgwatch_rules_sdk::Metadata;
use serde::{Deserialize, Serialize};

use super::super::manifest::Manifest;
use crate::digest::{self, Digest};
use crate::pack::form::FormVersion;
use crate::sandbox::Component;
use crate::table::STANDARD;

/// The first layer of a pack: JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// The version of this document's form.
    pub schema_version: FormVersion<1>,
    /// What `pack.toml` says.
    pub pack: Manifest,
    /// The rules, by the names of their files.
    pub rules: Vec<RuleContents>,
    /// The lookup tables that the rules read, by name.
    pub tables: Vec<TableContents>,
}

/// What is said of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleContents {
    /// The name of its file, without a folder.
    pub file: String,
    /// The digest of its component.
    #[serde(with = "digest::tagged")]
    pub digest: Digest,
    /// The size of its component in bytes.
    pub size: u64,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// What it took to judge its test cases; nothing where they ask it for nothing.
    pub fuel: Option<Fuel>,
    /// What the component says of itself, with the schema of its settings.
    pub metadata: Metadata,
}

/// Fuel, in units, over the evaluations of a rule's test cases. The same on every machine, and changed by a new release of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fuel {
    /// How many evaluations.
    pub evaluations: u64,
    /// Of the one in the middle.
    pub median: u64,
    /// Of the one that took most.
    pub most: u64,
}

/// What is said of a lookup table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableContents {
    /// Its name.
    pub name: String,
    /// What its rows are found by; nothing for a table that the host does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The columns that rules read, beside the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl RuleContents {
    /// Says of a component what there is to be said.
    pub fn of(file: &str, component: &Component, fuel: Option<Fuel>) -> Self {
        Self {
            file: file.to_owned(),
            digest: component.digest(),
            size: component.bytes().len() as u64,
            imports: component.imports().to_vec(),
            fuel,
            metadata: component.metadata().clone(),
        }
    }

    /// Tells what is said of a component and not so; nothing where all is true. The fuel can only be found out by running it.
    pub fn lie(&self, component: &Component) -> Option<&'static str> {
        let truth = Self::of(&self.file, component, self.fuel);
        if self.digest != truth.digest {
            Some("its digest")
        } else if self.size != truth.size {
            Some("its size")
        } else if self.imports != truth.imports {
            Some("its imports")
        } else if self.metadata != truth.metadata {
            Some("its metadata")
        } else {
            None
        }
    }
}

impl Fuel {
    /// Sums up the fuel of some evaluations; nothing where there are none.
    pub fn of(mut evaluations: Vec<u64>) -> Option<Self> {
        evaluations.sort_unstable();
        let most = *evaluations.last()?;
        let median = evaluations[evaluations.len() / 2];
        Some(Self { evaluations: evaluations.len() as u64, median, most })
    }
}

impl TableContents {
    /// Describes the tables that some rules read.
    pub fn of_rules(rules: &[RuleContents]) -> Vec<Self> {
        let mut names: Vec<&str> = rules.iter().flat_map(|rule| &rule.metadata.tables).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(Self::of).collect()
    }

    fn of(name: &str) -> Self {
        let standard = STANDARD.iter().find(|table| table.name == name);
        Self {
            name: name.to_owned(),
            key: standard.map(|table| table.key.to_owned()),
            columns: standard.iter().flat_map(|table| table.columns).map(|&column| column.to_owned()).collect(),
            about: standard.map(|table| table.about.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_is_summed_up_over_all_evaluations() {
        assert_eq!(Fuel::of(vec![30, 10, 20]), Some(Fuel { evaluations: 3, median: 20, most: 30 }));
        assert_eq!(Fuel::of(Vec::new()), None);
    }
}
