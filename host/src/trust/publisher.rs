//! One entry of a publisher: its keys, and what its rules may do.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orgwatch_rules_sdk::Severity;

use super::policy::{Presented, Trusted};
use super::{Grant, PolicyError, PublisherConfig, TrustError};
use crate::pack::PackId;
use crate::pack::signature::PublicKey;
use crate::sandbox::Component;
use crate::tuning::{Expiry, RuleIds};

/// How long before a key is over that is told.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the ids of the service's own findings begin with.
const RESERVED: &str = "orgwatch.";

/// What one rule wants, as its component says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants<'a> {
    /// The component's id. The id that a generic component runs under is the operator's.
    pub rule: &'a str,
    /// The severity of its findings that set none.
    pub severity: Severity,
    /// Whether it looks back.
    pub state: bool,
    /// The tables that it reads.
    pub tables: &'a [String],
    /// The most fuel that an event of its own tests took, where that is known.
    pub fuel: Option<u64>,
}

impl<'a> Wants<'a> {
    /// Takes it from the component: from what it imports and says of itself, not from what a pack's manifest says of it.
    pub fn of(component: &'a Component, fuel: Option<u64>) -> Self {
        let metadata = component.metadata();
        Self {
            rule: &metadata.id,
            severity: metadata.severity,
            state: component.looks_back(),
            tables: &metadata.tables,
            fuel,
        }
    }
}

/// An entry, checked.
#[derive(Clone, Debug)]
pub(super) struct Publisher {
    name: String,
    keys: Vec<TrustedKey>,
    required: usize,
    rules: Vec<RuleIds>,
    state: bool,
    tables: Vec<String>,
    allow_rollback: bool,
    grant: Arc<Grant>,
}

#[derive(Clone, Debug)]
struct TrustedKey {
    key: PublicKey,
    expires: Option<Expiry>,
}

impl TrustedKey {
    fn is_over(&self, now: Timestamp) -> bool {
        self.expires.as_ref().is_some_and(|expires| expires.at() <= now)
    }
}

impl Publisher {
    pub(super) fn new(config: &PublisherConfig) -> Result<Self, PolicyError> {
        let publisher = || config.name.clone();
        if PackId::try_from(format!("{}/pack", config.name)).is_err() {
            return Err(PolicyError::Name(publisher()));
        }
        let mut keys: Vec<TrustedKey> = Vec::new();
        let mut known = BTreeSet::new();
        for key in &config.key {
            let file = &key.file;
            let read = PublicKey::read(file).map_err(|source| PolicyError::Key { publisher: publisher(), source })?;
            if !known.insert(read.id()) {
                return Err(PolicyError::SameKey { publisher: publisher(), key: read.id(), file: file.clone() });
            }
            keys.push(TrustedKey { key: read, expires: key.expires.clone() });
        }
        if config.required == 0 || config.required > keys.len() {
            let (required, keys) = (config.required, keys.len());
            return Err(PolicyError::Required { publisher: publisher(), required, keys });
        }
        if config.rules.is_empty() {
            return Err(PolicyError::NoRules(publisher()));
        }
        let pattern = |pattern: &String| {
            RuleIds::new(pattern).map_err(|error| PolicyError::Pattern {
                publisher: publisher(),
                pattern: pattern.clone(),
                reason: error.msg,
            })
        };
        let grant = Grant {
            publisher: publisher(),
            max_severity: config.max_severity,
            max_fuel: config.max_fuel,
            sinks: config.sinks.clone(),
        };
        Ok(Self {
            name: publisher(),
            keys,
            required: config.required,
            rules: config.rules.iter().map(pattern).collect::<Result<_, _>>()?,
            state: config.state,
            tables: config.tables.clone(),
            allow_rollback: config.allow_rollback,
            grant: Arc::new(grant),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().map(|key| &key.key)
    }

    /// Judges a pack by this entry: first who signed, then what that says of it.
    pub(super) fn judge(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Trusted, TrustError> {
        let signers = self.signers(presented, now)?;
        if let Some(highest) = presented.highest.filter(|highest| presented.is_below(highest))
            && !self.allow_rollback
        {
            let (pack, publisher) = (presented.reference(), self.name.clone());
            return Err(TrustError::Rollback { pack, publisher, highest: highest.clone() });
        }
        for rule in presented.rules {
            self.judge_rule(rule, presented)?;
        }
        let warnings = signers.into_iter().filter_map(|key| self.soon_over(key, presented, now)).collect();
        Ok(Trusted { grant: Some(Arc::clone(&self.grant)), warnings })
    }

    /// Returns the keys that signed and count, where they are enough.
    fn signers(&self, presented: &Presented<'_>, now: Timestamp) -> Result<Vec<&TrustedKey>, TrustError> {
        let (over, count): (Vec<&TrustedKey>, Vec<&TrustedKey>) =
            self.keys.iter().filter(|key| (presented.signed_by)(&key.key)).partition(|key| key.is_over(now));
        if count.len() >= self.required {
            return Ok(count);
        }
        let (pack, origin, publisher) = (presented.reference(), presented.origin.text(), self.name.clone());
        match over.first().and_then(|key| Some((key, key.expires.as_ref()?))) {
            Some((key, expires)) if over.len() + count.len() >= self.required => {
                Err(TrustError::Expired { pack, origin, publisher, key: key.key.id(), expired: expires.at() })
            }
            _ => Err(TrustError::TooFewSigners {
                pack,
                origin,
                publisher,
                signed: count.len(),
                keys: self.keys.len(),
                required: self.required,
            }),
        }
    }

    fn judge_rule(&self, wants: &Wants<'_>, presented: &Presented<'_>) -> Result<(), TrustError> {
        let pack = presented.reference();
        let (publisher, rule) = (self.name.clone(), wants.rule.to_owned());
        if wants.rule.starts_with(RESERVED) {
            return Err(TrustError::Reserved { pack, rule });
        }
        if !self.rules.iter().any(|ids| ids.fit(wants.rule)) {
            let allowed = self.rules.iter().map(RuleIds::as_str).collect::<Vec<_>>().join(", ");
            return Err(TrustError::Namespace { pack, publisher, rule, allowed });
        }
        if wants.state && !self.state {
            return Err(TrustError::State { pack, publisher, rule });
        }
        if let Some(table) = wants.tables.iter().find(|table| !self.tables.contains(table)) {
            return Err(TrustError::Table { pack, publisher, rule, table: table.clone() });
        }
        if let Some(ceiling) = self.grant.max_severity.filter(|&ceiling| wants.severity > ceiling) {
            return Err(TrustError::Severity { pack, publisher, rule, severity: wants.severity, ceiling });
        }
        match (wants.fuel, self.grant.max_fuel) {
            (Some(fuel), Some(ceiling)) if fuel > ceiling => {
                Err(TrustError::Fuel { pack, publisher, rule, fuel, ceiling })
            }
            _ => Ok(()),
        }
    }

    /// Says of a key that signed a pack that it is over before long.
    fn soon_over(&self, key: &TrustedKey, presented: &Presented<'_>, now: Timestamp) -> Option<String> {
        let expires = key.expires.as_ref().filter(|expires| expires.at().duration_since(now) <= AHEAD)?;
        Some(format!(
            "the key {} that signed {} is over at {}: the pack does not load from then on\nhint: ask {} for its new key",
            key.key.id().short(),
            presented.reference(),
            expires.at(),
            self.name
        ))
    }
}
