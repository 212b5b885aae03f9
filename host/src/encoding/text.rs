//! Findings for people.
//!
//! The first line says how bad it is and what happened; below it, indented, who and where, what the rule has to say, and the names to look
//! further with. Everything that comes from the event is escaped for a terminal.

use std::fmt;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use orgwatch_rules_sdk::Severity;
use serde_json::Value;

use super::harmless_json;
use crate::escape::terminal;
use crate::finding::Finding;

/// The column that everything but the severity starts in.
const INDENT: usize = 10;

/// The longest text of a detail that is shown, in characters. The JSON has all of it.
const LONGEST: usize = 400;

pub(super) fn encode(finding: &Finding, color: bool, out: &mut Vec<u8>) {
    let text = Text { finding, color };
    // A vector takes whatever is written to it.
    let _ = writeln!(out, "{text}");
}

/// Puts a style around a text where colours are wanted.
pub fn paint(text: impl fmt::Display, style: Style, color: bool) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_string() }
}

struct Text<'a> {
    finding: &'a Finding,
    color: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { id, rule, title, severity, event, details, .. } = self.finding;
        let dim = Style::new().dimmed();
        let head = format!("{:<INDENT$}", severity.name().to_uppercase());
        let title = paint(terminal(title), Style::new().bold(), self.color);
        writeln!(formatter, "{}{title}", paint(head, style(*severity), self.color))?;
        let mut lines: Vec<(&str, String)> = Vec::new();
        let what = [event.name.as_deref(), event.source.as_deref()];
        lines.push(("event", join(&what, " · ")));
        let place = [event.time.as_deref(), event.account.as_deref(), event.region.as_deref()];
        lines.push(("when", join(&place, " · ")));
        // A service that acts by itself is named in both places.
        let elsewhere = event.source_ip.as_deref().filter(|&address| event.actor.as_deref() != Some(address));
        let who = [event.actor.as_deref(), elsewhere];
        lines.push(("who", join(&who, " from ")));
        if let Some(code) = &event.error_code {
            lines.push(("error", terminal(code)));
        }
        for (name, value) in details {
            lines.push((name, detail(value)));
        }
        lines.push(("rule", format!("{} {}", rule.id, rule.version)));
        let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(24);
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            let name = format!("{:<width$}", terminal(name));
            writeln!(formatter, "{:INDENT$}{}  {value}", "", paint(name, dim, self.color))?;
        }
        let id = format!("{:<width$}  {id}", "id");
        writeln!(formatter, "{:INDENT$}{}", "", paint(id, dim, self.color))
    }
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Informational => return Style::new().dimmed(),
        Severity::Low => AnsiColor::Cyan,
        Severity::Medium => AnsiColor::Yellow,
        Severity::High => AnsiColor::Red,
        Severity::Critical => return AnsiColor::White.on(AnsiColor::Red).bold(),
    };
    color.on_default().bold()
}

fn join(parts: &[Option<&str>], between: &str) -> String {
    let parts: Vec<String> = parts.iter().flatten().map(|part| terminal(part)).collect();
    parts.join(between)
}

/// Writes a detail on one line: strings bare, lists of strings with commas, everything else as JSON; `null` as a dash.
fn detail(value: &Value) -> String {
    match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => terminal(&shortened(text)),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            terminal(&shortened(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")))
        }
        other => shortened(&harmless_json(other)),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters in all)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}
