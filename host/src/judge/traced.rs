//! What a rule looked at in an event, where that is recorded.

use orgwatch_rules_sdk::Value;

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
    /// Takes the record's secrets out.
    pub fn redact(&mut self, secrets: &Secrets) {
        let redact = |text: &mut String| *text = secrets.redact_text(text).into_owned();
        self.log.iter_mut().for_each(|(_, message)| redact(message));
        for step in &mut self.trace.steps {
            match step {
                Step::Read { found: Value::String(text), .. } | Step::Json { text: Some(text), .. } => redact(text),
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
