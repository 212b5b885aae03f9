//! `org.billing-transfer-changed`: who pays the organization's bills, and sees them, was offered, changed or ended.

use orgwatch_rules_aws_organizations::invitation::{Handshake, Kind};
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names, operations};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a billing transfer between organizations that was offered, accepted, changed or ended.
    ///
    /// ## What it does
    ///
    /// Sees the calls `InviteOrganizationToTransferResponsibility`, `UpdateResponsibilityTransfer` and `TerminateResponsibilityTransfer`, the
    /// handshakes about such a transfer, and the service events `ResponsibilityTransferAccepted` and `ResponsibilityTransferTerminated`. High
    /// where this organization hands its bills to another or accepts to; medium where it takes over or offers to take over another's, and where
    /// a transfer ends; low where a transfer is renamed, declined or called off. A call that failed is one step lower. Transfers with
    /// the management accounts that the settings expect are quiet.
    ///
    /// ## Why it matters
    ///
    /// Whoever takes over an organization's bills sees what it uses and sets its prices, and the victim loses sight of its own costs: mined coins
    /// show up on a bill that nobody in the house reads any more. The other way round, an attacker has the victim pay.
    ///
    /// ## What it misses
    ///
    /// * Calls that were denied: see `org.unauthorized-attempt`. Calls that AWS put off (throttling, concurrent changes): they are tried again.
    /// * A handshake that was accepted and failed: without a response the record does not say what it was about.
    /// * Changes of payment methods, which are no business of AWS Organizations.
    ///
    /// ## What to do
    ///
    /// Ask the finance department whether a reseller or parent company takes the bills over. If nobody knows of it, cancel the handshake, or terminate
    /// the transfer before it starts, and treat the caller as compromised: only the management account can do this.
    BillingTransferChanged,
    id: "org.billing-transfer-changed",
    version: "1.0.0",
    title: "A billing transfer between organizations was offered, changed or ended",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [
        { "eventSource": [event::organizations::EVENT_SOURCE], "eventName": (TRANSFERS) },
        {
            "eventSource": [event::organizations::EVENT_SOURCE],
            "eventName": ["AcceptHandshake", "CancelHandshake", "DeclineHandshake"],
        },
    ],
    attack: ["T1666", "T1657"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_InviteOrganizationToTransferResponsibility.html",
        "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/orgs_transfer_billing.html",
    ],
    false_positives: ["A billing transfer to a reseller or parent company, until expected_management_accounts lists its account"],
}

const TRANSFERS: [&str; 5] = [
    "InviteOrganizationToTransferResponsibility",
    "UpdateResponsibilityTransfer",
    "TerminateResponsibilityTransfer",
    "ResponsibilityTransferAccepted",
    "ResponsibilityTransferTerminated",
];

const ADVICE: Advice = Advice {
    check_next: "Ask the finance department about the other management account. List the transfers: aws organizations list-outbound-responsibility-transfers and list-inbound-responsibility-transfers --type BILLING.",
    undo: "Before it is accepted: aws organizations cancel-handshake. Afterwards: aws organizations terminate-responsibility-transfer with the transfer's id.",
};

struct BillingTransferChanged {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Management accounts of other organizations with which billing transfers are agreed.
    expected_management_accounts: BTreeSet<AccountId>,
}

impl Rule for BillingTransferChanged {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(report) = Report::unless_denied(event).filter(|report| !operations::is_passing(report.outcome()))
        else {
            return Findings::none();
        };
        let transfer = Transfer::read(event);
        let Some((severity, story)) = transfer.story(event, &report) else {
            return Findings::none();
        };
        if transfer.other.is_some() && transfer.others.is_subset(&self.settings.expected_management_accounts) {
            return Findings::none();
        }
        let with = match transfer.other {
            Some(_) => format!(" with {}", names::account(event, transfer.other)),
            None => String::new(),
        };
        let report = report.link("invitations", console::invitations(event)).account(transfer.other);
        let key = transfer.id.clone().or_else(|| transfer.handshake.clone());
        report
            .finding(key.unwrap_or_else(|| unreadable(event)), ADVICE)
            .title(format!("{story}{with}"))
            .severity(report.severity(severity))
            .detail("transfer", transfer.id)
            .detail("handshake", transfer.handshake)
            .detail("other_management_account", transfer.other)
            .detail("pays_from_now_on", transfer.target)
            .into()
    }
}

/// What a record says of a transfer, wherever it says it.
struct Transfer {
    id: Option<String>,
    handshake: Option<String>,
    /// The management account whose bills are handed over.
    source: Option<AccountId>,
    /// The management account that takes them.
    target: Option<AccountId>,
    /// All accounts in the record but our own, and the first of them: the other organization's management account.
    others: BTreeSet<AccountId>,
    other: Option<AccountId>,
    own: Option<AccountId>,
}

impl Transfer {
    fn read(event: &Event) -> Self {
        let text = |path: &str| event.string(path).map(|text| plain(&text));
        let own = event.recipient_account_id();
        let places = ["/serviceEventDetails", "/responseElements/responsibilityTransfer"];
        let party = |side: &str| {
            let mut found =
                places.iter().filter_map(|place| event.account(&format!("{place}/{side}/managementAccountId")));
            found.next()
        };
        let (source, target) = (party("source"), party("target"));
        let others: Vec<AccountId> = [source, target]
            .into_iter()
            .flatten()
            .chain(parties(event))
            .filter(|account| Some(*account) != own)
            .collect();
        let id = text("/serviceEventDetails/id").or_else(|| text("/responseElements/responsibilityTransfer/id"));
        Self {
            id: id.or_else(|| text("/requestParameters/id")),
            handshake: text("/responseElements/handshake/id").or_else(|| text("/requestParameters/handshakeId")),
            source,
            target,
            other: others.first().copied(),
            others: others.into_iter().collect(),
            own,
        }
    }

    /// Says what happened and how serious it is; nothing for a handshake about something else.
    fn story(&self, event: &Event, report: &Report<'_>) -> Option<(Severity, String)> {
        let name = event.event_name().unwrap_or_default();
        if name.ends_with("Handshake") && Handshake::of(event).kind != Kind::BillingTransfer {
            return None;
        }
        // Both organizations get the service events: the source is the one that loses sight of its bills.
        let hands_over = self.source.is_some() && self.source == self.own;
        let takes_over = self.target.is_some() && self.target == self.own;
        Some(match name.as_str() {
            "InviteOrganizationToTransferResponsibility" => (
                Severity::Medium,
                report.who("offered to take over the bills in a transfer", "offer a billing transfer"),
            ),
            "AcceptHandshake" => {
                (Severity::High, report.who("accepted a billing transfer", "accept a billing transfer"))
            }
            "DeclineHandshake" => {
                (Severity::Low, report.who("declined a billing transfer", "decline a billing transfer"))
            }
            "CancelHandshake" => {
                (Severity::Low, report.who("called off a billing transfer", "call off a billing transfer"))
            }
            "UpdateResponsibilityTransfer" => {
                (Severity::Low, report.who("changed a billing transfer", "change a billing transfer"))
            }
            "TerminateResponsibilityTransfer" => {
                (Severity::Medium, report.who("ended a billing transfer", "end a billing transfer"))
            }
            "ResponsibilityTransferAccepted" if takes_over => {
                (Severity::Medium, "This organization takes over the bills of another: a billing transfer".to_owned())
            }
            "ResponsibilityTransferAccepted" if hands_over => {
                (Severity::High, "This organization hands its bills to another: a billing transfer".to_owned())
            }
            "ResponsibilityTransferAccepted" => (Severity::High, "A billing transfer was accepted".to_owned()),
            "ResponsibilityTransferTerminated" => (Severity::Medium, "A billing transfer has ended".to_owned()),
            _ => return None,
        })
    }
}

/// Returns the accounts that a handshake is between, and the one that an invitation goes to.
fn parties(event: &Event) -> Vec<AccountId> {
    let mut accounts: Vec<AccountId> = event.account("/requestParameters/target/id").into_iter().collect();
    let base = "/responseElements/handshake/parties";
    if let Value::Array(length) = event.read(base) {
        accounts.extend((0..length.min(10)).filter_map(|index| event.account(&format!("{base}/{index}/id"))));
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/billing_transfer_changed");
    const INVITED: &str = include_str!("../../events/billing_transfer_changed/fires_offered.json");
    const ACCEPTED: &str = include_str!("../../events/billing_transfer_changed/fires_handshake_accepted.json");
    const CANCELLED: &str = include_str!("../../events/billing_transfer_changed/fires_handshake_cancelled.json");
    const UPDATED: &str = include_str!("../../events/billing_transfer_changed/fires_renamed.json");
    const TERMINATED: &str = include_str!("../../events/billing_transfer_changed/fires_terminated.json");
    const HANDED_OVER: &str = include_str!("../../events/billing_transfer_changed/fires_handed_over.json");
    const TAKEN_OVER: &str = include_str!("../../events/billing_transfer_changed/fires_taken_over.json");
    const ENDED: &str = include_str!("../../events/billing_transfer_changed/fires_ended.json");
    const FAILED: &str = include_str!("../../events/billing_transfer_changed/fires_offer_failed.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<BillingTransferChanged>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<BillingTransferChanged>("{}", EVENTS);
    }

    #[test]
    fn who_loses_sight_of_the_bills_decides_how_serious_it_is() {
        let carlos = "User carlos of 111122223333";
        for (record, severity, title) in [
            (
                INVITED,
                Severity::Medium,
                format!("{carlos} offered to take over the bills in a transfer with account 777788889999"),
            ),
            (ACCEPTED, Severity::High, format!("{carlos} accepted a billing transfer with account 777788889999")),
            (CANCELLED, Severity::Low, format!("{carlos} called off a billing transfer with account 777788889999")),
            (UPDATED, Severity::Low, format!("{carlos} changed a billing transfer with account 777788889999")),
            (TERMINATED, Severity::Medium, format!("{carlos} ended a billing transfer with account 777788889999")),
            (
                HANDED_OVER,
                Severity::High,
                "This organization hands its bills to another: a billing transfer with account 777788889999".to_owned(),
            ),
            (
                TAKEN_OVER,
                Severity::Medium,
                "This organization takes over the bills of another: a billing transfer with account 777788889999"
                    .to_owned(),
            ),
            (ENDED, Severity::Medium, "A billing transfer has ended with account 777788889999".to_owned()),
            (FAILED, Severity::Low, format!("{carlos} failed to offer a billing transfer with account 777788889999")),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn a_transfer_is_expected_by_the_other_management_account() {
        let expected = r#"{"expected_management_accounts": ["777788889999"]}"#;
        for record in [INVITED, ACCEPTED, TERMINATED, HANDED_OVER, ENDED] {
            assert_eq!(judge(expected, record), None);
        }
        let joined = INVITED.replacen("777788889999", "444455556666", 1);
        assert_ne!(joined, INVITED);
        assert!(judge(expected, &joined).is_some(), "one of two accounts is not expected");
        let own = r#"{"expected_management_accounts": ["111122223333"]}"#;
        assert!(judge(own, HANDED_OVER).is_some());
    }

    #[test]
    fn the_spelling_of_a_handshakes_action_hides_nothing() {
        for spelling in ["transfer_responsibility", "transfer-responsibility", "TransferResponsibility"] {
            let record = ACCEPTED.replace("TRANSFER_RESPONSIBILITY", spelling);
            assert_ne!(record, ACCEPTED);
            assert_eq!(judge("{}", &record).unwrap().get_severity(), Some(Severity::High), "{spelling}");
        }
        let by_its_arn_alone = ACCEPTED.replace("\"action\"", "\"former_action\"");
        assert!(judge("{}", &by_its_arn_alone).is_some());
    }

    #[test]
    fn what_the_caller_sends_makes_no_billing_transfer_of_an_invitation() {
        let chosen = r#"{"eventName":"AcceptHandshake","requestParameters":{"handshake":{"action":"TRANSFER_RESPONSIBILITY"}},
            "responseElements":{"handshake":{"action":"invite"}}}"#;
        assert_eq!(judge("{}", chosen), None);
    }

    #[test]
    fn one_transfer_is_one_group() {
        let finding = judge("{}", HANDED_OVER).unwrap();
        assert_eq!(finding.key(), "rt-exampletransferid1");
        assert_eq!(finding.details()["pays_from_now_on"], "777788889999");
        assert_eq!(judge("{}", ENDED).unwrap().key(), "rt-exampletransferid1");
        assert_eq!(judge("{}", ACCEPTED).unwrap().key(), "h-examplehandshakeid1");
    }
}
