//! `rules coverage`: which techniques of ATT&CK and which controls the rules that would run cover.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use serde_json::{Value, json};

use super::{navigator, sound};
use crate::command::args::{CoverageArgs, CoverageForm};
use crate::command::found::RulesFound;
use crate::command::{Failure, print};
use crate::encoding::{harmless_json, technique};
use crate::escape::terminal;
use crate::exit::Exit;

/// What is covered, each with the ids of the rules that do.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    pub(super) techniques: BTreeMap<String, BTreeSet<String>>,
    pub(super) controls: BTreeMap<Control, BTreeSet<String>>,
}

/// A control of a benchmark, as a rule's references name it: `CIS AWS Foundations 1.3 to 5.0 §4.15`. Those of one benchmark stay together, in the
/// order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Control {
    benchmark: String,
    numbers: Vec<u64>,
    number: String,
}

impl Control {
    /// Takes a reference that names a control.
    fn parse(reference: &str) -> Option<Self> {
        let (benchmark, number) = reference.split_once('§')?;
        let number = number.trim().to_owned();
        let numbers = number.split('.').map(|part| part.parse().unwrap_or_default()).collect();
        Some(Self { benchmark: benchmark.trim().to_owned(), numbers, number })
    }

    fn name(&self) -> String {
        format!("{} §{}", self.benchmark, self.number)
    }
}

pub(super) fn run(arguments: &CoverageArgs) -> Result<Exit, Failure> {
    let found = RulesFound::find(&arguments.source)?;
    let broken = found.tell_of_broken();
    let coverage = Coverage::of(&found);
    let default = || if io::stdout().is_terminal() { CoverageForm::Text } else { CoverageForm::Json };
    let printed = print(match arguments.output.unwrap_or_else(default) {
        CoverageForm::Text => coverage.as_text(),
        CoverageForm::Json => harmless_json(&coverage.as_json()) + "\n",
        CoverageForm::Navigator => harmless_json(&navigator::layer(&coverage)) + "\n",
    })?;
    Ok(broken.max(printed))
}

impl Coverage {
    fn of(found: &RulesFound) -> Self {
        let mut coverage = Self::default();
        for (instance, _, component) in sound(found) {
            coverage.add(&instance.id, &component.metadata().attack, &component.metadata().references);
        }
        coverage
    }

    fn add(&mut self, rule: &str, attack: &[String], references: &[String]) {
        for id in attack {
            self.techniques.entry(id.clone()).or_default().insert(rule.to_owned());
        }
        for control in references.iter().filter_map(|reference| Control::parse(reference)) {
            self.controls.entry(control).or_default().insert(rule.to_owned());
        }
    }

    /// Writes two tables, one of techniques and one of controls.
    fn as_text(&self) -> String {
        let techniques = self.techniques.iter().map(|(id, rules)| (vec![id.clone(), name(id).to_owned()], rules));
        let controls = self.controls.iter().map(|(control, rules)| (vec![control.name()], rules));
        let mut text = format!("{} techniques of ATT&CK\n", self.techniques.len());
        text += &table(techniques.collect());
        let _ = write!(text, "\n{} controls\n{}", self.controls.len(), table(controls.collect()));
        text
    }

    fn as_json(&self) -> Value {
        let techniques: Vec<Value> = self
            .techniques
            .iter()
            .map(|(id, rules)| {
                let tactics = technique(id).map_or(&[][..], |technique| technique.tactics);
                let tactics: Vec<&str> = tactics.iter().map(|tactic| tactic.name()).collect();
                json!({ "id": id, "name": name(id), "tactics": tactics, "rules": rules })
            })
            .collect();
        let controls: Vec<Value> =
            self.controls.iter().map(|(control, rules)| json!({ "control": control.name(), "rules": rules })).collect();
        json!({ "techniques": techniques, "controls": controls })
    }
}

/// The name of a technique; nothing where it is none that is known.
fn name(id: &str) -> &str {
    technique(id).map_or("", |technique| technique.name)
}

/// Writes rows in columns, with the rules at their ends.
fn table(rows: Vec<(Vec<String>, &BTreeSet<String>)>) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for (cells, _) in &rows {
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(terminal(cell).chars().count());
        }
    }
    let mut text = String::new();
    for (cells, rules) in rows {
        for (width, cell) in widths.iter().zip(&cells) {
            let _ = write!(text, "{:<width$}  ", terminal(cell));
        }
        let _ = writeln!(text, "{}", rules.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage() -> Coverage {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let mut coverage = Coverage::default();
        coverage.add("a.one", &texts(&["T1562.008"]), &texts(&["CIS X 1 §4.10", "https://example.com"]));
        coverage.add("a.two", &texts(&["T1562.008", "T9999"]), &texts(&["CIS X 1 §4.9", "CIS X 1 §4.10"]));
        coverage
    }

    #[test]
    fn techniques_and_controls_are_listed_with_their_rules() {
        assert_eq!(
            coverage().as_text(),
            "2 techniques of ATT&CK\n\
             T1562.008  Disable or Modify Cloud Logs  a.one, a.two\n\
             T9999                                    a.two\n\
             \n\
             2 controls\n\
             CIS X 1 §4.9   a.two\n\
             CIS X 1 §4.10  a.one, a.two\n"
        );
    }

    #[test]
    fn the_same_as_json() {
        let json = coverage().as_json();
        assert_eq!(json["techniques"][0]["tactics"], json!(["Defense Evasion"]));
        assert_eq!(json["techniques"][1]["name"], "");
        assert_eq!(json["controls"][1], json!({ "control": "CIS X 1 §4.10", "rules": ["a.one", "a.two"] }));
    }
}
