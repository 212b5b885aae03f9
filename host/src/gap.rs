//! A gap: a record that a rule asked for, or might have, and that could not be judged. Never silent.

use std::fmt;
use std::sync::Arc;

use orgwatch_rules_sdk::json::Document;

use crate::digest::Digest;
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
    /// The record, where it is one.
    pub record: Option<Arc<Document>>,
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

impl Gap {
    /// Returns what makes it the same gap when the same record comes again.
    pub fn id(&self) -> Digest {
        match &self.cause {
            GapCause::Unreadable(unreadable) => Digest::of_parts([b"".as_slice(), b"", &unreadable.bytes]),
            GapCause::Fault { rule, event, .. } | GapCause::NotLoaded { rule, event, .. } => {
                Digest::of_parts([rule.as_bytes(), event.digest.as_bytes()])
            }
        }
    }
}

impl GapCause {
    /// Returns the record as a finding would name it; nothing where there is none.
    pub fn event(&self) -> Option<&EventReference> {
        match self {
            Self::Unreadable(_) => None,
            Self::Fault { event, .. } | Self::NotLoaded { event, .. } => Some(event),
        }
    }

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
