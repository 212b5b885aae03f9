//! Numbers as they are written in JSON, compared as EventBridge compares them: as doubles, where a double holds them exactly.

use std::ops::{Bound, RangeBounds as _};

/// A number that a pattern names as a literal.
///
/// It equals what is the same number or is spelt the same. The documentation compares spellings alone (300 and 300.0 would differ),
/// EventBridge's own matcher compares values; a rule is better off with a match too many than with one missed over a `.0`.
#[derive(Debug)]
pub(super) struct Number {
    written: Box<str>,
    exact: Option<f64>,
}

impl Number {
    pub(super) fn new(written: &str) -> Self {
        Self { written: written.into(), exact: exact(written) }
    }

    pub(super) fn equals(&self, written: &str) -> bool {
        *self.written == *written || self.exact.is_some() && self.exact == exact(written)
    }
}

/// The numbers that a `numeric` comparison accepts.
#[derive(Debug)]
pub(super) struct Range(pub(super) Bound<f64>, pub(super) Bound<f64>);

impl Range {
    /// Judges a number; one that a double does not hold exactly is in no range.
    pub(super) fn contains(&self, written: &str) -> bool {
        exact(written).is_some_and(|value| (self.0, self.1).contains(&value))
    }
}

/// Reads a number that a double holds exactly: the shortest decimal that reads as the same double is the number written.
///
/// By that measure 0.1 is exact and 2^53 + 1 is not, nor is 1e400.
pub(super) fn exact(written: &str) -> Option<f64> {
    let value: f64 = written.parse().ok()?;
    let shortest = format!("{value:e}");
    (value.is_finite() && decimal(written)? == decimal(&shortest)?).then_some(value)
}

/// Splits a number, its sign apart, into its digits without zeros around them and the power of ten of the last.
fn decimal(written: &str) -> Option<(String, i64)> {
    let unsigned = written.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let without_trailing = digits.trim_end_matches('0');
    let significant = without_trailing.trim_start_matches('0');
    if significant.is_empty() {
        // Zero is zero under any exponent, even one that is too large to read.
        return Some((String::new(), 0));
    }
    let dropped = i64::try_from(digits.len() - without_trailing.len()).ok()?;
    let fraction_digits = i64::try_from(fraction.len()).ok()?;
    let exponent: i64 = exponent.parse().ok()?;
    let scale = exponent.checked_add(dropped)?.checked_sub(fraction_digits)?;
    Some((significant.to_owned(), scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_exact_where_its_double_reads_back_as_written() {
        for (written, value) in [
            ("0", 0.0),
            ("-0.0", 0.0),
            ("0e99999999999999999999", 0.0),
            ("300", 300.0),
            ("3.0e2", 300.0),
            ("3E+2", 300.0),
            ("-1.50", -1.5),
            ("0.1", 0.1),
            ("301.8", 301.8),
            ("1e-5", 0.000_01),
            ("9007199254740992", 9_007_199_254_740_992.0),
            ("1e308", 1e308),
        ] {
            assert_eq!(exact(written), Some(value), "{written}");
        }
        for written in
            ["9007199254740993", "1e400", "-1e400", "1e-400", "1e99999999999999999999", "0.1000000000000000055"]
        {
            assert_eq!(exact(written), None, "{written}");
        }
    }

    #[test]
    fn literals_equal_by_value_or_by_spelling() {
        for (literal, written, equal) in [
            ("300", "300", true),
            ("300", "300.0", true),
            ("300", "3.0e2", true),
            ("300", "301", false),
            ("0", "-0", true),
            ("9007199254740993", "9007199254740993", true),
            ("9007199254740993", "9007199254740993.0", false),
            ("9007199254740992", "9007199254740993", false),
            ("1e400", "1e400", true),
            ("1e400", "1e401", false),
        ] {
            assert_eq!(Number::new(literal).equals(written), equal, "{literal} {written}");
        }
    }
}
