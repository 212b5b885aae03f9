//! The names that a check goes by: the catalogue's, and those that a pack brings along.
//!
//! AWS adds names daily, and a check that nobody can satisfy gets switched off. So a pack may say in `pack.toml` that a name is right, with the
//! reason; and when the catalogue has learnt the name, the check says that the pack need not say it any longer.

use super::remark::{Code, Remark};
use crate::catalogue::{Catalogue, Knowledge, PathStatus};
use crate::pack::KnownName;

/// The names that a rule's literals are compared with.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    catalogue: &'static Catalogue,
    more: &'a [KnownName],
}

impl<'a> Names<'a> {
    pub(super) fn with(more: &'a [KnownName]) -> Self {
        Self { catalogue: Catalogue::embedded(), more }
    }

    pub(super) fn catalogue(&self) -> &'static Catalogue {
        self.catalogue
    }

    /// Walks the known sources.
    pub(super) fn sources(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.catalogue.sources().chain(self.more.iter().map(|known| known.source.as_str()))
    }

    pub(super) fn knows_source(&self, source: &str) -> Knowledge<'a> {
        if self.more.iter().any(|known| known.source == source) {
            return Knowledge::Known;
        }
        self.catalogue.knows_source(source)
    }

    /// Walks the names of some sources' events; those of all where none are given.
    pub(super) fn names(&self, sources: &[&str]) -> Vec<&'a str> {
        let mut names = Vec::new();
        if sources.is_empty() {
            names.extend(self.catalogue.names(None));
        }
        for source in sources {
            names.extend(self.catalogue.names(Some(source)));
        }
        let more = self.more.iter().filter(|known| sources.is_empty() || sources.contains(&known.source.as_str()));
        names.extend(more.filter_map(|known| known.name.as_deref()));
        names
    }

    /// Tells whether any name may occur under one of these sources.
    pub(super) fn any_is_open(&self, sources: &[&str]) -> bool {
        sources.iter().any(|source| {
            let whole =
                self.more.iter().any(|known| known.name.is_none() && known.field.is_none() && known.source == *source);
            whole || self.catalogue.is_open(source)
        })
    }

    /// Tells whether the pack says that records have this field.
    pub(super) fn says_of_field(&self, pointer: &str) -> bool {
        self.more
            .iter()
            .filter_map(|known| known.field.as_deref())
            .any(|field| pointer.strip_prefix(field).is_some_and(|below| below.is_empty() || below.starts_with('/')))
    }

    /// Tells what is known of a name among some sources; among all where none are given.
    pub(super) fn knows(&self, sources: &[&str], name: &str) -> Knowledge<'a> {
        let said = self.more.iter().any(|known| {
            known.name.as_deref() == Some(name) && (sources.is_empty() || sources.contains(&known.source.as_str()))
        });
        if said || self.any_is_open(sources) {
            return Knowledge::Known;
        }
        let Some((first, others)) = sources.split_first() else { return self.catalogue.knows(None, name) };
        let mut all = self.catalogue.knows(Some(first), name);
        for source in others {
            match (self.catalogue.knows(Some(source), name), &mut all) {
                (Knowledge::Known, _) => return Knowledge::Known,
                (Knowledge::Unknown { nearest: more }, Knowledge::Unknown { nearest }) => nearest.extend(more),
                _ => {}
            }
        }
        all
    }
}

/// Checks what a pack says of names: that it has a reason, and that it is still needed.
pub(super) fn check(known_names: &[KnownName]) -> Vec<Remark> {
    let catalogue = Catalogue::embedded();
    let mut remarks = Vec::new();
    for (place, known) in known_names.iter().enumerate() {
        let place = format!("known_names[{place}]");
        let source = &known.source;
        let (what, needless) = match (&known.name, &known.field) {
            (name, Some(field)) => {
                let status = catalogue.path_status(source, name.as_deref().unwrap_or_default(), field);
                (format!("the field {field}"), status == PathStatus::Possible)
            }
            (Some(name), None) => {
                (format!("`{name}` of {source}"), catalogue.knows(Some(source), name) == Knowledge::Known)
            }
            (None, None) => (format!("the source {source}"), catalogue.knows_source(source) == Knowledge::Known),
        };
        if known.reason.trim().is_empty() {
            let message = format!("it is not said how {what} is known");
            let hint = "give as reason where it is documented, or where it was seen";
            remarks.push(Remark::new(Code::KnownNameWithoutReason, &place, message).hint(hint));
        }
        if needless {
            let message = format!("the catalogue of {} knows {what}", catalogue.date());
            remarks.push(Remark::new(Code::KnownNameNeedless, &place, message).hint("take it out of pack.toml"));
        }
    }
    remarks
}
