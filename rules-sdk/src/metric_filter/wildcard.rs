//! Texts in which `*` stands for any text.

/// A text with `*` in it, or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    /// What stands between the stars: one piece where there is none.
    pieces: Vec<String>,
}

impl Wildcard {
    pub(super) fn new(text: &str) -> Self {
        Self { pieces: text.split('*').map(str::to_owned).collect() }
    }

    /// Returns the text where it has no star.
    pub(super) fn exact(&self) -> Option<&str> {
        let [text] = self.pieces.as_slice() else { return None };
        Some(text)
    }

    /// Returns the pieces between the stars.
    pub(super) fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// Takes each piece at its first place after the one before: a later place could only leave less for the others. Every search
    /// starts where the last one ended, so the time is that of reading the text once.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.exact() == Some(text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            let Some(at) = rest.find(piece.as_str()) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tries every length for every star.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skipped| plainly(rest, &text[skipped..])),
            Some((character, rest)) => text.first() == Some(character) && plainly(rest, &text[1..]),
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("AccessDenied*", "AccessDenied", true),
            ("AccessDenied*", "AccessDeniedException", true),
            ("AccessDenied*", "accessDenied", false),
            ("*UnauthorizedOperation", "Client.UnauthorizedOperation", true),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*a", "a", false),
            ("a*b*c", "aXbYbc", true),
            ("a*b*b", "ab", false),
        ] {
            assert_eq!(Wildcard::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_trying_everything_finds(pattern in "[ab*é]{0,6}", text in "[abé]{0,8}") {
            let characters = |text: &str| text.chars().collect::<Vec<char>>();
            prop_assert_eq!(Wildcard::new(&pattern).matches(&text), plainly(&characters(&pattern), &characters(&text)));
        }
    }
}
