//! When an exception ends.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time in RFC 3339, or a date, at the end of which in UTC it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "toml::Value", into = "String")]
#[schemars(with = "String", example = &"2027-03-31", example = &"2027-03-31T12:00:00Z")]
pub struct Expiry {
    text: String,
    at: Timestamp,
}

/// A value that says no time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time: write a date such as 2027-03-31, which is its last day, or 2027-03-31T12:00:00Z")]
pub struct NotATime(String);

impl Expiry {
    /// Reads a time or a date.
    ///
    /// # Errors
    ///
    /// Fails for any other text, and for a time without its distance from UTC.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let at = match text.parse::<Timestamp>() {
            Ok(at) => Some(at),
            // A civil time would be read as its day: only what is a date alone is one.
            Err(_) if text.len() == "2027-03-31".len() => text.parse::<Date>().ok().and_then(end),
            Err(_) => None,
        };
        at.map(|at| Self { text: text.to_owned(), at }).ok_or_else(|| NotATime(text.to_owned()))
    }

    /// Returns the first instant at which it is over.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns the text that it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn end(date: Date) -> Option<Timestamp> {
    let day = date.tomorrow().ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

impl TryFrom<toml::Value> for Expiry {
    type Error = NotATime;

    fn try_from(value: toml::Value) -> Result<Self, NotATime> {
        match value {
            toml::Value::String(text) => Self::parse(&text),
            toml::Value::Datetime(time) => Self::parse(&time.to_string()),
            other => Err(NotATime(other.to_string())),
        }
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_last_day_and_a_time_is_that_instant() {
        for (text, at) in [
            ("2027-03-31", "2027-04-01T00:00:00Z"),
            ("2026-12-31", "2027-01-01T00:00:00Z"),
            ("2027-03-31T12:00:00Z", "2027-03-31T12:00:00Z"),
            ("2027-03-31T12:00:00+02:00", "2027-03-31T10:00:00Z"),
        ] {
            assert_eq!(Expiry::parse(text).unwrap().at().to_string(), at, "{text}");
        }
        for text in ["", "soon", "2027-02-30", "2027-03-31T12:00:00", "never", "90d", "20270331"] {
            assert_eq!(Expiry::parse(text), Err(NotATime(text.to_owned())));
        }
    }

    #[test]
    fn toml_has_dates_of_its_own() {
        for text in ["at = 2027-03-31", "at = \"2027-03-31\""] {
            let table: toml::Table = toml::from_str(text).unwrap();
            assert_eq!(Expiry::try_from(table["at"].clone()).unwrap().as_str(), "2027-03-31");
        }
        assert!(Expiry::try_from(toml::Value::Integer(2027)).is_err());
    }
}
