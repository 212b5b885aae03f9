//! `org.handshake-answered`: a handshake was declined or cancelled, or one that is no invitation was accepted.

use orgwatch_rules_aws_organizations::invitation::{Handshake, Kind};
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a handshake that was declined or cancelled, or accepted where it is no invitation.
    ///
    /// ## What it does
    ///
    /// Sees `CancelHandshake` and `DeclineHandshake`, both low, and `AcceptHandshake` of a handshake about all features or the service-linked
    /// role, low too, that succeeded. A root user makes each one step worse. Invitations that are accepted belong to `org.account-transferred`, billing
    /// transfers to the rule about those.
    ///
    /// ## Why it matters
    ///
    /// A cancelled handshake leaves the list of open ones: who sent a rogue invitation by mistake or too early takes it back this way. A declined one
    /// says that somebody else's organization wanted one of your accounts. Both are the only trace that is left.
    ///
    /// ## What it misses
    ///
    /// * Handshakes that expire, after 15 days and without a record.
    /// * Declined invitations in accounts whose records do not reach orgwatch: the call is in the invited account's trail.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// *Cancelled*: look for the `InviteAccountToOrganization` record of the same handshake and ask its caller. *Declined*: ask who runs the organization that
    /// invited. *Accepted*: nothing, if the organization is switching on all features.
    HandshakeAnswered,
    id: "org.handshake-answered",
    version: "1.0.0",
    title: "A handshake was answered, or cancelled before it was",
    severity: Low,
    status: Test,
    tables: (names::TABLES),
    matches: [{
        "eventSource": [event::organizations::EVENT_SOURCE],
        "eventName": ["AcceptHandshake", "CancelHandshake", "DeclineHandshake"]
    }],
    attack: ["T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CancelHandshake.html",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeclineHandshake.html",
    ],
    false_positives: ["An invitation that was sent to the wrong account and taken back"],
}

const ADVICE: Advice = Advice {
    check_next: "The InviteAccountToOrganization record with the same handshake, and its caller.",
    undo: "A handshake that has been answered cannot be opened again: send a new one.",
};

struct HandshakeAnswered {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that may answer handshakes.
    expected_automation: Automation,
}

impl Rule for HandshakeAnswered {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let handshake = Handshake::of(event);
        let (did, do_it) = match operations::called(event).as_deref() {
            Some("CancelHandshake") => ("cancelled", "cancel"),
            Some("DeclineHandshake") => ("declined", "decline"),
            Some("AcceptHandshake") if matches!(handshake.kind, Kind::AllFeatures | Kind::ServiceLinkedRole) => {
                ("accepted", "accept")
            }
            _ => return Findings::none(),
        };
        let Some(report) = Report::if_succeeded(event) else {
            return Findings::none();
        };
        if handshake.kind == Kind::BillingTransfer || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let about = match handshake.account.filter(|_| handshake.kind == Kind::Invite) {
            Some(account) => format!(" of {}", names::account(event, Some(account))),
            None => String::new(),
        };
        let title = format!(
            "{} {}{about} into {}",
            report.who(did, do_it),
            handshake.kind.in_words(),
            handshake.organization_of(event)
        );
        // Only an invitation leads into an organization.
        let title = if handshake.kind == Kind::Invite { title } else { title.replace(" into ", " with ") };
        let severity = report.raised_for_root(Severity::Low);
        let report = report.account(handshake.account).link("invitations", console::invitations(event));
        let key = handshake.id.clone().unwrap_or_else(|| unreadable(event));
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding
            .detail("handshake", &handshake.id)
            .detail("account", handshake.account)
            .detail("organization", &handshake.organization)
            .detail("management_account", handshake.management_account)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/handshake_answered");
    const CANCELLED: &str = include_str!("../../events/handshake_answered/fires_cancelled.json");
    const DECLINED: &str = include_str!("../../events/handshake_answered/fires_declined.json");
    const FEATURES: &str = include_str!("../../events/handshake_answered/fires_all_features_accepted.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<HandshakeAnswered>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<HandshakeAnswered>("{}", EVENTS);
    }

    #[test]
    fn each_answer_says_to_whom() {
        for (record, title) in [
            (
                CANCELLED,
                "Role OrgAdmin of 111122223333 (session anaya) cancelled the invitation of account 444455556666 into organization \
                 o-exampleorg1 of account 111122223333",
            ),
            (
                DECLINED,
                "Role build of 444455556666 (session nightly) declined the invitation of account 444455556666 into organization \
                 o-exampleorg2 of account 777788889999",
            ),
            (
                FEATURES,
                "Role build of 444455556666 (session nightly) accepted the handshake about all features with organization \
                 o-exampleorg1 of account 111122223333",
            ),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(Severity::Low));
        }
        assert_eq!(judge("{}", CANCELLED).unwrap().key(), "h-examplehandshakeid1");
        assert_eq!(judge(r#"{"expected_automation": ["arn:aws:iam::111122223333:role/OrgAdmin"]}"#, CANCELLED), None);
    }
}
