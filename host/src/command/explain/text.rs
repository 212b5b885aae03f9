//! An explanation for people: what the rule asks for, what it read, what it found.

use orgwatch_rules_sdk::Value as Read;

use crate::command::found::RulesFound;
use crate::command::run::{count, digits};
use crate::command::screen::{Screen, Tone};
use crate::encoding::harmless_json;
use crate::escape::terminal;
use crate::index::Part;
use crate::judge::Traced;
use crate::sandbox::Step;
use crate::state::Scope;
use crate::testing::{AskedBy, Explained, Explanation};

/// The longest value that is shown whole, in characters; the JSON has all of it.
const LONGEST: usize = 200;

pub(super) fn add(explanation: &Explanation<'_>, found: &RulesFound, screen: &mut Screen) {
    let rule =
        screen.paint(&format!("{} {}", explanation.rule.id, explanation.rule.defaults.rule.version), Tone::Strong);
    let event = &explanation.event;
    let name = event.name.as_deref().unwrap_or("a record without eventName");
    screen.line(&format!("{rule} on {}", terminal(name)));
    let what = [event.source.as_deref(), event.time.as_deref(), event.account.as_deref(), event.error_code.as_deref()];
    screen.hanging(2, "", &terminal(&what.into_iter().flatten().collect::<Vec<_>>().join(" · ")));
    let id = event.id.clone().unwrap_or_else(|| event.digest.tagged());
    screen.hanging(2, "", &screen.paint(&terminal(&id), Tone::Faint));
    asked(explanation, screen);
    let settings = found.instances.iter().find(|instance| instance.id == explanation.rule.id);
    if let Some(settings) = settings.filter(|instance| !instance.settings.is_empty()) {
        screen.hanging(0, "settings  ", &harmless_json(&settings.settings));
    }
    if let Some(noted) = &explanation.noted {
        looked_at("notes", noted, screen);
    }
    if let Some(judged) = &explanation.judged {
        looked_at("judges", judged, screen);
    }
    verdict(explanation, screen);
    let traces = [&explanation.noted, &explanation.judged];
    let fuel: u64 = traces.into_iter().flatten().map(|traced| traced.fuel).sum();
    if fuel > 0 {
        screen.hanging(0, "fuel      ", &format!("{} of {} an evaluation", digits(fuel), digits(found.limits.fuel)));
    }
    screen.line("");
}

fn asked(explanation: &Explanation<'_>, screen: &mut Screen) {
    let number = explanation.patterns.len() as u64;
    let answer = if explanation.asked { screen.paint("yes", Tone::Good) } else { screen.paint("no", Tone::Bad) };
    if explanation.asked {
        screen.hanging(0, "asked for ", &format!("{answer}, by {}", matching(&explanation.patterns)));
    } else {
        let none = if number == 1 { "its one pattern does not match" } else { "none of its patterns matches" };
        screen.hanging(0, "asked for ", &format!("{answer}: {none}"));
    }
    for (place, pattern) in explanation.patterns.iter().enumerate() {
        // Where one matches, the others say nothing more.
        if explanation.asked && !pattern.matches {
            continue;
        }
        if number > 1 {
            screen.hanging(2, "", &format!("pattern {}", place + 1));
        }
        if pattern.parts.is_empty() {
            screen.hanging(4, "", "everything");
        }
        parts(&pattern.parts, 4, screen);
        if !pattern.matches && pattern.parts.iter().all(Part::holds) {
            screen.hanging(4, "", "each part holds, but not all for the same element of a list");
        }
    }
}

fn matching(patterns: &[AskedBy]) -> String {
    let places: Vec<String> = patterns
        .iter()
        .enumerate()
        .filter(|(_, pattern)| pattern.matches)
        .map(|(place, _)| (place + 1).to_string())
        .collect();
    if patterns.len() == 1 { "its one pattern".to_owned() } else { format!("pattern {}", places.join(", ")) }
}

fn parts(parts: &[Part], indent: usize, screen: &mut Screen) {
    for part in parts {
        let mark = if part.holds() { screen.paint("✓ ", Tone::Good) } else { screen.paint("✗ ", Tone::Bad) };
        match part {
            Part::Field { field, wanted, found, .. } => {
                let found: Vec<String> = found.iter().map(|value| shortened(value)).collect();
                let found = if found.is_empty() { "absent".to_owned() } else { found.join(", ") };
                screen.hanging(indent, &mark, &format!("{} is {found}", terminal(field)));
                screen.hanging(indent + 2, "wanted ", &shortened(wanted));
            }
            Part::Any { branches } => {
                screen.hanging(indent, &mark, "one of");
                for (place, branch) in branches.iter().enumerate() {
                    screen.hanging(indent + 2, "", &format!("branch {}", place + 1));
                    self::parts(branch, indent + 4, screen);
                }
            }
        }
    }
}

fn looked_at(verb: &str, traced: &Traced, screen: &mut Screen) {
    let steps = &traced.trace.steps;
    let all = count(steps.len() as u64 + traced.trace.beyond, "look");
    screen.line(&format!("{verb:<10}{all} at the event and what surrounds it"));
    let mut number = 0;
    for step in steps {
        number += 1;
        let (what, answer) = told(step);
        screen.hanging(2, &format!("{number:>3} "), &format!("{what} {} {answer}", screen.paint("→", Tone::Faint)));
    }
    if traced.trace.beyond > 0 {
        screen.hanging(6, "", &format!("and {} more", digits(traced.trace.beyond)));
    }
    for (level, message) in &traced.log {
        screen.hanging(2, "log ", &format!("{level}: {}", terminal(message)));
    }
}

/// Tells of a step: what was asked, and what was answered.
fn told(step: &Step) -> (String, String) {
    match step {
        Step::Read { path, found } => (pointer(path), value(found)),
        Step::Json { path, text } => {
            let text = text.as_ref().map_or_else(|| "absent".to_owned(), |text| shortened(text));
            (format!("all of {}", pointer(path)), text)
        }
        Step::Row { table, key, row } => {
            let row = row.as_ref().map(|row| row.iter().cloned().collect::<std::collections::BTreeMap<_, _>>());
            let row = row.map_or_else(|| "no row".to_owned(), |row| shortened(&harmless_json(&row)));
            (format!("table {} of {}", terminal(table), harmless_json(key)), row)
        }
        Step::Count { scope, tally } => {
            let actions = count(tally.actions, "action");
            (scope_of("count", scope), format!("{actions}, {}", count(tally.values, "value")))
        }
        Step::Notes { scope, latest_first, notes } => {
            let first = if *latest_first { "latest notes" } else { "earliest notes" };
            let told: Vec<String> = notes.iter().map(|note| format!("{} {}", note.time, note.value)).collect();
            let told = if told.is_empty() { "none".to_owned() } else { shortened(&told.join(", ")) };
            (scope_of(first, scope), told)
        }
    }
}

fn scope_of(what: &str, scope: &Scope) -> String {
    let others = if scope.others { ", without its own action" } else { "" };
    format!("{what} of {}/{} in {} s{others}", terminal(&scope.series), terminal(&scope.key), digits(scope.seconds))
}

fn pointer(path: &str) -> String {
    if path.is_empty() { "the whole record".to_owned() } else { terminal(path) }
}

fn value(found: &Read) -> String {
    match found {
        Read::Absent => "absent".to_owned(),
        Read::Null => "null".to_owned(),
        Read::Boolean(value) => value.to_string(),
        Read::Number(text) => terminal(text),
        Read::String(text) => shortened(&harmless_json(text)),
        Read::Array(len) => format!("a list of {len}"),
        Read::Object(keys) => shortened(&format!("an object with {}", terminal(&keys.join(", ")))),
    }
}

fn verdict(explanation: &Explanation<'_>, screen: &mut Screen) {
    if let Some(fault) = &explanation.fault {
        let head = screen.paint("gap       ", Tone::Bad);
        return screen.hanging(0, &head, &terminal(fault));
    }
    if explanation.findings.is_empty() {
        let why = match (explanation.asked, explanation.judged.is_some()) {
            (false, _) => "nothing: the rule does not ask for this event, and never saw it",
            (true, true) => "nothing: the rule saw the event and returned no finding",
            (true, false) => "nothing: the rule noted the event; equal records are judged once",
        };
        screen.hanging(0, "finds     ", why);
    }
    for explained in &explanation.findings {
        let Explained { finding, before, why } = explained;
        let severity = screen.paint(&finding.severity.name().to_uppercase(), Tone::Bad);
        screen.hanging(0, "finds     ", &format!("{severity} {}", terminal(&finding.title)));
        screen.hanging(10, "key ", &terminal(&finding.key));
        for (name, value) in &finding.details {
            screen.hanging(10, &format!("{} ", terminal(name)), &shortened(&harmless_json(value)));
        }
        if let Some(severity) = explanation.rule.defaults.severity_override {
            screen.hanging(0, "tuning    ", &format!("the configuration sets the severity to {severity}"));
        }
        if let Some(before) = before {
            let told = format!("graded {} instead of {before}", finding.severity);
            screen.hanging(0, "tuning    ", &told);
        }
        if let Some(why) = why {
            screen.hanging(0, "tuning    ", &format!("delivered to nobody: {}", terminal(&why.text())));
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => terminal(&format!("{}… ({} characters in all)", &text[..end], text.chars().count())),
        None => terminal(text),
    }
}
