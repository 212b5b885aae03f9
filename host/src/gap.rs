//! A gap: a record that a rule asked for, or might have, and that could not be judged. Never silent.

use std::fmt;

use crate::finding::EventReference;
use crate::sandbox::{Fault, LoadFault};
use crate::source::{Place, Unreadable};

/// Something that was not judged, and why.
#[derive(Clone, Debug)]
pub struct Gap {
    /// Where the record was read.
    pub place: Place,
    /// What it is that was not judged.
    pub cause: GapCause,
}

/// Why something was not judged.
#[derive(Clone, Debug)]
pub enum GapCause {
    /// The record could not be read, so no rule has seen it.
    Unreadable(Box<Unreadable>),
    /// A rule failed on the record.
    Fault {
        /// The rule's id.
        rule: String,
        /// How it failed.
        fault: Fault,
        /// The record.
        event: Box<EventReference>,
    },
    /// A rule that could not be loaded would have judged the record, going by what it asks for with its default settings.
    NotLoaded {
        /// The rule's id.
        rule: String,
        /// Why it could not be loaded.
        fault: LoadFault,
        /// The record.
        event: Box<EventReference>,
    },
}

impl GapCause {
    /// Returns the rule that could not judge; nothing where no rule could.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Unreadable(_) => None,
            Self::Fault { rule, .. } | Self::NotLoaded { rule, .. } => Some(rule),
        }
    }
}

impl fmt::Display for GapCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(unreadable) => write!(formatter, "cannot read it: {}", unreadable.reason),
            Self::Fault { rule, fault, .. } => write!(formatter, "{rule} could not judge it: {fault}"),
            Self::NotLoaded { rule, .. } => write!(formatter, "{rule} could not judge it, since it is not loaded"),
        }
    }
}
