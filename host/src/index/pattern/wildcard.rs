//! The `wildcard` operator: `*` stands for any text, the empty text and line breaks included.

use super::error::PatternErrorKind;

/// A wildcard, cut at its stars.
///
/// The text before the first star is fixed at the start of the value and the text after the last at its end. Each piece between is
/// looked for from where the one before it ended: if the pieces fit in any way, they also fit with each as far left as it goes, so
/// the search never steps back and its time is linear.
#[derive(Debug)]
pub(super) struct Wildcard {
    head: Box<str>,
    middle: Vec<Box<str>>,
    /// What follows the last star; nothing where there is no star and the head is the whole value.
    tail: Option<Box<str>>,
}

impl Wildcard {
    pub(super) fn parse(text: &str) -> Result<Self, PatternErrorKind> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut after_star = false;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character == '*' {
                if after_star {
                    return Err(PatternErrorKind::ConsecutiveStars);
                }
                pieces.push(std::mem::take(&mut piece).into_boxed_str());
                after_star = true;
                continue;
            }
            after_star = false;
            let literal = match character {
                '\\' => {
                    characters.next().filter(|next| matches!(next, '*' | '\\')).ok_or(PatternErrorKind::BadEscape)?
                }
                other => other,
            };
            piece.push(literal);
        }
        let last = piece.into_boxed_str();
        if pieces.is_empty() {
            return Ok(Self { head: last, middle: Vec::new(), tail: None });
        }
        let head = pieces.remove(0);
        Ok(Self { head, middle: pieces, tail: Some(last) })
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        let Some(after_head) = value.strip_prefix(&*self.head) else { return false };
        let Some(tail) = &self.tail else { return after_head.is_empty() };
        let Some(mut rest) = after_head.strip_suffix(&**tail) else { return false };
        for piece in &self.middle {
            let Some(at) = rest.find(&**piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Matches by definition: a star takes nothing, or one character and stays.
    fn naive(pattern: &[char], value: &[char]) -> bool {
        match (pattern, value) {
            ([], _) => value.is_empty(),
            (['*', after @ ..], _) => naive(after, value) || !value.is_empty() && naive(pattern, &value[1..]),
            ([first, after @ ..], [head, rest @ ..]) => first == head && naive(after, rest),
            _ => false,
        }
    }

    #[test]
    fn it_agrees_with_the_definition_on_any_text() {
        proptest::proptest!(|(pattern in "\\*?([abé]{1,2}\\*){0,4}[abé]{0,2}", value in "[abé]{0,10}")| {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            let wildcard = Wildcard::parse(&pattern).expect(&pattern);
            proptest::prop_assert_eq!(wildcard.matches(&value), naive(&characters(&pattern), &characters(&value)));
        });
    }

    #[test]
    fn a_star_spans_anything_and_everything_else_is_literal() {
        for (pattern, value, matches) in [
            ("*", "", true),
            ("a*", "a\nb", true),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a?c", "abc", false),
            ("a.c", "abc", false),
            (r"\*\\*", r"*\x", true),
            (r"\**", "*x", true),
            (r"*\*", "x*", true),
            ("ab", "ab", true),
            ("ab", "abc", false),
            ("", "", true),
            ("", "a", false),
            ("A*", "ab", false),
        ] {
            assert_eq!(Wildcard::parse(pattern).expect(pattern).matches(value), matches, "{pattern:?} {value:?}");
        }
    }

    #[test]
    fn two_stars_in_a_row_and_stray_backslashes_are_refused() {
        for pattern in ["**", "a**b", r"\***"] {
            assert_eq!(Wildcard::parse(pattern).expect_err(pattern), PatternErrorKind::ConsecutiveStars);
        }
        for pattern in [r"\a", r"a\", r"\\\"] {
            assert_eq!(Wildcard::parse(pattern).expect_err(pattern), PatternErrorKind::BadEscape);
        }
    }
}
