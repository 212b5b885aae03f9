//! A span of time in the configuration: `30s`, `15m`, `3d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time that is not negative. A day has 24 hours, a week 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", example = &"15m")]
pub struct Span(pub Duration);

/// A text that is no span of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a span of time such as 30s, 15m or 3d")]
pub struct NotASpan(String);

impl Span {
    /// Returns a span of so many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let span: Option<jiff::Span> = text.parse().ok();
        let signed = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let duration = signed.and_then(|signed| Duration::try_from(signed).ok());
        duration.map(Self).ok_or_else(|| NotASpan(text.to_owned()))
    }
}

impl TryFrom<String> for Span {
    type Error = NotASpan;

    fn try_from(text: String) -> Result<Self, NotASpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match self.0.subsec_millis() {
            0 if seconds == 0 => write!(formatter, "0s"),
            0 => {
                let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
                let (unit, length) =
                    units.into_iter().find(|(_, length)| seconds.is_multiple_of(*length)).unwrap_or(("s", 1));
                write!(formatter, "{}{unit}", seconds / length)
            }
            _ => write!(formatter, "{}ms", self.0.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_as_it_is_written() {
        for (text, seconds) in
            [("30s", 30), ("15m", 900), ("24h", 86_400), ("3d", 259_200), ("2w", 1_209_600), ("1h30m", 5_400)]
        {
            assert_eq!(text.parse(), Ok(Span::seconds(seconds)), "{text}");
        }
        assert_eq!(Span::seconds(259_200).to_string(), "3d");
        assert_eq!(Span::seconds(90).to_string(), "90s");
        assert_eq!(Span(Duration::from_millis(250)).to_string().parse(), Ok(Span(Duration::from_millis(250))));
        for text in ["", "soon", "-5m", "1mo"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
