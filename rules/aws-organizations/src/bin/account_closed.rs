//! `org.account-closed`: an account of the organization was closed, or was about to be.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that was closed, and what became of it.
    ///
    /// ## What it does
    ///
    /// Sees `CloseAccount`: high, by a root user critical. A call that failed because of a limit is medium: AWS lets an organization close only
    /// a share of its accounts in 30 days, and who runs into that limit is closing many. Other failures are low, and those that the caller just tries again
    /// are quiet. `CloseAccountResult`, by which AWS says how it ended, is low; it has no caller, and the same key as the call before it.
    ///
    /// ## Why it matters
    ///
    /// A closed account stops at once: nobody signs in, everything in it is unreachable, and after 90 days AWS deletes it for good. No policy of the
    /// account itself can prevent it.
    ///
    /// ## What it misses
    ///
    /// * The end: some 90 days later `org.account-departed` reports the account as cleaned up.
    /// * A closing by the account's own root user in its billing settings, which is no call of Organizations.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the owners of the account. Within 90 days AWS Support can bring it back, so call them first and investigate afterwards. If several accounts
    /// are closed, take the caller's permissions away in the management account at once.
    AccountClosed,
    id: "org.account-closed",
    version: "1.0.0",
    title: "An account was closed",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "eventName": ["CloseAccount", "CloseAccountResult"] }],
    attack: ["T1485", "T1531", "T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_close.html",
    ],
    false_positives: ["Accounts that are shut down as planned, until expected_accounts lists them"],
}

const ADVICE: Advice = Advice {
    check_next: "Whether the owners of the account know, and how many others the caller has closed.",
    undo: "Call AWS Support: they bring a closed account back within 90 days, with everything in it.",
};

/// What there is to say where AWS itself did not do it.
const STAYED_OPEN: Advice = Advice {
    check_next: "Whether the owners of the account know that it was to be closed, and whether the caller tries again.",
    undo: "Nothing to undo: the account is open.",
};

struct AccountClosed {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Accounts that may be closed.
    expected_accounts: BTreeSet<AccountId>,
    /// Roles and users by their ARNs, and services by their names, that may close any account. The result, which names no caller, is reported all the same.
    expected_automation: Automation,
}

impl Rule for AccountClosed {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        match operations::called(event).as_deref() {
            Some("CloseAccount") => self.evaluate_call(event),
            Some("CloseAccountResult") => self.evaluate_result(event),
            _ => Findings::none(),
        }
    }
}

impl AccountClosed {
    fn evaluate_call(&self, event: &Event) -> Findings {
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        let account = event.account("/requestParameters/accountId");
        let expected = self.expects(account) || self.settings.expected_automation.expects(event);
        if expected || operations::is_passing(report.outcome()) {
            return Findings::none();
        }
        let severity = match report.outcome() {
            Outcome::Succeeded => report.raised_for_root(Severity::High),
            outcome if outcome.code() == Some("ConstraintViolationException") => Severity::Medium,
            _ => Severity::Low,
        };
        let title = format!("{} {}", report.who("closed", "close"), names::account(event, account));
        let report = report.account(account);
        report.finding(key(event, account), ADVICE).title(title).severity(severity).detail("account", account).into()
    }

    fn evaluate_result(&self, event: &Event) -> Findings {
        let account = event.account("/serviceEventDetails/closeAccountStatus/accountId");
        if self.expects(account) {
            return Findings::none();
        }
        let text = |field: &str| event.service_event_details(&format!("/closeAccountStatus/{field}")).into_string();
        let state = text("state").map(|state| plain(&state));
        let name = names::account(event, account);
        let title = match state.as_deref() {
            Some("SUCCEEDED") => format!("The closing of {name} is complete"),
            Some("FAILED") => format!("The closing of {name} failed"),
            _ => format!("The closing of {name} ended in an unknown way"),
        };
        let failed = state.as_deref() == Some("FAILED");
        let advice = if failed { STAYED_OPEN } else { ADVICE };
        let report = Report::of(event).account(account);
        let finding = report.finding(key(event, account), advice).title(title).severity(Severity::Low);
        // The event itself has no error, so its outcome is that of what it tells of.
        let finding = if failed { finding.detail("outcome", "failed") } else { finding };
        finding
            .detail("account", account)
            .detail("state", state)
            .detail("failure_reason", text("failureReason").map(|reason| plain(&reason)))
            .into()
    }

    fn expects(&self, account: Option<AccountId>) -> bool {
        account.is_some_and(|account| self.settings.expected_accounts.contains(&account))
    }
}

fn key(event: &Event, account: Option<AccountId>) -> String {
    account.map_or_else(|| unreadable(event), |account| account.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_closed");
    const CLOSED: &str = include_str!("../../events/account_closed/fires_closed.json");
    const LIMIT: &str = include_str!("../../events/account_closed/fires_limit_of_closings.json");
    const DONE: &str = include_str!("../../events/account_closed/fires_result_succeeded.json");
    const FAILED: &str = include_str!("../../events/account_closed/fires_result_failed.json");
    const EXPECTED: &str = r#"{"expected_accounts": ["444455556666"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<AccountClosed>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountClosed>("{}", EVENTS);
    }

    #[test]
    fn the_call_and_its_result_are_one_group_and_one_alarm() {
        for (record, severity, title) in [
            (CLOSED, Severity::High, "Role OrgAdmin of 111122223333 (session anaya) closed account 444455556666"),
            (
                LIMIT,
                Severity::Medium,
                "Role OrgAdmin of 111122223333 (session anaya) failed to close account 444455556666",
            ),
            (DONE, Severity::Low, "The closing of account 444455556666 is complete"),
            (FAILED, Severity::Low, "The closing of account 444455556666 failed"),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!((finding.get_severity(), finding.key()), (Some(severity), "444455556666"), "{title}");
            assert_eq!(judge(EXPECTED, record), None, "{title}");
        }
    }

    #[test]
    fn a_closing_that_failed_left_the_account_open() {
        let finding = judge("{}", FAILED).unwrap();
        assert_eq!(finding.details()["outcome"], "failed");
        assert_eq!(finding.details()["undo"], "Nothing to undo: the account is open.");
        assert_eq!(judge("{}", DONE).unwrap().details()["outcome"], "succeeded");
    }

    #[test]
    fn a_result_is_no_automation_of_somebody_else() {
        let services =
            r#"{"expected_automation": ["organizations.amazonaws.com", "arn:aws:iam::111122223333:role/OrgAdmin"]}"#;
        assert_eq!(judge(services, CLOSED), None);
        assert!(judge(services, DONE).is_some());
    }

    #[test]
    fn an_account_that_cannot_be_read_is_expected_nowhere() {
        let unreadable = CLOSED.replace("\"444455556666\"", "\"4444\"");
        let finding = judge(EXPECTED, &unreadable).unwrap();
        assert!(finding.key().starts_with("unreadable "));
        assert!(finding.get_title().unwrap().ends_with("closed an account whose id cannot be read"));
    }
}
