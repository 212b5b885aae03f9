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
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// struct TrailStopped;
///
/// impl Rule for TrailStopped {
///     type Settings = NoSettings;
///
///     fn load(_: NoSettings) -> Result<Self, Refusal> {
///         Ok(Self)
///     }
///
///     fn evaluate(&self, event: &Event) -> Findings {
///         let trail = event.string("/requestParameters/name").unwrap_or_default();
///         event.succeeded().then(|| Finding::new(trail)).into()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no rule yet: it has no `impl Rule for {Self}`",
    label = "has no `impl Rule for {Self}`",
    note = "write `impl Rule for {Self}` with `type Settings`, `load` and `evaluate`; a rule without settings has `NoSettings`"
)]
pub trait Rule: Sized + Send + Sync + 'static {
    /// The rule's settings. Give every field a default (`#[serde(default, deny_unknown_fields)]` on the struct), so that the rule runs
    /// without any, and document each: the comments become the schema that users see.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// #[derive(Default, Deserialize, JsonSchema)]
    /// #[serde(default, deny_unknown_fields)]
    /// struct Settings {
    ///     /// Names of trails that may be stopped.
    ///     expected: BTreeSet<String>,
    /// }
    /// let settings: Settings = serde_json::from_str("{}").unwrap();
    /// assert!(settings.expected.is_empty());
    /// ```
    type Settings: RuleSettings;

    /// Takes the settings and prepares what every evaluation needs. Called once. Takes no look at events: there is none yet.
    ///
    /// # Errors
    ///
    /// Refuses settings that make no sense, with a message for the person who wrote them.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # struct Burst { calls: u64 }
    /// # #[derive(Default, Deserialize, JsonSchema)]
    /// # struct Settings { calls: u64 }
    /// # impl Rule for Burst {
    /// #     type Settings = Settings;
    /// fn load(settings: Settings) -> Result<Self, Refusal> {
    ///     if settings.calls < 2 {
    ///         return Err("`calls` is less than 2: one call is no burst".into());
    ///     }
    ///     Ok(Self { calls: settings.calls })
    /// }
    /// #     fn evaluate(&self, _: &Event) -> Findings { Findings::none() }
    /// # }
    /// # assert!(Burst::load(Settings { calls: 1 }).is_err());
    /// ```
    fn load(settings: Self::Settings) -> Result<Self, Refusal>;

    /// Says which records the rule asks for with these settings; by default those of [`rule!`](crate::rule!)'s `matches`. Called once, after `load`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # struct Calls { names: Vec<String> }
    /// # impl Rule for Calls {
    /// #     type Settings = NoSettings;
    /// #     fn load(_: NoSettings) -> Result<Self, Refusal> { Ok(Self { names: Vec::new() }) }
    /// fn matches(&self) -> Option<Matches> {
    ///     Some(Matches::Patterns(vec![serde_json::json!({ "eventName": self.names })]))
    /// }
    /// #     fn evaluate(&self, _: &Event) -> Findings { Findings::none() }
    /// # }
    /// # assert_eq!(Calls { names: Vec::new() }.matches().unwrap().to_wire(), [r#"{"eventName":[]}"#]);
    /// ```
    fn matches(&self) -> Option<Matches> {
        None
    }

    /// Judges one record. Called for each record that matches, in a fresh copy of the loaded rule.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # struct TrailStopped;
    /// # impl Rule for TrailStopped {
    /// #     type Settings = NoSettings;
    /// #     fn load(_: NoSettings) -> Result<Self, Refusal> { Ok(Self) }
    /// fn evaluate(&self, event: &Event) -> Findings {
    ///     if !event.succeeded() {
    ///         return Findings::none();
    ///     }
    ///     let trail = event.string("/requestParameters/name").unwrap_or_default();
    ///     Finding::new(&trail).title(format!("Trail {trail} was stopped")).into()
    /// }
    /// # }
    /// # assert_ne!(TrailStopped.evaluate(&testing::event("{}")), Findings::none());
    /// ```
    fn evaluate(&self, event: &Event) -> Findings;

    /// Says how far back [`Event::notes`] looks at most with these settings, in whole seconds; zero where it does not. Only a rule with a
    /// `state_version` is asked. Called once, after `load`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # struct Burst;
    /// # impl Rule for Burst {
    /// #     type Settings = NoSettings;
    /// #     fn load(_: NoSettings) -> Result<Self, Refusal> { Ok(Self) }
    /// fn keep(&self) -> Duration {
    ///     Duration::from_mins(10)
    /// }
    /// #     fn evaluate(&self, _: &Event) -> Findings { Findings::none() }
    /// # }
    /// # assert_eq!(Burst.keep().as_secs(), 600);
    /// ```
    fn keep(&self) -> Duration {
        Duration::ZERO
    }

    /// Says what to note of a record, for evaluations of this and of later records to look back at. Only a rule with a `state_version` is asked.
    /// It sees the record and nothing else: what is noted depends on the record alone, so that what is found does not depend on the order in which
    /// records arrive.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # struct Burst;
    /// # impl Rule for Burst {
    /// #     type Settings = NoSettings;
    /// #     fn load(_: NoSettings) -> Result<Self, Refusal> { Ok(Self) }
    /// fn note(&self, event: &Event) -> Vec<Note> {
    ///     let actor = event.actor().filter(|_| event.outcome().is_denied());
    ///     actor.map(|actor| Note::new("denied", actor)).into_iter().collect()
    /// }
    /// #     fn evaluate(&self, _: &Event) -> Findings { Findings::none() }
    /// # }
    /// # assert!(Burst.note(&testing::event("{}")).is_empty());
    /// ```
    fn note(&self, event: &Event) -> Vec<Note> {
        let _ = event;
        Vec::new()
    }
}

/// What can be a rule's settings: every type that serde reads and that has a JSON Schema. Nobody implements it by hand.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// #[derive(Default, Deserialize, JsonSchema)]
/// #[serde(default, deny_unknown_fields)]
/// struct Settings {
///     /// Accounts that may join.
///     expected: BTreeSet<AccountId>,
/// }
///
/// fn can_be_settings<T: orgwatch_rules_sdk::RuleSettings>() {}
/// can_be_settings::<Settings>();
/// ```
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
///
/// ```
/// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
/// # use trail_stopped::TrailStopped;
/// use orgwatch_rules_sdk::Describe;
///
/// assert_eq!(TrailStopped::metadata().id, "demo.trail-stopped");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no metadata: there is no `rule! {{ … }}` about it",
    note = "write `rule!` with a doc comment, the name `{Self}`, and its fields"
)]
pub trait Describe: Rule {
    /// Returns what stands in [`rule!`](crate::rule!).
    #[doc(hidden)]
    fn declared() -> Metadata;

    /// Returns the rule's metadata.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// # mod trail_stopped { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/trail_stopped.rs.in")); }
    /// # use trail_stopped::TrailStopped;
    /// use orgwatch_rules_sdk::Describe;
    ///
    /// assert_eq!(TrailStopped::metadata().severity, Severity::High);
    /// ```
    fn metadata() -> Metadata {
        Metadata { settings: Self::Settings::schema(), ..Self::declared() }
    }
}

/// Why a rule does not take its settings: one sentence for the person who wrote them, such as `"expected" lists no account`.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let refusal: Refusal = "`expected` lists no account".into();
/// assert_eq!(refusal.to_string(), "`expected` lists no account");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// Makes a refusal from a message.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let least = 2;
    /// assert_eq!(Refusal::new(format!("`calls` is less than {least}")).to_string(), "`calls` is less than 2");
    /// ```
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
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// assert!(serde_json::from_str::<NoSettings>("{}").is_ok());
/// assert!(serde_json::from_str::<NoSettings>(r#"{"expected": []}"#).is_err());
/// ```
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
