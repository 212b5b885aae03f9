//! What the rules of this pack share: who was behind a call, links into the console, and what every finding carries.
//!
//! A rule asks [`report::Report`] how the call ended and who made it, and gets from it a finding that already says both. Four customs hold for
//! the whole pack:
//!
//! * One event, one alarm. A call of AWS Organizations that was denied is reported by `org.unauthorized-attempt` alone, at a severity that
//!   fits the operation, so the rule about that operation begins with [`report::Report::unless_denied`]. A rule that has more to say about
//!   a denial than that one keeps it, and its operations stand in [`operations::DENIALS_JUDGED_BY_THEIR_RULE`].
//! * A finding has names beside ids where the operator's tables know them, so every rule lists `tables: (names::TABLES)`.
//! * What a caller chose (names, notes, session names) is for reading only: it goes through [`text::plain`] and decides nothing.
//! * What a rule trusts it trusts by the ARN of a role or user, or by the name of a service, in fields that AWS fills in.

pub mod actor;
pub mod arn;
pub mod console;
pub mod delegation;
pub mod ids;
pub mod invitation;
pub mod names;
pub mod operations;
pub mod policy;
pub mod report;
pub mod selectors;
pub mod services;
pub mod text;
