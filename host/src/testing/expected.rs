//! What a case expects, and how what was found differs from it.

use serde::Deserialize;
use serde_json::{Map, Value};

use orgwatch_rules_sdk::Severity;

use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::finding::Finding;

/// What a case expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// One finding or more.
    Fires,
    /// None.
    Quiet,
    /// So many.
    Count(usize),
    /// These, and no others.
    Findings(Vec<ExpectedFinding>),
    /// That the rule refuses the settings, with this in its message.
    Refused(String),
}

/// What a case says of a finding: what it leaves out may be anything.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFinding {
    /// The severity.
    pub severity: Option<Severity>,
    /// The title.
    pub title: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// Some of the details.
    #[serde(default)]
    pub details: Map<String, Value>,
}

/// One thing that is not as it was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// What was expected; nothing where it was not expected at all.
    pub expected: Option<String>,
    /// What was found; nothing where it is missing.
    pub found: Option<String>,
}

impl Expected {
    /// Tells whether a case with it shows the rule firing.
    pub fn fires(&self) -> bool {
        match self {
            Self::Fires => true,
            Self::Quiet | Self::Refused(_) => false,
            Self::Count(number) => *number > 0,
            Self::Findings(findings) => !findings.is_empty(),
        }
    }

    /// Tells whether a case with it shows the rule staying quiet.
    pub fn is_quiet(&self) -> bool {
        !matches!(self, Self::Refused(_)) && !self.fires()
    }

    /// Compares what was found. Nothing differs where this returns nothing.
    pub fn compare(&self, found: &[Finding]) -> Vec<Difference> {
        match self {
            Self::Fires if found.is_empty() => vec![Difference::number("a finding", 0)],
            Self::Fires => Vec::new(),
            Self::Quiet => found.iter().map(Difference::unexpected).collect(),
            Self::Count(number) if *number == found.len() => Vec::new(),
            Self::Count(number) => vec![Difference::number(&number.to_string(), found.len())],
            Self::Findings(expected) => compare(expected, found),
            Self::Refused(message) => vec![Difference {
                what: "settings".to_owned(),
                expected: Some(format!("refused: {}", terminal(message))),
                found: Some("taken".to_owned()),
            }],
        }
    }
}

/// Compares findings one by one: each that is expected with the one of its key, or with the next that is left.
fn compare(expected: &[ExpectedFinding], found: &[Finding]) -> Vec<Difference> {
    let mut left: Vec<&Finding> = found.iter().collect();
    let mut pairs = Vec::new();
    // Those that name a key take theirs first.
    for expected in expected {
        let place = left.iter().position(|finding| expected.key.as_ref() == Some(&finding.key));
        pairs.push((expected, place.map(|place| left.remove(place))));
    }
    let mut differences = Vec::new();
    for (number, (expected, pair)) in pairs.into_iter().enumerate() {
        let name = format!("finding {}", number + 1);
        let pair = pair.or_else(|| (!left.is_empty()).then(|| left.remove(0)));
        match pair {
            Some(finding) => differences.extend(expected.compare(&name, finding)),
            None => differences.push(Difference { what: name, expected: Some(expected.shown()), found: None }),
        }
    }
    differences.extend(left.into_iter().map(Difference::unexpected));
    differences
}

impl ExpectedFinding {
    fn compare(&self, name: &str, finding: &Finding) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut differ = |what: String, expected: Option<String>, found: Option<String>| {
            if expected != found {
                differences.push(Difference { what, expected, found });
            }
        };
        if let Some(severity) = self.severity {
            let name_of = |severity: Severity| Some(severity.name().to_owned());
            differ(format!("{name}: severity"), name_of(severity), name_of(finding.severity));
        }
        if let Some(title) = &self.title {
            differ(format!("{name}: title"), Some(terminal(title)), Some(terminal(&finding.title)));
        }
        if let Some(key) = &self.key {
            differ(format!("{name}: key"), Some(terminal(key)), Some(terminal(&finding.key)));
        }
        for (detail, value) in &self.details {
            let found = finding.details.get(detail).map(harmless_json);
            differ(format!("{name}: detail {}", terminal(detail)), Some(harmless_json(value)), found);
        }
        differences
    }

    fn shown(&self) -> String {
        let said = [self.severity.map(|severity| severity.name().to_owned()), self.title.clone(), self.key.clone()];
        let said: Vec<String> = said.into_iter().flatten().collect();
        if said.is_empty() { "a finding".to_owned() } else { terminal(&said.join(" · ")) }
    }
}

impl Difference {
    fn number(expected: &str, found: usize) -> Self {
        let found = if found == 0 { "none".to_owned() } else { found.to_string() };
        Self { what: "findings".to_owned(), expected: Some(expected.to_owned()), found: Some(found) }
    }

    fn unexpected(finding: &Finding) -> Self {
        let found = format!("{} · {}", finding.severity.name(), terminal(&finding.title));
        Self { what: "findings".to_owned(), expected: None, found: Some(found) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::encoding::tests::finding;

    fn expected(value: Value) -> ExpectedFinding {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_not_said_may_be_anything() {
        let findings = [finding()];
        let same = expected(json!({ "key": "444455556666", "severity": "high", "details": { "method": "LEFT" } }));
        assert_eq!(Expected::Findings(vec![same]).compare(&findings), []);
        assert_eq!(Expected::Findings(vec![ExpectedFinding::default()]).compare(&findings), []);
        assert_eq!(Expected::Fires.compare(&findings), []);
        assert_eq!(Expected::Count(1).compare(&findings), []);
        assert_eq!(Expected::Quiet.compare(&[]), []);
    }

    #[test]
    fn each_thing_that_differs_is_told_with_both_values() {
        let wrong =
            expected(json!({ "title": "x", "severity": "low", "details": { "method": "REMOVED", "nothing": 1 } }));
        let differences = Expected::Findings(vec![wrong]).compare(&[finding()]);
        let told: Vec<(&str, Option<&str>, Option<&str>)> = differences
            .iter()
            .map(|difference| (difference.what.as_str(), difference.expected.as_deref(), difference.found.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("finding 1: severity", Some("low"), Some("high")),
                ("finding 1: title", Some("x"), Some("Account 444455556666 left the organization")),
                ("finding 1: detail method", Some("\"REMOVED\""), Some("\"LEFT\"")),
                ("finding 1: detail nothing", Some("1"), None),
            ]
        );
    }

    #[test]
    fn findings_that_name_their_key_are_compared_with_the_one_of_that_key() {
        let other = Finding { key: "other".to_owned(), ..finding() };
        let by_key = [expected(json!({ "key": "other" })), expected(json!({ "key": "444455556666" }))];
        assert_eq!(Expected::Findings(by_key.to_vec()).compare(&[finding(), other.clone()]), []);
        let first = Expected::Findings(by_key[..1].to_vec()).compare(&[finding(), other]);
        assert_eq!((first.len(), first[0].expected.as_deref()), (1, None), "{first:?}");
        assert_eq!(Expected::Quiet.compare(&[finding()]).len(), 1);
        assert_eq!(Expected::Count(2).compare(&[finding()])[0].found.as_deref(), Some("1"));
    }
}
