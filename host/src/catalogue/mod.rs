//! The events that CloudTrail can record: their sources, their names, and the shapes of their parameters.
//!
//! A literal that no event has makes a rule silent, and silence looks like peace. So what a rule asks for and reads is looked up here. The
//! catalogue is generated from the API models in botocore (`host/catalogue/`), with what the models lack written beside them by hand, and it
//! is dated: AWS adds names daily. Nothing here decides whether a rule runs.
//!
//! ```
//! use orgwatch_host::catalogue::{Catalogue, Knowledge, PathStatus};
//!
//! let catalogue = Catalogue::embedded();
//! let source = "cloudtrail.amazonaws.com";
//! assert_eq!(catalogue.knows(Some(source), "StopLogging"), Knowledge::Known);
//! assert_eq!(catalogue.knows(Some(source), "StopLoging"), Knowledge::Unknown { nearest: vec!["StopLogging"] });
//! assert_eq!(catalogue.path_status(source, "StopLogging", "/requestParameters/name"), PathStatus::Possible);
//! ```

mod data;
mod nearest;
mod path;
mod record;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use data::{MoreMembers, Service, Shapes};

pub use data::Naming;
pub use path::PathStatus;
pub use shape::{Kind, Member, Operation, Shape};

/// The events that CloudTrail can record.
#[derive(Debug)]
pub struct Catalogue {
    date: String,
    botocore: String,
    index_end: usize,
    services: Vec<Service<'static>>,
    /// The shapes of each service, unpacked when somebody asks for them.
    shapes: Vec<OnceLock<Shapes>>,
    sources: BTreeMap<String, Source>,
    members: Vec<MoreMembers>,
}

/// What is recorded under one `eventSource`.
#[derive(Debug, Default)]
struct Source {
    /// The services, by their place in the list. Some share a source: RDS, Neptune and DocumentDB.
    services: Vec<usize>,
    /// Names beside the models.
    more: BTreeSet<String>,
    /// Whether any name may occur.
    open: bool,
}

/// What the catalogue knows of an event's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knowledge<'a> {
    /// The source has such an event, or AWS publishes no complete list for it.
    Known,
    /// Other sources have such an event: these.
    Elsewhere(Vec<&'a str>),
    /// No source has such an event.
    Unknown {
        /// Names that resemble it, the nearest first.
        nearest: Vec<&'a str>,
    },
}

/// How many names a "did you mean" has at most.
const SUGGESTIONS: usize = 3;

impl Catalogue {
    /// Returns the catalogue that this program carries. The first call unpacks its index; shapes are unpacked service by service as they are
    /// asked for.
    pub fn embedded() -> &'static Self {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(Self::unpack)
    }

    fn unpack() -> Self {
        let (index, index_end) = data::index();
        let beside = data::beside();
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        for (place, service) in index.services.iter().enumerate() {
            for (rank, &source) in service.sources.iter().enumerate() {
                let services = &mut sources.entry(source.to_owned()).or_default().services;
                // A service whose first name this is comes before those that merely may use it.
                if rank == 0 { services.insert(0, place) } else { services.push(place) }
            }
        }
        for source in sources.values_mut() {
            // `rds` before `neptune` and `docdb`, which are the same service's later engines.
            source.services.sort_by_key(|&place| {
                let service = &index.services[place];
                let first = service.sources.first().is_some_and(|name| name.starts_with(&format!("{}.", service.name)));
                (!first, place)
            });
        }
        for events in beside.events {
            sources.entry(events.source).or_default().more.extend(events.names);
        }
        for source in beside.open.into_iter().flat_map(|open| open.sources) {
            sources.entry(source).or_default().open = true;
        }
        Self {
            date: index.date,
            botocore: index.botocore,
            index_end,
            shapes: index.services.iter().map(|_| OnceLock::new()).collect(),
            services: index.services,
            sources,
            members: beside.members,
        }
    }

    /// Returns the day as of which AWS's models were read, such as `2026-11-17`.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// Returns the version of botocore that the models were read from.
    pub fn botocore(&self) -> &str {
        &self.botocore
    }

    /// Walks the known `eventSource`s, by name.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// Tells whether events with this `eventSource` are recorded, and if not which sources resemble it.
    pub fn knows_source(&self, source: &str) -> Knowledge<'_> {
        if self.sources.contains_key(source) {
            return Knowledge::Known;
        }
        // Every name ends alike; what is compared is what differs.
        let service = |source: &str| source.trim_end_matches(".com").trim_end_matches(".amazonaws").to_owned();
        let by_service: BTreeMap<String, &str> = self.sources().map(|known| (service(known), known)).collect();
        let near = nearest::nearest(&service(source), by_service.keys().map(String::as_str), SUGGESTIONS);
        Knowledge::Unknown { nearest: near.iter().filter_map(|name| by_service.get(*name).copied()).collect() }
    }

    /// Tells whether a source has an event of this name; without a source, whether any has. A name may carry the version that Lambda,
    /// CloudFront and others add to it: `CreateFunction20150331v2`.
    pub fn knows(&self, source: Option<&str>, name: &str) -> Knowledge<'_> {
        let plain = unversioned(name);
        let asked: Vec<&Source> = match source {
            Some(source) => self.sources.get(source).into_iter().collect(),
            None => self.sources.values().collect(),
        };
        if asked
            .iter()
            .any(|source| (source.open && asked.len() == 1) || self.has(source, plain) || self.has(source, name))
        {
            return Knowledge::Known;
        }
        let elsewhere: Vec<&str> =
            self.sources.iter().filter(|(_, other)| self.has(other, plain)).map(|(name, _)| name.as_str()).collect();
        if !elsewhere.is_empty() {
            return Knowledge::Elsewhere(elsewhere);
        }
        let mut near = nearest::nearest(plain, asked.iter().flat_map(|source| self.names_of(source)), SUGGESTIONS);
        if near.is_empty() && source.is_some() {
            near = nearest::nearest(plain, self.sources.values().flat_map(|source| self.names_of(source)), SUGGESTIONS);
        }
        Knowledge::Unknown { nearest: near }
    }

    /// Walks the names of a source's events; those of all where none is given. They are not sorted, and a name may come twice.
    pub fn names(&self, source: Option<&str>) -> impl Iterator<Item = &str> {
        self.sources
            .iter()
            .filter(move |(name, _)| source.is_none_or(|source| source == name.as_str()))
            .flat_map(|(_, source)| self.names_of(source))
    }

    /// Tells whether any name may occur under a source.
    pub fn is_open(&self, source: &str) -> bool {
        self.sources.get(source).is_some_and(|source| source.open)
    }

    /// Walks the operations of a source whose events are API calls.
    pub fn operations(&self, source: &str) -> impl Iterator<Item = Operation<'_>> {
        let services = self.sources.get(source).map_or(&[][..], |source| &source.services);
        services
            .iter()
            .flat_map(move |&place| self.services[place].operations.iter().map(move |name| self.describe(place, name)))
    }

    /// Returns the operation behind an event; nothing for an event that is none. Where services share source and name, it is that of the
    /// service after which the source is called.
    pub fn operation(&self, source: &str, name: &str) -> Option<Operation<'_>> {
        self.all_operations(source, name).next()
    }

    /// Walks the operations that an event may be of: more than one where services share source and name.
    pub fn all_operations(&self, source: &str, name: &str) -> impl Iterator<Item = Operation<'_>> {
        let services = self.sources.get(source).map_or(&[][..], |source| &source.services);
        services.iter().filter_map(move |&place| {
            let operations = &self.services[place].operations;
            let at = operations.binary_search(&name).or_else(|_| operations.binary_search(&unversioned(name)));
            at.ok().map(|at| self.describe(place, operations[at]))
        })
    }

    fn describe<'a>(&'a self, place: usize, name: &'a str) -> Operation<'a> {
        Operation { catalogue: self, place, name }
    }

    /// Returns the shapes of a service, unpacked by now.
    fn shapes_of(&self, place: usize) -> Option<&Shapes> {
        let frame = self.services[place].frame?;
        Some(self.shapes[place].get_or_init(|| data::shapes(frame, self.index_end)))
    }

    fn has(&self, source: &Source, name: &str) -> bool {
        source.more.contains(name)
            || source.services.iter().any(|&place| self.services[place].operations.binary_search(&name).is_ok())
    }

    fn names_of<'a>(&'a self, source: &'a Source) -> impl Iterator<Item = &'a str> {
        let operations = source.services.iter().flat_map(|&place| self.services[place].operations.iter().copied());
        operations.chain(source.more.iter().map(String::as_str))
    }
}

/// Takes the version off an event's name: `20150331`, `20150331v2` or `2020_05_31` at its end.
pub(crate) fn unversioned(name: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let revised = match name.rsplit_once('v') {
        Some((before, revision)) if digits(revision) => before,
        _ => name,
    };
    for length in [8, 10] {
        let Some((plain, date)) = revised.len().checked_sub(length).and_then(|at| revised.split_at_checked(at)) else {
            continue;
        };
        let parts: Vec<&str> = date.split('_').collect();
        let fits = parts.iter().all(|part| digits(part)) && (parts.len() == 1) == (length == 8) && parts.len() != 2;
        if !plain.is_empty() && date.starts_with("20") && fits {
            return plain;
        }
    }
    name
}

#[cfg(test)]
mod tests;
