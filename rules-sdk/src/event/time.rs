//! Points in time, in all the ways in which records write them.
//!
//! The calendar is written out here because a rule's component holds all the code that it uses: parsing and printing these formats with
//! the crate `jiff` (0.2.43, `std` alone) makes a bare module 213 kB larger, this file makes it 17 kB larger.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::{Event, Value};

/// A point in time, to the millisecond, in UTC. Prints as RFC 3339.
///
/// ```
/// use orgwatch_rules_sdk::event::Timestamp;
///
/// let result: Timestamp = "Mar 18, 2022 6:16:58 PM".parse().unwrap();
/// assert_eq!(result.to_string(), "2022-03-18T18:16:58Z");
/// assert_eq!(result, "20220318T181658Z".parse().unwrap());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

const DAY: i64 = 86_400;
/// The first and the last second of the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// Numbers below are seconds: as seconds they reach the year 5138, as milliseconds they ended in March 1973.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl Timestamp {
    /// Makes a timestamp of milliseconds since 1970-01-01T00:00:00Z; nothing outside the years 1 to 9999.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let time = Timestamp::from_epoch_milliseconds(1_787_651_287_000).unwrap();
    /// assert_eq!(time.to_string(), "2026-08-25T09:48:07Z");
    /// ```
    pub fn from_epoch_milliseconds(milliseconds: i64) -> Option<Self> {
        SECONDS.contains(&milliseconds.div_euclid(1000)).then_some(Self(milliseconds))
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let time: Timestamp = "1970-01-01T00:01:00Z".parse().unwrap();
    /// assert_eq!(time.epoch_milliseconds(), 60_000);
    /// ```
    pub const fn epoch_milliseconds(self) -> i64 {
        self.0
    }

    /// Takes the time out of a value of the event: a text in one of the formats of [`FromStr`](Self::from_str), or a number of seconds
    /// or milliseconds since 1970, told apart by size.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"serviceEventDetails": {"departureTime": 1787651287}}"#);
    /// let time = Timestamp::from_value(&event.service_event_details("/departureTime")).unwrap();
    /// assert_eq!(time.to_string(), "2026-08-25T09:48:07Z");
    /// ```
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(text) => from_epoch_number(text),
            _ => None,
        }
    }

    fn from_civil(date: Date, seconds: i64) -> Option<Self> {
        let seconds = date.days_since_epoch()?.checked_mul(DAY)?.checked_add(seconds)?;
        Self::from_epoch_milliseconds(seconds.checked_mul(1000)?)
    }
}

/// Reads `1790812800`, `1790812800.25` or `1790812800000`.
fn from_epoch_number(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u64 = digits(whole)?;
    let milliseconds = if whole < FIRST_MILLISECONDS { whole * 1000 + fraction_milliseconds(fraction)? } else { whole };
    Timestamp::from_epoch_milliseconds(milliseconds.try_into().ok()?)
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads a time as CloudTrail records write it: `2022-03-18T18:17:06Z` (also with a fraction of a second or an offset),
    /// `20131102T010628Z`, `Mar 18, 2022 6:16:58 PM`, `Jul 17, 2025, 2:53:40 PM`. A time without a zone is UTC.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let starts_with_a_year = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
        let time = if starts_with_a_year { parse_iso(text) } else { parse_words(text) };
        time.ok_or(InvalidTimestamp)
    }
}

/// Reads ISO 8601, extended or basic.
fn parse_iso(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let date = match date.len() {
        10 => Date::new(part(date, 0..4)?, separated(date, 4..7, '-')?, separated(date, 7..10, '-')?),
        8 => Date::new(part(date, 0..4)?, part(date, 4..6)?, part(date, 6..8)?),
        _ => return None,
    };
    let zone = time.find(['Z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let seconds = match clock.len() {
        8 => clock_seconds(part(clock, 0..2)?, separated(clock, 2..5, ':')?, separated(clock, 5..8, ':')?)?,
        6 => clock_seconds(part(clock, 0..2)?, part(clock, 2..4)?, part(clock, 4..6)?)?,
        _ => return None,
    };
    let whole = Timestamp::from_civil(date, seconds - offset_seconds(zone)?)?;
    let milliseconds: i64 = fraction_milliseconds(fraction)?.try_into().ok()?;
    Timestamp::from_epoch_milliseconds(whole.0 + milliseconds)
}

/// Reads Java's `Mar 18, 2022 6:16:58 PM`. Newer releases put a comma after the year and U+202F, a narrow no-break space, before `PM`.
fn parse_words(text: &str) -> Option<Timestamp> {
    let mut words = text.split(|letter: char| letter == ',' || letter.is_whitespace()).filter(|word| !word.is_empty());
    let month = month(words.next()?)?;
    let day = digits(words.next()?)?;
    let year = words.next().filter(|year| year.len() == 4)?;
    let mut clock = words.next()?.split(':');
    let hour: u64 = digits(clock.next()?)?;
    let minute = digits(clock.next()?)?;
    let second = digits(clock.next()?)?;
    let afternoon = match words.next()? {
        half if half.eq_ignore_ascii_case("AM") => 0,
        half if half.eq_ignore_ascii_case("PM") => 12,
        _ => return None,
    };
    if clock.next().is_some() || words.next().is_some() || !(1..=12).contains(&hour) {
        return None;
    }
    Timestamp::from_civil(Date::new(digits(year)?, month, day), clock_seconds(hour % 12 + afternoon, minute, second)?)
}

/// Reads an English month, whole or cut off after three letters or more.
fn month(name: &str) -> Option<u64> {
    if name.len() < 3 {
        return None;
    }
    let starts = |month: &&str| month.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    (1..).zip(&MONTHS).find(|(_, month)| starts(month)).map(|(number, _)| number)
}

fn clock_seconds(hour: u64, minute: u64, second: u64) -> Option<i64> {
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then(|| (hour * 3600 + minute * 60 + second).try_into().ok())?
}

/// Reads `Z`, `+02:00`, `-0530`.
fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let minute = match zone.len() {
        6 => separated(zone, 3..6, ':')?,
        5 => part(zone, 3..5)?,
        _ => return None,
    };
    let seconds = clock_seconds(part(zone, 1..3)?, minute, 0)?;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

/// Reads the digits after the point of a second; what is finer than a millisecond is cut off.
fn fraction_milliseconds(fraction: &str) -> Option<u64> {
    digits(fraction)?;
    let finest = &fraction[..fraction.len().min(3)];
    Some(digits(finest)? * 10_u64.pow(3 - u32::try_from(finest.len()).ok()?))
}

fn part(text: &str, range: std::ops::Range<usize>) -> Option<u64> {
    digits(text.get(range)?)
}

fn separated(text: &str, range: std::ops::Range<usize>, separator: char) -> Option<u64> {
    digits(text.get(range)?.strip_prefix(separator)?)
}

fn digits(text: &str) -> Option<u64> {
    // The standard parser would take a sign as well.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy)]
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    const fn new(year: u64, month: u64, day: u64) -> Self {
        Self { year, month, day }
    }

    const fn is_leap(year: u64) -> bool {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    }

    const fn month_length(year: u64, month: u64) -> u64 {
        match month {
            2 if Self::is_leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// Returns the days in the years 1 up to, and without, this one.
    const fn days_before_year(year: u64) -> u64 {
        let past = year - 1;
        past * 365 + past / 4 - past / 100 + past / 400
    }

    /// Returns nothing for a day that does not exist.
    fn days_since_epoch(self) -> Option<i64> {
        let exists = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=Self::month_length(self.year, self.month)).contains(&self.day);
        if !exists {
            return None;
        }
        let months: u64 = (1..self.month).map(|month| Self::month_length(self.year, month)).sum();
        let days = Self::days_before_year(self.year) + months + self.day - 1;
        Some(days.cast_signed() - Self::days_before_year(1970).cast_signed())
    }

    fn from_days_since_epoch(days: i64) -> Self {
        let mut rest = (days + Self::days_before_year(1970).cast_signed()).cast_unsigned();
        // Too small by some years, since few years have 366 days; never too large.
        let mut year = rest / 366 + 1;
        while Self::days_before_year(year + 1) <= rest {
            year += 1;
        }
        rest -= Self::days_before_year(year);
        let mut month = 1;
        while rest >= Self::month_length(year, month) {
            rest -= Self::month_length(year, month);
            month += 1;
        }
        Self::new(year, month, rest + 1)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        let Date { year, month, day } = Date::from_days_since_epoch(seconds.div_euclid(DAY));
        let second = seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if milliseconds != 0 {
            write!(formatter, ".{milliseconds:03}")?;
        }
        formatter.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is not a time in any of the formats of CloudTrail records.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let error = "yesterday".parse::<Timestamp>().unwrap_err();
/// assert_eq!(error.to_string(), "not a time such as 2022-03-18T18:17:06Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTimestamp;

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a time such as 2022-03-18T18:17:06Z")
    }
}

impl std::error::Error for InvalidTimestamp {}

impl Event {
    /// Reads the time at a JSON Pointer, in any of the formats of [`Timestamp::from_value`].
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"serviceEventDetails": {"joinedTime": "Aug 25, 2026, 9:48:07 AM"}}"#);
    /// let joined = event.timestamp("/serviceEventDetails/joinedTime").unwrap();
    /// assert_eq!(joined.to_string(), "2026-08-25T09:48:07Z");
    /// ```
    pub fn timestamp(&self, path: &str) -> Option<Timestamp> {
        Timestamp::from_value(&self.read(path))
    }
}

#[cfg(test)]
mod tests;
