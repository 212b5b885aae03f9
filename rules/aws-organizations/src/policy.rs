//! The text of a policy, read as IAM reads it: what it denies, what it allows, and what is left of it where it looks stronger than it is.
//!
//! A policy is JSON in a string of the record, and whoever weakens one may dress it up: a wildcard written `*:*`, actions in odd letter case,
//! `\u` escapes, a single statement without a list, a `Deny` that no call ever meets. The reading is suspicious in one direction: what opens
//! is read generously, what protects is read strictly. A text that cannot be read protects nothing.
//!
//! What a service control policy adds up to in the end depends on all policies above an account. This module judges one text alone.

mod condition;
mod record;
mod statement;
mod story;
mod wildcard;

#[cfg(test)]
mod evasions;

use std::collections::BTreeSet;

use orgwatch_rules_sdk::event::Timestamp;
use orgwatch_rules_sdk::json::{Document, Kind, Node};

pub use record::{Content, FULL_ACCESS, Operation, PolicyCall, PolicyType, Target};
use statement::{ACTIONS, Denial, Statement, element};
pub use story::{Story, Weakness};

/// How much of a text a finding quotes: names of actions, and remarks.
const QUOTED: usize = 20;

/// More bytes than AWS takes for a service or resource control policy. A call with a longer text does not succeed, so a record that shows one is
/// odd, and reading it to its end would cost more than an evaluation may.
const LONGEST: usize = 20 << 10;

/// What a service or resource control policy comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// The record does not show it.
    Withheld,
    /// It cannot be read: too long, no JSON, no statements, or keys that stand there twice.
    Unreadable,
    /// It allows everything and denies nothing.
    FullAccess,
    /// It denies nothing, and what it allows is no list of services either.
    DeniesNothing,
    /// It denies things, but whoever makes a call can step out of the way of every denial.
    Avoidable,
    /// It allows a list of things and denies nothing: an allow list.
    AllowList,
    /// It denies things.
    Denies,
    /// It denies everything, to everybody.
    DeniesEverything,
}

/// A policy's text, read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What it comes to.
    pub strength: Strength,
    /// What is odd about it, a clause each: a statement that denies nothing, an exemption that anybody can claim.
    pub remarks: Vec<String>,
    /// The actions that it denies with effect, as far as it names them; cut to a length that can be read.
    pub denies: Vec<String>,
}

impl Reading {
    fn unreadable(reason: &str) -> Self {
        Self { strength: Strength::Unreadable, remarks: vec![reason.to_owned()], denies: Vec::new() }
    }

    /// Reads the text that a call gives to a policy, of two different ones the weaker; nothing for a call that gives none.
    fn of(content: &Content, now: Option<Timestamp>) -> Option<Self> {
        match content {
            Content::Unchanged => None,
            Content::Withheld => Some(Self { strength: Strength::Withheld, remarks: Vec::new(), denies: Vec::new() }),
            Content::Texts(texts) => texts.iter().map(|text| read(text, now)).min_by_key(|reading| reading.strength),
        }
    }

    /// Returns true where the text leaves open what such a policy is for.
    pub fn is_weak(&self) -> bool {
        self.strength <= Strength::Avoidable
    }

    /// Says in a few words what the text comes to: `denies nothing`.
    pub fn in_words(&self) -> &'static str {
        match self.strength {
            Strength::Withheld => "is not shown in the record",
            Strength::Unreadable => "cannot be read",
            Strength::FullAccess => "allows everything and denies nothing",
            Strength::DeniesNothing => "denies nothing",
            Strength::Avoidable => "denies nothing that a caller cannot get around",
            Strength::AllowList => "allows a list of actions and denies nothing",
            Strength::Denies => "denies some actions",
            Strength::DeniesEverything => "denies everything",
        }
    }
}

/// Reads a service or resource control policy, at the time of the event: a denial may have an end.
pub fn read(text: &str, now: Option<Timestamp>) -> Reading {
    if text.len() > LONGEST {
        return Reading::unreadable("the text is longer than AWS takes");
    }
    let Ok(document) = Document::parse(text) else {
        return Reading::unreadable("the text is not JSON");
    };
    let root = document.root();
    let Some(list) = element(root, "Statement") else {
        return Reading::unreadable("the text has no statements");
    };
    let nodes: Vec<Node<'_>> = match list.kind() {
        Kind::Array => list.elements().collect(),
        Kind::Object => vec![list],
        _ => return Reading::unreadable("the text has no statements"),
    };
    // Where a key stands twice, readers disagree on which one counts, and what AWS reads may be the other one.
    if root.repeats_a_key() || nodes.iter().any(|node| node.repeats_a_key()) {
        return Reading::unreadable("a key stands in it twice");
    }
    let statements: Vec<Statement> = nodes.into_iter().map(Statement::read).collect();
    judge(&statements, now)
}

fn judge(statements: &[Statement], now: Option<Timestamp>) -> Reading {
    let mut remarks = BTreeSet::new();
    let mut denies = BTreeSet::new();
    let (mut effective, mut avoidable) = (false, false);
    for statement in statements {
        if !statement.allows && !statement.denies {
            remarks.insert("a statement neither allows nor denies".to_owned());
        }
        if !statement.denies {
            continue;
        }
        match statement.denial(now) {
            Denial::Effective => {
                effective = true;
                denies.extend(statement.named_actions());
            }
            Denial::Avoidable(reason) => {
                avoidable = true;
                remarks.insert(format!("a Deny can be got around: {reason}"));
            }
            Denial::Void(reason) => {
                remarks.insert(format!("a Deny denies nothing: {reason}"));
            }
        }
    }
    let all = |wanted: fn(&Statement) -> bool| {
        ACTIONS
            .iter()
            .all(|action| statements.iter().any(|statement| wanted(statement) && statement.is_about(action, now)))
    };
    let strength = if all(|statement| statement.denies) {
        Strength::DeniesEverything
    } else if effective {
        Strength::Denies
    } else if avoidable {
        Strength::Avoidable
    } else if all(|statement| statement.allows) {
        Strength::FullAccess
    } else if is_allow_list(statements, &mut remarks) {
        Strength::AllowList
    } else {
        Strength::DeniesNothing
    };
    Reading {
        strength,
        remarks: remarks.into_iter().take(QUOTED).collect(),
        denies: denies.into_iter().take(QUOTED).collect(),
    }
}

/// An allow list names what it allows. One that allows all but a few things, or everything under a condition, is none.
fn is_allow_list(statements: &[Statement], remarks: &mut BTreeSet<String>) -> bool {
    let mut allows = false;
    for statement in statements.iter().filter(|statement| statement.allows) {
        if statement.is_about_everything_at_times() {
            remarks.insert("an Allow is about everything, under a condition".to_owned());
            return false;
        }
        if statement.is_about_all_but_some() {
            remarks.insert("an Allow is about all but what it names".to_owned());
            return false;
        }
        allows |= statement.actions.is_some();
    }
    allows
}

/// Tells whether a policy of another type, such as a tag or backup policy, still sets anything. Those have no statements: what they set stands
/// under operators such as `@@assign`.
pub fn sets_something(text: &str) -> bool {
    let Some(document) = Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| Document::parse(text).ok())
    else {
        return false;
    };
    let mut open = vec![document.root()];
    while let Some(node) = open.pop() {
        for (key, value) in node.members() {
            let empty = value.is_null() || (matches!(value.kind(), Kind::Array | Kind::Object) && value.is_empty());
            if key.starts_with("@@") && !empty {
                return true;
            }
            open.push(value);
        }
        open.extend(node.elements());
    }
    false
}
