//! Dead predicates: literals of sources and names that no event has.

use serde_json::{Value, json};

use super::known::Names;
use super::patterns::{Branch, Field};
use super::remark::{Code, Remark};
use crate::catalogue::Knowledge;
use crate::index::Pattern;

/// What a branch of a pattern is about, where it says so exactly: sources and names that exist. Empty where it does not.
#[derive(Debug, Default)]
pub(super) struct Pinned<'a> {
    pub(super) sources: Vec<&'a str>,
    pub(super) names: Vec<&'a str>,
}

/// Versions that services add to names, one of each form: a wildcard may be about them.
const VERSIONS: [&str; 3] = ["20150331", "20150331v2", "2020_05_31"];

/// Looks up the sources and names that a branch asks for.
pub(super) fn check<'a>(branch: &Branch<'a>, names: &Names<'_>, remarks: &mut Vec<Remark>) -> Pinned<'a> {
    let sources = branch.field("/eventSource").and_then(|field| sources(field, names, remarks));
    let found = branch.field("/eventName").and_then(|field| {
        let within = sources.as_deref().unwrap_or_default();
        event_names(field, within, names, remarks)
    });
    match (sources, found) {
        (Some(sources), Some(names)) => Pinned { sources, names },
        _ => Pinned::default(),
    }
}

/// Looks up the sources of a field. Returns those that exist where the field holds nothing but exact ones.
fn sources<'a>(field: &Field<'a>, names: &Names<'_>, remarks: &mut Vec<Remark>) -> Option<Vec<&'a str>> {
    let mut exact = Some(Vec::new());
    for (at, alternative) in field.alternatives.iter().enumerate() {
        let place = format!("{}[{at}]", field.place);
        if let Some(source) = literal(alternative) {
            match names.knows_source(source) {
                Knowledge::Unknown { nearest } => {
                    let message = format!("CloudTrail records no events under the source `{source}`");
                    let remark = Remark::new(Code::EventSourceUnknown, place, message);
                    remarks.push(with_suggestions(remark, &nearest));
                }
                Knowledge::Known | Knowledge::Elsewhere(_) => {
                    if let Some(exact) = &mut exact {
                        exact.push(source);
                    }
                }
            }
        } else if let Some(excluded) = alternative.get("anything-but") {
            exact = None;
            for source in literals(excluded) {
                if let Knowledge::Unknown { nearest } = names.knows_source(source) {
                    let message = format!("the source `{source}` is excluded, and CloudTrail has no such source");
                    remarks
                        .push(with_suggestions(Remark::new(Code::ExcludedUnknown, place.clone(), message), &nearest));
                }
            }
        } else {
            exact = None;
            if !matches_one(alternative, names.sources()) {
                let message = format!("no source that CloudTrail records events under fulfils {alternative}");
                remarks.push(Remark::new(Code::EventSourceUnknown, place, message));
            }
        }
    }
    exact.filter(|exact| !exact.is_empty())
}

/// Looks up the names of a field among those of the sources. Returns those that exist where the field holds nothing but exact ones.
fn event_names<'a>(
    field: &Field<'a>,
    sources: &[&str],
    names: &Names<'_>,
    remarks: &mut Vec<Remark>,
) -> Option<Vec<&'a str>> {
    let mut exact = Some(Vec::new());
    for (at, alternative) in field.alternatives.iter().enumerate() {
        let place = format!("{}[{at}]", field.place);
        if let Some(name) = literal(alternative) {
            match names.knows(sources, name) {
                Knowledge::Known => {
                    if let Some(exact) = &mut exact {
                        exact.push(name);
                    }
                }
                Knowledge::Elsewhere(others) => remarks.push(elsewhere(place, name, sources, &others)),
                Knowledge::Unknown { nearest } => {
                    let message = format!("no event{} is called `{name}`", of(sources));
                    let remark = Remark::new(Code::EventNameUnknown, place, message);
                    remarks.push(with_suggestions(remark, &nearest));
                }
            }
        } else if let Some(excluded) = alternative.get("anything-but") {
            exact = None;
            for name in literals(excluded) {
                let nearest = match names.knows(sources, name) {
                    Knowledge::Known => continue,
                    Knowledge::Elsewhere(_) => Vec::new(),
                    Knowledge::Unknown { nearest } => nearest,
                };
                let message = format!("`{name}` is excluded, and no event{} is called so", of(sources));
                remarks.push(with_suggestions(Remark::new(Code::ExcludedUnknown, place.clone(), message), &nearest));
            }
        } else {
            exact = None;
            let known = names.names(sources);
            let versioned = known.iter().flat_map(|name| VERSIONS.map(|version| format!("{name}{version}")));
            let fulfilled = names.any_is_open(sources)
                || matches_one(alternative, known.iter().copied())
                || (about_versions(alternative) && matches_one(alternative, versioned));
            if !fulfilled {
                let message = format!("no name of an event{} fulfils {alternative}", of(sources));
                remarks.push(Remark::new(Code::EventNameUnknown, place, message));
            }
        }
    }
    exact.filter(|exact| !exact.is_empty())
}

/// Says whose event a name is. Many services have a `TagResource`; four of them are enough to say so.
fn elsewhere(place: String, name: &str, sources: &[&str], others: &[&str]) -> Remark {
    let mut list = others.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    if others.len() > 4 {
        list.push_str(" and others");
    }
    let message = format!("`{name}` is an event of {list}, not of {}", sources.join(" or "));
    let hint = "correct the name or the eventSource beside it";
    Remark::new(Code::EventNameElsewhere, place, message).hint(hint)
}

fn of(sources: &[&str]) -> String {
    if sources.is_empty() { String::new() } else { format!(" of {}", sources.join(" or ")) }
}

fn with_suggestions(remark: Remark, nearest: &[&str]) -> Remark {
    match nearest {
        [] => remark
            .hint("if AWS has it all the same, say so in pack.toml: [[known_names]] with source, name and the reason"),
        [.., last] => {
            let others = &nearest[..nearest.len() - 1];
            let quoted: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
            let before = if quoted.is_empty() { String::new() } else { format!("{} or ", quoted.join(", ")) };
            remark.hint(format!("did you mean {before}`{last}`?"))
        }
    }
}

/// Returns the text that an alternative compares with letter by letter.
fn literal(alternative: &Value) -> Option<&str> {
    alternative.as_str().or_else(|| alternative.get("exactly")?.as_str())
}

/// Returns the texts that `anything-but` excludes letter by letter.
fn literals(excluded: &Value) -> Vec<&str> {
    match excluded {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    }
}

/// Tells whether an alternative is about the digits at the end of names.
fn about_versions(alternative: &Value) -> bool {
    alternative.to_string().bytes().any(|byte| byte.is_ascii_digit())
}

/// Tells whether one of the texts fulfils an alternative, by the very code that judges records. What asks for no text is fulfilled.
fn matches_one(alternative: &Value, texts: impl Iterator<Item: AsRef<str>>) -> bool {
    let about_text = ["prefix", "suffix", "equals-ignore-case", "wildcard"];
    if !about_text.iter().any(|operator| alternative.get(operator).is_some()) {
        return true;
    }
    let Ok(pattern) = Pattern::parse(&json!({ "at": [alternative] }).to_string()) else { return true };
    for text in texts {
        let record = json!({ "at": text.as_ref() }).to_string();
        let Ok(document) = orgwatch_rules_sdk::json::Document::parse(record) else { continue };
        if pattern.matches(document.root()) {
            return true;
        }
    }
    false
}
