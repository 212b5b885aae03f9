//! What the record of a call about a policy says: which policy, of which type, on which target, with which text.

use std::collections::BTreeSet;

use orgwatch_rules_sdk::event::AccountId;
use orgwatch_rules_sdk::{Event, Value};
use serde::{Serialize, Serializer};

use crate::ids::PolicyId;
use crate::report::{Report, unreadable};
use crate::text::plain;
use crate::{console, names};

/// A call about a policy.
#[derive(Clone, Debug)]
pub struct PolicyCall {
    /// What the call does.
    pub operation: Operation,
    /// The policy's id.
    pub id: Option<String>,
    /// The policy's name, as far as the record has one: only calls that write a policy do. Its author chose it.
    pub name: Option<String>,
    /// The policy's type. Calls that attach, detach or delete a policy do not say it.
    pub kind: PolicyType,
    /// What it is attached to or detached from, or the root in which a type is switched.
    pub target: Option<Target>,
}

/// What a call does with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `AttachPolicy`
    Attach,
    /// `CreatePolicy`
    Create,
    /// `DeletePolicy`
    Delete,
    /// `DetachPolicy`
    Detach,
    /// `DisablePolicyType`
    DisableType,
    /// `EnablePolicyType`
    EnableType,
    /// `UpdatePolicy`
    Update,
}

/// The type of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyType {
    /// `SERVICE_CONTROL_POLICY`
    ServiceControl,
    /// `RESOURCE_CONTROL_POLICY`
    ResourceControl,
    /// Another type, in capitals: those for tags, backups and the like, which permit and forbid no call.
    Other(String),
    /// The record does not say.
    Unknown,
}

/// The root, an organizational unit or an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The root: all accounts of the organization.
    Root(String),
    /// An organizational unit.
    Unit(String),
    /// One account.
    Account(AccountId),
    /// What is none of these, as written.
    Unknown(String),
}

/// The text that a call gives to a policy.
#[derive(Clone, Debug)]
pub enum Content {
    /// The call gives no text: it renames the policy, or is about something else.
    Unchanged,
    /// The texts that request and response have, as a rule one and the same.
    Texts(Vec<String>),
    /// There has to be a text, and the record does not show it.
    Withheld,
}

/// Words that stand in a record for what was left out of it.
const OMISSIONS: [&str; 3] = ["omitted", "truncated", "hidden"];

impl PolicyCall {
    /// Reads a call about a policy; nothing for another event.
    pub fn of(event: &Event) -> Option<Self> {
        if event.event_source().as_deref() != Some(orgwatch_rules_sdk::event::organizations::EVENT_SOURCE) {
            return None;
        }
        let operation = match event.event_name()?.as_str() {
            "AttachPolicy" => Operation::Attach,
            "CreatePolicy" => Operation::Create,
            "DeletePolicy" => Operation::Delete,
            "DetachPolicy" => Operation::Detach,
            "DisablePolicyType" => Operation::DisableType,
            "EnablePolicyType" => Operation::EnableType,
            "UpdatePolicy" => Operation::Update,
            _ => return None,
        };
        let summary = |field: &str| event.response(&format!("/policy/policySummary/{field}")).into_string();
        let request = |field: &str| event.request(&format!("/{field}")).into_string();
        let id = request("policyId").or_else(|| summary("id"));
        let name = summary("name").or_else(|| request("name")).map(|name| plain(&name));
        let target = request("targetId").or_else(|| request("rootId")).map(|id| Target::of(&id));
        let kind = summary("type").or_else(|| request("type")).or_else(|| request("policyType"));
        let kind = kind.or_else(|| summary("arn").and_then(|arn| type_in_arn(&arn)));
        let kind = kind.map_or_else(|| PolicyType::of_managed(id.as_deref()), |kind| PolicyType::named(&kind));
        Some(Self { operation, id: id.map(|id| plain(&id)), name, kind, target })
    }

    /// Returns the policy for a title: `policy p-a1b2c3d4 (DenyLeaving)`.
    pub fn policy(&self) -> String {
        let kind = self.kind.noun();
        match (&self.id, &self.name) {
            (Some(id), Some(name)) => format!("{kind} {id} ({name})"),
            (Some(id), None) => format!("{kind} {id}"),
            (None, Some(name)) => format!("{kind} {name}"),
            (None, None) => format!("a {kind} that the record does not name"),
        }
    }

    /// Returns true where the policy is, or may be, one of a list: a record that does not name its policy may be about any.
    pub fn may_be_one_of(&self, list: &BTreeSet<PolicyId>) -> bool {
        self.id.as_deref().map_or(!list.is_empty(), |id| list.contains(id))
    }

    /// Returns true where the policy is one of a list for certain.
    pub fn is_one_of(&self, list: &BTreeSet<PolicyId>) -> bool {
        self.id.as_deref().is_some_and(|id| list.contains(id))
    }

    /// Returns the target for a title: `account 444455556666 (payments)`.
    pub fn place(&self, event: &Event) -> String {
        match &self.target {
            Some(Target::Root(id)) => format!("the root {id}, above all accounts"),
            Some(Target::Unit(id)) => format!("organizational unit {id}"),
            Some(Target::Account(account)) => names::account(event, Some(*account)),
            Some(Target::Unknown(id)) => id.clone(),
            None => "a target that the record does not name".to_owned(),
        }
    }

    /// Adds links to the policy and its target, and what the operator's table knows of a target that is an account.
    #[must_use]
    pub fn shown<'e>(&self, event: &Event, report: Report<'e>) -> Report<'e> {
        let policy = self.id.as_deref().and_then(|id| console::policy(event, id, self.kind.name()));
        let report = report.link("policy", policy);
        match &self.target {
            Some(Target::Root(id) | Target::Unit(id)) => report.link("target", console::organizational_unit(event, id)),
            Some(Target::Account(account)) => report.account(Some(*account)),
            Some(Target::Unknown(_)) | None => report,
        }
    }

    /// Returns the key for findings about the policy: its id.
    pub fn key(&self, event: &Event) -> String {
        self.id.clone().unwrap_or_else(|| unreadable(event))
    }

    /// Returns the text that the call gives to the policy.
    ///
    /// CloudTrail leaves out a request of more than 100 KB. An attacker can make it that long, so a text that has to be there and is not
    /// is [`Content::Withheld`].
    pub fn content(&self, event: &Event) -> Content {
        if !matches!(self.operation, Operation::Create | Operation::Update) {
            return Content::Unchanged;
        }
        let given = event.request("/content");
        let mut texts: Vec<String> = Vec::new();
        for (path, value) in [
            ("/responseElements/policy/content", event.response("/policy/content")),
            ("/requestParameters/content", given.clone()),
        ] {
            let text = match value {
                Value::String(text) if text.trim_start().starts_with('{') => Some(text),
                // Some pipelines hand the text on as the JSON that it is.
                Value::Object(_) => event.json(path),
                _ => None,
            };
            texts.extend(text.filter(|text| !texts.contains(text)));
        }
        if self.operation == Operation::Update && given == Value::Absent && renames(event) {
            return Content::Unchanged;
        }
        if texts.is_empty() { Content::Withheld } else { Content::Texts(texts) }
    }
}

/// Tells an update that gives a new name or description and no text from one whose request was left out.
fn renames(event: &Event) -> bool {
    let Value::Object(keys) = event.request("") else {
        return false;
    };
    let says = |name: &str| keys.iter().any(|key| key == name);
    let omits = keys.iter().any(|key| OMISSIONS.iter().any(|word| key.to_lowercase().contains(word)));
    says("policyId") && (says("name") || says("description")) && !omits
}

impl PolicyType {
    /// Takes a type as the API writes it, in any letter case.
    pub fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "SERVICE_CONTROL_POLICY" => Self::ServiceControl,
            "RESOURCE_CONTROL_POLICY" => Self::ResourceControl,
            other => Self::Other(plain(other)),
        }
    }

    /// Of the policies that AWS manages, the id tells the type.
    fn of_managed(id: Option<&str>) -> Self {
        match id {
            Some(FULL_ACCESS) => Self::ServiceControl,
            Some("p-RCPFullAWSAccess") => Self::ResourceControl,
            _ => Self::Unknown,
        }
    }

    /// Returns true unless the type is known to permit and forbid nothing: what is not known is taken for a guardrail.
    pub fn may_be_guardrail(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Returns the type as the API writes it.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::ServiceControl => Some("SERVICE_CONTROL_POLICY"),
            Self::ResourceControl => Some("RESOURCE_CONTROL_POLICY"),
            Self::Other(name) => Some(name),
            Self::Unknown => None,
        }
    }

    /// Returns what to call a policy of this type in a sentence.
    pub fn noun(&self) -> String {
        match self {
            Self::ServiceControl => "service control policy".to_owned(),
            Self::ResourceControl => "resource control policy".to_owned(),
            Self::Other(name) => name.to_ascii_lowercase().replace('_', " "),
            Self::Unknown => "policy".to_owned(),
        }
    }
}

impl Serialize for PolicyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name().serialize(serializer)
    }
}

/// The id of the policy that allows everything, which AWS attaches to everything when service control policies are enabled.
pub const FULL_ACCESS: &str = "p-FullAWSAccess";

/// `arn:aws:organizations::111122223333:policy/o-exampleorg1/service_control_policy/p-a1b2c3d4`
fn type_in_arn(arn: &str) -> Option<String> {
    let (_, path) = arn.split_once(":policy/")?;
    path.split('/').find(|part| part.ends_with("_policy")).map(str::to_owned)
}

impl Target {
    /// Tells by the form of the id what it names.
    pub fn of(id: &str) -> Self {
        if let Ok(account) = id.parse() {
            return Self::Account(account);
        }
        if id.starts_with("r-") {
            return Self::Root(plain(id));
        }
        if id.starts_with("ou-") { Self::Unit(plain(id)) } else { Self::Unknown(plain(id)) }
    }

    /// Returns the id.
    pub fn id(&self) -> String {
        match self {
            Self::Root(id) | Self::Unit(id) | Self::Unknown(id) => id.clone(),
            Self::Account(account) => account.to_string(),
        }
    }
}
