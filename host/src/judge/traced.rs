//! What a rule looked at in an event, where that is recorded.

use orgwatch_rules_sdk::Value;
use orgwatch_rules_sdk::json::{Document, Node};

use crate::digest::Digest;
use crate::redact::Secrets;
use crate::sandbox::{LogLevel, Step, Trace};

/// What one rule looked at in one event.
#[derive(Debug)]
pub struct Traced {
    /// The rule's place in [`Judge::rules`](super::Judge::rules).
    pub rule: usize,
    /// The digest of the event.
    pub event: Digest,
    /// True where the rule did not judge yet, but said what to note of the event.
    pub noting: bool,
    /// The fuel that it took, in units.
    pub fuel: u64,
    /// What the rule logged.
    pub log: Vec<(LogLevel, String)>,
    /// What the rule looked at, in order.
    pub trace: Trace,
}

impl Traced {
    /// Takes the record's secrets out, by the record as it is written without them.
    pub fn redact(&mut self, secrets: &Secrets, redacted: &Document) {
        let redact = |text: &mut String| *text = secrets.redact_text(text).into_owned();
        for (_, message) in &mut self.log {
            *message = secrets.redact_cut(message);
        }
        for step in &mut self.trace.steps {
            match step {
                Step::Read { path, found: found @ (Value::String(_) | Value::Number(_) | Value::Boolean(_)) } => {
                    // Where the redacted record has a text, that is what may be shown; where it has nothing else, what was read stays.
                    if let Some(text) = redacted.pointer(path).and_then(Node::string) {
                        *found = Value::String(secrets.redact_text(&text).into_owned());
                    }
                }
                Step::Json { path, text: Some(text) } => {
                    if let Some(node) = redacted.pointer(path) {
                        *text = node.canonical();
                    }
                    redact(text);
                }
                Step::Row { key, .. } => redact(key),
                Step::Count { scope, .. } => redact(&mut scope.key),
                Step::Notes { scope, notes, .. } => {
                    redact(&mut scope.key);
                    for note in notes {
                        redact(&mut note.value);
                    }
                }
                Step::Read { .. } | Step::Json { .. } => {}
            }
        }
    }
}
