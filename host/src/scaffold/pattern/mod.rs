//! A rule out of a pattern that a team has already: an EventBridge event pattern or the pattern of a CloudWatch metric filter.
//!
//! The pattern as it was given stays beside what it becomes: each record that goes into the rule's tests is judged by both, the one by the
//! host's own engines, and has to get the same verdict.

mod envelope;
mod given;
mod made_up;
mod rust;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use orgwatch_rules_sdk::json::{Document, Node};
use orgwatch_rules_sdk::metric_filter::{MetricFilter, MetricFilterError};
use orgwatch_rules_sdk::{Event, Matches};
use serde_json::Value as Json;

use crate::escape::{self, terminal};
use crate::index::{Pattern, PatternError};

pub use envelope::EnvelopeError;
pub use given::{Disagreement, GivenEvents};
pub use made_up::{MadeUpError, make_up};
pub use rust::rule_files;

/// The longest text of a pattern that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A pattern as it was given, and what the rule makes of it.
#[derive(Debug)]
pub enum Original {
    /// An EventBridge event pattern.
    EventBridge(EventPattern),
    /// The pattern of a metric filter.
    MetricFilter(Filter),
}

/// An EventBridge event pattern.
#[derive(Debug)]
pub struct EventPattern {
    /// The pattern as it was given.
    given: Pattern,
    enveloped: bool,
    /// The same over a CloudTrail record.
    json: Json,
    rule: Pattern,
    /// Whether it asked for some of CloudTrail's detail types, which a record does not have.
    left_out: bool,
}

/// The pattern of a metric filter.
#[derive(Debug)]
pub struct Filter {
    text: String,
    given: MetricFilter,
    /// What the rule asks for: patterns as they are written into the rule, or nothing for every record.
    asked: Option<Vec<Json>>,
    index: Vec<Pattern>,
}

/// Why a file holds no pattern that a rule can be made of.
#[derive(Debug, thiserror::Error)]
pub enum OriginalError {
    /// It cannot be read.
    #[error("failed to read `{}`", escape::path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is longer than any pattern.
    #[error("`{}` is longer than {LONGEST} bytes, which no pattern is", escape::path(.0))]
    TooLong(PathBuf),
    /// It begins like neither kind of pattern.
    #[error(
        "this is neither an EventBridge pattern nor that of a metric filter\nhint: the one is a JSON object, the other begins like \
         {{ $.eventName = …"
    )]
    Neither,
    /// No event pattern.
    #[error("this is no event pattern: {}", terminal(&.0.to_string()))]
    EventPattern(PatternError),
    /// An event pattern that a rule cannot be made of.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// No metric filter.
    #[error("this is no metric filter: {}", terminal(&.0.to_string()))]
    MetricFilter(MetricFilterError),
    /// A metric filter with characters that nobody sees, which the compiler takes in no text.
    #[error("the metric filter has invisible characters in it\nhint: write it anew")]
    Invisible,
    /// A metric filter that matches nothing.
    #[error("the metric filter contradicts itself and would match no record")]
    Contradiction,
}

impl Original {
    /// Reads a pattern out of a file.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, holds no pattern, or holds one that no rule over CloudTrail records is equivalent to.
    pub fn read(path: &Path) -> Result<Self, OriginalError> {
        let failed = |source| OriginalError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(failed)?;
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > LONGEST {
            return Err(OriginalError::TooLong(path.to_owned()));
        }
        Self::parse(&text)
    }

    /// Takes the text of a pattern. The character after the first brace tells the two kinds apart.
    ///
    /// # Errors
    ///
    /// Fails when the text is no pattern, or one that no rule over CloudTrail records is equivalent to.
    pub fn parse(text: &str) -> Result<Self, OriginalError> {
        let text = text.trim().trim_start_matches('\u{feff}');
        let Some(inside) = text.strip_prefix('{') else {
            return Err(OriginalError::Neither);
        };
        if inside.trim_start().starts_with(['"', '}']) {
            EventPattern::parse(text).map(Self::EventBridge)
        } else {
            Filter::parse(text).map(Self::MetricFilter)
        }
    }

    /// Judges a record by the pattern as it was given.
    pub fn matches(&self, record: &Document) -> bool {
        match self {
            Self::EventBridge(pattern) => pattern.given_matches(record),
            Self::MetricFilter(filter) => filter.matches(record),
        }
    }

    /// Judges a record as the rule will, with what it asks for.
    pub fn rule_finds(&self, record: &Document) -> bool {
        match self {
            Self::EventBridge(pattern) => pattern.rule.matches(record.root()),
            Self::MetricFilter(filter) => filter.is_asked(record) && filter.matches(record),
        }
    }

    /// Tells whether a record comes close: one that stays quiet is a better test the closer it comes.
    fn is_near(&self, record: &Document) -> bool {
        let patterns = match self {
            Self::EventBridge(pattern) => std::slice::from_ref(&pattern.rule),
            Self::MetricFilter(filter) => &filter.index,
        };
        let text = |name: &str| record.root().get(name).and_then(Node::string);
        let shares = |name: &str, pattern: &Pattern| {
            text(name).is_some_and(|text| pattern.pinned(name).is_some_and(|texts| texts.contains(&&*text)))
        };
        patterns.iter().any(|pattern| shares("eventName", pattern) || shares("eventSource", pattern))
    }

    /// Tells whether the pattern asked for one of CloudTrail's detail types, which a rule cannot.
    pub fn left_out_detail_type(&self) -> bool {
        matches!(self, Self::EventBridge(EventPattern { left_out: true, .. }))
    }
}

impl EventPattern {
    fn parse(text: &str) -> Result<Self, OriginalError> {
        let given = Pattern::parse(text).map_err(OriginalError::EventPattern)?;
        let json: Json = serde_json::from_str(text).map_err(|_| OriginalError::Neither)?;
        let translated = envelope::translate(&json)?;
        let rule = Pattern::parse(&translated.json.to_string()).map_err(OriginalError::EventPattern)?;
        Ok(Self { given, enveloped: translated.enveloped, json: translated.json, rule, left_out: translated.left_out })
    }

    fn given_matches(&self, record: &Document) -> bool {
        if !self.enveloped {
            return self.given.matches(record.root());
        }
        let event = envelope::around(record);
        Document::parse(event).is_ok_and(|event| self.given.matches(event.root()))
    }
}

impl Filter {
    fn parse(text: &str) -> Result<Self, OriginalError> {
        let text = text.replace("\r\n", "\n");
        if text.chars().any(|character| character != '\n' && character != '\t' && escape::is_deceptive(character)) {
            return Err(OriginalError::Invisible);
        }
        let filter = MetricFilter::parse(&text).map_err(OriginalError::MetricFilter)?;
        let asked = match filter.asked() {
            Matches::Everything => None,
            Matches::Patterns(patterns) if patterns.is_empty() => return Err(OriginalError::Contradiction),
            Matches::Patterns(patterns) => Some(patterns),
        };
        let mut index = Vec::new();
        for pattern in asked.iter().flatten() {
            index.push(Pattern::parse(&pattern.to_string()).map_err(OriginalError::EventPattern)?);
        }
        Ok(Self { text, given: filter, asked, index })
    }

    fn matches(&self, record: &Document) -> bool {
        Event::from_json(record.text()).is_ok_and(|event| self.given.matches(&event))
    }

    fn is_asked(&self, record: &Document) -> bool {
        self.asked.is_none() || self.index.iter().any(|pattern| pattern.matches(record.root()))
    }
}
