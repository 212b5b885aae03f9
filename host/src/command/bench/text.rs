//! What rules cost, for people: a line a rule.

use std::collections::BTreeMap;

use super::{Change, Measure};
use crate::command::run::{count, digits};
use crate::command::screen::{Screen, Tone};
use crate::escape::terminal;

pub(super) fn add(measures: &[Measure], changes: &[Change], limit: u64, screen: &mut Screen) {
    let mut rules: BTreeMap<&str, Vec<&Measure>> = BTreeMap::new();
    for measure in measures {
        rules.entry(&measure.rule).or_default().push(measure);
    }
    let width = rules.keys().map(|rule| rule.len()).max().unwrap_or_default().clamp(4, 38);
    let head = format!("{:<width$}  {:>5}  {:>9}  {:>9}  {:>8}", "rule", "runs", "fuel each", "most", "µs each");
    screen.line(&screen.paint(&head, Tone::Faint));
    for (rule, measures) in rules {
        let runs: u64 = measures.iter().map(|measure| measure.evaluations).sum();
        let fuel: u64 = measures.iter().map(|measure| measure.fuel).sum();
        let most = measures.iter().map(|measure| measure.most).max().unwrap_or_default();
        let micros: f64 = measures.iter().map(|measure| measure.time.as_secs_f64() * 1e6).sum();
        #[expect(clippy::cast_precision_loss, reason = "a number of runs is small")]
        let each = micros / runs as f64;
        let most_told = digits(most);
        screen.line(&format!("{rule:<width$}  {runs:>5}  {:>9}  {most_told:>9}  {each:>8.1}", digits(fuel / runs)));
        if most > limit / 2 {
            let told = format!("more than half of the {} that a rule has", digits(limit));
            screen.hanging(2, &screen.paint("! ", Tone::Warning), &told);
        }
    }
    for change in changes {
        let name = format!("{} on {}", change.rule, terminal(&change.case));
        match (change.before, change.now) {
            (Some(before), Some(now)) => {
                let percent = u128::from(now.saturating_sub(before)) * 100 / u128::from(before.max(1));
                let told = format!("{name}: {} units instead of {}, {percent} % more", digits(now), digits(before));
                screen.hanging(0, &screen.paint("FAIL  ", Tone::Bad), &told);
            }
            (None, _) => screen.hanging(0, &screen.paint("new   ", Tone::Warning), &name),
            (Some(_), None) => screen.hanging(0, &screen.paint("gone  ", Tone::Warning), &name),
        }
    }
    let evaluations: u64 = measures.iter().map(|measure| measure.evaluations).sum();
    screen.line(&format!("{} measured; fuel is the same on every machine", count(evaluations, "evaluation")));
}
