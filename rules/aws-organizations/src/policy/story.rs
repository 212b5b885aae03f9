//! Which story a call about a policy tells. Each belongs to one rule, so that one call gives one finding.

use orgwatch_rules_sdk::{Event, Severity};

use super::{Content, FULL_ACCESS, Operation, PolicyCall, Reading, Strength, sets_something};

/// Which story a call about a policy tells.
#[derive(Clone, Debug)]
pub enum Story {
    /// A policy was given a text that leaves open what it is there to close: `org.policy-weakened`.
    Weakened(Weakness),
    /// A policy that allows everything was attached or created: `org.full-access-policy`.
    FullAccess,
    /// A policy that denies everything was written: `org.lockout-policy`.
    Lockout,
    /// The daily work, with what there is to say of the text: `org.policy-changed`, and the rules about what is taken away.
    Ordinary(Option<Reading>),
}

/// What is weak about a policy's new text.
#[derive(Clone, Debug)]
pub struct Weakness {
    /// How much that matters.
    pub severity: Severity,
    /// What the text comes to, in a few words.
    pub words: &'static str,
    /// What is odd about the text.
    pub remarks: Vec<String>,
    /// The actions that it still denies.
    pub denies: Vec<String>,
}

impl PolicyCall {
    /// Tells which story the call tells.
    pub fn story(&self, event: &Event) -> Story {
        if self.operation == Operation::Attach && self.id.as_deref() == Some(FULL_ACCESS) {
            return Story::FullAccess;
        }
        let content = self.content(event);
        if !self.kind.may_be_guardrail() || self.is_of_another_type_by(&content) {
            let emptied = if self.operation == Operation::Update { emptiness(&content) } else { None };
            return emptied.map_or_else(|| Story::Ordinary(None), Story::Weakened);
        }
        let Some(reading) = Reading::of(&content, event.event_time()) else {
            return Story::Ordinary(None);
        };
        match (self.operation, reading.strength) {
            (_, Strength::DeniesEverything) => Story::Lockout,
            (Operation::Create, Strength::FullAccess) => Story::FullAccess,
            (Operation::Update, _) => match weakness(&reading) {
                Some(weakness) => Story::Weakened(weakness),
                None => Story::Ordinary(Some(reading)),
            },
            _ => Story::Ordinary(Some(reading)),
        }
    }

    /// A record without a response does not say the type; a text that sets tags or backups does.
    fn is_of_another_type_by(&self, content: &Content) -> bool {
        let sets = matches!(content, Content::Texts(texts) if texts.iter().all(|text| sets_something(text)));
        self.kind.name().is_none() && sets
    }
}

/// Says what is weak about a text that is there to permit and forbid calls.
fn weakness(reading: &Reading) -> Option<Weakness> {
    let (severity, words) = match reading.strength {
        Strength::FullAccess => (Severity::Critical, reading.in_words()),
        _ if reading.is_weak() => (Severity::High, reading.in_words()),
        Strength::Denies if !reading.remarks.is_empty() => (Severity::Medium, "denies less than it says"),
        _ => return None,
    };
    Some(Weakness { severity, words, remarks: reading.remarks.clone(), denies: reading.denies.clone() })
}

/// Says whether a text that sets things up sets nothing any more, or is not shown.
fn emptiness(content: &Content) -> Option<Weakness> {
    let words = match content {
        Content::Unchanged => return None,
        Content::Withheld => "is not shown in the record",
        Content::Texts(texts) if texts.iter().all(|text| sets_something(text)) => return None,
        Content::Texts(_) => "sets nothing any more",
    };
    Some(Weakness { severity: Severity::Medium, words, remarks: Vec::new(), denies: Vec::new() })
}
