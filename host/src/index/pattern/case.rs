//! Strings compared without regard to case, for `equals-ignore-case` and its forms in `prefix` and `suffix`.
//!
//! A character of the pattern stands for itself, its lower-case form and its upper-case form, in no particular language. As in
//! EventBridge the pattern's side decides: the pattern `ß` matches `SS`, which is its upper-case form, and `SS` does not match `ß`.

/// Text from a pattern that stands for every way to write it in capital and small letters.
#[derive(Debug)]
pub(super) struct AnyCase(Box<str>);

impl AnyCase {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(super) fn equals(&self, value: &str) -> bool {
        self.strip_prefix(value) == Some("")
    }

    pub(super) fn starts(&self, value: &str) -> bool {
        self.strip_prefix(value).is_some()
    }

    /// Returns what follows this text in a value that starts with it.
    ///
    /// Each character is settled by the first form that fits: no form of a character is the start of another of its forms, so
    /// there is nothing to come back to.
    fn strip_prefix<'v>(&self, value: &'v str) -> Option<&'v str> {
        let mut rest = value;
        for character in self.0.chars() {
            rest = rest
                .strip_prefix(character)
                .or_else(|| strip_all(rest, character.to_lowercase()))
                .or_else(|| strip_all(rest, character.to_uppercase()))?;
        }
        Some(rest)
    }

    /// Walks from the end, since a character's forms differ in length and the start of the ending is not known beforehand.
    pub(super) fn ends(&self, value: &str) -> bool {
        let mut rest = value;
        for character in self.0.chars().rev() {
            let shorter = rest
                .strip_suffix(character)
                .or_else(|| strip_all_back(rest, character.to_lowercase()))
                .or_else(|| strip_all_back(rest, character.to_uppercase()));
            let Some(shorter) = shorter else { return false };
            rest = shorter;
        }
        true
    }
}

fn strip_all(value: &str, form: impl Iterator<Item = char>) -> Option<&str> {
    let mut rest = value;
    for character in form {
        rest = rest.strip_prefix(character)?;
    }
    Some(rest)
}

fn strip_all_back(value: &str, form: impl DoubleEndedIterator<Item = char>) -> Option<&str> {
    let mut rest = value;
    for character in form.rev() {
        rest = rest.strip_suffix(character)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_character_is_the_start_or_the_end_of_another() {
        for character in '\0'..=char::MAX {
            let forms = [character.to_string(), character.to_lowercase().collect(), character.to_uppercase().collect()];
            for one in &forms {
                for other in &forms {
                    assert!(one == other || !(one.starts_with(&**other) || one.ends_with(&**other)), "{character:?}");
                }
            }
        }
    }

    #[test]
    fn the_pattern_decides_which_forms_count() {
        for (pattern, value, equal) in [
            ("Admin", "aDMIN", true),
            ("Admin", "aDMINS", false),
            ("Admin", "aDMI", false),
            ("ß", "SS", true),
            ("SS", "ß", false),
            ("straße", "STRASSE", true),
            ("ǅ", "ǅ", true),
            ("É", "é", true),
            ("é", "e", false),
            ("", "", true),
        ] {
            assert_eq!(AnyCase::new(pattern).equals(value), equal, "{pattern:?} {value:?}");
        }
        for (pattern, value) in [("ß", "SSa"), ("straß", "STRASSE"), ("ADmin", "administrator"), ("", "a")] {
            assert!(AnyCase::new(pattern).starts(value), "{pattern:?} {value:?}");
        }
        for (pattern, value) in [("ß", "aSS"), ("aßE", "STRASSE"), (".JPG", "cat.jpg"), ("", "a")] {
            assert!(AnyCase::new(pattern).ends(value), "{pattern:?} {value:?}");
        }
        for (pattern, value) in [("ab", "b"), ("ab", "a"), ("SS", "ß")] {
            assert!(
                !AnyCase::new(pattern).starts(value) && !AnyCase::new(pattern).ends(value),
                "{pattern:?} {value:?}"
            );
        }
    }
}
