//! One statement of a policy: what it is about, and whether it does anything.

use orgwatch_rules_sdk::event::Timestamp;
use orgwatch_rules_sdk::json::{Kind, Node};

use super::condition::{Condition, Effect, texts};
use super::wildcard::Pattern;
use crate::text::plain;

/// Actions of many services, one for each first letter that a service has. A list that matches all of them is no list of services: it
/// stands for everything, however it is written.
pub(super) const ACTIONS: [&str; 22] = [
    "access-analyzer:deleteanalyzer",
    "bedrock:invokemodel",
    "cloudtrail:stoplogging",
    "dynamodb:deletetable",
    "ec2:runinstances",
    "firehose:putrecord",
    "guardduty:deletedetector",
    "health:describeevents",
    "iam:createuser",
    "kms:schedulekeydeletion",
    "lambda:updatefunctioncode",
    "macie2:disablemacie",
    "network-firewall:deletefirewall",
    "organizations:leaveorganization",
    "polly:synthesizespeech",
    "qbusiness:createapplication",
    "rds:deletedbinstance",
    "s3:putbucketpolicy",
    "tag:tagresources",
    "vpc-lattice:createservice",
    "wafv2:deletewebacl",
    "xray:puttracesegments",
];

/// More characters than the name of any action has; the longest so far has about 80.
const LONGEST_ACTION: usize = 128;

/// Resources of different forms. Patterns that match all of them stand for every resource.
const RESOURCES: [&str; 5] = [
    "arn:aws:s3:::quux",
    "arn:aws:s3:::quux/key",
    "arn:aws:iam::111122223333:role/zone/Bar",
    "arn:aws:ec2:eu-west-1:444455556666:instance/i-0123456789abcdef0",
    "arn:aws:cloudtrail:us-east-1:111122223333:trail/Trail",
];

/// What a statement names: some things, or all but some.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    Only(Vec<Pattern>),
    AllBut(Vec<Pattern>),
}

impl Scope {
    fn contains(&self, thing: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(thing));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }

    fn contains_all(&self, things: &[&str]) -> bool {
        things.iter().all(|thing| self.contains(thing))
    }

    /// Returns true for a scope that leaves nothing over.
    fn is_empty(&self, things: &[&str]) -> bool {
        match self {
            Self::Only(patterns) => patterns.is_empty(),
            Self::AllBut(_) => !things.iter().any(|thing| self.contains(thing)),
        }
    }
}

/// One statement of a policy.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) allows: bool,
    pub(super) denies: bool,
    /// In lower case, as IAM compares them.
    pub(super) actions: Option<Scope>,
    resources: Option<Scope>,
    conditions: Option<Vec<Condition>>,
}

/// What a statement that denies comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// It denies what it says, to whom it says.
    Effective,
    /// It denies nothing, for this reason.
    Void(String),
    /// Whoever is denied can step out of its way, for this reason.
    Avoidable(String),
}

impl Statement {
    /// Reads a statement.
    ///
    /// The names of elements are read in any letter case, because what is hidden that way must not stay hidden; only `Deny` counts as a denial
    /// in no other case than this, so that a text which AWS reads otherwise is never taken for protection.
    pub(super) fn read(node: Node<'_>) -> Self {
        let effect = element(node, "Effect").and_then(Node::string).unwrap_or_default();
        let conditions = match element(node, "Condition") {
            Some(node) => Condition::read_all(node),
            None => Some(Vec::new()),
        };
        Self {
            allows: effect.trim().eq_ignore_ascii_case("Allow"),
            denies: effect == "Deny",
            actions: scope(node, "Action", "NotAction", |action| action.to_lowercase()),
            resources: scope(node, "Resource", "NotResource", |resource| resource),
            conditions,
        }
    }

    /// Returns the actions that the statement names, or those that it leaves out, for a person to read.
    pub(super) fn named_actions(&self) -> Vec<String> {
        match &self.actions {
            Some(Scope::Only(patterns)) => patterns.iter().map(|pattern| plain(pattern.text())).collect(),
            Some(Scope::AllBut(patterns)) => {
                let names: Vec<&str> = patterns.iter().map(Pattern::text).collect();
                vec![plain(&format!("all but {}", names.join(", ")))]
            }
            None => Vec::new(),
        }
    }

    /// Returns true where the statement is about an action on all resources, whoever calls.
    pub(super) fn is_about(&self, action: &str, now: Option<Timestamp>) -> bool {
        let action = self.actions.as_ref().is_some_and(|actions| actions.contains(action));
        action && self.resources_are_all() && self.effect_of_conditions(now) == Effect::Always
    }

    /// Returns true where the statement would be about all actions but for its conditions.
    pub(super) fn is_about_everything_at_times(&self) -> bool {
        let actions = self.actions.as_ref().is_some_and(|actions| actions.contains_all(&ACTIONS));
        actions && self.resources_are_all()
    }

    /// Returns true where the statement names what it is not about, and so is about nearly everything.
    pub(super) fn is_about_all_but_some(&self) -> bool {
        matches!(self.actions, Some(Scope::AllBut(_))) || matches!(self.resources, Some(Scope::AllBut(_)))
    }

    /// Judges a statement that denies.
    pub(super) fn denial(&self, now: Option<Timestamp>) -> Denial {
        let void = |reason: &str| Denial::Void(reason.to_owned());
        match &self.actions {
            None => return void("it names no action"),
            Some(actions) if actions.is_empty(&ACTIONS) => return void("no action is left over for it"),
            Some(Scope::Only(patterns)) if !patterns.iter().any(is_action) => {
                return void("no action is called what it names");
            }
            Some(_) => {}
        }
        match &self.resources {
            None => return void("it names no resource"),
            Some(resources) if resources.is_empty(&RESOURCES) => return void("no resource is left over for it"),
            Some(_) => {}
        }
        match self.effect_of_conditions(now) {
            Effect::Never(reason) => Denial::Void(reason),
            Effect::CallersChoice(reason) => Denial::Avoidable(reason),
            Effect::Always | Effect::Sometimes => Denial::Effective,
        }
    }

    fn resources_are_all(&self) -> bool {
        self.resources.as_ref().is_some_and(|resources| resources.contains_all(&RESOURCES))
    }

    /// A condition that cannot be read decides nothing for an `Allow`; for a `Deny` it may be the way out.
    fn effect_of_conditions(&self, now: Option<Timestamp>) -> Effect {
        match &self.conditions {
            None if self.denies => Effect::Never("its condition cannot be read".to_owned()),
            None => Effect::Sometimes,
            Some(conditions) => Condition::effect_of_all(conditions, now),
        }
    }
}

/// Tells what can be the name of an action, wildcards and all. A letter of another alphabet that looks like `c` is none, nor is what is longer than
/// any name that AWS has given.
fn is_action(pattern: &Pattern) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*' | b'?');
    let named = match pattern.text().split_once(':') {
        Some((service, name)) => {
            !service.is_empty() && !name.is_empty() && service.bytes().all(known) && name.bytes().all(known)
        }
        None => pattern.text().contains('*') && pattern.text().bytes().all(known),
    };
    named && pattern.needed() <= LONGEST_ACTION
}

/// Reads an element that has a negative twin. Where both stand there, which AWS refuses, neither is relied upon.
fn scope(statement: Node<'_>, name: &str, negative: &str, normal: fn(String) -> String) -> Option<Scope> {
    let read = |node: Node<'_>| -> Option<Vec<Pattern>> {
        let patterns = texts(node)?.into_iter().map(|text| Pattern::new(normal(text)));
        Some(patterns.collect())
    };
    match (element(statement, name), element(statement, negative)) {
        (Some(node), None) => read(node).map(Scope::Only),
        (None, Some(node)) => read(node).map(Scope::AllBut),
        _ => None,
    }
}

/// Finds an element by its name, in any letter case; the exact one first.
pub(super) fn element<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    if node.kind() != Kind::Object {
        return None;
    }
    let other = || node.members().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    node.get(name).or_else(other)
}
