//! `org.account-departed`: an account left the organization, was removed from it, or was cleaned up after its closure.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_sdk::event::organizations::DepartureMethod;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that left the organization, was removed from it, or was cleaned up after its closure.
    ///
    /// ## What it does
    ///
    /// Sees `AccountDepartedOrganization`, which AWS has sent to the management account since May 2026, and tells four stories apart:
    ///
    /// * *Left*: the account went by itself, by `LeaveOrganization` or straight into another organization. High.
    /// * *Removed*: the management account removed it. Medium.
    /// * *Cleaned*: it was closed some 90 days ago and is now gone for good. Low.
    /// * The management account itself departs when the organization is deleted. Critical.
    ///
    /// A departure of another kind is high. Each of the first three can be expected for listed accounts. Names and owners come from the table of
    /// accounts, where there is one.
    ///
    /// ## Why it matters
    ///
    /// An account outside the organization obeys none of its service control policies, writes nothing to its trail and is seen by none of its
    /// security services. That is why an attacker who holds an account takes it out.
    ///
    /// ## What it misses
    ///
    /// * Who did it: the event names no caller. See `org.leave-attempt`, `org.account-transferred`, `org.account-removed` and `org.account-closed`, whose
    ///   findings have the same key.
    /// * Attempts to leave that were denied: see `org.leave-attempt`.
    /// * Organizations whose management account has no trail in the Region of the service (`us-east-1`, `cn-northwest-1`, `us-gov-west-1`).
    /// * AWS has not published a record of the event. The member account is looked for under all likely names; where it has
    ///   another, the finding says that the id cannot be read.
    ///
    /// ## What to do
    ///
    /// *Left*: find the `LeaveOrganization` or `AcceptHandshake` call, whose record is in the trail of the account that left, and treat the
    /// account as lost until its owners say otherwise. *Removed*: ask whoever called `RemoveAccountFromOrganization`. *Cleaned*: compare with
    /// the list of accounts that were closed on purpose; it is too late to undo. *Deleted*: call AWS Support.
    AccountDeparted,
    id: "org.account-departed",
    version: "1.0.0",
    title: "An account departed from the organization",
    severity: High,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["AccountDepartedOrganization"] }],
    attack: ["T1666"],
    references: [
        "https://aws.amazon.com/about-aws/whats-new/2026/05/aws-organizations-cloudtrail/",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_LeaveOrganization.html",
    ],
    false_positives: ["Accounts that are handed over or shut down as planned, until the settings list them"],
}

const WHEN_LEFT: Advice = Advice {
    check_next: "The LeaveOrganization or AcceptHandshake record in the trail of the account, and what your other accounts grant to it.",
    undo: "Invite the account back, and have it accept: nobody can fetch it back without its consent.",
};

const WHEN_REMOVED: Advice = Advice {
    check_next: "The RemoveAccountFromOrganization record of the management account, and its caller.",
    undo: "Invite the account back, and accept in the account.",
};

const WHEN_CLEANED: Advice = Advice {
    check_next: "Whether the account is in the list of those that were closed on purpose some 90 days ago.",
    undo: "It is too late: AWS has deleted the account with everything in it.",
};

const WHEN_DELETED: Advice = Advice {
    check_next: "The DeleteOrganization record of the management account, its caller, and which accounts went before.",
    undo: "There is no way back: a new organization has to be created, its policies and units rebuilt and every account invited.",
};

struct AccountDeparted {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "each name has to explain itself in the configuration")]
struct Settings {
    /// Accounts that may leave by themselves. The management account here: the organization may be deleted.
    expected_left: BTreeSet<AccountId>,
    /// Accounts that the management account may remove.
    expected_removed: BTreeSet<AccountId>,
    /// Accounts that were closed on purpose and may be cleaned up.
    expected_cleaned: BTreeSet<AccountId>,
}

impl Rule for AccountDeparted {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(departure) = event.account_departed() else {
            return Findings::none();
        };
        let member = departure.member();
        let method = departure.method();
        if self.expects(member, method) {
            return Findings::none();
        }

        let organization = match departure.management_account() {
            Some(account) => format!("the organization of {}", names::named(event, account)),
            None => "the organization".to_owned(),
        };
        let who = match member {
            Some(member) => format!("Account {}", names::named(event, member)),
            None => "An account whose id cannot be read".to_owned(),
        };
        let management = departure.is_management_account();
        let (severity, advice, title) = match method {
            Some(DepartureMethod::Left) if management => (
                Severity::Critical,
                WHEN_DELETED,
                format!("{who} deleted its organization: it was the management account"),
            ),
            _ if management => {
                let title = format!("{who} departed from its organization: it was the management account");
                (Severity::Critical, WHEN_DELETED, title)
            }
            Some(DepartureMethod::Left) => (Severity::High, WHEN_LEFT, format!("{who} left {organization}")),
            Some(DepartureMethod::Removed) => {
                (Severity::Medium, WHEN_REMOVED, format!("{who} was removed from {organization}"))
            }
            Some(DepartureMethod::Cleaned) => {
                (Severity::Low, WHEN_CLEANED, format!("{who}, closed some 90 days ago, is gone from {organization}"))
            }
            None => (Severity::High, WHEN_LEFT, format!("{who} departed from {organization} in an unknown way")),
        };
        // Accounts that cannot be told apart must not be taken for one: each record is a group of its own.
        let key = member.map_or_else(|| unreadable(event), |member| member.to_string());
        Report::of(event)
            .account(member)
            .finding(key, advice)
            .title(title)
            .severity(severity)
            .detail("member_account", member)
            .detail("management_account", departure.management_account())
            .detail("method", departure.method_word())
            .detail("departed_time", departure.time())
            .into()
    }
}

impl AccountDeparted {
    /// Judges by account and method together. Neither is ever guessed: an account that cannot be read is expected nowhere, and so is a
    /// departure of an unknown kind.
    fn expects(&self, member: Option<AccountId>, method: Option<DepartureMethod>) -> bool {
        let (Some(member), Some(method)) = (member, method) else {
            return false;
        };
        let expected = match method {
            DepartureMethod::Left => &self.settings.expected_left,
            DepartureMethod::Removed => &self.settings.expected_removed,
            DepartureMethod::Cleaned => &self.settings.expected_cleaned,
        };
        expected.contains(&member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_departed");
    const LEFT: &str = include_str!("../../events/account_departed/fires_left.json");
    const LEFT_FIRST_SPELLING: &str = include_str!("../../events/account_departed/fires_left_first_spelling.json");
    const REMOVED: &str = include_str!("../../events/account_departed/fires_removed.json");
    const CLEANED: &str = include_str!("../../events/account_departed/fires_cleaned.json");
    const UNKNOWN_METHOD: &str = include_str!("../../events/account_departed/fires_unknown_method.json");
    const UNREADABLE: &str = include_str!("../../events/account_departed/fires_id_unreadable.json");
    const DELETED: &str = include_str!("../../events/account_departed/fires_organization_deleted.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        let mut findings = testing::evaluate::<AccountDeparted>(settings, record).unwrap();
        assert!(findings.len() <= 1);
        findings.pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountDeparted>("{}", EVENTS);
    }

    #[test]
    fn each_way_to_depart_is_a_story_of_its_own() {
        for (record, severity, title) in [
            (LEFT, Severity::High, "Account 444455556666 left the organization of 111122223333"),
            (LEFT_FIRST_SPELLING, Severity::High, "Account 444455556666 left the organization of 111122223333"),
            (REMOVED, Severity::Medium, "Account 444455556666 was removed from the organization of 111122223333"),
            (
                CLEANED,
                Severity::Low,
                "Account 777788889999, closed some 90 days ago, is gone from the organization of 111122223333",
            ),
            (
                UNKNOWN_METHOD,
                Severity::High,
                "Account 444455556666 departed from the organization of 111122223333 in an unknown way",
            ),
            (UNREADABLE, Severity::High, "An account whose id cannot be read left the organization of 111122223333"),
            (
                DELETED,
                Severity::Critical,
                "Account 111122223333 deleted its organization: it was the management account",
            ),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_finding_says_who_when_and_how() {
        for record in [LEFT, LEFT_FIRST_SPELLING] {
            let finding = judge("{}", record).unwrap();
            assert_eq!(finding.key(), "444455556666");
            assert_eq!(finding.details()["member_account"], "444455556666");
            assert_eq!(finding.details()["management_account"], "111122223333");
            assert_eq!(finding.details()["method"], "LEFT");
            assert_eq!(finding.details()["departed_time"], "2026-10-07T02:14:55Z");
        }
        let finding = judge("{}", UNREADABLE).unwrap();
        assert_eq!(finding.key(), "unreadable 2d6c8b1a-4f3e-4a95-8c07-6b5a4d3e2f10");
        assert!(finding.details()["member_account"].is_null());
    }

    #[test]
    fn a_known_account_is_named_with_its_owner() {
        let findings = testing::given::<AccountDeparted>("{}")
            .row("accounts", "444455556666", [("name", "Payments"), ("owner", "team-pay")])
            .judge(LEFT);
        assert_eq!(
            findings[0].get_title(),
            Some("Account 444455556666 (Payments) left the organization of 111122223333")
        );
        assert_eq!(findings[0].details()["known_accounts"]["444455556666"]["owner"], "team-pay");
    }

    #[test]
    fn each_way_to_depart_has_its_own_advice() {
        let advice = |record: &str| judge("{}", record).unwrap().details()["check_next"].to_string();
        assert!(
            advice(LEFT).contains("LeaveOrganization") && advice(REMOVED).contains("RemoveAccountFromOrganization")
        );
        assert!(advice(CLEANED).contains("90 days") && advice(DELETED).contains("DeleteOrganization"));
    }

    #[test]
    fn an_account_is_expected_for_one_way_to_depart_only() {
        assert_eq!(judge(r#"{"expected_left": ["444455556666"]}"#, LEFT), None);
        assert_eq!(judge(r#"{"expected_removed": ["444455556666"]}"#, REMOVED), None);
        assert_eq!(judge(r#"{"expected_cleaned": ["777788889999"]}"#, CLEANED), None);
        assert!(
            judge(r#"{"expected_cleaned": ["444455556666"], "expected_removed": ["444455556666"]}"#, LEFT).is_some()
        );
        assert!(judge(r#"{"expected_left": ["777788889999"]}"#, LEFT).is_some());
    }

    #[test]
    fn what_is_not_certain_is_never_expected() {
        let everything = r#"{"expected_left": ["111122223333", "444455556666"], "expected_removed": ["111122223333", "444455556666"],
                             "expected_cleaned": ["111122223333", "444455556666"]}"#;
        assert!(judge(everything, UNKNOWN_METHOD).is_some());
        assert!(judge(everything, UNREADABLE).is_some());
    }

    #[test]
    fn the_management_account_never_departs_in_a_lesser_way() {
        let record = DELETED.replace("LEFT", "CLEANED");
        let finding = judge("{}", &record).unwrap();
        assert_eq!(finding.get_severity(), Some(Severity::Critical));
        assert_eq!(
            finding.get_title(),
            Some("Account 111122223333 departed from its organization: it was the management account")
        );
    }

    #[test]
    fn the_end_of_the_organization_is_expected_only_in_so_many_words() {
        assert_eq!(judge(r#"{"expected_left": ["111122223333"]}"#, DELETED), None);
        assert!(
            judge(r#"{"expected_left": ["444455556666"], "expected_removed": ["111122223333"]}"#, DELETED).is_some()
        );
    }
}
