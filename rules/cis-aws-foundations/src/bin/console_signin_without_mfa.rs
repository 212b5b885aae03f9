//! `cis.console-signin-without-mfa`: somebody signed in to the console with a password alone.

use orgwatch_rules_cis_aws_foundations::settings::Strictness;
use orgwatch_rules_cis_aws_foundations::{controls, report};
use orgwatch_rules_sdk::event::IdentityKind;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Critical, High, Low, Medium};

rule! {
    /// Reports sign-ins to the console for which a password was enough.
    ///
    /// ## What it does
    ///
    /// Reports a sign-in (`ConsoleLogin`) that succeeded and for which the record does not say that MFA was used. It is critical for root, medium for
    /// an IAM user, and low where the record says nothing at all about MFA.
    ///
    /// The published metric filter of control 4.2 (5.2 from version 6.0 on) matches more, and the rule departs from it unless `strict = true` asks for
    /// it to the letter:
    ///
    /// * Federated users and sessions of roles are left out: their MFA happens at the identity provider, and AWS always writes `No`.
    /// * Sign-ins that failed are left out: see `cis.console-authentication-failures`.
    /// * `YES`, which AWS writes for root at times, is taken for `Yes`.
    /// * A record without the field is reported, which CloudWatch passes over: a comparison with a missing field is false.
    ///
    /// The second form of the filter that the benchmark gives, for IAM users that succeeded, is this without root.
    ///
    /// ## Why it matters
    ///
    /// Passwords are guessed, reused and phished. One that is enough for the console is enough for an attacker.
    ///
    /// ## What it misses
    ///
    /// * Access keys, which need no MFA unless a policy asks for it.
    /// * Federated users whose identity provider asks for no MFA.
    ///
    /// ## What to do
    ///
    /// Ask the user whether it was them. If not, disable the password and the access keys, end the sessions and look at what they did. If it was, have
    /// them set up MFA, and deny everything else without it by a policy. There is nothing to undo.
    ConsoleSigninWithoutMfa,
    id: "cis.console-signin-without-mfa",
    version: "1.0.0",
    title: "Signing in to the console went without MFA",
    severity: Medium,
    status: Test,
    matches: [{ "eventName": ["ConsoleLogin"] }],
    attack: ["T1078.004", "T1556.006"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.2",
        "CIS AWS Foundations 6.0 and 7.0 §5.2",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html",
    ],
    false_positives: ["Users whose MFA is asked for elsewhere, such as by a VPN before the console"],
}

struct ConsoleSigninWithoutMfa {
    literal: Option<MetricFilter>,
}

impl Rule for ConsoleSigninWithoutMfa {
    type Settings = Strictness;

    fn load(settings: Strictness) -> Result<Self, Refusal> {
        Ok(Self { literal: settings.literal(controls::CONSOLE_SIGNIN_WITHOUT_MFA)? })
    }

    fn matches(&self) -> Option<Matches> {
        self.literal.as_ref().map(MetricFilter::asked)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let mfa = Mfa::of(event);
        let reported = match &self.literal {
            Some(filter) => filter.matches(event),
            None => is_own_sign_in(event) && mfa != Mfa::Used,
        };
        if !reported {
            return Findings::none();
        }
        let (account, who) = (report::account(event), report::caller(event));
        let outcome = event.outcome();
        let manner = if outcome.is_success() { "signed in" } else { "failed to sign in" };
        let root = event.user_identity().kind() == IdentityKind::Root;
        let (severity, how) = match mfa {
            Mfa::Unknown if root => (High, "; the record does not say whether with MFA"),
            Mfa::Unknown => (Low, "; the record does not say whether with MFA"),
            Mfa::Used | Mfa::Not if root => (Critical, " without MFA"),
            Mfa::Used | Mfa::Not => (Medium, " without MFA"),
        };
        let finding = Finding::new(format!("{account} {who} {manner}"))
            .title(format!("{who} {manner} to the console of {account}{how}"))
            .severity(report::graded(severity, &outcome))
            .detail("user", event.user_identity().user_name())
            .detail("mfa_used", event.string("/additionalEventData/MFAUsed").map(|text| report::shortened(&text)));
        report::with_circumstances(finding, event).into()
    }
}

/// What the record says about MFA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mfa {
    Used,
    Not,
    Unknown,
}

impl Mfa {
    fn of(event: &Event) -> Self {
        match event.read("/additionalEventData/MFAUsed") {
            Value::String(text) if text.eq_ignore_ascii_case("yes") => Self::Used,
            Value::Absent | Value::Null => Self::Unknown,
            _ => Self::Not,
        }
    }
}

/// Tells a sign-in that succeeded with a password of AWS's own: that of a user or of root.
fn is_own_sign_in(event: &Event) -> bool {
    event.event_name().as_deref() == Some("ConsoleLogin")
        && event.outcome().is_success()
        && matches!(event.user_identity().kind(), IdentityKind::IamUser | IdentityKind::Root)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/console_signin_without_mfa");
    const USER: &str = include_str!("../../events/console_signin_without_mfa/fires_user.json");
    const ROOT: &str = include_str!("../../events/console_signin_without_mfa/fires_root.json");
    const UNSAID: &str = include_str!("../../events/console_signin_without_mfa/fires_mfa_not_said.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<ConsoleSigninWithoutMfa>("{}", EVENTS);
    }

    #[test]
    fn root_matters_most_and_what_is_not_said_least() {
        for (record, severity) in [(USER, Medium), (ROOT, Critical), (UNSAID, Low)] {
            let findings = testing::evaluate::<ConsoleSigninWithoutMfa>("{}", record).unwrap();
            assert_eq!(findings[0].get_severity(), Some(severity), "{record}");
        }
    }

    #[test]
    fn only_a_plain_yes_in_any_case_is_mfa() {
        let fires = |mfa: &str| {
            let record = USER.replace(r#""MFAUsed": "No""#, &format!(r#""MFAUsed": {mfa}"#));
            !testing::evaluate::<ConsoleSigninWithoutMfa>("{}", &record).unwrap().is_empty()
        };
        assert!(!fires(r#""Yes""#) && !fires(r#""YES""#));
        for mfa in [r#""No""#, r#""Yes ""#, r#""""#, "true", "null", r#"["Yes"]"#, r#"{"MFAUsed": "Yes"}"#, "1"] {
            assert!(fires(mfa), "{mfa}");
        }
    }
}
