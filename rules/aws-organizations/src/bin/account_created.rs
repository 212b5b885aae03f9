//! `org.account-created`: somebody had an account created in the organization.

use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{names, operations};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports an account that somebody had created, and what became of it.
    ///
    /// ## What it does
    ///
    /// Sees `CreateAccount` (medium) and `CreateGovCloudAccount` (high), one step less where the call failed; a root user makes either one step worse. Expected
    /// automation, such as the role of Control Tower or of an account factory, is quiet. `CreateAccountResult` has no caller: of one that
    /// failed the finding is low; one that succeeded is informational, and quiet as soon as any automation is expected, because the call
    /// before it has been judged and `org.unexpected-join` sees the account itself.
    ///
    /// ## Why it matters
    ///
    /// A new account has no alarms, no owner and a full quota, and its administrator role trusts the management account. It is a good place to mine, and to hide. A
    /// GovCloud account is outside the organization's policies altogether.
    ///
    /// ## What it misses
    ///
    /// * The id of the new account, which AWS does not know yet: the result and `org.unexpected-join` have it. Name and e-mail address are masked.
    /// * Calls that were denied: see `org.unauthorized-attempt`.
    ///
    /// ## What to do
    ///
    /// Ask the caller what the account is for and who owns it. If nobody does, move it to an organizational unit that denies everything, then close it. An
    /// account made by hand in an organization that has an account factory is always worth the question.
    AccountCreated,
    id: "org.account-created",
    version: "1.0.0",
    title: "An account was created",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{
        "eventSource": [event::organizations::EVENT_SOURCE],
        "eventName": ["CreateAccount", "CreateAccountResult", "CreateGovCloudAccount"]
    }],
    attack: ["T1136.003", "T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html",
        "https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateGovCloudAccount.html",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html",
    ],
    false_positives: ["Account vending, until expected_automation lists its role or service"],
}

const ADVICE: Advice = Advice {
    check_next: "The CreateAccountResult with the same request, which has the account's id, and who owns the account.",
    undo: "Move the account to an organizational unit that denies everything, then close it: aws organizations close-account.",
};

/// What there is to say where AWS itself did not do it.
const NOT_CREATED: Advice = Advice {
    check_next: "The reason that AWS gives, and who had the account created: the call has the same request.",
    undo: "Nothing to undo: there is no new account.",
};

struct AccountCreated {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles and users by their ARNs, and services by their names, that create accounts.
    expected_automation: Automation,
}

impl Rule for AccountCreated {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        match operations::called(event).as_deref() {
            Some("CreateAccount") => self.evaluate_call(event, Severity::Medium, "an account"),
            Some("CreateGovCloudAccount") => {
                self.evaluate_call(event, Severity::High, "an account and another one in GovCloud")
            }
            Some("CreateAccountResult") => self.evaluate_result(event),
            _ => Findings::none(),
        }
    }
}

impl AccountCreated {
    fn evaluate_call(&self, event: &Event, severity: Severity, what: &str) -> Findings {
        let Some(report) = Report::unless_denied(event) else {
            return Findings::none();
        };
        if self.settings.expected_automation.expects(event) || operations::is_passing(report.outcome()) {
            return Findings::none();
        }
        let text = |field: &str| event.request(&format!("/{field}")).into_string().map(|text| plain(&text));
        let request = event.response("/createAccountStatus/id").into_string().map(|id| plain(&id));
        let title = format!("{} {what}", report.who("had AWS create", "have AWS create"));
        let severity = report.raised_for_root(report.severity(severity));
        let key = request.clone().unwrap_or_else(|| unreadable(event));
        let finding = report.finding(key, ADVICE).title(title).severity(severity);
        finding
            .detail("request", request)
            .detail("account_name", text("accountName"))
            .detail("administrator_role", text("roleName"))
            .detail("billing_access", text("iamUserAccessToBilling"))
            .into()
    }

    fn evaluate_result(&self, event: &Event) -> Findings {
        let text = |field: &str| {
            let text = event.service_event_details(&format!("/createAccountStatus/{field}")).into_string();
            text.map(|text| plain(&text))
        };
        let account = event.account("/serviceEventDetails/createAccountStatus/accountId");
        let request = text("id");
        let state = text("state");
        let reason = text("failureReason");
        let (severity, title) = match state.as_deref() {
            Some("SUCCEEDED") if self.settings.expected_automation != Automation::default() => return Findings::none(),
            Some("SUCCEEDED") => {
                let name = names::account(event, account);
                (Severity::Informational, format!("The creation of {name} is complete"))
            }
            Some("FAILED") => {
                let reason = reason.as_deref().unwrap_or("no reason given");
                (Severity::Low, format!("The creation of an account failed: {reason}"))
            }
            _ => (Severity::Low, "The creation of an account ended in an unknown way".to_owned()),
        };
        let failed = state.as_deref() == Some("FAILED");
        let advice = if failed { NOT_CREATED } else { ADVICE };
        let report = Report::of(event).account(account);
        let key = request.clone().unwrap_or_else(|| unreadable(event));
        let finding = report.finding(key, advice).title(title).severity(severity);
        // The event itself has no error, so its outcome is that of what it tells of.
        let finding = if failed { finding.detail("outcome", "failed") } else { finding };
        finding
            .detail("request", request)
            .detail("account", account)
            .detail("state", state)
            .detail("failure_reason", reason)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/account_created");
    const CREATED: &str = include_str!("../../events/account_created/fires_created.json");
    const VENDED: &str = include_str!("../../events/account_created/fires_vended_by_control_tower.json");
    const GOV_CLOUD: &str = include_str!("../../events/account_created/fires_gov_cloud.json");
    const DONE: &str = include_str!("../../events/account_created/fires_result_succeeded.json");
    const FAILED: &str = include_str!("../../events/account_created/fires_result_failed.json");
    const FACTORY: &str =
        r#"{"expected_automation": ["arn:aws:iam::111122223333:role/service-role/AWSControlTowerAdmin"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<AccountCreated>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<AccountCreated>("{}", EVENTS);
    }

    #[test]
    fn the_call_and_its_result_are_one_group_and_one_alarm() {
        for (record, severity, title) in [
            (CREATED, Severity::Medium, "Role OrgAdmin of 111122223333 (session anaya) had AWS create an account"),
            (
                GOV_CLOUD,
                Severity::High,
                "Role OrgAdmin of 111122223333 (session anaya) had AWS create an account and another one in GovCloud",
            ),
            (DONE, Severity::Informational, "The creation of account 444455556666 is complete"),
            (FAILED, Severity::Low, "The creation of an account failed: EMAIL_ALREADY_EXISTS"),
        ] {
            let finding = judge("{}", record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
        assert_eq!(judge("{}", CREATED).unwrap().key(), "car-examplecreateaccountrequestid1");
        assert_eq!(judge("{}", DONE).unwrap().key(), "car-examplecreateaccountrequestid1");
        assert_eq!(judge("{}", CREATED).unwrap().details()["administrator_role"], "Break");
    }

    #[test]
    fn a_creation_that_failed_left_nothing_behind() {
        let finding = judge("{}", FAILED).unwrap();
        assert_eq!(finding.details()["outcome"], "failed");
        assert_eq!(finding.details()["undo"], "Nothing to undo: there is no new account.");
    }

    #[test]
    fn an_account_vended_as_expected_rings_nothing() {
        assert!(judge("{}", VENDED).is_some());
        assert_eq!(judge(FACTORY, VENDED), None);
        assert_eq!(judge(FACTORY, DONE), None);
        assert!(judge(FACTORY, CREATED).is_some());
        assert!(judge(FACTORY, FAILED).is_some());
    }

    #[test]
    fn a_session_named_like_the_factory_is_not_the_factory() {
        let record = CREATED.replace("/anaya", "/AWSControlTowerAdmin").replace(":anaya", ":AWSControlTowerAdmin");
        assert!(judge(FACTORY, &record).is_some());
        let agent = CREATED.replace("aws-cli/", "controltower.amazonaws.com aws-cli/");
        assert!(judge(r#"{"expected_automation": ["controltower.amazonaws.com"]}"#, &agent).is_some());
    }
}
