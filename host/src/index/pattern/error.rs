//! What is wrong with a text that is not a pattern.

use std::error::Error;
use std::fmt;

use orgwatch_rules_sdk::json::ParseError;

use super::parse::{MAX_COMBINATIONS, MAX_DEPTH, MAX_EXPANDED_FIELDS, MAX_LENGTH};

/// A text that is not a pattern, and where it stops being one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The field at fault, such as `detail.eventName` or `$or[1].detail`; empty for the pattern as a whole.
    pub path: String,
    /// What is wrong there.
    pub kind: PatternErrorKind,
}

/// What is wrong with a pattern. Each message is followed by the place and, where there is one, the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternErrorKind {
    /// The text is not JSON.
    #[error("the pattern is not JSON")]
    NotJson(#[source] ParseError),
    /// The text is too long.
    #[error("the pattern is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Too many levels of fields, those of dotted names counted.
    #[error("fields nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// `$or` gives too many combinations.
    #[error("more than {MAX_COMBINATIONS} combinations of `$or` branches")]
    TooManyCombinations,
    /// The combinations of `$or` hold too many fields.
    #[error("more than {MAX_EXPANDED_FIELDS} fields in the combinations of `$or` branches together")]
    TooManyFields,
    /// The pattern is some other JSON value.
    #[error("the pattern is {0} where an object belongs")]
    NotAnObject(&'static str),
    /// An object without members.
    #[error("an empty object")]
    EmptyObject,
    /// A list of alternatives without any.
    #[error("an empty array")]
    EmptyArray,
    /// A field's value is a scalar.
    #[error("{0} where an array of alternatives or an object of fields belongs")]
    BareValue(&'static str),
    /// An alternative is an array.
    #[error("an array inside an array of alternatives")]
    NestedArray,
    /// An alternative is an object with a key that is no operator.
    #[error("unknown operator {0:?}")]
    UnknownOperator(String),
    /// An alternative is an object with several keys.
    #[error("{0} operators in one object")]
    SeveralOperators(usize),
    /// An operator cannot work with this kind of argument.
    #[error("`{operator}` takes {wants}, not {found}")]
    Argument {
        /// The operator.
        operator: &'static str,
        /// What it takes.
        wants: &'static str,
        /// What it was given.
        found: &'static str,
    },
    /// An operator that `anything-but` cannot turn round.
    #[error("`anything-but` cannot hold the operator {0:?}")]
    UnsupportedInverse(String),
    /// `anything-but` with an empty prefix or suffix, which excludes every string.
    #[error("`anything-but` with an empty `{0}`")]
    EmptyInverse(&'static str),
    /// `anything-but` with strings and numbers in one list.
    #[error("strings and numbers in one list of `anything-but`")]
    MixedInverse,
    /// `**` in a wildcard.
    #[error("`**` in a wildcard")]
    ConsecutiveStars,
    /// A backslash in a wildcard that escapes nothing.
    #[error("a backslash in a wildcard before something else than `*` or `\\`")]
    BadEscape,
    /// `cidr` with something that is no block of addresses.
    #[error("{0:?} is not a block of addresses")]
    BadBlock(String),
    /// `numeric` with an operator that is unknown or stands in the wrong place.
    #[error("`numeric` does not compare with {0}")]
    BadComparison(String),
    /// `numeric` with a number that a double cannot hold.
    #[error("the number {0} is not exact as a double")]
    InexactNumber(String),
    /// `numeric` with a range that holds nothing.
    #[error("a numeric range whose lower bound is not below its upper bound")]
    EmptyRange,
    /// `$or` with one branch or none.
    #[error("`$or` with fewer than two branches")]
    TooFewBranches,
    /// `$or` that is no array, or a branch that is no object.
    #[error("{0} where `$or` needs an array of objects")]
    NotABranch(&'static str),
    /// A branch of `$or` that looks like an alternative.
    #[error("a branch of `$or` with a field named like the operator {0:?}")]
    OperatorInBranch(String),
}

impl PatternErrorKind {
    pub(super) fn at(self, path: &str) -> PatternError {
        PatternError { path: path.to_owned(), kind: self }
    }

    /// Returns the way out, where there is one to tell.
    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownOperator(_) => {
                "the operators are prefix, suffix, equals-ignore-case, wildcard, numeric, cidr, exists, anything-but and exactly"
            }
            Self::UnsupportedInverse(_) => "it can hold prefix, suffix, equals-ignore-case and wildcard",
            Self::EmptyObject => "name a field in it, or an operator if it is an alternative",
            Self::EmptyArray => "leave the field out, or ask whether it exists: [{\"exists\": true}]",
            Self::BareValue(_) => "put the value in square brackets",
            Self::NestedArray => "write the alternatives in one array",
            Self::SeveralOperators(_) => "write one object for each operator",
            Self::ConsecutiveStars => "one `*` already stands for any text",
            Self::BadEscape => "write `\\*` for a star and `\\\\` for a backslash",
            Self::BadBlock(_) => "write the address and the number of fixed bits, such as 10.0.0.0/8 or 2001:db8::/32",
            Self::BadComparison(_) => {
                "write [\"<\", 5] with one of =, <, <=, >, >=, or a range such as [\">=\", 1, \"<\", 5]"
            }
            Self::EmptyRange => "compare one number with `=`",
            Self::TooFewBranches => "write a single branch's fields beside the others",
            Self::OperatorInBranch(_) => "a branch is an object of fields, with operators in their arrays",
            _ => return None,
        })
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind)?;
        if !self.path.is_empty() {
            write!(formatter, " at {}", self.path)?;
        }
        if let Some(advice) = self.kind.advice() {
            write!(formatter, "; {advice}")?;
        }
        Ok(())
    }
}

impl Error for PatternError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The kind is this error's own message, not a cause of it; only what lies beneath the kind is.
        self.kind.source()
    }
}
