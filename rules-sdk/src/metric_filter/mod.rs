//! Metric filter patterns of CloudWatch Logs, judged against one CloudTrail record.
//!
//! Teams have such patterns already: the CIS benchmark prescribes fifteen of them, and every alarm on a CloudTrail log group rests on one.
//! [`MetricFilter::parse`] takes the text of a pattern for JSON as CloudWatch takes it; [`MetricFilter::matches`] judges a record;
//! [`MetricFilter::asked`] says which records a rule that uses it has to ask for.
//!
//! ```
//! use orgwatch_rules_sdk::metric_filter::MetricFilter;
//! use orgwatch_rules_sdk::testing;
//!
//! let filter = MetricFilter::parse(r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS }"#).unwrap();
//! assert!(filter.matches(&testing::event(r#"{"userIdentity": {"type": "Root"}}"#)));
//! ```
//!
//! | pattern | is true where |
//! | --- | --- |
//! | `$.eventName = "DeleteTrail"` | the string is that one, letter for letter; `*` stands for any text, also inside quotes |
//! | `$.errorCode != AccessDenied` | there is a string, number or truth value, and it is another one |
//! | `$.bytes > 1024` (`<`, `>=`, `<=`, `=`, `!=`) | there is a number, and it compares so |
//! | `$.sourceIPAddress = %^10\.%` | the regular expression finds something in the string |
//! | `$.responseElements IS NULL` | there is `null` |
//! | `$.readOnly IS TRUE`, `IS FALSE` | there is that truth value, not a string that says so |
//! | `$.userIdentity.invokedBy NOT EXISTS` | there is nothing, not even `null` |
//!
//! A selector leads through objects by names, `$.a.b` or `$.a['b.c']`, and into arrays by places, `$.a[0]`. `$.a[*]` and `$.a.*` try each element and
//! each member. Conditions are joined by `&&` and `||`, of which `&&` binds tighter, and grouped by parentheses.
//!
//! Where AWS's documentation leaves room, this is what is done:
//!
//! * A comparison with a field that is missing, `null`, an array or an object is false, whichever the operator: `!=` too. AWS's own test of
//!   patterns in the console says the same of a missing field.
//! * A value in quotes is compared with strings only. One without quotes that is written as a number is compared with numbers by their
//!   value, and with strings as text, so that `$.recipientAccountId = 111122223333` finds the account.
//! * With `[*]` or `.*` a condition is true where any of the values makes it true; `NOT EXISTS` where there is no value at all.
//! * In quotes, `\"` stands for a quotation mark and `\\` for a backslash.
//!
//! CloudWatch takes 1,024 characters, three wildcards in selectors and two regular expressions. Here a pattern may be longer, so that
//! one pattern can list every operation of a service; the other bounds hold.

mod asked;
mod condition;
mod error;
mod parse;
mod regex;
mod selector;
mod wildcard;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use condition::Condition;
pub use error::MetricFilterError;

use crate::{Event, Matches};

/// One metric filter pattern, ready to judge records.
///
/// ```
/// use orgwatch_rules_sdk::{Event, metric_filter::MetricFilter};
///
/// let filter = MetricFilter::parse(r#"{ ($.eventName = ConsoleLogin) && ($.additionalEventData.MFAUsed != "Yes") }"#).unwrap();
/// let event = Event::from_json(r#"{"eventName": "ConsoleLogin", "additionalEventData": {"MFAUsed": "No"}}"#).unwrap();
/// assert!(filter.matches(&event));
/// ```
#[derive(Clone, Debug)]
pub struct MetricFilter {
    expression: Expression,
}

/// A condition, or several of them joined.
#[derive(Clone, Debug)]
enum Expression {
    /// `&&`
    All(Vec<Expression>),
    /// `||`
    Any(Vec<Expression>),
    Condition(Condition),
}

impl MetricFilter {
    /// Parses the text of one pattern, braces included.
    ///
    /// # Errors
    ///
    /// Fails when the text is not a pattern for JSON; the error says where, and what was expected there.
    ///
    /// ```
    /// use orgwatch_rules_sdk::metric_filter::MetricFilter;
    ///
    /// assert!(MetricFilter::parse("{ $.eventName = StopLogging }").is_ok());
    /// assert!(MetricFilter::parse("{ $.eventName = }").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, MetricFilterError> {
        parse::parse(text).map(|expression| Self { expression })
    }

    /// Judges one record.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # use orgwatch_rules_sdk::metric_filter::MetricFilter;
    /// let filter = MetricFilter::parse("{ $.errorCode = AccessDenied* }").unwrap();
    /// assert!(filter.matches(&testing::event(r#"{"errorCode": "AccessDeniedException"}"#)));
    /// ```
    pub fn matches(&self, event: &Event) -> bool {
        self.expression.matches(event)
    }

    /// Returns the records that may match: what a rule that uses this pattern has to ask for.
    ///
    /// Every record that [`matches`](Self::matches) is among them. Where the pattern pins no field, that is every record; where it contradicts
    /// itself, as `$.a = "b" && $.a = "c"` does, none.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # use orgwatch_rules_sdk::metric_filter::MetricFilter;
    /// let filter = MetricFilter::parse("{ $.eventName = StopLogging && $.errorCode NOT EXISTS }").unwrap();
    /// assert_eq!(filter.asked(), Matches::Patterns(vec![serde_json::json!({ "eventName": ["StopLogging"] })]));
    /// ```
    pub fn asked(&self) -> Matches {
        asked::of(&self.expression)
    }
}

impl FromStr for MetricFilter {
    type Err = MetricFilterError;

    fn from_str(text: &str) -> Result<Self, MetricFilterError> {
        Self::parse(text)
    }
}

impl Expression {
    fn matches(&self, event: &Event) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(event)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(event)),
            Self::Condition(condition) => condition.matches(event),
        }
    }
}
