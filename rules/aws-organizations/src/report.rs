//! What every finding of this pack says: who, with which success, what to check next, how to undo it, and where to look.

use orgwatch_rules_sdk::event::{AccountId, Outcome};
use orgwatch_rules_sdk::{Event, Finding, Severity};
use serde_json::{Map, Value as Json};

use crate::actor::{Actor, Kind};
use crate::text::plain;
use crate::{console, names};

/// What to do about a finding, in the finding itself.
#[derive(Clone, Copy, Debug)]
pub struct Advice {
    /// What to look at first.
    pub check_next: &'static str,
    /// How to take it back.
    pub undo: &'static str,
}

/// How a call ended and who made it, from which a finding is made.
#[derive(Debug)]
pub struct Report<'e> {
    event: &'e Event,
    actor: Actor,
    outcome: Outcome,
    links: Map<String, Json>,
    known_accounts: Map<String, Json>,
}

impl<'e> Report<'e> {
    /// Reads who made the call and how it ended.
    pub fn of(event: &'e Event) -> Self {
        let mut links = Map::new();
        links.insert("record".to_owned(), console::record(event).into());
        Self {
            event,
            actor: Actor::of(event).named(event),
            outcome: event.outcome(),
            links,
            known_accounts: Map::new(),
        }
    }

    /// Reads who made the call and how it ended; nothing for a call that was denied, which `org.unauthorized-attempt` reports.
    pub fn unless_denied(event: &'e Event) -> Option<Self> {
        Some(Self::of(event)).filter(|report| !report.outcome.is_denied())
    }

    /// Reads who made the call; nothing for a call that did not succeed, where an attempt says no more than the denials which
    /// `org.unauthorized-attempt` reports.
    pub fn if_succeeded(event: &'e Event) -> Option<Self> {
        Some(Self::of(event)).filter(|report| report.outcome.is_success())
    }

    /// Returns who made the call.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns how the call ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns the beginning of a title: `Role OrgAdmin of 111122223333 detached`, `… was not allowed to detach`, `… failed to detach`.
    pub fn who(&self, did: &str, do_it: &str) -> String {
        let actor = &self.actor;
        match self.outcome {
            Outcome::Succeeded => format!("{actor} {did}"),
            Outcome::Denied { .. } => format!("{actor} was not allowed to {do_it}"),
            Outcome::Failed { .. } => format!("{actor} failed to {do_it}"),
        }
    }

    /// Returns how serious the call is, given how serious it is when it succeeds: one step less when it did not, because nothing has
    /// happened yet.
    pub fn severity(&self, when_it_succeeds: Severity) -> Severity {
        if self.outcome.is_success() { when_it_succeeds } else { lower(when_it_succeeds) }
    }

    /// Returns how serious the call is, given how serious it is when anybody else makes it: one step more for a root user, who has no
    /// business in the organization's daily work.
    pub fn raised_for_root(&self, severity: Severity) -> Severity {
        if self.actor.kind() == Kind::Root { raise(severity) } else { severity }
    }

    /// Adds a link under a name of its own; none where there is no page.
    #[must_use]
    pub fn link(mut self, name: &str, address: impl Into<Option<String>>) -> Self {
        if let Some(address) = address.into() {
            self.links.insert(name.to_owned(), address.into());
        }
        self
    }

    /// Adds an account that the finding is about: the link to its page, and what the operator's table knows of it.
    #[must_use]
    pub fn account(mut self, account: Option<AccountId>) -> Self {
        let Some(account) = account else {
            return self;
        };
        if let Some(known) = names::known_account(self.event, account) {
            self.known_accounts.insert(account.to_string(), known);
        }
        let page = console::account(self.event, account);
        self.link("account", page)
    }

    /// Starts the finding, with the details that every one has: `actor`, `outcome`, `error_code`, `check_next`, `undo` and `console`, and
    /// `known_accounts` where the operator's table knows one.
    pub fn finding(&self, key: impl Into<String>, advice: Advice) -> Finding {
        // A record without a name, such as an insight, is about no call that could have ended in one way or another.
        let operation = self.event.event_name().map(|name| plain(&name));
        let outcome = operation.as_ref().map(|_| match self.outcome {
            Outcome::Succeeded => "succeeded",
            Outcome::Denied { .. } => "denied",
            Outcome::Failed { .. } => "failed",
        });
        let undo = if self.outcome.is_success() { advice.undo } else { "Nothing to undo: the call changed nothing." };
        let mut finding = Finding::new(key);
        if !self.known_accounts.is_empty() {
            finding = finding.detail("known_accounts", &self.known_accounts);
        }
        finding
            .detail("actor", &self.actor)
            .detail("operation", operation)
            .detail("outcome", outcome)
            .detail("error_code", self.outcome.code().map(plain))
            .detail("check_next", advice.check_next)
            .detail("undo", undo)
            .detail("console", &self.links)
    }
}

/// Returns the key of a finding about something that the record does not name: the record's own id, so that two such things are never
/// taken for one.
pub fn unreadable(event: &Event) -> String {
    format!("unreadable {}", event.event_id().map(|id| plain(&id)).unwrap_or_default())
}

/// Returns the severity one step above.
pub fn raise(severity: Severity) -> Severity {
    match severity {
        Severity::Informational => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

/// Returns the severity one step below.
pub fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Informational => Severity::Informational,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADVICE: Advice = Advice { check_next: "Ask the caller.", undo: "Attach it again." };

    fn event(error: &str) -> Event {
        Event::from_json(&format!(
            r#"{{"awsRegion":"us-east-1","eventName":"DetachPolicy","eventID":"6f0e1d2c-3b4a-4958-8776-655443322110",{error}
                "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/anaya","accountId":"111122223333","userName":"anaya"}}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn a_title_says_how_the_call_ended() {
        for (error, text, severity) in [
            ("", "User anaya of 111122223333 detached", Severity::High),
            (
                r#""errorCode":"AccessDeniedException","#,
                "User anaya of 111122223333 was not allowed to detach",
                Severity::Medium,
            ),
            (
                r#""errorCode":"ConcurrentModificationException","#,
                "User anaya of 111122223333 failed to detach",
                Severity::Medium,
            ),
        ] {
            let event = event(error);
            let report = Report::of(&event);
            assert_eq!(report.who("detached", "detach"), text);
            assert_eq!(report.severity(Severity::High), severity);
        }
        assert!(Report::unless_denied(&event(r#""errorCode":"AccessDenied","#)).is_none());
        let failed = event(r#""errorCode":"PolicyNotFoundException","#);
        assert!(Report::unless_denied(&failed).is_some());
        assert!(Report::if_succeeded(&failed).is_none());
        assert!(Report::if_succeeded(&event("")).is_some());
    }

    #[test]
    fn a_root_user_makes_it_one_step_worse() {
        let of_user = event("");
        assert_eq!(Report::of(&of_user).raised_for_root(Severity::High), Severity::High);
        let of_root = Event::from_json(r#"{"userIdentity":{"type":"Root","accountId":"111122223333"}}"#).unwrap();
        let report = Report::of(&of_root);
        assert_eq!(report.raised_for_root(Severity::High), Severity::Critical);
        for severity in [Severity::Informational, Severity::Low, Severity::Medium, Severity::High] {
            assert_eq!(lower(raise(severity)), severity);
        }
    }

    #[test]
    fn every_finding_says_what_to_check_and_how_to_undo() {
        let event = event("");
        let report = Report::of(&event).link("policy", console::policy(&event, "p-a1b2c3d4", None)).link("ou", None);
        let finding = report.finding("p-a1b2c3d4", ADVICE);
        let details = finding.details();
        assert_eq!(details["operation"], "DetachPolicy");
        assert_eq!(details["outcome"], "succeeded");
        assert!(details["error_code"].is_null());
        assert_eq!(details["check_next"], "Ask the caller.");
        assert_eq!(details["undo"], "Attach it again.");
        assert_eq!(details["actor"]["name"], "anaya");
        assert!(details["console"]["record"].as_str().unwrap().contains("6f0e1d2c"));
        assert!(details["console"]["policy"].as_str().unwrap().ends_with("/policies"));
        assert!(details["console"].get("ou").is_none());
    }

    #[test]
    fn a_call_that_changed_nothing_needs_no_undoing() {
        let event = event(r#""errorCode":"AccessDeniedException","#);
        let finding = Report::of(&event).finding("x", ADVICE);
        assert_eq!(finding.details()["undo"], "Nothing to undo: the call changed nothing.");
        assert_eq!(finding.details()["error_code"], "AccessDeniedException");
        assert_eq!(finding.details()["outcome"], "denied");
    }
}
