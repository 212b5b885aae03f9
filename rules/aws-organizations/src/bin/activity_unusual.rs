//! `org.activity-unusual`: CloudTrail Insights saw more calls, or more errors, than usual.

use orgwatch_rules_aws_organizations::names;
use orgwatch_rules_aws_organizations::operations::is_write;
use orgwatch_rules_aws_organizations::report::{Advice, Report};
use orgwatch_rules_aws_organizations::text::plain;
use orgwatch_rules_sdk::event::organizations::EVENT_SOURCE;
use orgwatch_rules_sdk::event::{Insight, InsightState, InsightType};
use orgwatch_rules_sdk::prelude::*;

rule! {
    /// Reports unusual activity that CloudTrail Insights noticed: calls of an operation, or errors of it, in unusual number.
    ///
    /// ## What it does
    ///
    /// Sees Insights events. The beginning of unusual activity is high for operations that change the organization, medium for its other operations
    /// and for the services that guard access and logs (IAM, STS, Identity Center, account management, CloudTrail, KMS), low for the rest. Its end is
    /// informational and has the same key. The finding says how many calls a minute there were, how many there usually are, and which principals,
    /// programs and errors stand out.
    ///
    /// ## Why it matters
    ///
    /// Somebody who looks around with stolen credentials, or takes account after account out, makes calls that are harmless one by one. Their number is not.
    ///
    /// ## What it misses
    ///
    /// * Trails for which Insights is not switched on. It costs extra, and it needs a week to learn what is usual.
    /// * Activity that an attacker spreads thinly, and calls that only read, unless Insights for error rates notices them.
    /// * Speed: an Insights event comes up to half an hour late.
    ///
    /// ## What to do
    ///
    /// Look at `stands_out` first: a single principal behind the rise is the usual picture, and often a new pipeline. Then look for that principal's
    /// calls in the trail during the time of the insight.
    ActivityUnusual,
    id: "org.activity-unusual",
    version: "1.0.0",
    title: "CloudTrail Insights saw unusual activity",
    severity: Medium,
    status: Test,
    tables: (names::TABLES),
    matches: [{ "eventType": ["AwsCloudTrailInsight"] }, { "eventCategory": ["Insight"] }],
    attack: ["T1078.004", "T1580", "T1666"],
    references: [
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-insights-events-with-cloudtrail.html",
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html",
    ],
    false_positives: ["A new pipeline, an audit, or the first week of a new application"],
}

/// Services that guard access and logs.
const SENSITIVE: [&str; 7] = [
    "account.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "iam.amazonaws.com",
    "kms.amazonaws.com",
    "sso.amazonaws.com",
    "sso-directory.amazonaws.com",
    "sts.amazonaws.com",
];

const ADVICE: Advice = Advice {
    check_next: "Look at stands_out, then at the calls of that operation by that principal in the trail, from the beginning of the insight on.",
    undo: "An insight changes nothing. If the calls were an attack, end the sessions of the principal and undo what they did.",
};

/// The values of one attribute that a finding shows.
const SHOWN: usize = 5;

struct ActivityUnusual;

impl Rule for ActivityUnusual {
    type Settings = NoSettings;

    fn load(_: NoSettings) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn evaluate(&self, event: &Event) -> Findings {
        let Some(insight) = event.insight() else {
            return Findings::none();
        };
        let source = insight.event_source().unwrap_or_default();
        let operation = insight.event_name().unwrap_or_default();
        let ended = insight.state() == Some(InsightState::End);
        let severity = if ended {
            Severity::Informational
        } else if source == EVENT_SOURCE && is_write(&operation) {
            Severity::High
        } else if source == EVENT_SOURCE || SENSITIVE.contains(&source.as_str()) {
            Severity::Medium
        } else {
            Severity::Low
        };
        let what = match insight.insight_type() {
            Some(InsightType::ApiErrorRate) => {
                let code =
                    insight.error_code().map_or_else(|| "errors".to_owned(), |code| format!("{} errors", plain(&code)));
                format!("{code} of {}", plain(&operation))
            }
            _ => format!("calls of {}", plain(&operation)),
        };
        let account = event.recipient_account_id();
        let place = account.map_or_else(String::new, |account| format!(" in {account}"));
        let title = match (ended, rates(insight)) {
            (true, _) => format!("The unusual number of {what} ({}){place} has ended", plain(&source)),
            (false, Some((now, usual))) => {
                format!("Unusually many {what} ({}){place}: {now} a minute, usually {usual}", plain(&source))
            }
            (false, None) => format!("Unusually many {what} ({}){place}", plain(&source)),
        };
        // Beginning and end share an id; an insight that has none is a group with others of its operation.
        let key = event.shared_event_id().unwrap_or_else(|| format!("{source} {operation}"));
        Report::of(event)
            .account(account)
            .finding(plain(&key), ADVICE)
            .title(title)
            .severity(severity)
            .detail("unusual_source", plain(&source))
            .detail("unusual_operation", plain(&operation))
            .detail("calls_a_minute", insight.insight_average())
            .detail("usual_calls_a_minute", insight.baseline_average())
            .detail("minutes", insight.insight_duration())
            .detail("stands_out", stands_out(insight))
            .into()
    }
}

/// Returns how many calls a minute there are and usually are, for a title.
fn rates(insight: Insight<'_>) -> Option<(String, String)> {
    let rounded = |rate: f64| {
        let text = format!("{rate:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    Some((rounded(insight.insight_average()?), rounded(insight.baseline_average()?)))
}

/// Returns the principals, programs and errors that occurred most, by attribute.
fn stands_out(insight: Insight<'_>) -> BTreeMap<String, Vec<String>> {
    let mut most = BTreeMap::new();
    for attribution in insight.attributions().into_iter().take(10) {
        // CloudTrail writes the absence of an error as the word.
        let named = attribution.insight.iter().filter(|share| share.value != "null");
        let values: Vec<String> = named.take(SHOWN).map(|share| plain(&share.value)).collect();
        most.insert(plain(&attribution.attribute), values);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/events/activity_unusual");
    const REMOVALS: &str = include_str!("../../events/activity_unusual/fires_many_removals.json");
    const ERRORS: &str = include_str!("../../events/activity_unusual/fires_many_errors.json");
    const OTHER: &str = include_str!("../../events/activity_unusual/fires_another_service.json");
    const ENDED: &str = include_str!("../../events/activity_unusual/fires_ended.json");

    fn judge(record: &str) -> Option<Finding> {
        testing::evaluate::<ActivityUnusual>("{}", record).unwrap().pop()
    }

    #[test]
    fn the_event_files_are_judged_as_they_are_named() {
        testing::judge_events::<ActivityUnusual>("{}", EVENTS);
    }

    #[test]
    fn what_was_called_decides_how_serious_it_is() {
        for (record, severity, title) in [
            (
                REMOVALS,
                Severity::High,
                "Unusually many calls of RemoveAccountFromOrganization (organizations.amazonaws.com) in 111122223333: 6 a minute, \
                 usually 0",
            ),
            (
                ERRORS,
                Severity::Medium,
                "Unusually many AccessDeniedException errors of DescribeAccount (organizations.amazonaws.com) in 111122223333: \
                 12.5 a minute, usually 0.02",
            ),
            (
                OTHER,
                Severity::Low,
                "Unusually many calls of RunInstances (ec2.amazonaws.com) in 111122223333: 40 a minute, usually 1.2",
            ),
            (
                ENDED,
                Severity::Informational,
                "The unusual number of calls of RemoveAccountFromOrganization (organizations.amazonaws.com) in 111122223333 has ended",
            ),
        ] {
            let finding = judge(record).expect(title);
            assert_eq!(finding.get_title(), Some(title));
            assert_eq!(finding.get_severity(), Some(severity), "{title}");
        }
    }

    #[test]
    fn the_beginning_and_the_end_are_one_group() {
        assert_eq!(judge(REMOVALS).unwrap().key(), judge(ENDED).unwrap().key());
        let nameless = REMOVALS.replace("sharedEventID", "otherID");
        assert_eq!(judge(&nameless).unwrap().key(), "organizations.amazonaws.com RemoveAccountFromOrganization");
    }

    #[test]
    fn the_finding_says_who_stands_out() {
        let finding = judge(REMOVALS).unwrap();
        assert_eq!(finding.details()["stands_out"]["userIdentityArn"][0], "arn:aws:iam::111122223333:user/carlos");
        assert_eq!(finding.details()["calls_a_minute"], 6.0);
        assert!(finding.details()["outcome"].is_null(), "an insight is no call that succeeds or fails");
    }

    #[test]
    fn a_state_that_nobody_knows_is_taken_for_a_beginning() {
        for state in ["Started", "START", ""] {
            let record = REMOVALS.replace("\"Start\"", &format!("\"{state}\""));
            assert_eq!(judge(&record).unwrap().get_severity(), Some(Severity::High), "{state}");
        }
    }
}
