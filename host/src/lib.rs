//! The library under `orgwatch-host`.
//!
//! A *source* hands over a *batch* of CloudTrail records; each becomes an *event*; the *index* names the rules that care; the *sandbox*
//! runs each *rule* on the event; what comes back are *findings*, and *gaps* where a rule could not judge; each *sink* takes them.
//! `docs/architecture.md` walks along the data.

mod address;
pub mod aws;
pub mod catalogue;
mod causes;
pub mod check;
pub mod command;
pub mod config;
pub mod digest;
pub mod encoding;
pub mod escape;
pub mod event;
pub mod exit;
pub mod finding;
pub mod gap;
pub mod health;
pub mod index;
pub mod intake;
pub mod judge;
pub mod ledger;
mod ordered;
pub mod pack;
mod parallel;
pub mod plan;
pub mod redact;
pub mod replay;
mod retry_after;
pub mod route;
pub mod rule;
pub mod sandbox;
pub mod scaffold;
pub mod service;
pub mod sink;
pub mod source;
pub mod state;
pub mod table;
pub mod telemetry;
pub mod testing;
pub mod trust;
pub mod tuning;
