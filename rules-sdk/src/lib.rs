//! Write orgwatch detection rules.
//!
//! A rule is a type that implements [`Rule`], made into a program by [`rule!`]. `orgwatch-host build` compiles it to a WebAssembly
//! component; the host runs it in a sandbox on every CloudTrail record that it asks for. The same code runs natively under
//! `cargo test` by way of [`testing`].
//!
//! ```
//! use orgwatch_rules_sdk::prelude::*;
//!
//! rule! {
//!     /// Reports a CloudTrail trail that was stopped.
//!     TrailStopped,
//!     id: "demo.trail-stopped",
//!     title: "A CloudTrail trail was stopped",
//!     severity: High,
//!     matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"] }],
//! }
//!
//! struct TrailStopped {
//!     expected: BTreeSet<String>,
//! }
//!
//! #[derive(Default, Deserialize, JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! struct Settings {
//!     /// Names of trails that may be stopped.
//!     expected: BTreeSet<String>,
//! }
//!
//! impl Rule for TrailStopped {
//!     type Settings = Settings;
//!
//!     fn load(settings: Settings) -> Result<Self, Refusal> {
//!         Ok(Self { expected: settings.expected })
//!     }
//!
//!     fn evaluate(&self, event: &Event) -> Findings {
//!         let trail = event.string("/requestParameters/name").unwrap_or_default();
//!         if !event.succeeded() || self.expected.contains(&trail) {
//!             return Findings::none();
//!         }
//!         Finding::new(&trail).title(format!("Trail {trail} was stopped")).into()
//!     }
//! }
//!
//! # fn check() {
//! let record = r#"{"eventName": "StopLogging", "requestParameters": {"name": "main"}}"#;
//! let finding = testing::given::<TrailStopped>("{}").fires(record);
//! assert_eq!(finding.get_title(), Some("Trail main was stopped"));
//! # }
//! # check();
//! ```
//!
//! `docs/writing-rules.md` in the project's repository is the guide, from a first rule to tables, settings and rules that look back.

#![deny(missing_docs)]

pub mod event;
mod finding;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
pub mod json;
mod metadata;
pub mod metric_filter;
mod rule;
mod severity;
mod state;
mod table;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod value;

pub use event::Event;
pub use finding::{Finding, Findings};
pub use metadata::{Matches, Metadata, Status};
pub use rule::{Describe, NoSettings, Refusal, Rule, RuleSettings};
pub use severity::Severity;
pub use state::{Note, Noted, Notes, Tally};
pub use table::{Row, Table};
pub use value::Value;

#[doc(hidden)]
pub use rule::{RuleText, rule_id, rule_text};
#[doc(hidden)]
pub use {schemars, serde_json};

/// The version of the interface that this SDK builds rules for: the WIT package `orgwatch:rule` in `wit/v0.1`.
///
/// ```
/// assert_eq!(orgwatch_rules_sdk::INTERFACE, "orgwatch:rule@0.1.0");
/// ```
pub const INTERFACE: &str = "orgwatch:rule@0.1.0";

/// The name of the component's custom section that holds the rule's [`Metadata`] as JSON.
///
/// ```
/// assert_eq!(orgwatch_rules_sdk::METADATA_SECTION, "orgwatch:metadata");
/// ```
pub const METADATA_SECTION: &str = "orgwatch:metadata";

/// Everything that a rule needs, for one `use`.
///
/// ```
/// use orgwatch_rules_sdk::prelude::*;
///
/// fn names(event: &Event) -> BTreeSet<String> {
///     event.event_name().into_iter().collect()
/// }
/// assert!(names(&testing::event(r#"{"eventName": "StopLogging"}"#)).contains("StopLogging"));
/// ```
pub mod prelude {
    pub use std::collections::{BTreeMap, BTreeSet};
    pub use std::time::Duration;

    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};

    pub use crate::event::{self, AccountId, Automation, Event, IdentityKind, Outcome, Timestamp};
    #[cfg(not(target_family = "wasm"))]
    pub use crate::testing;
    pub use crate::{Finding, Findings, Matches, NoSettings, Note, Refusal, Rule, Severity, Value, rule};
}

/// The guide: `cargo test --doc` runs its code as it runs the examples here.
#[cfg(doctest)]
#[doc = include_str!("../../docs/writing-rules.md")]
struct Guide;
