//! `org.root-used`: somebody worked as root in the management account.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::operations::is_write;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports the use of root in the management account: sign-ins, and calls of any service.
    ///
    /// ## What it does
    ///
    /// Sees records of root in the accounts that `management_accounts` lists, or in all accounts while it lists none. A sign-in without MFA and a call
    /// with an access key of root's own are critical; a sign-in with MFA, a change and the recovery of the password are high; a failed sign-in and a call
    /// that only reads are medium. A call that was denied or failed is one step lower.
    ///
    /// Quiet are service events, calls that a service made by itself on root's behalf (`invokedBy`, but not where it says that the console did), and
    /// the sessions that the management account opens as root in members.
    ///
    /// ## Why it matters
    ///
    /// No service control policy binds the management account, and no permission binds root. There is almost nothing that only root can do, so its
    /// use is an emergency, a rare chore, or an attack.
    ///
    /// ## What it misses
    ///
    /// * What a service does for root after the call that asked for it: that call is reported, what follows is not.
    /// * Sessions by central root access: see `org.root-session-opened`.
    /// * Without `management_accounts` it does not know which account matters most and treats all alike.
    ///
    /// ## What to do
    ///
    /// Ask whoever keeps the root credentials. If it was nobody, sign in with them, change the password, remove access keys and MFA devices that you do not
    /// know, and look at every call of that session. If you cannot sign in, call AWS Support.
    RootUsed,
    id: "org.root-used",
    version: "1.0.0",
    title: "Root was used in the management account",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    // Most records of root are of services that act for it. The rule leaves them out, too, and need not be asked.
    matches: [{ "userIdentity": { "type": ["Root"], "invokedBy": [{ "exists": false }, null, "signin.amazonaws.com"] } }],
    attack: ["T1078.004"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.3",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    ],
    false_positives: ["The few chores that only root can do, such as to change the account's e-mail address"],
}

const ADVICE: Advice = Advice {
    check_next: "Ask whoever keeps the root credentials. Look at all calls of the account's root since: in CloudTrail, user name root.",
    undo: "Change root's password, delete its access keys, check its MFA devices; then undo what was done in the session.",
};

struct RootUsed {
    settings: Settings,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// The management accounts. With none listed, root of every account is reported.
    management_accounts: BTreeSet<AccountId>,
}

impl Rule for RootUsed {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let identity = event.user_identity();
        if identity.kind() != event::IdentityKind::Root || event.event_type().as_deref() == Some("AwsServiceEvent") {
            return Findings::none();
        }
        // The console writes itself into every call that a person makes in it.
        let by_service = identity.invoked_by().is_some_and(|service| service != "signin.amazonaws.com");
        if by_service || identity.session().assumed_root() {
            return Findings::none();
        }
        let account = identity.account_id().or_else(|| event.recipient_account_id());
        let listed = &self.settings.management_accounts;
        if !listed.is_empty() && account.is_some_and(|account| !listed.contains(&account)) {
            return Findings::none();
        }

        let report = Report::of(event);
        let name = plain(&event.event_name().unwrap_or_default());
        let mfa = mfa(event);
        let (severity, title) = weigh(event, &report, &name, mfa);
        let report = report.account(account);
        report
            .finding(account.map_or_else(|| "unknown".to_owned(), |account| account.to_string()), ADVICE)
            .title(title)
            .severity(severity)
            .detail("account", account)
            .detail("service", event.event_source().map(|source| plain(&source)))
            .detail("signed_in_with_mfa", mfa)
            .into()
    }
}

/// Says what root did, and how serious it is.
fn weigh(event: &Event, report: &Report<'_>, name: &str, mfa: Option<bool>) -> (Severity, String) {
    let succeeded = report.outcome().is_success();
    let actor = report.actor();
    if event.event_source().as_deref() == Some("signin.amazonaws.com") {
        return match (name, succeeded) {
            ("ConsoleLogin", false) => (Severity::Medium, format!("{actor} failed to sign in")),
            ("ConsoleLogin", true) if mfa == Some(true) => (Severity::High, format!("{actor} signed in with MFA")),
            ("ConsoleLogin", true) => (Severity::Critical, format!("{actor} signed in without MFA")),
            ("PasswordRecoveryRequested", _) => {
                (report.severity(Severity::High), format!("{actor} asked for a new password"))
            }
            ("PasswordRecoveryCompleted", _) => {
                (report.severity(Severity::High), format!("{actor} got a new password"))
            }
            ("PasswordUpdated", _) => (report.severity(Severity::High), format!("{actor} changed the password")),
            _ => (report.severity(Severity::Medium), format!("{actor} was at the sign-in page: {name}")),
        };
    }
    // Temporary credentials begin with ASIA. Root should have no others.
    let own_key = event.user_identity().access_key_id().is_some_and(|key| key.starts_with("AKIA"));
    let title = report.who(&format!("called {name}"), &format!("call {name}"));
    // Records of before 2016 do not say whether a call only reads.
    let only_reads = event.read_only().unwrap_or_else(|| !is_write(name));
    match (own_key, only_reads) {
        (true, _) => (report.severity(Severity::Critical), format!("{title} with an access key of its own")),
        (false, true) => (report.severity(Severity::Medium), title),
        (false, false) => (report.severity(Severity::High), title),
    }
}

/// Returns whether a sign-in used MFA; nothing in a record that is none.
fn mfa(event: &Event) -> Option<bool> {
    let used = event.additional_event_data("/MFAUsed").into_string()?;
    Some(used.eq_ignore_ascii_case("Yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/root_used");
    const WITH_MFA: &str = include_str!("../../events/root_used/fires_signed_in.json");
    const WITHOUT_MFA: &str = include_str!("../../events/root_used/fires_signed_in_without_mfa.json");
    const FAILED: &str = include_str!("../../events/root_used/fires_sign_in_failed.json");
    const RECOVERY: &str = include_str!("../../events/root_used/fires_password_recovery.json");
    const KEY: &str = include_str!("../../events/root_used/fires_access_key.json");
    const CONSOLE: &str = include_str!("../../events/root_used/fires_call_in_the_console.json");
    const READ: &str = include_str!("../../events/root_used/fires_read.json");
    const MEMBER: &str = include_str!("../../events/root_used/quiet_member_account.json");
    const SETTINGS: &str = r#"{"management_accounts": ["111122223333"]}"#;

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<RootUsed>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<RootUsed>(SETTINGS, EVENTS);
    }

    #[test]
    fn how_root_came_and_what_it_did_decide_how_serious_it_is() {
        for (record, severity, title) in [
            (WITH_MFA, Severity::High, "Root of 111122223333 signed in with MFA"),
            (WITHOUT_MFA, Severity::Critical, "Root of 111122223333 signed in without MFA"),
            (FAILED, Severity::Medium, "Root of 111122223333 failed to sign in"),
            (RECOVERY, Severity::High, "Root of 111122223333 asked for a new password"),
            (KEY, Severity::Critical, "Root of 111122223333 called CreateUser with an access key of its own"),
            (CONSOLE, Severity::High, "Root of 111122223333 called DetachPolicy"),
            (READ, Severity::Medium, "Root of 111122223333 called ListAccounts"),
        ] {
            let finding = judge(SETTINGS, record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
            assert_eq!(finding.key(), "111122223333");
        }
    }

    #[test]
    fn a_sign_in_that_does_not_speak_of_mfa_had_none() {
        let silent = WITH_MFA.replace("\"MFAUsed\": \"Yes\"", "\"MobileVersion\": \"No\"");
        assert_ne!(silent, WITH_MFA);
        assert_eq!(judge(SETTINGS, &silent).unwrap().get_severity(), Some(Severity::Critical));
    }

    #[test]
    fn the_console_in_invoked_by_excuses_nobody_and_a_service_does() {
        let with = |service: &str| {
            CONSOLE.replace("\"type\": \"Root\"", &format!("\"type\": \"Root\", \"invokedBy\": \"{service}\""))
        };
        assert!(judge(SETTINGS, &with("signin.amazonaws.com")).is_some());
        assert_eq!(judge(SETTINGS, &with("support.amazonaws.com")), None);
    }

    #[test]
    fn nothing_that_the_caller_chooses_excuses_it() {
        for (from, to) in [
            ("\"userAgent\": \"", "\"userAgent\": \"support.amazonaws.com "),
            ("\"sourceIPAddress\": \"192.0.2.17\"", "\"sourceIPAddress\": \"support.amazonaws.com\""),
        ] {
            let record = CONSOLE.replacen(from, to, 1);
            assert_ne!(record, CONSOLE);
            assert!(judge(SETTINGS, &record).is_some(), "{to}");
        }
    }

    #[test]
    fn without_settings_root_of_every_account_counts() {
        assert_eq!(judge(SETTINGS, MEMBER), None);
        assert_eq!(judge("{}", MEMBER).unwrap().get_title(), Some("Root of 444455556666 signed in with MFA"));
        let nameless = CONSOLE
            .replace("\"accountId\": \"111122223333\",", "")
            .replace("\"recipientAccountId\": \"111122223333\",", "");
        assert!(judge(SETTINGS, &nameless).is_some(), "an account that cannot be read is not excused");
    }
}
