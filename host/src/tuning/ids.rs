//! Which rules something is for: an id, or a pattern of ids.

use glob::{MatchOptions, Pattern, PatternError};

/// An id, or a pattern of ids in which `*` stands for any text and `?` for one character.
#[derive(Clone, Debug)]
pub struct RuleIds {
    pattern: Pattern,
}

impl RuleIds {
    /// Reads an id or a pattern.
    ///
    /// # Errors
    ///
    /// Fails when the text is no pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        Pattern::new(text).map(|pattern| Self { pattern })
    }

    /// Tells whether a text is a pattern and not an id.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Tells whether a rule is meant.
    pub fn fit(&self, id: &str) -> bool {
        self.pattern.matches_with(id, MatchOptions::new())
    }

    /// Returns how many characters of an id it pins down.
    pub fn letters(&self) -> usize {
        self.pattern.as_str().chars().filter(|character| !matches!(character, '*' | '?')).count()
    }

    /// Returns the text that it was read from.
    pub fn as_str(&self) -> &str {
        self.pattern.as_str()
    }
}
