//! `cis.root-usage`: the root user of an account was used.

use orgwatch_rules_cis_aws_foundations::settings::Strictness;
use orgwatch_rules_cis_aws_foundations::{controls, report};
use orgwatch_rules_sdk::event::IdentityKind;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::prelude::*;

use Severity::High;

rule! {
    /// Reports whatever the root user of an account does.
    ///
    /// ## What it does
    ///
    /// Reports every call and every sign-in by root, as control 4.3 (5.3 from version 6.0 on) asks: by identities of the type `Root`, without what a service does
    /// on root's behalf and without service events. Root sessions that the management account opens in a member (`AssumeRoot`) are root too; the
    /// finding says so. What failed is graded one step lower.
    ///
    /// The rule departs from the published metric filter in two things, unless `strict = true` asks for it to the letter:
    ///
    /// * `invokedBy` is `signin.amazonaws.com` in records of root working in the console, in those of older versions above all. The filter takes that for a service; it
    ///   is a person, and reported.
    /// * A record is reported whose `invokedBy` is there and names nobody, such as `null`, and one that does not say its `eventType`. CloudWatch
    ///   passes over both: the field exists, and a comparison with a missing field is false.
    ///
    /// ## Why it matters
    ///
    /// Root may do everything, and no policy of the account limits it. There are few reasons left to use it, and none of them comes every week.
    ///
    /// ## What it misses
    ///
    /// * Administrators, who may do almost as much.
    /// * The change of root's password and mail address, which the account's own trail may not show.
    ///
    /// ## What to do
    ///
    /// Ask whoever holds root's credentials. If it was not them: reset the password by the account's mail address, delete root's access keys and MFA devices
    /// that nobody knows, call AWS Support, and read everything that root did from the first sign-in on. Each finding is one call; what
    /// it changed is undone as the operation itself is.
    RootUsage,
    id: "cis.root-usage",
    version: "1.0.0",
    title: "Usage of the root user was seen",
    severity: High,
    status: Test,
    matches: [{ "userIdentity": { "type": ["Root"] } }],
    attack: ["T1078.004"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.3",
        "CIS AWS Foundations 6.0 and 7.0 §5.3",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    ],
    false_positives: ["The few tasks that need root, such as closing an account", "Centralized root access that is asked for"],
}

struct RootUsage {
    literal: Option<MetricFilter>,
}

impl Rule for RootUsage {
    type Settings = Strictness;

    fn load(settings: Strictness) -> Result<Self, Refusal> {
        Ok(Self { literal: settings.literal(controls::ROOT_USAGE)? })
    }

    fn matches(&self) -> Option<Matches> {
        self.literal.as_ref().map(MetricFilter::asked)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let reported = match &self.literal {
            Some(filter) => filter.matches(event),
            None => is_root_in_person(event),
        };
        if !reported {
            return Findings::none();
        }
        let account = report::account(event);
        let name = event.event_name().unwrap_or_else(|| "a call without a name".to_owned());
        let name = report::shortened(&name);
        let outcome = event.outcome();
        let manner = report::manner(&outcome);
        let assumed = event.user_identity().session().assumed_root();
        let who = if assumed { "Root, by a session of the management account," } else { "Root" };
        let finding = Finding::new(format!("{account} {name}{manner}"))
            .title(format!("{who} in {account}: {name}{manner}"))
            .severity(report::graded(High, &outcome))
            .detail("assumed_root", assumed)
            .detail("access_key", event.user_identity().access_key_id());
        report::with_circumstances(finding, event).into()
    }
}

/// Tells what root did itself from what a service did for it.
fn is_root_in_person(event: &Event) -> bool {
    let by_service = event.user_identity().invoked_by().is_some_and(|service| service != "signin.amazonaws.com");
    event.user_identity().kind() == IdentityKind::Root
        && !by_service
        && event.event_type().as_deref() != Some("AwsServiceEvent")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/root_usage");
    const ASSUMED: &str = include_str!("../../events/root_usage/fires_session_of_the_management_account.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<RootUsage>("{}", EVENTS);
    }

    #[test]
    fn a_root_session_of_the_management_account_is_told_apart() {
        let finding = testing::evaluate::<RootUsage>("{}", ASSUMED).unwrap().remove(0);
        assert_eq!(finding.details()["assumed_root"], true);
        assert!(finding.get_title().unwrap().contains("by a session of the management account"), "{finding:?}");
    }

    #[test]
    fn an_expected_service_cannot_be_written_into_another_field() {
        let record = r#"{"eventName": "CreateUser", "userAgent": "autoscaling.amazonaws.com", "eventType": "AwsApiCall",
                         "userIdentity": {"type": "Root", "invokedBy": "signin.amazonaws.com"}}"#;
        assert_eq!(testing::evaluate::<RootUsage>("{}", record).unwrap().len(), 1);
    }
}
