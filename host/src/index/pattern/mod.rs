//! Event patterns in the language of Amazon EventBridge, judged against one CloudTrail record.
//!
//! A rule names the events it wants with a list of patterns; the host parses each of them once, when the rule is loaded, and
//! judges it on every record, so that a rule's WebAssembly runs only where there is something for it. The language is that of the
//! EventBridge documentation. Where the documentation leaves room, the choice and its reason stand beside the code that makes it:
//! fields and arrays in `matcher`, the operators in `operator`, `$or` and repeated fields in `parse`.
//!
//! A record is text that an attacker may have chosen. Whatever it holds, judging it takes time in proportion to its length, to the
//! number of the pattern's fields and to how deep those are nested, and allocates nothing unless a string in the record is escaped
//! or a number compared.

mod alternative;
mod case;
mod cidr;
mod demand;
mod error;
mod matcher;
mod number;
mod operator;
mod parse;
mod parts;
mod wildcard;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use orgwatch_rules_sdk::json::Node;

pub(super) use demand::{Demand, Written};
pub use error::{PatternError, PatternErrorKind};
use matcher::Fields;
pub use parts::Part;

/// One event pattern, ready to judge records.
#[derive(Clone)]
pub struct Pattern {
    /// The pattern without `$or`: it matches where one of these does.
    combinations: Arc<[Fields]>,
    source: Box<str>,
}

impl Pattern {
    /// Parses the text of one pattern, a JSON object.
    ///
    /// # Errors
    ///
    /// Fails when the text is not a pattern; the error says what is wrong, where, and what would do instead.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (combinations, source) = parse::parse(text)?;
        Ok(Self { combinations: combinations.into(), source })
    }

    /// Returns the pattern that matches any record. No text stands for it: an empty object is refused, since it is more often a slip.
    pub fn everything() -> Self {
        Self { combinations: Arc::new([Fields::default()]), source: "{}".into() }
    }

    /// Judges one record. A record that is not an object has no fields.
    pub fn matches(&self, record: Node<'_>) -> bool {
        self.combinations.iter().any(|fields| fields.match_record(record))
    }

    /// Returns the strings of which every matching record has at least one at a top-level field; `None` where other values will do.
    ///
    /// They are sorted and each is listed once. An index of patterns by `eventName` asks this once a pattern. The field of a
    /// matching record may also be an array with one of the strings in it.
    pub fn pinned(&self, field: &str) -> Option<Vec<&str>> {
        let mut values = BTreeSet::new();
        for fields in self.combinations.iter() {
            values.extend(fields.pinned(field)?);
        }
        Some(values.into_iter().collect())
    }

    /// Returns what a matching record has to hold, one demand for each combination of `$or` branches; `None` where one of them demands nothing.
    pub(super) fn demands(&self) -> Option<Vec<Demand>> {
        self.combinations.iter().map(Fields::demand).collect()
    }

    /// Returns the pattern's text without the white space around its tokens; `{}` for [`Pattern::everything`], which no text gives.
    ///
    /// The order of the fields stays, unlike in canonical JSON: a pattern that writes a path twice depends on it.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pattern").field(&self.source).finish()
    }
}
