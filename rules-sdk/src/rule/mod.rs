//! The rule itself: the trait that an author implements and the macro that makes a component of it.

mod declare;
mod faults;

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use faults::{RuleText, rule_id, rule_text};

use crate::{Event, Findings, Matches, Metadata, Note};

/// A detection rule.
///
/// [`load`](Self::load) runs once; the host keeps an image of the memory afterwards, and every [`evaluate`](Self::evaluate) starts from
/// that image. Nothing that an evaluation changes can be seen by the next.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no rule yet: it has no `impl Rule for {Self}`",
    label = "has no `impl Rule for {Self}`",
    note = "write `impl Rule for {Self}` with `type Settings`, `load` and `evaluate`; a rule without settings has `NoSettings`"
)]
pub trait Rule: Sized + Send + Sync + 'static {
    /// The rule's settings. Give every field a default (`#[serde(default, deny_unknown_fields)]` on the struct), so that the rule runs
    /// without any, and document each: the comments become the schema that users see.
    type Settings: RuleSettings;

    /// Takes the settings and prepares what every evaluation needs. Called once. Takes no look at events: there is none yet.
    ///
    /// # Errors
    ///
    /// Refuses settings that make no sense, with a message for the person who wrote them.
    fn load(settings: Self::Settings) -> Result<Self, Refusal>;

    /// Says which records the rule asks for with these settings; by default those of [`rule!`](crate::rule!)'s `matches`. Called once, after `load`.
    fn matches(&self) -> Option<Matches> {
        None
    }

    /// Judges one record. Called for each record that matches, in a fresh copy of the loaded rule.
    fn evaluate(&self, event: &Event) -> Findings;

    /// Says how far back [`Event::notes`] looks at most with these settings, in whole seconds; zero where it does not. Only a rule with a
    /// `state_version` is asked. Called once, after `load`.
    fn keep(&self) -> Duration {
        Duration::ZERO
    }

    /// Says what to note of a record, for evaluations of this and of later records to look back at. Only a rule with a `state_version` is asked.
    /// It sees the record and nothing else: what is noted depends on the record alone, so that what is found does not depend on the order in which
    /// records arrive.
    fn note(&self, event: &Event) -> Vec<Note> {
        let _ = event;
        Vec::new()
    }
}

/// What can be a rule's settings: every type that serde reads and that has a JSON Schema. Nobody implements it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the settings of a rule: it lacks `Deserialize` or `JsonSchema`",
    label = "lacks `Deserialize` or `JsonSchema`",
    note = "derive both: `#[derive(Default, Deserialize, JsonSchema)]` and `#[serde(default, deny_unknown_fields)]` above `{Self}`; a rule \
            without settings has `type Settings = NoSettings`"
)]
pub trait RuleSettings: Sized {
    /// Reads settings from JSON text.
    #[doc(hidden)]
    fn from_text(text: &str) -> serde_json::Result<Self>;

    /// Reads settings from a tree.
    #[doc(hidden)]
    fn from_tree(tree: serde_json::Value) -> serde_json::Result<Self>;

    /// Returns the JSON Schema.
    #[doc(hidden)]
    fn schema() -> serde_json::Value;
}

// Were these bounds the trait's own, the compiler would complain of each of them in the words of serde and schemars.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> RuleSettings for T {
    fn from_text(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    fn from_tree(tree: serde_json::Value) -> serde_json::Result<Self> {
        serde_json::from_value(tree)
    }

    fn schema() -> serde_json::Value {
        schemars::schema_for!(T).into()
    }
}

/// A rule's metadata; implemented by [`rule!`](crate::rule!).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no metadata: there is no `rule! {{ … }}` about it",
    note = "write `rule!` with a doc comment, the name `{Self}`, and its fields"
)]
pub trait Describe: Rule {
    /// Returns what stands in [`rule!`](crate::rule!).
    #[doc(hidden)]
    fn declared() -> Metadata;

    /// Returns the rule's metadata.
    fn metadata() -> Metadata {
        Metadata { settings: Self::Settings::schema(), ..Self::declared() }
    }
}

/// Why a rule does not take its settings: one sentence for the person who wrote them, such as `"expected" lists no account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// Makes a refusal from a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self(message.to_owned())
    }
}

/// The settings of a rule that has none.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// Parses settings and loads a rule: what the component's `load` export does, and the test harness too.
pub(crate) fn load<R: Describe>(settings: &str) -> Result<(R, Matches), Refusal> {
    let settings = R::Settings::from_text(settings).map_err(|error| refusal_of::<R>(settings, &error))?;
    let rule = R::load(settings)?;
    let matches = rule.matches().unwrap_or_else(|| R::metadata().matches);
    Ok((rule, matches))
}

/// Says what is wrong with settings. Read as a tree, they have no lines and columns, which would be those of a text that nobody wrote.
fn refusal_of<R: Rule>(settings: &str, error: &serde_json::Error) -> Refusal {
    let tree = serde_json::from_str::<serde_json::Value>(settings);
    let refused = tree.ok().and_then(|tree| R::Settings::from_tree(tree).err());
    Refusal(refused.map_or_else(|| error.to_string(), |error| error.to_string()))
}
