//! Wildcards: `*` for any text, `?` for any one character.

/// A text with wildcards, taken apart once: a long policy is compared with many texts.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    tokens: Vec<Token>,
    /// How many characters a text needs at least.
    needed: usize,
}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        // `${*}`, `${?}` and `${$}` stand for the characters themselves; any other variable is filled in by AWS and matches nothing here.
        let tokens = tokens(&text);
        let needed = tokens.iter().filter(|token| !matches!(token, Token::Any)).count();
        Self { text, tokens, needed }
    }

    /// Returns the pattern as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns how many characters a text needs at least to match.
    pub(super) fn needed(&self) -> usize {
        self.needed
    }

    /// Tells whether the pattern matches a text of ASCII characters, letter case and all.
    ///
    /// The pattern may be hostile: the time is bounded by the square of the text's length, because a longer pattern is refused at once.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.as_bytes();
        if self.needed > text.len() {
            return false;
        }
        let (mut at, mut token) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.tokens.get(token) {
                Some(Token::Any) => {
                    retry = Some((token + 1, at));
                    token += 1;
                }
                Some(Token::One) => (at, token) = (at + 1, token + 1),
                Some(Token::Letter(letter)) if *letter == char::from(text[at]) => (at, token) = (at + 1, token + 1),
                _ => match retry {
                    Some((after, start)) => {
                        retry = Some((after, start + 1));
                        (at, token) = (start + 1, after);
                    }
                    None => return false,
                },
            }
        }
        self.tokens[token..].iter().all(|token| matches!(token, Token::Any))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Any,
    One,
    Letter(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        let token = match character {
            '*' => Token::Any,
            '?' => Token::One,
            '$' => match literal(rest.as_str()) {
                Some(letter) => {
                    rest.nth(2);
                    Token::Letter(letter)
                }
                None => Token::Letter('$'),
            },
            letter => Token::Letter(letter),
        };
        // Two stars match what one does.
        if token != Token::Any || tokens.last() != Some(&Token::Any) {
            tokens.push(token);
        }
    }
    tokens
}

/// Reads what follows the dollar sign of `${*}`.
fn literal(rest: &str) -> Option<char> {
    let mut characters = rest.strip_prefix('{')?.chars();
    let letter = characters.next().filter(|letter| matches!(letter, '*' | '?' | '$'))?;
    (characters.next() == Some('}')).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern.to_owned()).matches(text)
    }

    #[test]
    fn stars_and_question_marks_match_as_iam_has_them() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "iam:createuser"),
            ("*:*", "iam:createuser"),
            ("?*:??*", "s3:deletebucket"),
            ("iam:*user", "iam:createuser"),
            ("i*m:c*t*user", "iam:createuser"),
            ("**a**", "banana"),
            ("arn:aws:s3:::a${*}b", "arn:aws:s3:::a*b"),
        ] {
            assert!(matches(pattern, text), "{pattern} matches {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("?", ""),
            ("iam:*", "s3:x"),
            ("i?:*", "iam:x"),
            ("*a", "banan"),
            ("${*}", "anything"),
            ("a", ""),
        ] {
            assert!(!matches(pattern, text), "{pattern} does not match {text}");
        }
    }

    #[test]
    fn a_pattern_made_to_take_long_does_not() {
        let pattern = "*a".repeat(50_000);
        assert!(!matches(&pattern, "organizations:leaveorganization"));
        assert!(matches(&"*".repeat(100_000), "organizations:leaveorganization"));
    }
}
