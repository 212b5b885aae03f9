//! Reads the text of a pattern.
//!
//! ```text
//! pattern    = "{" any "}"
//! any        = all { "||" all }
//! all        = one { "&&" one }
//! one        = "(" any ")" | selector test
//! test       = ("=" | "!=") value | ("<" | "<=" | ">" | ">=") number | "IS" ("NULL" | "TRUE" | "FALSE") | "NOT" "EXISTS"
//! ```

use std::cmp::Ordering::{self, Equal, Greater, Less};

use super::condition::{Condition, Literal, Test};
use super::regex::Regex;
use super::selector::{Selector, Step};
use super::wildcard::Wildcard;
use super::{Expression, MetricFilterError};

/// Bounds on a pattern: its length in bytes, and how deep parentheses nest.
const LONGEST: usize = 16 * 1024;
const DEEPEST: usize = 50;

/// CloudWatch's own bounds.
const MOST_WILDCARDS: usize = 3;
const MOST_REGEXES: usize = 2;

/// Parses a pattern, braces included.
pub(super) fn parse(text: &str) -> Result<Expression, MetricFilterError> {
    if text.len() > LONGEST {
        return Err(MetricFilterError::fault(text, 0, format!("the pattern is longer than {LONGEST} bytes")));
    }
    let mut parser = Parser { text, at: 0, depth: 0, wildcards: 0, regexes: 0 };
    if !parser.takes("{") {
        return Err(parser.expected("a pattern for JSON begins with `{`, as in { $.eventName = \"DeleteTrail\" }"));
    }
    let expression = parser.any()?;
    if !parser.takes("}") {
        return Err(parser.expected("expected `&&`, `||` or the closing `}`"));
    }
    parser.skip_space();
    if parser.rest().is_empty() {
        Ok(expression)
    } else {
        Err(parser.expected("expected nothing after the closing `}`"))
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    wildcards: usize,
    regexes: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes a token, where it is the next one.
    fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    /// Takes a word in any letter case, where it is the next one.
    fn takes_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.rest();
        let end = rest.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(rest.len());
        let found = rest[..end].eq_ignore_ascii_case(word);
        self.at += if found { end } else { 0 };
        found
    }

    fn expected(&mut self, message: impl Into<String>) -> MetricFilterError {
        self.skip_space();
        MetricFilterError::expected(self.text, self.at, message)
    }

    fn fault(&self, byte: usize, message: impl Into<String>) -> MetricFilterError {
        MetricFilterError::fault(self.text, byte, message)
    }

    fn any(&mut self) -> Result<Expression, MetricFilterError> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, MetricFilterError> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, MetricFilterError> {
        if !self.takes("(") {
            return self.condition().map(Expression::Condition);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault(self.at, format!("parentheses are nested more than {DEEPEST} deep")));
        }
        let inside = self.any()?;
        if !self.takes(")") {
            return Err(self.expected("expected `&&`, `||` or the closing `)`"));
        }
        self.depth -= 1;
        Ok(inside)
    }

    fn condition(&mut self) -> Result<Condition, MetricFilterError> {
        let selector = self.selector()?;
        let test = self.test()?;
        Ok(Condition { selector, test })
    }

    fn selector(&mut self) -> Result<Selector, MetricFilterError> {
        self.skip_space();
        let start = self.at;
        if !self.takes("$") {
            return Err(self.expected("expected a selector such as $.eventName, or `(`"));
        }
        let mut steps = Vec::new();
        loop {
            let step = if self.rest().starts_with(".*") {
                self.at += 2;
                Step::EveryMember
            } else if self.rest().starts_with(".[") {
                self.at += 1;
                self.bracket()?
            } else if self.rest().starts_with('.') {
                self.at += 1;
                let rest = self.rest();
                let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
                let end = rest.find(|character| !plain(character)).unwrap_or(rest.len());
                if end == 0 {
                    return Err(
                        self.expected("expected a name of letters, digits, `_` and `-`, `*` or a name in brackets")
                    );
                }
                self.at += end;
                Step::Name(rest[..end].to_owned())
            } else if self.rest().starts_with('[') {
                self.bracket()?
            } else {
                break;
            };
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(self.expected("expected `.` and the name of a field after `$`"));
        }
        let wildcards = steps.iter().filter(|step| step.is_wildcard()).count();
        self.wildcards += wildcards;
        if wildcards > 1 {
            return Err(self.fault(start, "a selector has one wildcard at most"));
        }
        if self.wildcards > MOST_WILDCARDS {
            return Err(self.fault(start, format!("a pattern has {MOST_WILDCARDS} selectors with a wildcard at most")));
        }
        Ok(Selector { steps })
    }

    /// Reads `[0]`, `[*]` or `['name']`.
    fn bracket(&mut self) -> Result<Step, MetricFilterError> {
        const INSIDE: &str = "expected a place such as [0], [*], or a name in quotes such as ['a.b']";
        self.at += 1;
        let rest = self.rest();
        let step = if let Some(quote) = rest.chars().next().filter(|character| matches!(character, '\'' | '"')) {
            self.at += 1;
            let end =
                self.rest().find(quote).ok_or_else(|| self.fault(self.at, "the name in brackets is not closed"))?;
            let name = self.rest()[..end].to_owned();
            self.at += end + 1;
            Step::Name(name)
        } else if rest.starts_with('*') {
            self.at += 1;
            Step::EveryElement
        } else {
            let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            let place = rest[..end].parse().map_err(|_| self.expected(INSIDE))?;
            self.at += end;
            Step::Place(place)
        };
        if !self.rest().starts_with(']') {
            return Err(self.expected("expected the closing `]`"));
        }
        self.at += 1;
        Ok(step)
    }

    fn test(&mut self) -> Result<Test, MetricFilterError> {
        if self.takes("!=") {
            return self.literal().map(Test::NotEqual);
        }
        for (operator, orders) in ORDERS {
            if self.takes(operator) {
                return self.number().map(|number| Test::Ordered(orders, number));
            }
        }
        if self.takes("=") {
            return self.literal().map(Test::Equal);
        }
        if self.takes_word("IS") {
            return self.is();
        }
        if self.takes_word("NOT") {
            return if self.takes_word("EXISTS") {
                Ok(Test::NotExists)
            } else {
                Err(self.expected("expected EXISTS after NOT"))
            };
        }
        let word = self.at;
        if self.takes_word("EXISTS") {
            return Err(self.fault(word, "CloudWatch has no EXISTS: write = \"*\" for any text"));
        }
        Err(self.expected("expected =, !=, <, <=, >, >=, IS NULL, IS TRUE, IS FALSE or NOT EXISTS"))
    }

    fn is(&mut self) -> Result<Test, MetricFilterError> {
        if self.takes_word("NULL") {
            return Ok(Test::Null);
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] {
            if self.takes_word(word) {
                return Ok(Test::Boolean(value));
            }
        }
        Err(self.expected("expected NULL, TRUE or FALSE after IS, since CloudWatch has no IS NOT"))
    }

    fn number(&mut self) -> Result<f64, MetricFilterError> {
        self.skip_space();
        let word = bare(self.rest());
        let number =
            as_number(word).ok_or_else(|| self.expected("expected a number: <, <=, > and >= compare numbers only"))?;
        self.at += word.len();
        Ok(number)
    }

    fn literal(&mut self) -> Result<Literal, MetricFilterError> {
        self.skip_space();
        match self.rest().chars().next() {
            Some('"') => self.quoted().map(|text| Literal::Quoted(Wildcard::new(&text))),
            Some('%') => self.regex().map(Literal::Regex),
            _ => {
                let word = bare(self.rest());
                if word.is_empty() {
                    return Err(self.expected(
                        "expected a value: text, best in quotes, a number, or a regular expression between `%`",
                    ));
                }
                self.at += word.len();
                let number = as_number(word).map(|number| Literal::Number(number, word.to_owned()));
                Ok(number.unwrap_or_else(|| Literal::Bare(Wildcard::new(word))))
            }
        }
    }

    fn quoted(&mut self) -> Result<String, MetricFilterError> {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest()[1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += at + 2;
                    return Ok(text);
                }
                '\\' => match characters.clone().next() {
                    Some((_, next @ ('"' | '\\'))) => {
                        text.push(next);
                        characters.next();
                    }
                    _ => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(self.fault(start, "the quotes are not closed"))
    }

    fn regex(&mut self) -> Result<Regex, MetricFilterError> {
        self.regexes += 1;
        if self.regexes > MOST_REGEXES {
            return Err(self.fault(self.at, format!("a pattern has {MOST_REGEXES} regular expressions at most")));
        }
        let inside = &self.rest()[1..];
        let end = inside.find('%').ok_or_else(|| self.fault(self.at, "the regular expression is not closed by `%`"))?;
        let regex = Regex::parse(&inside[..end]).map_err(|fault| self.fault(self.at, fault))?;
        self.at += end + 2;
        Ok(regex)
    }
}

/// The operators of order, the longer ones first.
const ORDERS: [(&str, &[Ordering]); 4] =
    [("<=", &[Less, Equal]), (">=", &[Greater, Equal]), ("<", &[Less]), (">", &[Greater])];

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

/// Takes a value without quotes: up to white space, or what ends a condition.
fn bare(rest: &str) -> &str {
    let ends = |character: char| {
        character.is_whitespace()
            || matches!(character, '(' | ')' | '{' | '}' | '"' | '&' | '|' | '=' | '<' | '>' | '!' | '%')
    };
    &rest[..rest.find(ends).unwrap_or(rest.len())]
}

/// Reads a number, scientific notation included. Rust's own words for numbers, such as `inf`, are texts here.
fn as_number(word: &str) -> Option<f64> {
    let written = word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    word.parse().ok().filter(|number: &f64| written && number.is_finite())
}
