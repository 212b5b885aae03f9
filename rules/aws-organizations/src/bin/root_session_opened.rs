//! `org.root-session-opened`: somebody opened a root session in a member account from outside it.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report, unreadable};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a root session that was opened in a member account by central root access.
    ///
    /// ## What it does
    ///
    /// Sees `AssumeRoot` of STS. The task decides: to have a root password made, or to unlock a bucket or queue, is high, and so is a task that
    /// this rule does not know; to delete root credentials is medium, to audit them low. A call that was denied or failed is reported too, one
    /// step lower. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// For fifteen minutes somebody is root in an account that is not theirs. Most such sessions are the quarterly audit. One that lets the
    /// root user recover a password, or takes away the policy that keeps everybody out of a bucket, may be an attacker who is almost done.
    ///
    /// ## What it misses
    ///
    /// * What is done in the session: those calls are in the member account's own trail, with `assumedRoot` and the access key that the
    ///   finding names.
    /// * Root sessions that begin with a password: see `org.root-used`.
    ///
    /// ## What to do
    ///
    /// Ask the caller what the session was for. Search the trail of the member account for the access key `session_access_key`, which shows every call made
    /// in it. If it was not planned, switch root sessions off and treat the caller as compromised.
    RootSessionOpened,
    id: "org.root-session-opened",
    version: "1.0.0",
    title: "A root session was opened in a member account",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": ["sts.amazonaws.com"], "eventName": ["AssumeRoot"] }],
    attack: ["T1548.005", "T1078.004"],
    references: [
        "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-track-privileged-tasks.html",
    ],
    false_positives: ["The regular audit or clean-up of root credentials, until expected_automation names its role"],
}

/// The tasks that AWS has policies for: the policy's name, what the session is for, and how serious it is.
const TASKS: [(&str, &str, Severity); 5] = [
    ("IAMAuditRootUserCredentials", "to audit its root credentials", Severity::Low),
    ("IAMDeleteRootUserCredentials", "to delete its root credentials", Severity::Medium),
    ("IAMCreateRootUserPassword", "to let its root user make a new password", Severity::High),
    ("S3UnlockBucketPolicy", "to unlock a bucket", Severity::High),
    ("SQSUnlockQueuePolicy", "to unlock a queue", Severity::High),
];

const ADVICE: Advice = Advice {
    check_next: "Ask the caller. Search the member account's trail for the access key of the session: it shows what was done.",
    undo: "A session ends by itself after 15 minutes at most. To prevent others: aws iam disable-organizations-root-sessions. Then undo what was done in it.",
};

struct RootSessionOpened {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles, users and services that may open root sessions.
    expected_automation: Automation,
}

impl Rule for RootSessionOpened {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        if self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        // An account's id, or the ARN of its root.
        let target = event.account("/requestParameters/targetPrincipal").or_else(|| {
            let arn = event.request("/targetPrincipal").into_string()?;
            arn.split(':').nth(4)?.parse().ok()
        });
        let policy = event.request("/taskPolicyArn/arn").into_string();
        let policy = policy.or_else(|| event.request("/taskPolicyArn").into_string());
        let task = policy.as_deref().and_then(|policy| policy.rsplit_once(":policy/root-task/"));
        let task = task.and_then(|(_, name)| TASKS.into_iter().find(|(known, ..)| *known == name));
        let (purpose, severity) = match task {
            Some((_, purpose, severity)) => (purpose, severity),
            None => ("for an unknown task", Severity::High),
        };

        let report = Report::of(event).account(target);
        let title = format!(
            "{} in {} {purpose}",
            report.who("opened a root session", "open a root session"),
            names::account(event, target)
        );
        report
            .finding(target.map_or_else(|| unreadable(event), |target| target.to_string()), ADVICE)
            .title(title)
            .severity(report.severity(severity))
            .detail("member_account", target)
            .detail("task_policy", policy.as_deref().map(plain))
            .detail("session_access_key", event.response("/credentials/accessKeyId").as_str().map(plain))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/root_session_opened");
    const PASSWORD: &str = include_str!("../../events/root_session_opened/fires_password.json");
    const UNLOCK: &str = include_str!("../../events/root_session_opened/fires_bucket_unlocked.json");
    const AUDIT: &str = include_str!("../../events/root_session_opened/fires_audit.json");
    const UNKNOWN: &str = include_str!("../../events/root_session_opened/fires_unknown_task.json");
    const DENIED: &str = include_str!("../../events/root_session_opened/fires_denied.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<RootSessionOpened>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:role/RootAudit"]}"#;
        testing::judge_events::<RootSessionOpened>(expected, EVENTS);
    }

    #[test]
    fn the_task_decides_how_serious_it_is() {
        let anaya = "Identity Center user anaya@example.com as OrgAdmin of 111122223333";
        for (record, severity, title) in [
            (
                PASSWORD,
                Severity::High,
                format!("{anaya} opened a root session in account 444455556666 to let its root user make a new password"),
            ),
            (UNLOCK, Severity::High, format!("{anaya} opened a root session in account 444455556666 to unlock a bucket")),
            (
                AUDIT,
                Severity::Low,
                format!("{anaya} opened a root session in account 444455556666 to audit its root credentials"),
            ),
            (
                UNKNOWN,
                Severity::High,
                "User carlos of 111122223333 opened a root session in account 444455556666 for an unknown task".to_owned(),
            ),
            (
                DENIED,
                Severity::Medium,
                "Role build of 777788889999 (session nightly) was not allowed to open a root session in account 444455556666 to unlock \
                 a queue"
                    .to_owned(),
            ),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_policy_and_the_target_are_read_in_either_form() {
        let flat = PASSWORD.replace(
            "{\n      \"arn\": \"arn:aws:iam::aws:policy/root-task/IAMCreateRootUserPassword\"\n    }",
            "\"arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials\"",
        );
        assert_ne!(flat, PASSWORD);
        assert_eq!(judge("{}", &flat).unwrap().get_severity(), Some(Severity::Low));
        let arn = PASSWORD.replace(
            "\"targetPrincipal\": \"444455556666\"",
            "\"targetPrincipal\": \"arn:aws:iam::444455556666:root\"",
        );
        assert_ne!(arn, PASSWORD);
        assert_eq!(judge("{}", &arn).unwrap().key(), "444455556666");
    }

    #[test]
    fn a_task_that_only_looks_harmless_is_unknown() {
        for disguise in [
            "arn:aws:iam::111122223333:policy/IAMAuditRootUserCredentials",
            "IAMAuditRootUserCredentials",
            "iamauditrootusercredentials",
        ] {
            let record = AUDIT.replace("arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials", disguise);
            assert_eq!(judge("{}", &record).unwrap().get_severity(), Some(Severity::High), "{disguise}");
        }
    }

    #[test]
    fn the_finding_names_the_key_of_the_session_and_keeps_its_secrets() {
        let finding = judge("{}", PASSWORD).unwrap();
        assert_eq!(finding.details()["session_access_key"], "ASIAI44QH8DHBEXAMPLE");
        assert!(!serde_json::to_string(&finding).unwrap().contains("SESSIONTOKEN"));
        assert!(judge("{}", DENIED).unwrap().details()["session_access_key"].is_null());
    }

    #[test]
    fn the_tables_put_names_beside_ids() {
        let given = testing::given::<RootSessionOpened>("{}")
            .row("accounts", "444455556666", [("name", "payments"), ("owner", "billing team")])
            .row("networks", "192.0.2.17", [("name", "office")]);
        let finding = given.judge(AUDIT).pop().unwrap();
        assert!(finding.get_title().unwrap().contains("in account 444455556666 (payments) to audit"));
        assert_eq!(finding.details()["known_accounts"]["444455556666"]["owner"], "billing team");
        assert_eq!(finding.details()["actor"]["network"], "office");
    }
}
