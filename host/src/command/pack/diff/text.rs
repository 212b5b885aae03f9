//! What an upgrade changes, for people: nothing of what stays as it is, and the worst first.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::run::{count, digits};
use crate::command::screen::{Screen, Tone};
use crate::encoding::harmless_json;
use crate::escape::{shortened, terminal};
use crate::finding::EventReference;
use crate::pack::diff::{Change, Diff, Difference, Door, Effect, Fate, Flip, Kind, Placed, RuleDiff, Shown};

/// The column that values start in.
const WIDTH: usize = 13;

/// Differences of one kind that are shown of one rule; the JSON has all.
const MOST: usize = 5;

/// The longest text that is shown whole, in bytes.
const LONGEST: usize = 240;

pub(super) fn text(diff: &Diff, mut screen: Screen) -> String {
    let (old, new) = (terminal(&diff.old), terminal(&diff.new));
    screen.line(&format!("{} → {}", screen.paint(&old, Tone::Strong), screen.paint(&new, Tone::Strong)));
    if !diff.same_pack {
        let head = screen.paint("! ", Tone::Warning);
        screen.hanging(2, &head, "these are two packs, and not two versions of one");
    } else if !diff.higher {
        let head = screen.paint("! ", Tone::Warning);
        screen.hanging(2, &head, "the new version is not higher than the old one");
    }
    for change in diff.manifest.iter().filter(|change| !matches!(change.what.as_str(), "id" | "version")) {
        said(change, &mut screen);
    }
    for rule in diff.rules.iter().filter(|rule| rule.fate != Fate::Unchanged) {
        screen.line("");
        of_rule(rule, &mut screen);
    }
    screen.line("");
    sum(diff, &mut screen);
    screen.finish()
}

fn of_rule(rule: &RuleDiff, screen: &mut Screen) {
    let id = screen.paint(&rule.id, Tone::Strong);
    let [old, new] = &rule.versions;
    let [old, new] = [old, new].map(|version| version.as_deref().unwrap_or_default());
    match rule.fate {
        Fate::Added => screen.line(&format!("{id} {} is added", terminal(new))),
        Fate::Removed => screen.line(&format!("{id} {} is removed", terminal(old))),
        Fate::Changed if old == new => screen.line(&format!("{id} {} has another component", terminal(old))),
        Fate::Changed | Fate::Unchanged => screen.line(&format!("{id} {} → {}", terminal(old), terminal(new))),
    }
    rule.door.iter().for_each(|door| flips(door, screen));
    for kind in [Kind::Lost, Kind::Gap] {
        differences(rule, kind, screen);
    }
    for change in rule.said.iter().filter(|change| change.what != "version") {
        said(change, screen);
    }
    if rule.fate == Fate::Changed {
        for (fields, sign) in [(&rule.reads, "+"), (&rule.reads_no_more, "−")] {
            for field in fields {
                let field = if field.is_empty() { "the whole record" } else { field };
                signed("reads", sign, &terminal(field), screen);
            }
        }
    }
    if let Some([old, new]) = rule.fuel.filter(|[old, new]| old != new) {
        let most = format!("most {} → {}", digits(old.most), digits(new.most));
        line("fuel", &format!("{most}, middle {} → {}", digits(old.middle), digits(new.middle)), screen);
    }
    for kind in [Kind::Changed, Kind::Added, Kind::GapClosed] {
        differences(rule, kind, screen);
    }
    match &rule.door {
        Some(door) => literals(door, screen),
        None if rule.fate == Fate::Added => {
            line("literals", "not compared: there is no old version to compare with", screen);
        }
        None => {}
    }
}

fn differences(rule: &RuleDiff, kind: Kind, screen: &mut Screen) {
    let all: Vec<&Difference> = rule.differences.iter().filter(|difference| difference.kind == kind).collect();
    all.iter().take(MOST).for_each(|difference| differs(difference, screen));
    if all.len() > MOST {
        line("", &format!("… and {} more, which the JSON has", digits((all.len() - MOST) as u64)), screen);
    }
}

fn line(name: &str, value: &str, screen: &mut Screen) {
    let head = screen.paint(&format!("{name:<WIDTH$}"), Tone::Faint);
    screen.hanging(2, &head, value);
}

/// A line of something that is more or less now.
fn signed(name: &str, sign: &str, value: &str, screen: &mut Screen) {
    let head = screen.paint(&format!("{name:<WIDTH$}"), Tone::Faint);
    screen.hanging(2, &format!("{head}{sign} "), value);
}

fn loud(name: &str, tone: Tone, value: &str, screen: &mut Screen) {
    let head = screen.paint(&format!("{name:<WIDTH$}"), tone);
    screen.hanging(2, &head, value);
}

fn said(change: &Change, screen: &mut Screen) {
    let name = match change.what.as_str() {
        "attack" => "ATT&CK".to_owned(),
        "matches" => "asks for".to_owned(),
        "import" => "imports".to_owned(),
        "false_positives" => "false alarms".to_owned(),
        what => what.replace('_', " "),
    };
    let (name, setting) = match name.strip_prefix("setting ") {
        Some(setting) => ("setting".to_owned(), format!("{} ", terminal(setting))),
        None => (terminal(&name), String::new()),
    };
    match (change.what.as_str(), &change.old, &change.new) {
        ("description", ..) => line(&name, "says something else", screen),
        ("size", Some(old), Some(new)) => {
            let number = |text: &str| text.parse().map_or_else(|_| text.to_owned(), digits);
            line(&name, &format!("{} → {} bytes", number(old), number(new)), screen);
        }
        (_, Some(old), Some(new)) => line(&name, &format!("{setting}{} → {}", cut(old), cut(new)), screen),
        (_, Some(old), None) => signed(&name, "−", &format!("{setting}{}", cut(old)), screen),
        (_, _, new) => signed(&name, "+", &format!("{setting}{}", cut(new.as_deref().unwrap_or_default())), screen),
    }
}

fn cut(text: &str) -> String {
    terminal(&shortened(&spaced(text), LONGEST))
}

/// Writes objects and lists with spaces, so that a line can end between their parts.
fn spaced(text: &str) -> Cow<'_, str> {
    if !text.starts_with(['{', '[']) {
        return Cow::Borrowed(text);
    }
    match serde_json::from_str::<Value>(text).and_then(|value| serde_json::to_string_pretty(&value)) {
        Ok(pretty) => Cow::Owned(pretty.lines().map(str::trim).collect::<Vec<_>>().join(" ")),
        Err(_) => Cow::Borrowed(text),
    }
}

fn differs(difference: &Difference, screen: &mut Screen) {
    let on = difference.event.as_ref().map_or_else(|| terminal(&difference.case), event);
    let reason = || cut(difference.reason.as_deref().unwrap_or_default());
    match (difference.kind, &difference.old, &difference.new) {
        (Kind::Lost, Some(old), _) => {
            loud("LOST", Tone::Bad, &found(old), screen);
            if difference.reason.is_some() {
                line("", &format!("since the new version cannot judge it: {}", reason()), screen);
            }
        }
        (Kind::Added, _, Some(new)) => loud("new finding", Tone::Good, &found(new), screen),
        (Kind::Changed, Some(old), Some(new)) => {
            loud("changed", Tone::Warning, &found(old), screen);
            changes(old, new, screen);
        }
        (Kind::Gap, ..) => loud("GAP", Tone::Bad, &format!("the new version cannot judge it: {}", reason()), screen),
        (Kind::GapClosed, ..) => {
            line("gap closed", &format!("the old version cannot judge it: {}", reason()), screen);
        }
        // A finding is lost, added or changed.
        _ => {}
    }
    line("", &screen.paint(&on, Tone::Faint), screen);
}

fn found(shown: &Shown) -> String {
    let severity = shown.severity.to_uppercase();
    format!("{severity} {} · {}", cut(&shown.title), cut(&shown.key))
}

/// Tells what is not the same in two findings.
fn changes(old: &Shown, new: &Shown, screen: &mut Screen) {
    let mut tell = |name: &str, old: Option<String>, new: Option<String>| {
        if old != new {
            let side = |side: Option<String>| side.map_or_else(|| "nothing".to_owned(), |text| cut(&text));
            line("", &format!("{}: {} → {}", terminal(name), side(old), side(new)), screen);
        }
    };
    tell("severity", Some(old.severity.to_owned()), Some(new.severity.to_owned()));
    tell("title", Some(old.title.clone()), Some(new.title.clone()));
    tell("key", Some(old.key.clone()), Some(new.key.clone()));
    let names: BTreeSet<&String> = old.details.keys().chain(new.details.keys()).collect();
    for name in names {
        let of = |shown: &Shown| shown.details.get(name).map(harmless_json);
        tell(name, of(old), of(new));
    }
}

fn event(event: &EventReference) -> String {
    let id = event.id.clone().unwrap_or_else(|| event.digest.tagged());
    let parts = [event.time.as_deref(), event.name.as_deref(), Some(id.as_str())];
    terminal(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// Tells of the verdicts that flip: literals that do the same together.
fn flips(door: &Door, screen: &mut Screen) {
    let mut groups: Vec<Vec<&Flip>> = Vec::new();
    let same = |flip: &Flip| (flip.effect, flip.field.clone(), flip.placed.clone(), flip.literal.is_some());
    for flip in &door.flips {
        match groups.iter_mut().find(|group| same(group[0]) == same(flip)) {
            Some(group) => group.push(flip),
            None => groups.push(vec![flip]),
        }
    }
    for group in groups.iter().take(MOST) {
        loud("BACK DOOR?", Tone::Bad, &told(group), screen);
        let events = group.iter().map(|flip| flip.events).max().unwrap_or_default();
        let more = if events > 1 { format!(", and {} more", events - 1) } else { String::new() };
        line("", &screen.paint(&format!("{}{more}", event(&group[0].event)), Tone::Faint), screen);
    }
    if groups.len() > MOST {
        line("", &format!("… and {} more, which the JSON has", digits((groups.len() - MOST) as u64)), screen);
    }
}

fn literals(door: &Door, screen: &mut Screen) {
    let literals = count(door.literals as u64, "new literal");
    let told = match (door.literals, door.events) {
        (0, _) => "none is new".to_owned(),
        (_, 0) => format!("{literals}, not tried: no event in which the new version finds anything"),
        _ => {
            let events = count(door.events as u64, "event");
            format!("{literals} put into the fields of {events}, {} times", digits(door.attempts as u64))
        }
    };
    line("literals", &told, screen);
    for untried in &door.untried {
        loud("! not tried", Tone::Warning, &terminal(untried), screen);
    }
}

fn told(group: &[&Flip]) -> String {
    let effect = match group[0].effect {
        Effect::Silent => "silent",
        Effect::Fewer => "fewer findings",
        Effect::Milder => "less severe",
    };
    let placed: Vec<&str> = group[0].placed.iter().map(|placed| place(*placed)).collect();
    let literals: Vec<String> =
        group.iter().filter_map(|flip| flip.literal.as_ref()).map(|literal| cut(&harmless_json(literal))).collect();
    let literals = match literals.as_slice() {
        [] => "any other value".to_owned(),
        all if all.len() <= MOST => all.join(", "),
        all => format!("{} and {} more", all[..MOST].join(", "), all.len() - MOST),
    };
    let field = terminal(&group[0].field);
    format!("{literals} {} {field}: {effect}, and the old version is not", placed.join(" or "))
}

const fn place(placed: Placed) -> &'static str {
    match placed {
        Placed::Instead => "in the place of",
        Placed::Before => "before",
        Placed::Behind => "behind",
        Placed::Element => "as an element of",
        Placed::Added => "for the missing",
    }
}

fn sum(diff: &Diff, screen: &mut Screen) {
    let of = |fate: Fate| diff.rules.iter().filter(|rule| rule.fate == fate).count();
    let rules = [
        (Fate::Changed, "changed"),
        (Fate::Added, "added"),
        (Fate::Removed, "removed"),
        (Fate::Unchanged, "as before"),
    ];
    let told: Vec<String> = rules
        .iter()
        .map(|(fate, name)| (of(*fate), name))
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| format!("{number} {name}"))
        .collect();
    screen.line(&format!("rules: {}", told.join(", ")));
    let kinds = [(Kind::Lost, "lost"), (Kind::Changed, "changed"), (Kind::Added, "new")];
    let number = |kind: Kind| {
        diff.rules.iter().flat_map(|rule| &rule.differences).filter(|difference| difference.kind == kind).count()
    };
    let told: Vec<String> =
        kinds.iter().map(|(kind, name)| format!("{} {name}", digits(number(*kind) as u64))).collect();
    screen.line(&format!("findings: {}", told.join(", ")));
    let gaps = number(Kind::Gap);
    if gaps > 0 {
        screen.line(&screen.paint(&format!("gaps: {gaps} new"), Tone::Bad));
    }
    let flips: usize = diff.rules.iter().map(RuleDiff::flips).sum();
    if flips > 0 {
        let verdicts = if flips == 1 { "1 verdict flips" } else { &format!("{flips} verdicts flip") };
        screen.line(&screen.paint(
            &format!("{verdicts} when a new literal is in the event: ask whoever made the pack why"),
            Tone::Bad,
        ));
    }
}
