//! The rule itself: the trait that an author implements and the macro that makes a component of it.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Event, Findings, Matches, Metadata, Note};

/// A detection rule.
///
/// [`load`](Self::load) runs once; the host keeps an image of the memory afterwards, and every [`evaluate`](Self::evaluate) starts from
/// that image. Nothing that an evaluation changes can be seen by the next.
pub trait Rule: Sized + Send + Sync + 'static {
    /// The rule's settings. Give every field a default (`#[serde(default, deny_unknown_fields)]` on the struct), so that the rule runs
    /// without any, and document each: the comments become the schema that users see.
    type Settings: DeserializeOwned + JsonSchema;

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

/// A rule's metadata; implemented by [`rule!`](crate::rule!).
pub trait Describe: Rule {
    /// Returns the rule's metadata.
    fn metadata() -> Metadata;
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
    let settings: R::Settings = serde_json::from_str(settings).map_err(|error| refusal_of::<R>(settings, &error))?;
    let rule = R::load(settings)?;
    let matches = rule.matches().unwrap_or_else(|| R::metadata().matches);
    Ok((rule, matches))
}

/// Says what is wrong with settings. Read as a tree, they have no lines and columns, which would be those of a text that nobody wrote.
fn refusal_of<R: Rule>(settings: &str, error: &serde_json::Error) -> Refusal {
    let tree = serde_json::from_str::<serde_json::Value>(settings);
    let refused = tree.ok().and_then(|tree| serde_json::from_value::<R::Settings>(tree).err());
    Refusal(refused.map_or_else(|| error.to_string(), |error| error.to_string()))
}

/// Makes a rule of a type that implements [`Rule`]: its metadata, and its exports when it is compiled to WebAssembly.
///
/// The doc comment is the rule's description; it should say, under these headings, *What it does*, *Why it matters*, *What it misses* and
/// *What to do*. Then comes the type, then the fields, in any order:
///
/// | field | value | |
/// | --- | --- | --- |
/// | `id` | `"org.account-departed"` | required |
/// | `title` | `"An account left the organization"` | required |
/// | `severity` | `Informational`, `Low`, `Medium`, `High`, `Critical` | required |
/// | `matches` | a list of EventBridge event patterns over the CloudTrail record, or `everything` | required |
/// | `version` | `"1.0.0"` | the crate's version |
/// | `status` | `Experimental`, `Test`, `Stable`, `Deprecated`, `Unsupported` | `Experimental` |
/// | `attack` | `["T1531"]`: MITRE ATT&CK techniques | |
/// | `references` | `["CIS AWS Foundations 3.0.0 §4.15"]`: controls and addresses | |
/// | `false_positives` | `["…"]` | |
/// | `runbook` | `"https://…"` | |
/// | `generic` | `true` for a rule that is nothing without settings | `false` |
/// | `tables` | `["accounts"]`: the operator's lookup tables that the rule reads | |
/// | `state_version` | `1` for a rule that looks back at earlier events, another number when what it notes has changed | |
///
/// The macro defines `main`, so a rule is a file of its own in `src/bin/`.
#[macro_export]
macro_rules! rule {
    (
        $(#[doc = $doc:expr])*
        $rule:ident,
        $($field:ident : $value:tt),+ $(,)?
    ) => {
        impl $crate::Describe for $rule {
            fn metadata() -> $crate::Metadata {
                let schema = $crate::schemars::schema_for!(<$rule as $crate::Rule>::Settings);
                let mut metadata = $crate::Metadata::new(
                    concat!($($doc, "\n"),*),
                    env!("CARGO_PKG_VERSION"),
                    $crate::serde_json::Value::from(schema),
                );
                $($crate::rule!(@field metadata, $field, $value);)+
                metadata
            }
        }

        #[cfg(not(target_family = "wasm"))]
        fn main() {
            $crate::testing::explain_that_this_is_a_rule::<$rule>();
        }

        #[cfg(target_family = "wasm")]
        fn main() {}

        #[cfg(target_family = "wasm")]
        $crate::export_rule!($rule);

        #[cfg(target_family = "wasm")]
        $crate::rule!(@looks_back $rule, $($field)+);
    };
    (@looks_back $rule:ident, state_version $($rest:ident)*) => { $crate::export_memory!($rule); };
    (@looks_back $rule:ident, $field:ident $($rest:ident)*) => { $crate::rule!(@looks_back $rule, $($rest)*); };
    (@looks_back $rule:ident,) => {};
    (@field $metadata:ident, id, $value:literal) => { $metadata.id = $value.into(); };
    (@field $metadata:ident, version, $value:literal) => { $metadata.version = $value.into(); };
    (@field $metadata:ident, title, $value:literal) => { $metadata.title = $value.into(); };
    (@field $metadata:ident, severity, $value:ident) => { $metadata.severity = $crate::Severity::$value; };
    (@field $metadata:ident, status, $value:ident) => { $metadata.status = $crate::Status::$value; };
    (@field $metadata:ident, matches, everything) => { $metadata.matches = $crate::Matches::Everything; };
    (@field $metadata:ident, matches, [$($pattern:tt),* $(,)?]) => {
        $metadata.matches = $crate::Matches::Patterns(vec![$($crate::serde_json::json!($pattern)),*]);
    };
    (@field $metadata:ident, generic, $value:literal) => { $metadata.generic = $value; };
    (@field $metadata:ident, attack, $value:tt) => { $metadata.attack = $value.map(String::from).to_vec(); };
    (@field $metadata:ident, references, $value:tt) => { $metadata.references = $value.map(String::from).to_vec(); };
    (@field $metadata:ident, false_positives, $value:tt) => { $metadata.false_positives = $value.map(String::from).to_vec(); };
    (@field $metadata:ident, tables, $value:tt) => { $metadata.tables = $value.map(String::from).to_vec(); };
    (@field $metadata:ident, state_version, $value:literal) => { $metadata.state_version = Some($value); };
    (@field $metadata:ident, runbook, $value:literal) => { $metadata.runbook = Some($value.into()); };
    (@field $metadata:ident, $other:ident, $value:tt) => {
        compile_error!(concat!(
            "rule!: the field `", stringify!($other), "` is unknown or its value is of the wrong kind; the fields are id, title, severity, ",
            "matches, version, status, attack, references, false_positives, runbook, generic, tables and state_version"
        ));
    };
}
