//! `org.unauthorized-attempt`: somebody tried to change the organization and was not allowed to.

use orgwatch_rules_aws_organizations::actor::Kind;
use orgwatch_rules_aws_organizations::operations::{DENIALS_JUDGED_BY_THEIR_RULE, is_write};
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_aws_organizations::{console, names};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports calls that would have changed the organization and were denied.
    ///
    /// ## What it does
    ///
    /// Sees every call of AWS Organizations that was denied (`AccessDenied`, `AccessDeniedException` and their kin), except those that only
    /// read and those that another rule of this pack reports, such as `LeaveOrganization`. Medium for what takes guard rails or accounts away or
    /// hands power to somebody, and for operations that this rule does not know; low for the rest. An attempt by root is high. Expected
    /// automation is quiet.
    ///
    /// ## Why it matters
    ///
    /// Few people have any business changing the organization, so a denied call is seldom a mistake of habit. It is the one trace of an attacker who
    /// tries what stolen credentials are good for, and it comes before the attempt that works.
    ///
    /// ## What it misses
    ///
    /// * Calls that failed for another reason: the rules about their operations report those.
    /// * Attempts to read the organization, which are how such an attack begins, but also what every second tool does.
    /// * A series of attempts as such: each is a finding, with the actor as the key to group them by.
    ///
    /// ## What to do
    ///
    /// Find out who is behind the role and whether they know of the call. A pipeline that lacks a permission says so to its owner. If nobody knows,
    /// end the role's sessions, exchange its credentials, and look at what else they were used for on that day.
    UnauthorizedAttempt,
    id: "org.unauthorized-attempt",
    version: "1.0.0",
    title: "An unauthorized attempt to change the organization",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventSource": [event::organizations::EVENT_SOURCE], "errorCode": [{ "exists": true }] }],
    attack: ["T1078.004", "T1666"],
    references: [
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    ],
    false_positives: ["A new pipeline or administrator that does not have its permissions yet"],
}

const ADVICE: Advice = Advice {
    check_next: "Find out who is behind the actor, and look for other calls with the same access key, denied and allowed, in the hours around this one.",
    undo: "",
};

/// The operations that take no guard rail and no account away and hand power to nobody.
const SLIGHT: [&str; 18] = [
    "AttachPolicy",
    "CancelHandshake",
    "CreateAccount",
    "CreateGovCloudAccount",
    "CreateOrganization",
    "CreateOrganizationalUnit",
    "CreatePolicy",
    "DeclineHandshake",
    "DeleteOrganizationalUnit",
    "DeleteResourcePolicy",
    "EnableAllFeatures",
    "EnablePolicyType",
    "InviteAccountToOrganization",
    "TagResource",
    "TerminateResponsibilityTransfer",
    "UntagResource",
    "UpdateOrganizationalUnit",
    "UpdateResponsibilityTransfer",
];

/// The request parameters that say what a call was about. What is free text is left out.
const TARGETS: [&str; 12] = [
    "accountId",
    "destinationParentId",
    "handshakeId",
    "id",
    "organizationalUnitId",
    "parentId",
    "policyId",
    "policyType",
    "resourceId",
    "servicePrincipal",
    "sourceParentId",
    "targetId",
];

struct UnauthorizedAttempt {
    settings: Settings,
}

/// Settings of the rule.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Roles, users and services whose denied calls are no news.
    expected_automation: Automation,
}

impl Rule for UnauthorizedAttempt {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        Ok(Self { settings })
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(operation) = event.event_name() else {
            return Findings::none();
        };
        let report = Report::of(event);
        let elsewhere = !is_write(&operation) || DENIALS_JUDGED_BY_THEIR_RULE.contains(&operation.as_str());
        if !report.outcome().is_denied() || elsewhere || self.settings.expected_automation.expects(event) {
            return Findings::none();
        }
        let targets = targets(event);
        let account = targets.get("accountId").or(targets.get("targetId")).and_then(|id| id.parse().ok());
        let severity = if report.actor().kind() == Kind::Root {
            Severity::High
        } else if SLIGHT.contains(&operation.as_str()) {
            Severity::Low
        } else {
            Severity::Medium
        };
        let about = match targets.values().next() {
            Some(target) => format!(" on {target}"),
            None => String::new(),
        };
        let title = format!("{} {}{about}", report.who("did", "call"), plain(&operation));
        let key = report.actor().key();
        let page = targets.get("organizationalUnitId").or(targets.get("targetId"));
        let page = page.and_then(|id| console::organizational_unit(event, id));
        report
            .account(account)
            .link("organizational_unit", page)
            .finding(key, ADVICE)
            .title(title)
            .severity(severity)
            .detail("targets", targets)
            .detail("error_message", event.error_message().map(|message| plain(&message)))
            .into()
    }
}

/// Returns what the call was about. The caller chose it, so it is shown and not judged.
fn targets(event: &Event) -> BTreeMap<String, String> {
    let mut targets = BTreeMap::new();
    for name in TARGETS {
        if let Value::String(text) = event.request(&format!("/{name}")) {
            targets.insert(name.to_owned(), plain(&text));
        }
    }
    // An invitation names whom it is for one level down.
    if let Value::String(text) = event.request("/target/id") {
        targets.insert("target".to_owned(), plain(&text));
    }
    targets
}

#[cfg(test)]
mod tests {
    use orgwatch_rules_aws_organizations::operations::WRITES;

    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/unauthorized_attempt");
    const DETACH: &str = include_str!("../../events/unauthorized_attempt/fires_detach_policy.json");
    const TAGS: &str = include_str!("../../events/unauthorized_attempt/fires_tag_resource.json");
    const ROOT: &str = include_str!("../../events/unauthorized_attempt/fires_root_of_a_member.json");
    const INVITE: &str = include_str!("../../events/unauthorized_attempt/fires_invitation.json");

    const GRAVE: [&str; 15] = [
        "AcceptHandshake",
        "CloseAccount",
        "DeleteOrganization",
        "DeletePolicy",
        "DeregisterDelegatedAdministrator",
        "DetachPolicy",
        "DisableAWSServiceAccess",
        "DisablePolicyType",
        "EnableAWSServiceAccess",
        "InviteOrganizationToTransferResponsibility",
        "MoveAccount",
        "PutResourcePolicy",
        "RegisterDelegatedAdministrator",
        "RemoveAccountFromOrganization",
        "UpdatePolicy",
    ];

    fn judge(settings: &str, record: &str) -> Option<Finding> {
        testing::evaluate::<UnauthorizedAttempt>(settings, record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<UnauthorizedAttempt>("{}", EVENTS);
    }

    #[test]
    fn what_was_attempted_and_by_whom_decides_how_serious_it_is() {
        let build = "Role build of 444455556666 (session nightly)";
        for (record, severity, title) in [
            (DETACH, Severity::Medium, format!("{build} was not allowed to call DetachPolicy on p-a1b2c3d4")),
            (TAGS, Severity::Low, format!("{build} was not allowed to call TagResource on 444455556666")),
            (
                ROOT,
                Severity::High,
                "Root of 444455556666 was not allowed to call DeregisterDelegatedAdministrator on 777788889999".to_owned(),
            ),
            (
                INVITE,
                Severity::Low,
                "Identity Center user anaya@example.com as ReadOnly of 111122223333 was not allowed to call InviteAccountToOrganization \
                 on 777788889999"
                    .to_owned(),
            ),
        ] {
            let finding = judge("{}", record).expect(&title);
            assert_eq!(finding.get_title(), Some(title.as_str()));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn every_write_is_weighed_and_each_denial_is_reported_once() {
        let mut weighed: Vec<&str> = [GRAVE.as_slice(), &SLIGHT, &DENIALS_JUDGED_BY_THEIR_RULE].concat();
        weighed.sort_unstable();
        assert_eq!(weighed, WRITES);
        for operation in WRITES {
            let record = DETACH.replace("DetachPolicy", operation);
            let elsewhere = DENIALS_JUDGED_BY_THEIR_RULE.contains(&operation);
            assert_eq!(judge("{}", &record).is_none(), elsewhere, "{operation}");
        }
        let unknown = DETACH.replace("DetachPolicy", "SplitOrganization");
        assert_eq!(judge("{}", &unknown).unwrap().get_severity(), Some(Severity::Medium));
    }

    #[test]
    fn every_form_of_denial_counts_and_other_failures_do_not() {
        for (code, denied) in [
            ("AccessDenied", true),
            ("AccessDeniedForDependencyException", true),
            ("Client.UnauthorizedOperation", true),
            ("PolicyNotAttachedException", false),
            ("TooManyRequestsException", false),
        ] {
            let record = DETACH.replace("\"AccessDeniedException\"", &format!("\"{code}\""));
            assert_eq!(judge("{}", &record).is_some(), denied, "{code}");
        }
    }

    #[test]
    fn attempts_group_by_the_role_whatever_its_sessions_are_called() {
        let one = judge("{}", DETACH).unwrap();
        let other = judge("{}", &DETACH.replace("nightly", "hourly")).unwrap();
        assert_eq!(one.key(), "arn:aws:iam::444455556666:role/build");
        assert_eq!(one.key(), other.key());
    }

    #[test]
    fn expected_automation_is_a_role_and_not_a_sessions_name() {
        let expected = r#"{"expected_automation": ["arn:aws:iam::444455556666:role/build"]}"#;
        assert_eq!(judge(expected, DETACH), None);
        let expected = r#"{"expected_automation": ["arn:aws:iam::444455556666:role/nightly"]}"#;
        assert!(judge(expected, DETACH).is_some());
    }

    #[test]
    fn what_the_caller_wrote_is_shown_in_one_short_line() {
        let record = DETACH.replace("p-a1b2c3d4", &format!("x\\n\\u202e{}", "y".repeat(5000)));
        let finding = judge("{}", &record).unwrap();
        assert!(finding.get_title().unwrap().len() < 300);
        assert!(!finding.get_title().unwrap().contains(['\n', '\u{202e}']));
    }
}
