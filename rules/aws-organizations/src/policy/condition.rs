//! Conditions: when a statement applies, and whether it ever does.

use orgwatch_rules_sdk::event::Timestamp;
use orgwatch_rules_sdk::json::{Kind, Node};

use super::wildcard::Pattern;

/// One test of a condition: an operator, a key, and the values that it is compared with.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// The operator in lower case, without `ForAnyValue:`, `ForAllValues:` and `IfExists`.
    operator: String,
    /// The key in lower case.
    key: String,
    values: Vec<Pattern>,
}

/// What a condition does to a statement that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The statement never applies.
    Never(String),
    /// Whether the statement applies is up to whoever makes the call.
    CallersChoice(String),
    /// The statement applies to every call.
    Always,
    /// The statement applies to some calls, and nothing is wrong with that.
    Sometimes,
}

/// Keys that every request has, so that a test for their absence fails and one for anything succeeds.
const ALWAYS_PRESENT: [&str; 7] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:securetransport",
    "aws:userid",
];

/// Keys whose value the caller writes into the request, or into the session that it makes the request in. Tags are not among them: to demand a
/// tag is a purpose of many policies.
const CALLERS_CHOICE: [&str; 3] = ["aws:referer", "aws:useragent", "sts:rolesessionname"];

/// Principals of every kind. A list of patterns that matches all of them exempts everybody.
const PRINCIPALS: [&str; 4] = [
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/Example",
    "arn:aws:iam::444455556666:role/Quux",
    "arn:aws:iam::777788889999:role/zone/Bar",
];

impl Condition {
    /// Reads the `Condition` element of a statement; nothing where it is not of the form that IAM takes.
    pub(super) fn read_all(node: Node<'_>) -> Option<Vec<Self>> {
        if node.kind() != Kind::Object || node.repeats_a_key() {
            return None;
        }
        let mut conditions = Vec::new();
        for (operator, keys) in node.members() {
            if keys.kind() != Kind::Object || keys.repeats_a_key() {
                return None;
            }
            for (key, values) in keys.members() {
                let values = texts(values)?.into_iter().map(Pattern::new).collect();
                conditions.push(Self { operator: plain_operator(&operator), key: key.to_lowercase(), values });
            }
        }
        Some(conditions)
    }

    /// Judges conditions that all have to be met, at the time of the event.
    pub(super) fn effect_of_all(conditions: &[Self], now: Option<Timestamp>) -> Effect {
        let effects: Vec<Effect> = conditions.iter().map(|condition| condition.effect(now)).collect();
        if let Some(never) = effects.iter().find(|effect| matches!(effect, Effect::Never(_))) {
            return never.clone();
        }
        if let Some(contradiction) = contradiction(conditions) {
            return Effect::Never(contradiction);
        }
        if let Some(choice) = effects.iter().find(|effect| matches!(effect, Effect::CallersChoice(_))) {
            return choice.clone();
        }
        if effects.iter().all(|effect| *effect == Effect::Always) { Effect::Always } else { Effect::Sometimes }
    }

    fn effect(&self, now: Option<Timestamp>) -> Effect {
        let Self { operator, key, .. } = self;
        let present = ALWAYS_PRESENT.contains(&key.as_str());
        match operator.as_str() {
            "null" if present => {
                let absent = self.values.iter().any(|value| value.text().eq_ignore_ascii_case("true"));
                if absent { Effect::Never(format!("every request has {key}")) } else { Effect::Always }
            }
            "stringnotlike" | "arnnotlike" | "arnnotequals" if self.values_match_everything() => {
                Effect::Never(format!("everybody is exempt by {key}"))
            }
            "stringlike" | "arnlike" | "arnequals" if present && self.values_match_everything() => Effect::Always,
            "stringequals" | "stringequalsignorecase" | "stringlike" | "arnlike" | "arnequals" | "bool"
                if self.values.is_empty() =>
            {
                Effect::Never(format!("nothing equals the empty list that {key} is compared with"))
            }
            "datelessthan" | "datelessthanequals" if key == "aws:currenttime" => self.until(now),
            "stringnotlike" | "arnnotlike" | "arnnotequals"
                if key == "aws:principalarn" && self.exempts_every_role() =>
            {
                Effect::CallersChoice("every role is exempt".to_owned())
            }
            _ if CALLERS_CHOICE.contains(&key.as_str()) || self.tests_the_name_of_a_session() => {
                Effect::CallersChoice(format!("the caller chooses {key}"))
            }
            _ => Effect::Sometimes,
        }
    }

    fn until(&self, now: Option<Timestamp>) -> Effect {
        let ends: Option<Vec<Timestamp>> = self.values.iter().map(|value| value.text().parse().ok()).collect();
        let over = ends.zip(now).is_some_and(|(ends, now)| ends.iter().all(|end| *end < now));
        if over { Effect::Never("its time is over".to_owned()) } else { Effect::Sometimes }
    }

    fn values_match_everything(&self) -> bool {
        let everything = |value: &Pattern| !value.text().is_empty() && value.text().bytes().all(|byte| byte == b'*');
        self.values.iter().any(everything)
            || (self.key == "aws:principalarn" && PRINCIPALS.iter().all(|principal| self.a_value_matches(principal)))
    }

    fn exempts_every_role(&self) -> bool {
        PRINCIPALS.iter().filter(|principal| principal.contains(":role/")).all(|role| self.a_value_matches(role))
    }

    fn a_value_matches(&self, text: &str) -> bool {
        self.values.iter().any(|value| value.matches(text))
    }

    /// `aws:userid` is the id of the role, which nobody chooses, and the name of the session, which the caller chooses.
    fn tests_the_name_of_a_session(&self) -> bool {
        let chosen =
            |value: &Pattern| value.text().split_once(':').is_some_and(|(id, name)| id.contains('*') && name != "*");
        self.key == "aws:userid" && self.values.iter().any(chosen)
    }
}

/// Finds a key that has to be one of some values and none of the same ones.
fn contradiction(conditions: &[Condition]) -> Option<String> {
    for required in conditions {
        let opposite = match required.operator.as_str() {
            "stringequals" => "stringnotequals",
            "stringlike" => "stringnotlike",
            "arnlike" | "arnequals" => "arnnotlike",
            _ => continue,
        };
        for forbidden in conditions {
            let operator = if forbidden.operator == "arnnotequals" { "arnnotlike" } else { &forbidden.operator };
            let opposed = operator == opposite && forbidden.key == required.key;
            if opposed
                && required.values.iter().all(|value| forbidden.values.iter().any(|other| other.text() == value.text()))
            {
                return Some(format!("{} has to be something that it must not be", required.key));
            }
        }
    }
    None
}

/// Drops what changes how many values are compared, and what happens where the key is missing.
fn plain_operator(operator: &str) -> String {
    let operator = operator.to_lowercase();
    let operator =
        operator.strip_prefix("foranyvalue:").or_else(|| operator.strip_prefix("forallvalues:")).unwrap_or(&operator);
    operator.strip_suffix("ifexists").unwrap_or(operator).to_owned()
}

/// Reads one text or a list of them; numbers and booleans count as what is written.
pub(super) fn texts(node: Node<'_>) -> Option<Vec<String>> {
    let text = |node: Node<'_>| match node.kind() {
        Kind::String => node.string().map(std::borrow::Cow::into_owned),
        Kind::Number | Kind::True | Kind::False => Some(node.raw_text().to_owned()),
        _ => None,
    };
    if node.kind() == Kind::Array { node.elements().map(text).collect() } else { text(node).map(|text| vec![text]) }
}
