//! What can be known of a rule without an event: whether it says all that its readers need, and whether what it asks for can happen at all.
//!
//! A component that is no rule never gets here; `sandbox::Component` refuses it. The lints are one file a subject. Each remark has a stable
//! code, so that somebody can search for it, and says in one sentence what is wrong. An error means that the rule cannot do what it is for,
//! or says what is not so; a warning, that its reader is left without something.

mod description;
mod known;
mod names;
mod patterns;
mod references;
mod remark;
mod settings;

use orgwatch_rules_sdk::Metadata;

use crate::pack::KnownName;

pub use remark::{Code, Gravity, Remark};

/// A rule as it is checked.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What the rule says of itself.
    pub metadata: &'a Metadata,
    /// Events that the rule's pack knows of and the catalogue may not.
    pub known_names: &'a [KnownName],
}

/// Checks what a rule says of itself and what it asks for. The remarks come in the order of what they are about, each once.
pub fn check(subject: &Subject<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    description::check(subject.metadata, &mut remarks);
    references::check(subject.metadata, &mut remarks);
    settings::check(subject.metadata, &mut remarks);
    patterns::check(subject, &mut remarks);
    let mut each_once: Vec<Remark> = Vec::with_capacity(remarks.len());
    for remark in remarks {
        if !each_once.contains(&remark) {
            each_once.push(remark);
        }
    }
    each_once
}

/// Checks what a pack says of events that the catalogue lacks: whether it still has to.
pub fn check_known_names(known_names: &[KnownName]) -> Vec<Remark> {
    known::check(known_names)
}

#[cfg(test)]
mod tests;
