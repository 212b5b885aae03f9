//! Testing rules: the cases that lie beside a rule, judged by the engine that judges everything else.
//!
//! A [`Suite`] is a built rule with its [`Case`]s: events, settings, tables, and what should be found. [`Trial`] runs records through rules as
//! a replay does and keeps what the rules looked at, so that what follows from a test can go further than passed or failed: [`Coverage`]
//! tells what the cases never showed the rule, [`Mutations`] which changes of an event no case notices, [`attack()`] with which change the caller of an API
//! silences the rule. [`explain()`] tells why a rule found what it found.

mod attack;
mod case;
mod change;
mod coverage;
mod dead_field;
mod expected;
mod explanation;
mod fuzz;
mod mutation;
mod story;
mod suite;
mod trial;
mod values;

pub use attack::{Chosen, Silenced, attack};
pub use case::{Case, CaseError, Room};
pub use change::{ChangeError, remove, set};
pub use coverage::{Alternative, Coverage, Field};
pub use dead_field::{DeadField, asked_events, dead_fields};
pub use expected::{Difference, Expected, ExpectedFinding};
pub use explanation::{AskedBy, Explained, Explanation, explain};
pub use fuzz::{Failure as FuzzFailure, Fuzzed, fuzz};
pub(crate) use mutation::read_most;
pub use mutation::{Effect, Mutations, Unnoticed};
pub use story::Story;
pub use suite::{Outcome, Suite, SuiteError, Verdict, Workbench};
pub use trial::{Found, Trial};
