//! Regular expressions between `%`, as far as CloudWatch takes them: no groups, and few symbols.
//!
//! An expression becomes a list of states, and a text is read once with the set of states that it may be in. There is no stepping back, so the
//! time is that of the text times the states, whatever an attacker writes into a record.

use std::ops::RangeInclusive;

/// A regular expression, ready to look for itself in a text.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    /// What `|` separates: each a row of steps.
    alternatives: Vec<Vec<Step>>,
}

/// One step through a text.
#[derive(Clone, Debug)]
enum Step {
    /// Takes one character of the set.
    One(Set),
    /// Takes one character of the set, or none.
    Optional(Set),
    /// Takes any number of characters of the set.
    Many(Set),
    /// `^`
    Start,
    /// `$`
    End,
}

/// Characters that a step takes.
#[derive(Clone, Debug, Default)]
struct Set {
    ranges: Vec<RangeInclusive<char>>,
    negated: bool,
}

/// The longest row of steps, once `{n,m}` is written out: what reading one character may cost.
const LONGEST: usize = 500;

const SYMBOLS: &str = "_#=@/;,-:";

impl Set {
    fn of(character: char) -> Self {
        Self { ranges: vec![character..=character], negated: false }
    }

    fn takes(&self, character: char) -> bool {
        self.ranges.iter().any(|range| range.contains(&character)) != self.negated
    }

    /// The sets that have a letter: `\d`, `\s`, `\w` and their opposites.
    fn named(letter: char) -> Option<Self> {
        let ranges = match letter.to_ascii_lowercase() {
            'd' => vec!['0'..='9'],
            's' => vec!['\t'..='\r', ' '..=' '],
            'w' => vec!['0'..='9', 'A'..='Z', 'a'..='z', '_'..='_'],
            _ => return None,
        };
        Some(Self { ranges, negated: letter.is_ascii_uppercase() })
    }
}

impl Regex {
    /// Parses what stands between the `%`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut alternatives = vec![Vec::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let row = alternatives.last_mut().ok_or("the expression is empty")?;
            let set = match character {
                '|' => {
                    alternatives.push(Vec::new());
                    continue;
                }
                '^' => {
                    row.push(Step::Start);
                    continue;
                }
                '$' => {
                    row.push(Step::End);
                    continue;
                }
                '.' => Set { ranges: vec!['\n'..='\n'], negated: true },
                '[' => class(&mut characters)?,
                '\\' => escaped(&mut characters)?,
                '(' | ')' => return Err("groups in parentheses are not supported in regular expressions".to_owned()),
                '*' | '+' | '?' | '{' | '}' | ']' => {
                    return Err(format!("`{character}` stands after nothing that it could be about"));
                }
                plain if plain.is_ascii_alphanumeric() || SYMBOLS.contains(plain) || plain == ' ' => Set::of(plain),
                other => return Err(format!("{other:?} is not supported in regular expressions")),
            };
            let (least, most) = repeated(&mut characters)?;
            row.extend(std::iter::repeat_n(Step::One(set.clone()), least));
            match most {
                Some(most) => row.extend(std::iter::repeat_n(Step::Optional(set), most - least)),
                None => row.push(Step::Many(set)),
            }
            if row.len() > LONGEST {
                return Err(format!(
                    "the regular expression is longer than {LONGEST} characters with its repetitions written out"
                ));
            }
        }
        Ok(Self { alternatives })
    }

    /// Returns true where the expression is found anywhere in the text.
    pub(super) fn finds(&self, text: &str) -> bool {
        self.alternatives.iter().any(|row| finds(row, text))
    }

    /// Returns a short text in which the expression is found, as far as one can be made up.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn made_up(&self) -> String {
        let step = |step: &Step| match step {
            Step::One(set) => (' '..='~').rev().find(|&character| set.takes(character)),
            Step::Optional(_) | Step::Many(_) | Step::Start | Step::End => None,
        };
        self.alternatives.first().into_iter().flatten().filter_map(step).collect()
    }
}

/// Reads a text with the places in the row that it may have come to.
fn finds(row: &[Step], text: &str) -> bool {
    let mut places = vec![false; row.len() + 1];
    let mut next = places.clone();
    let mut start = true;
    let mut characters = text.chars();
    loop {
        let rest_is_empty = characters.as_str().is_empty();
        // The expression may begin at every character.
        places[0] = true;
        for (place, step) in row.iter().enumerate() {
            let passes = match step {
                Step::One(_) => false,
                Step::Optional(_) | Step::Many(_) => true,
                Step::Start => start,
                Step::End => rest_is_empty,
            };
            if places[place] && passes {
                places[place + 1] = true;
            }
        }
        if places[row.len()] {
            return true;
        }
        let Some(character) = characters.next() else { return false };
        next.fill(false);
        for (place, step) in row.iter().enumerate() {
            match step {
                Step::One(set) | Step::Optional(set) if places[place] && set.takes(character) => next[place + 1] = true,
                Step::Many(set) if places[place] && set.takes(character) => next[place] = true,
                _ => {}
            }
        }
        std::mem::swap(&mut places, &mut next);
        start = false;
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads what follows a backslash.
fn escaped(characters: &mut Characters<'_>) -> Result<Set, String> {
    match characters.next() {
        Some('x') => {
            let digits: String = characters.by_ref().take(2).collect();
            let code = u8::from_str_radix(&digits, 16).ok().filter(|code| digits.len() == 2 && code.is_ascii());
            code.map(|code| Set::of(char::from(code)))
                .ok_or_else(|| "`\\x` is followed by two hexadecimal digits up to 7f".to_owned())
        }
        Some(letter) if letter.is_ascii_alphanumeric() => {
            Set::named(letter).ok_or_else(|| format!("`\\{letter}` is not supported in regular expressions"))
        }
        Some(symbol) if symbol.is_ascii() => Ok(Set::of(symbol)),
        _ => Err("a backslash is followed by the character that it is about".to_owned()),
    }
}

/// Reads a class up to its `]`.
fn class(characters: &mut Characters<'_>) -> Result<Set, String> {
    const OPEN: &str = "the class is not closed by `]`";
    let mut set = Set { negated: characters.next_if_eq(&'^').is_some(), ..Set::default() };
    loop {
        let first = match characters.next().ok_or(OPEN)? {
            ']' if set.ranges.is_empty() => return Err("the class is empty".to_owned()),
            ']' => return Ok(set),
            '\\' => {
                let escaped = escaped(characters)?;
                if escaped.negated {
                    return Err("a class cannot hold `\\D`, `\\S` or `\\W`".to_owned());
                }
                let single =
                    escaped.ranges.first().filter(|range| range.start() == range.end() && escaped.ranges.len() == 1);
                let Some(single) = single.map(|range| *range.start()) else {
                    set.ranges.extend(escaped.ranges);
                    continue;
                };
                single
            }
            plain if plain.is_ascii() => plain,
            other => return Err(format!("{other:?} is not supported in regular expressions")),
        };
        let mut ahead = characters.clone();
        let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|last| *last != ']');
        if !is_range {
            set.ranges.push(first..=first);
            continue;
        }
        characters.next();
        let last = characters.next().ok_or(OPEN)?;
        if last < first {
            return Err(format!("the range `{first}-{last}` in a class is backwards"));
        }
        set.ranges.push(first..=last);
    }
}

/// Reads how often the thing before may come: at least, and at most.
fn repeated(characters: &mut Characters<'_>) -> Result<(usize, Option<usize>), String> {
    const BRACES: &str = "a repetition is written {2}, {2,} or {2,5}";
    match characters.peek() {
        Some('*') => characters.next().map(|_| (0, None)),
        Some('+') => characters.next().map(|_| (1, None)),
        Some('?') => characters.next().map(|_| (0, Some(1))),
        Some('{') => {
            characters.next();
            let inside: String = characters.by_ref().take_while(|character| *character != '}').collect();
            let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
            let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number <= LONGEST).ok_or(BRACES);
            let most = if most.is_empty() && inside.contains(',') { None } else { Some(number(most)?) };
            let least = number(least)?;
            if most.is_some_and(|most| most < least) {
                return Err(BRACES.to_owned());
            }
            Some((least, most))
        }
        _ => Some((1, Some(1))),
    }
    .ok_or_else(|| BRACES.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(expression: &str, text: &str) -> bool {
        Regex::parse(expression).unwrap_or_else(|fault| panic!("{expression}: {fault}")).finds(text)
    }

    #[test]
    fn an_expression_is_found_anywhere_unless_it_is_anchored() {
        for (expression, text, expected) in [
            ("AUTHORIZED", "UNAUTHORIZED REQUEST", true),
            ("^AUTHORIZED", "UNAUTHORIZED REQUEST", false),
            ("^a$|^b+$", "bbb", true),
            ("^a$|^b+$", "ab", false),
            (r"^10\.0\.[0-9]{1,3}\.\d+$", "10.0.255.7", true),
            (r"^10\.0\.[0-9]{1,3}\.\d+$", "10.0.2555.7", false),
            ("[^a-c]", "abc", false),
            ("[^a-c]", "abcd", true),
            ("a.c", "a\nc", false),
            ("colou?r", "color", true),
            (r"\x41", "A", true),
            (r"[\w-]+@x", "é-a@x", true),
            ("x{2,}", "x", false),
            ("x{2,}", "axxx", true),
            ("", "", true),
            ("a|", "zzz", true),
            ("a*b", "aaac", false),
            ("a*", "", true),
            ("$^", "", true),
        ] {
            assert_eq!(finds(expression, text), expected, "{expression} {text:?}");
        }
    }

    #[test]
    fn what_cloudwatch_does_not_take_is_refused() {
        for (expression, reason) in [
            ("(a)", "groups"),
            ("a!", "not supported"),
            ("é", "not supported"),
            ("*a", "after nothing"),
            ("a**", "after nothing"),
            ("[a", "not closed"),
            ("[]", "empty"),
            ("[z-a]", "backwards"),
            ("a{3,2}", "{2,5}"),
            ("a{x}", "{2,5}"),
            ("a{9999}", "{2,5}"),
            ("a{500}b{500}", "longer than 500"),
            (r"\q", "not supported"),
            (r"\", "backslash"),
            (r"\xff", "hexadecimal"),
        ] {
            let fault = Regex::parse(expression).unwrap_err();
            assert!(fault.contains(reason), "{expression}: {fault}");
        }
    }

    #[test]
    fn a_long_text_costs_its_length_and_no_more() {
        assert!(!finds("a*a*a*a*a*a*a*a*b", &"a".repeat(20_000)));
    }
}
