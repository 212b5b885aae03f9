//! `org.central-root-access-changed`: the management account's access to root in member accounts was switched on or off.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports a change of central root access, by which the management account acts as root in member accounts.
    ///
    /// ## What it does
    ///
    /// Sees the four calls of IAM that switch it: `EnableOrganizationsRootSessions` is high, because from then on one call opens a root session in
    /// any member account; `EnableOrganizationsRootCredentialsManagement` and both `Disable` calls are medium. A call that was denied or
    /// failed is reported too, one step lower. Expected automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// No service control policy's exception and no permission of a member account stands above root. An attacker in the management account, or in
    /// the account that IAM is delegated to, needs this switch to unlock buckets and queues and to have root passwords made anew.
    ///
    /// ## What it misses
    ///
    /// * The sessions themselves: see `org.root-session-opened`.
    /// * Trusted access for IAM, without which the switch does nothing: see `org.trusted-access-enabled`.
    /// * Who else may use it: see `org.delegated-administrator-registered` for `iam.amazonaws.com`.
    ///
    /// ## What to do
    ///
    /// To manage root centrally is good practice, so ask first whether it was planned. If not, switch it back and look for `AssumeRoot`
    /// calls since, in the trails of the management account and of the account that administers IAM.
    CentralRootAccessChanged,
    id: "org.central-root-access-changed",
    version: "1.0.0",
    title: "Central root access to member accounts was changed",
    severity: High,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": ["iam.amazonaws.com"], "eventName": (SWITCHES.map(|(name, ..)| name)) }],
    attack: ["T1548.005", "T1098.003"],
    references: [
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOrganizationsRootSessions.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html",
    ],
    false_positives: ["Central root access is introduced as planned, which happens once in an organization's life"],
}

/// The calls: what one does, and how serious it is.
const SWITCHES: [(&str, &str, &str, Severity); 4] = [
    ("EnableOrganizationsRootSessions", "enabled root sessions", "enable root sessions", Severity::High),
    (
        "EnableOrganizationsRootCredentialsManagement",
        "enabled central management of root credentials",
        "enable central management of root credentials",
        Severity::Medium,
    ),
    ("DisableOrganizationsRootSessions", "disabled root sessions", "disable root sessions", Severity::Medium),
    (
        "DisableOrganizationsRootCredentialsManagement",
        "disabled central management of root credentials",
        "disable central management of root credentials",
        Severity::Medium,
    ),
];

const ENABLED: Advice = Advice {
    check_next: "Ask the caller. Look for AssumeRoot calls since, and for the delegated administrator of iam.amazonaws.com.",
    undo: "aws iam disable-organizations-root-sessions, or disable-organizations-root-credentials-management.",
};
const DISABLED: Advice = Advice {
    check_next: "Ask the caller. Check whether root credentials were made in member accounts since: aws iam get-account-summary in each.",
    undo: "aws iam enable-organizations-root-sessions, or enable-organizations-root-credentials-management.",
};

struct CentralRootAccessChanged {
    settings: Settings,
}

/// Settings of the rule. What they do not expect is reported.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles, users and services that may switch central root access.
    expected_automation: Automation,
}

impl Rule for CentralRootAccessChanged {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let name = event.event_name().unwrap_or_default();
        let Some((_, did, do_it, severity)) = SWITCHES.into_iter().find(|(switch, ..)| *switch == name) else {
            return Findings::none();
        };
        if self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let report = Report::of(event);
        let organization = event.response("/organizationId").into_string();
        let advice = if name.starts_with("Enable") { ENABLED } else { DISABLED };
        let title = format!("{} in all member accounts", report.who(did, do_it));
        report
            .finding(name, advice)
            .title(title)
            .severity(report.severity(severity))
            .detail("organization", organization)
            .detail("enabled_features", features(event))
            .into()
    }
}

/// Returns which features are on after the call, as far as the record says.
fn features(event: &Event) -> Option<Vec<String>> {
    let Value::Array(length) = event.response("/enabledFeatures") else {
        return None;
    };
    let read = |index: usize| event.response(&format!("/enabledFeatures/{index}")).into_string();
    Some((0..length.min(10)).filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/central_root_access_changed");
    const SESSIONS: &str = include_str!("../../events/central_root_access_changed/fires_sessions_enabled.json");
    const CREDENTIALS: &str = include_str!("../../events/central_root_access_changed/fires_credentials_enabled.json");
    const DISABLED: &str = include_str!("../../events/central_root_access_changed/fires_sessions_disabled.json");
    const CREDENTIALS_DISABLED: &str =
        include_str!("../../events/central_root_access_changed/fires_credentials_disabled.json");
    const DENIED: &str = include_str!("../../events/central_root_access_changed/fires_denied.json");

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<CentralRootAccessChanged>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<CentralRootAccessChanged>("{}", EVENTS);
    }

    #[test]
    fn root_sessions_matter_most_and_a_denied_call_matters_less() {
        let anaya = "Identity Center user anaya@example.com as OrgAdmin of 111122223333";
        for (record, severity, title) in [
            (SESSIONS, Severity::High, format!("{anaya} enabled root sessions in all member accounts")),
            (
                CREDENTIALS,
                Severity::Medium,
                format!("{anaya} enabled central management of root credentials in all member accounts"),
            ),
            (
                DISABLED,
                Severity::Medium,
                "User carlos of 111122223333 disabled root sessions in all member accounts".to_owned(),
            ),
            (
                CREDENTIALS_DISABLED,
                Severity::Medium,
                "User carlos of 111122223333 disabled central management of root credentials in all member accounts".to_owned(),
            ),
            (
                DENIED,
                Severity::Medium,
                "Role build of 444455556666 (session nightly) was not allowed to enable root sessions in all member accounts"
                    .to_owned(),
            ),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_finding_says_what_is_on_now() {
        let finding = judge("{}", SESSIONS).unwrap();
        assert_eq!(finding.details()["organization"], "o-exampleorgid");
        assert_eq!(finding.details()["enabled_features"][1], "RootSessions");
        assert!(judge("{}", DENIED).unwrap().details()["enabled_features"].is_null());
    }

    #[test]
    fn expected_automation_is_quiet_whatever_others_call_their_session() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::111122223333:user/carlos"]}"#;
        assert_eq!(judge(expected, DISABLED), None);
        assert!(judge(expected, &DENIED.replace("nightly", "carlos")).is_some());
    }
}
