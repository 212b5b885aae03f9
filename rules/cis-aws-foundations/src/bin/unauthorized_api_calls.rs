//! `cis.unauthorized-api-calls`: somebody called what they may not call.

use orgwatch_rules_cis_aws_foundations::settings::Settings;
use orgwatch_rules_cis_aws_foundations::{controls, report};
use orgwatch_rules_sdk::event::Automation;
use orgwatch_rules_sdk::metric_filter::MetricFilter;
use orgwatch_rules_sdk::prelude::*;

use Severity::{Informational, Low};

rule! {
    /// Reports API calls that were denied because the caller lacks the right.
    ///
    /// ## What it does
    ///
    /// Reports every call whose error code begins with `AccessDenied` or ends with `UnauthorizedOperation`: what control 4.1 (5.1 from version 6.0 on) is
    /// about. Calls for `HeadBucket` and calls from `delivery.logs.amazonaws.com` are left out: services make them all day, and their
    /// being denied means nothing. A call that would only have read something is informational, any other low, and so is every call by
    /// somebody of another account.
    ///
    /// The metric filter that the benchmark prints says something else: it joins these exceptions by `||` with `!=`, which is true for almost every
    /// record. With `strict = true` the rule reports what that filter matches, which is almost everything: that is for comparing, not for
    /// living with.
    ///
    /// Calls by `expected_automation` are not reported: roles, users and services by fields of the record that a caller cannot choose.
    ///
    /// ## Why it matters
    ///
    /// Whoever holds stolen credentials tries what they are good for. The calls that fail come before the one that works.
    ///
    /// ## What it misses
    ///
    /// * Denials under other codes: `AuthorizationError`, `UnauthorizedException`, `Forbidden…`, `VpceAccessDenied`. Services choose their own.
    /// * Calls that are allowed: an attacker with enough rights fails at nothing.
    /// * How many: each call is a finding of its own, grouped by caller, service and operation. One denied call is seldom news, thirty within a minute
    ///   are.
    ///
    /// ## What to do
    ///
    /// Look at what else the caller tried, and from where. One role that misses one right is a mistake in a policy: mend it, or list the role in
    /// `expected_automation`. Many different operations, or a user who never called them before: take the credentials away.
    UnauthorizedApiCalls,
    id: "cis.unauthorized-api-calls",
    version: "1.0.0",
    title: "Unauthorized API calls were made",
    severity: Low,
    status: Test,
    matches: [{ "errorCode": [{ "prefix": "AccessDenied" }, { "suffix": "UnauthorizedOperation" }] }],
    attack: ["T1078.004", "T1580", "T1526"],
    references: [
        "CIS AWS Foundations 1.3 to 5.0 §4.1",
        "CIS AWS Foundations 6.0 and 7.0 §5.1",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html",
    ],
    false_positives: [
        "Roles that miss a right that they try to use again and again",
        "Inventory and security tools that try everything: list their roles in `expected_automation`",
        "The console, which asks for more than a user may see",
    ],
}

struct UnauthorizedApiCalls {
    literal: Option<MetricFilter>,
    expected: Automation,
}

impl Rule for UnauthorizedApiCalls {
    type Settings = Settings;

    fn load(settings: Settings) -> Result<Self, Refusal> {
        let literal = settings.literal(controls::UNAUTHORIZED_API_CALLS)?;
        Ok(Self { literal, expected: settings.expected_automation })
    }

    fn matches(&self) -> Option<Matches> {
        self.literal.as_ref().map(MetricFilter::asked)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let reported = match &self.literal {
            Some(filter) => filter.matches(event),
            None => is_unauthorized(event) && !self.expected.expects(event),
        };
        if !reported {
            return Findings::none();
        }
        let name = event.event_name().unwrap_or_else(|| "a call without a name".to_owned());
        let source = event.event_source().unwrap_or_else(|| "an unknown service".to_owned());
        let (name, source) = (report::shortened(&name), report::shortened(&source));
        let (account, caller) = (report::account(event), report::caller(event));
        let manner = report::manner(&event.outcome());
        // With the strict reading calls are reported that were not denied.
        let harmless = event.outcome().is_success() || event.read_only() == Some(true) && !is_outsider(event);
        let severity = if harmless { Informational } else { Low };
        let finding = Finding::new(format!("{account} {caller} {source} {name}{manner}"))
            .title(format!("{name} of {source}{manner} in {account}: {caller}"))
            .severity(severity);
        report::with_circumstances(finding, event).into()
    }
}

/// Tells a caller of another account than the one that the call was about.
fn is_outsider(event: &Event) -> bool {
    let caller = event.user_identity().account_id();
    caller.is_some() && event.recipient_account_id().is_some_and(|account| caller != Some(account))
}

/// Tells a denied call by its error code, and leaves out what services try all day.
fn is_unauthorized(event: &Event) -> bool {
    let code = event.error_code().unwrap_or_default();
    (code.starts_with("AccessDenied") || code.ends_with("UnauthorizedOperation"))
        && event.source_ip_address().as_deref() != Some("delivery.logs.amazonaws.com")
        && event.event_name().as_deref() != Some("HeadBucket")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/unauthorized_api_calls");
    const DENIED: &str = include_str!("../../events/unauthorized_api_calls/fires_launch_denied.json");

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<UnauthorizedApiCalls>("{}", EVENTS);
    }

    #[test]
    fn reading_matters_less_than_writing() {
        let severity =
            |record: &str| testing::evaluate::<UnauthorizedApiCalls>("{}", record).unwrap()[0].get_severity();
        assert_eq!(severity(DENIED), Some(Low));
        assert_eq!(severity(&DENIED.replace(r#""readOnly": false"#, r#""readOnly": true"#)), Some(Informational));
    }

    #[test]
    fn the_strict_reading_reports_what_the_broken_filter_matches() {
        let strict = r#"{"strict": true}"#;
        let fires = |record: &str| !testing::evaluate::<UnauthorizedApiCalls>(strict, record).unwrap().is_empty();
        assert!(fires(r#"{"eventName": "DescribeInstances", "sourceIPAddress": "192.0.2.44"}"#));
        assert!(fires(r#"{"eventName": "HeadBucket", "sourceIPAddress": "192.0.2.44"}"#));
        assert!(!fires(r#"{"eventName": "HeadBucket", "sourceIPAddress": "delivery.logs.amazonaws.com"}"#));
        assert!(!fires("{}"), "a comparison with nothing is false");
    }
}
