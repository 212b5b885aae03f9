//! `org.unexpected-join`: an account that nobody expected joined the organization.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_sdk::event::organizations::{AccountJoined, JoinMethod};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that joined the organization and was not expected.
    ///
    /// ## What it does
    ///
    /// Sees `AccountJoinedOrganization`, which AWS has sent to the management account since May 2026, and reports it unless the settings
    /// expect the account or the way in which it joined. An account that was invited matters more than one that the management account
    /// created. An account whose id cannot be read is reported too. The management account that joins the organization which it has just
    /// created is not. A name in the table of accounts is shown and excuses nothing: an account that was known once may come back in other hands.
    ///
    /// ## Why it matters
    ///
    /// An account in the organization gets its shared resources, its trusted services and its bill. An attacker who brings in an account has a
    /// foothold that no review of the known accounts will find.
    ///
    /// ## What it misses
    ///
    /// * Who created or invited it: the event names no caller. See `org.account-created` and `org.account-invited`.
    /// * Invitations that have not been accepted: see `org.account-invited`.
    /// * Organizations whose management account has no trail in the Region of the service (`us-east-1`, `cn-northwest-1`, `us-gov-west-1`).
    /// * AWS has not published a record of the event. The member account is looked for under all likely names; where it has
    ///   another, the finding says that the id cannot be read.
    ///
    /// ## What to do
    ///
    /// Look for the `CreateAccount` or `InviteAccountToOrganization` call that led to it and ask its caller. If nobody knows the account, move it
    /// to an organizational unit that denies everything, then remove it.
    UnexpectedJoin,
    id: "org.unexpected-join",
    version: "1.0.0",
    title: "An unexpected account joined the organization",
    severity: High,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["AccountJoinedOrganization"] }],
    attack: ["T1666", "T1136.003"],
    references: [
        "https://aws.amazon.com/about-aws/whats-new/2026/05/aws-organizations-cloudtrail/",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_AcceptHandshake.html",
    ],
    false_positives: ["An account vending process that creates accounts, until expected_methods lists \"created\""],
}

const ADVICE: Advice = Advice {
    check_next: "The CreateAccount or InviteAccountToOrganization record that led to it, its caller, and what is shared with the whole organization.",
    undo: "Move the account to an organizational unit that denies everything, then remove it from the organization or close it.",
};

struct UnexpectedJoin {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may join, in whatever way.
    expected_accounts: BTreeSet<AccountId>,
    /// Ways in which any account may join: "created" by the management account, "invited" and accepted. In any letter case.
    expected_methods: BTreeSet<JoinMethod>,
    /// Report it too when the management account joins the organization that it creates.
    report_management_account: bool,
}

impl Rule for UnexpectedJoin {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(join) = event.account_joined() else {
            return Findings::none();
        };
        let member = join.member();
        if let Some(creator) = member.filter(|_| join.is_management_account()) {
            let creator = names::named(event, creator);
            let title = format!("Account {creator} created an organization and is its management account");
            let report = self.settings.report_management_account;
            return report.then(|| finding(event, &join).title(title).severity(Severity::Medium)).into();
        }
        let method = join.method();
        let expected_account = member.is_some_and(|member| self.settings.expected_accounts.contains(&member));
        let expected_method = method.is_some_and(|method| self.settings.expected_methods.contains(&method));
        if expected_account || expected_method {
            return Findings::none();
        }

        let who = match member {
            Some(member) => format!("Unexpected account {}", names::named(event, member)),
            None => "An account whose id cannot be read".to_owned(),
        };
        let organization = match join.management_account() {
            Some(account) => format!("the organization of {}", names::named(event, account)),
            None => "the organization".to_owned(),
        };
        let (severity, title) = match method {
            Some(JoinMethod::Created) => (Severity::Medium, format!("{who} was created in {organization}")),
            Some(JoinMethod::Invited) => (Severity::High, format!("{who} joined {organization} by invitation")),
            None => (Severity::High, format!("{who} joined {organization} in an unknown way")),
        };
        finding(event, &join).title(title).severity(severity).into()
    }
}

fn finding(event: &Event, join: &AccountJoined) -> Finding {
    let member = join.member();
    // Accounts that cannot be told apart must not be taken for one: each record is a group of its own.
    let key = member.map_or_else(|| unreadable(event), |member| member.to_string());
    Report::of(event)
        .account(member)
        .finding(key, ADVICE)
        .detail("member_account", member)
        .detail("management_account", join.management_account())
        .detail("method", join.method_word())
        .detail("joined_time", join.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/unexpected_join");
    const INVITED: &str = include_str!("../../events/unexpected_join/fires_invited.json");
    const CREATED: &str = include_str!("../../events/unexpected_join/fires_created.json");
    const NESTED: &str = include_str!("../../events/unexpected_join/fires_nested_details.json");
    const UNKNOWN_METHOD: &str = include_str!("../../events/unexpected_join/fires_unknown_method.json");
    const UNREADABLE: &str = include_str!("../../events/unexpected_join/fires_id_unreadable.json");
    const MANAGEMENT: &str = include_str!("../../events/unexpected_join/quiet_management_account.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        let mut findings = testing::evaluate::<UnexpectedJoin>(settings, record).unwrap();
        assert!(findings.len() <= 1);
        findings.pop()
    }

    #[track_caller]
    fn assert_finding(record: &str, severity: Severity, title: &str) -> Finding {
        let finding = judge("{}", record).expect("a finding");
        assert_eq!(finding.get_title(), Some(title));
        assert_eq!(finding.get_severity(), Some(severity));
        finding
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<UnexpectedJoin>("{}", EVENTS);
    }

    #[test]
    fn an_invited_account_matters_more_than_a_created_one() {
        let invited = assert_finding(
            INVITED,
            Severity::High,
            "Unexpected account 444455556666 joined the organization of 111122223333 by invitation",
        );
        assert_eq!(invited.key(), "444455556666");
        assert_eq!(invited.details()["member_account"], "444455556666");
        assert_eq!(invited.details()["management_account"], "111122223333");
        assert_eq!(invited.details()["method"], "INVITED");
        assert_eq!(invited.details()["joined_time"], "2026-10-05T14:21:40Z");
        assert_finding(
            CREATED,
            Severity::Medium,
            "Unexpected account 777788889999 was created in the organization of 111122223333",
        );
        assert_finding(
            NESTED,
            Severity::High,
            "Unexpected account 444455556666 joined the organization of 111122223333 by invitation",
        );
        assert_finding(
            UNKNOWN_METHOD,
            Severity::High,
            "Unexpected account 444455556666 joined the organization of 111122223333 in an unknown way",
        );
    }

    #[test]
    fn an_account_that_cannot_be_read_is_reported_and_never_expected_by_its_id() {
        let title = "An account whose id cannot be read joined the organization of 111122223333 by invitation";
        let finding = assert_finding(UNREADABLE, Severity::High, title);
        assert_eq!(finding.key(), "unreadable 5b0a6f0e-3d1c-4e57-9a60-7f8e9d0c1b25");
        assert!(finding.details()["member_account"].is_null());
        assert!(judge(r#"{"expected_accounts": ["444455556666", "111122223333"]}"#, UNREADABLE).is_some());
    }

    #[test]
    fn a_known_account_is_named_and_not_excused() {
        let findings = testing::given::<UnexpectedJoin>("{}")
            .row("accounts", "444455556666", [("name", "Payments"), ("owner", "team-pay")])
            .judge(INVITED);
        assert_eq!(
            findings[0].get_title(),
            Some("Unexpected account 444455556666 (Payments) joined the organization of 111122223333 by invitation")
        );
        assert_eq!(findings[0].details()["known_accounts"]["444455556666"]["owner"], "team-pay");
    }

    #[test]
    fn what_is_expected_is_quiet() {
        assert_eq!(judge(r#"{"expected_accounts": ["444455556666"]}"#, INVITED), None);
        assert_eq!(judge(r#"{"expected_methods": ["Created"]}"#, CREATED), None);
        assert!(judge(r#"{"expected_methods": ["Created"]}"#, INVITED).is_some());
        assert!(judge(r#"{"expected_methods": ["created", "INVITED"]}"#, UNKNOWN_METHOD).is_some());
        assert!(judge(r#"{"expected_accounts": ["777788889999"]}"#, INVITED).is_some());
    }

    #[test]
    fn the_management_account_is_reported_when_asked() {
        assert_eq!(judge("{}", MANAGEMENT), None);
        let finding = judge(r#"{"report_management_account": true}"#, MANAGEMENT).expect("a finding");
        assert_eq!(
            finding.get_title(),
            Some("Account 111122223333 created an organization and is its management account")
        );
        assert_eq!(finding.get_severity(), Some(Severity::Medium));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for settings in [
            r#"{"expected_accounts": ["4444"]}"#,
            r#"{"expected_accounts": [444455556666]}"#,
            r#"{"expected_methods": ["adopted"]}"#,
            r#"{"expected": []}"#,
        ] {
            assert!(testing::evaluate::<UnexpectedJoin>(settings, INVITED).is_err(), "{settings}");
        }
    }
}
