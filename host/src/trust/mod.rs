//! Trust: whose packs may run here, and what their rules may do.
//!
//! `[trust]` in the configuration is the operator's word. A [`Policy`] made of it judges each pack before anything of it is compiled: who signed
//! it, whether it goes back to a lower version, and whether what its rules ask for stays within what its publisher may do. What cannot be
//! decided then goes with the rules as a [`Grant`], and is enforced where it applies: the severity of a finding where it is made, fuel in the
//! sandbox, sinks where findings are routed.
//!
//! A publisher is held to its bounds even when its key is stolen. What is the operator's own, such as the severity of `[rule."ID"]`, stands
//! above every grant.

mod config;
mod error;
mod grant;
mod policy;
mod publisher;

pub use self::config::{LocalTrust, PublisherConfig, TrustConfig, TrustedKeyConfig};
pub use self::error::{PolicyError, TrustError};
pub use self::grant::Grant;
pub use self::policy::{Origin, Policy, Presented, Trusted};
pub use self::publisher::Wants;

#[cfg(test)]
mod tests;
