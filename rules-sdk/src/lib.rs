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
//!     /// Somebody stopped a trail.
//!     TrailStopped,
//!     id: "demo.trail-stopped",
//!     title: "A CloudTrail trail was stopped",
//!     severity: High,
//!     matches: [{ "eventSource": ["cloudtrail.amazonaws.com"], "eventName": ["StopLogging"] }],
//! }
//!
//! struct TrailStopped;
//!
//! impl Rule for TrailStopped {
//!     type Settings = NoSettings;
//!
//!     fn load(_: NoSettings) -> Result<Self, Refusal> {
//!         Ok(Self)
//!     }
//!
//!     fn evaluate(&self, event: &Event) -> Findings {
//!         let trail = event.string("/requestParameters/name").unwrap_or_default();
//!         Finding::new(&trail).detail("trail", &trail).into()
//!     }
//! }
//! # fn check() {
//! let record = r#"{"eventName": "StopLogging", "requestParameters": {"name": "all-regions"}}"#;
//! let findings = testing::evaluate::<TrailStopped>("{}", record).unwrap();
//! assert_eq!(findings[0].key(), "all-regions");
//! # }
//! # check();
//! ```

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
pub const INTERFACE: &str = "orgwatch:rule@0.1.0";

/// The name of the component's custom section that holds the rule's [`Metadata`] as JSON.
pub const METADATA_SECTION: &str = "orgwatch:metadata";

/// Everything that a rule needs, for one `use`.
pub mod prelude {
    pub use std::collections::{BTreeMap, BTreeSet};

    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};

    pub use crate::event::{self, AccountId, Event, Outcome, Timestamp};
    #[cfg(not(target_family = "wasm"))]
    pub use crate::testing;
    pub use crate::{Finding, Findings, Matches, NoSettings, Note, Refusal, Rule, Severity, Value, rule};
}
