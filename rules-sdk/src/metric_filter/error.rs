//! What is wrong with the text of a pattern.

use std::fmt;

/// Why a text is not a metric filter pattern.
///
/// ```
/// use orgwatch_rules_sdk::metric_filter::MetricFilter;
///
/// let error = MetricFilter::parse("{ $.eventName == StopLogging }").unwrap_err();
/// assert!(error.to_string().starts_with("at character 16: "), "{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricFilterError {
    position: usize,
    message: String,
    /// What stands where something else was expected.
    found: Option<String>,
}

impl MetricFilterError {
    /// Makes the error of a text that is wrong at a byte of it.
    pub(super) fn fault(text: &str, byte: usize, message: impl Into<String>) -> Self {
        Self { position: text[..byte].chars().count() + 1, message: message.into(), found: None }
    }

    /// Makes the error of a text in which something else was expected at a byte of it.
    pub(super) fn expected(text: &str, byte: usize, message: impl Into<String>) -> Self {
        Self { found: Some(excerpt(&text[byte..])), ..Self::fault(text, byte, message) }
    }

    /// Returns where the fault is: the number of the character, from 1 on.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::metric_filter::MetricFilter;
    /// assert_eq!(MetricFilter::parse("$.eventName").unwrap_err().position(), 1);
    /// ```
    pub fn position(&self) -> usize {
        self.position
    }
}

/// Takes what stands at the fault, to the end of the word.
fn excerpt(rest: &str) -> String {
    const LONGEST: usize = 20;
    let rest = rest.trim_start();
    let word = |character: char| character.is_alphanumeric() || matches!(character, '$' | '.' | '_' | '-' | '*');
    let end = rest.char_indices().find(|(at, character)| *at > 0 && !word(*character)).map_or(rest.len(), |(at, _)| at);
    rest[..end].chars().take(LONGEST).collect()
}

impl fmt::Display for MetricFilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at character {}: {}", self.position, self.message)?;
        match self.found.as_deref() {
            None => Ok(()),
            Some("") => formatter.write_str(", and the pattern ends there"),
            Some(found) => write!(formatter, ", not {found:?}"),
        }
    }
}

impl std::error::Error for MetricFilterError {}
