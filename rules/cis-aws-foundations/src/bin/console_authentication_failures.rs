//! `cis.console-authentication-failures`: somebody failed to sign in to the console.

use orgwatch_rules_cis_aws_foundations::settings::Strictness;
use orgwatch_rules_cis_aws_foundations::{controls, report};
use orgwatch_rules_sdk::event::IdentityKind;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Low, Medium};

rule! {
    /// Reports sign-ins to the console that failed, whoever they were meant for.
    ///
    /// ## What it does
    ///
    /// Reports a `ConsoleLogin` that failed: with the message `Failed authentication`, which control 4.6 (5.6 from version 6.0 on) lists, and with any other, such as
    /// that of a user who does not exist. Root is medium, anybody else low.
    ///
    /// With `strict = true` the rule reports what the control's published metric filter matches, and no other record: that one message.
    ///
    /// ## Why it matters
    ///
    /// Guessing passwords shows here and nowhere else: many failures for one user, or one failure for each of many.
    ///
    /// ## What it misses
    ///
    /// * How many: each failure is a finding of its own, grouped by account, user and address. One is a typing mistake.
    /// * Who was meant, where AWS hides the name because people type passwords into the wrong field.
    /// * Failures at the identity provider, which AWS never hears of, and in Regions whose trail is not read: sign-ins are recorded where they happen.
    ///
    /// ## What to do
    ///
    /// Look at how many there are, for which users, from which addresses, and whether one succeeded afterwards. If so, take it for an intrusion. If not, see that
    /// the users have MFA. There is nothing to undo.
    ConsoleAuthenticationFailures,
    id: "cis.console-authentication-failures",
    version: "1.0.0",
    title: "A console sign-in ended in an authentication failure",
    severity: Low,
    status: Test,
    matches: [{ "eventName": ["ConsoleLogin"] }],
    attack: ["T1110"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.6",
        "CIS AWS Foundations 6.0 and 7.0 §5.6",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html",
    ],
    false_positives: ["Typing mistakes and forgotten passwords"],
}

struct ConsoleAuthenticationFailures {
    literal: Option<MetricFilter>,
}

impl Rule for ConsoleAuthenticationFailures {
    type Settings = Strictness;

    fn load(settings: Strictness) -> Result<Self, Refusal> {
        Ok(Self { literal: settings.literal(controls::CONSOLE_AUTHENTICATION_FAILURES)? })
    }

    fn matches(&self) -> Option<Matches> {
        self.literal.as_ref().map(MetricFilter::asked)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let reported = match &self.literal {
            Some(filter) => filter.matches(event),
            None => event.event_name().as_deref() == Some("ConsoleLogin") && !event.outcome().is_success(),
        };
        if !reported {
            return Findings::none();
        }
        let identity = event.user_identity();
        let root = identity.kind() == IdentityKind::Root;
        let account = report::account(event);
        let user = identity.user_name().map(|name| report::shortened(&name));
        let who = match &user {
            _ if root => "Root",
            Some(name) => name,
            None => "somebody whose name AWS hides",
        };
        let address = event.source_ip_address().map_or_else(|| "-".to_owned(), |address| report::shortened(&address));
        let finding = Finding::new(format!("{account} {who} {address}"))
            .title(format!("A sign-in to the console of {account} failed: {who}, from {address}"))
            .severity(if root { Medium } else { Low })
            .detail("user", user);
        report::with_circumstances(finding, event).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/console_authentication_failures");
    const HIDDEN: &str = include_str!("../../events/console_authentication_failures/fires_unknown_user.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<ConsoleAuthenticationFailures>("{}", EVENTS);
    }

    #[test]
    fn a_name_that_aws_hides_is_not_shown_as_a_name() {
        let finding = testing::evaluate::<ConsoleAuthenticationFailures>("{}", HIDDEN).unwrap().remove(0);
        assert!(finding.get_title().unwrap().contains("somebody whose name AWS hides"), "{finding:?}");
        assert!(finding.details()["user"].is_null());
    }

    #[test]
    fn the_strict_reading_knows_one_message() {
        let strict = r#"{"strict": true}"#;
        assert!(testing::evaluate::<ConsoleAuthenticationFailures>(strict, HIDDEN).unwrap().is_empty());
    }
}
