//! CloudTrail Insights: `insightDetails`, about many calls rather than one.

use crate::{Event, Value};

/// What CloudTrail Insights noticed. Each accessor reads what it returns when it is called.
///
/// An insight is two records, its start and its end, with the same [`shared_event_id`](Event::shared_event_id).
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"insightDetails": {"state": "Start", "insightContext": {"statistics": {"insight": {"average": 6}}}}}"#,
/// );
/// let insight = event.insight().unwrap();
/// assert_eq!(insight.state(), Some(event::InsightState::Start));
/// assert_eq!(insight.insight_average(), Some(6.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Insight<'e> {
    event: &'e Event,
}

/// Whether unusual activity began or ended.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"insightDetails": {"state": "End"}}"#);
/// assert_eq!(event.insight().unwrap().state(), Some(event::InsightState::End));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsightState {
    /// It began.
    Start,
    /// It ended.
    End,
    /// Another state, as written.
    Other(String),
}

/// What was unusual.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"insightDetails": {"insightType": "ApiCallRateInsight"}}"#);
/// assert_eq!(event.insight().unwrap().insight_type(), Some(event::InsightType::ApiCallRate));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsightType {
    /// The number of calls of an operation.
    ApiCallRate,
    /// The number of calls of an operation that ended in an error.
    ApiErrorRate,
    /// Another type, as written.
    Other(String),
}

impl Event {
    /// Returns what CloudTrail Insights noticed (`insightDetails`, since 1.07); nothing in a record about a call.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"eventName": "DescribeAccount"}}"#);
    /// assert_eq!(event.insight().unwrap().event_name().as_deref(), Some("DescribeAccount"));
    /// ```
    pub fn insight(&self) -> Option<Insight<'_>> {
        matches!(self.read("/insightDetails"), Value::Object(_)).then_some(Insight { event: self })
    }
}

impl Insight<'_> {
    /// Returns whether the activity began or ended (`state`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"state": "Start"}}"#);
    /// assert_eq!(event.insight().unwrap().state(), Some(event::InsightState::Start));
    /// ```
    pub fn state(self) -> Option<InsightState> {
        self.text("state").map(|state| match state.as_str() {
            "Start" => InsightState::Start,
            "End" => InsightState::End,
            _ => InsightState::Other(state),
        })
    }

    /// Returns the service that was called (`eventSource`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"eventSource": "organizations.amazonaws.com"}}"#);
    /// assert_eq!(event.insight().unwrap().event_source().as_deref(), Some("organizations.amazonaws.com"));
    /// ```
    pub fn event_source(self) -> Option<String> {
        self.text("eventSource")
    }

    /// Returns the operation that was called (`eventName`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"eventName": "DescribeAccount"}}"#);
    /// assert_eq!(event.insight().unwrap().event_name().as_deref(), Some("DescribeAccount"));
    /// ```
    pub fn event_name(self) -> Option<String> {
        self.text("eventName")
    }

    /// Returns what was unusual (`insightType`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"insightType": "ApiErrorRateInsight"}}"#);
    /// assert_eq!(event.insight().unwrap().insight_type(), Some(event::InsightType::ApiErrorRate));
    /// ```
    pub fn insight_type(self) -> Option<InsightType> {
        self.text("insightType").map(|kind| match kind.as_str() {
            "ApiCallRateInsight" => InsightType::ApiCallRate,
            "ApiErrorRateInsight" => InsightType::ApiErrorRate,
            _ => InsightType::Other(kind),
        })
    }

    /// Returns the error that became frequent (`errorCode`); nothing where it is `null`, which CloudTrail also writes as the string `"null"`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"errorCode": "AccessDeniedException"}}"#);
    /// assert_eq!(event.insight().unwrap().error_code().as_deref(), Some("AccessDeniedException"));
    /// ```
    pub fn error_code(self) -> Option<String> {
        self.text("errorCode").filter(|code| code != "null")
    }

    /// Returns the calls per minute in the time before (`statistics.baseline.average`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"insightContext": {"statistics": {"baseline": {"average": 0.5}}}}}"#);
    /// assert_eq!(event.insight().unwrap().baseline_average(), Some(0.5));
    /// ```
    pub fn baseline_average(self) -> Option<f64> {
        self.statistic("baseline/average")
    }

    /// Returns the calls per minute during the insight (`statistics.insight.average`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"insightContext": {"statistics": {"insight": {"average": 6}}}}}"#);
    /// assert_eq!(event.insight().unwrap().insight_average(), Some(6.0));
    /// ```
    pub fn insight_average(self) -> Option<f64> {
        self.statistic("insight/average")
    }

    /// Returns the length of the time before, in minutes (`statistics.baselineDuration`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"insightContext": {"statistics": {"baselineDuration": 10080}}}}"#);
    /// assert_eq!(event.insight().unwrap().baseline_duration(), Some(10080.0));
    /// ```
    pub fn baseline_duration(self) -> Option<f64> {
        self.statistic("baselineDuration")
    }

    /// Returns the length of the insight, in minutes (`statistics.insightDuration`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"insightDetails": {"insightContext": {"statistics": {"insightDuration": 1}}}}"#);
    /// assert_eq!(event.insight().unwrap().insight_duration(), Some(1.0));
    /// ```
    pub fn insight_duration(self) -> Option<f64> {
        self.statistic("insightDuration")
    }

    /// Returns who and what the calls have in common (`attributions`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"insightDetails": {"insightContext": {"attributions": [
    ///         {"attribute": "userAgent", "insight": [{"value": "aws-cli/2.31.0", "average": 5.5}]}]}}}"#,
    /// );
    /// assert_eq!(event.insight().unwrap().attributions()[0].attribute, "userAgent");
    /// ```
    pub fn attributions(self) -> Vec<Attribution> {
        let base = "/insightDetails/insightContext/attributions";
        let Value::Array(len) = self.event.read(base) else {
            return Vec::new();
        };
        let read = |index: usize| {
            let path = format!("{base}/{index}");
            Attribution {
                attribute: self.event.string(&format!("{path}/attribute")).unwrap_or_default(),
                insight: self.shares(&format!("{path}/insight")),
                baseline: self.shares(&format!("{path}/baseline")),
            }
        };
        (0..len).map(read).collect()
    }

    fn shares(self, path: &str) -> Vec<Share> {
        let Value::Array(len) = self.event.read(path) else {
            return Vec::new();
        };
        let read = |index: usize| Share {
            value: self.event.string(&format!("{path}/{index}/value")).unwrap_or_default(),
            average: self.event.number(&format!("{path}/{index}/average")).unwrap_or_default(),
        };
        (0..len).map(read).collect()
    }

    fn text(self, field: &str) -> Option<String> {
        self.event.string(&format!("/insightDetails/{field}"))
    }

    fn statistic(self, path: &str) -> Option<f64> {
        self.event.number(&format!("/insightDetails/insightContext/statistics/{path}"))
    }
}

/// One attribute of the calls behind an insight, and the values that occurred most.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"insightDetails": {"insightContext": {"attributions": [
///         {"attribute": "userAgent", "insight": [{"value": "aws-cli/2.31.0", "average": 5.5}]}]}}}"#,
/// );
/// let agents = &event.insight().unwrap().attributions()[0];
/// assert_eq!(agents.insight[0].value, "aws-cli/2.31.0");
/// assert!(agents.baseline.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// `userIdentityArn`, `userAgent`, `errorCode` or `resourceArn`.
    pub attribute: String,
    /// The values during the insight.
    pub insight: Vec<Share>,
    /// The values in the time before.
    pub baseline: Vec<Share>,
}

/// A value of an attribute and how often it occurred.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"insightDetails": {"insightContext": {"attributions": [
///         {"attribute": "userAgent", "insight": [{"value": "aws-cli/2.31.0", "average": 5.5}]}]}}}"#,
/// );
/// let share = &event.insight().unwrap().attributions()[0].insight[0];
/// assert_eq!((share.value.as_str(), share.average), ("aws-cli/2.31.0", 5.5));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The value.
    pub value: String,
    /// The calls per minute.
    pub average: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insight_has_its_call_and_its_numbers_inside() {
        let event = Event::from_json(
            r#"{"eventVersion":"1.07","eventType":"AwsCloudTrailInsight","eventCategory":"Insight","insightDetails":{
                "state":"Start","eventSource":"organizations.amazonaws.com","eventName":"DescribeAccount","insightType":"ApiErrorRateInsight",
                "errorCode":"AccessDeniedException","insightContext":{"statistics":{"baseline":{"average":0.0020833333},
                "insight":{"average":6},"insightDuration":1,"baselineDuration":10080},"attributions":[{"attribute":"userIdentityArn",
                "insight":[{"value":"arn:aws:iam::111122223333:user/anaya","average":5.5}],"baseline":[]}]}}}"#,
        )
        .unwrap();
        let insight = event.insight().unwrap();
        assert_eq!(insight.state(), Some(InsightState::Start));
        assert_eq!(insight.event_source().as_deref(), Some("organizations.amazonaws.com"));
        assert_eq!(insight.event_name().as_deref(), Some("DescribeAccount"));
        assert_eq!(insight.insight_type(), Some(InsightType::ApiErrorRate));
        assert_eq!(insight.error_code().as_deref(), Some("AccessDeniedException"));
        assert_eq!(insight.baseline_average(), Some(0.002_083_333_3));
        assert_eq!(insight.insight_average(), Some(6.0));
        assert_eq!((insight.insight_duration(), insight.baseline_duration()), (Some(1.0), Some(10080.0)));
        let attributions = insight.attributions();
        assert_eq!(attributions[0].attribute, "userIdentityArn");
        assert_eq!(attributions[0].insight[0].value, "arn:aws:iam::111122223333:user/anaya");
        assert!((attributions[0].insight[0].average - 5.5).abs() < f64::EPSILON);
        assert!(attributions[0].baseline.is_empty());
        assert_eq!((event.event_source(), event.actor()), (None, None));
    }

    #[test]
    fn the_error_code_null_is_none() {
        for code in ["null", "\"null\""] {
            let event = Event::from_json(&format!(
                r#"{{"insightDetails":{{"insightType":"ApiCallRateInsight","state":"End","errorCode":{code}}}}}"#
            ))
            .unwrap();
            let insight = event.insight().unwrap();
            assert_eq!(insight.error_code(), None);
            assert_eq!(insight.insight_type(), Some(InsightType::ApiCallRate));
            assert_eq!(insight.state(), Some(InsightState::End));
            assert!(insight.attributions().is_empty());
        }
        assert!(Event::from_json(r#"{"eventName":"DescribeAccount"}"#).unwrap().insight().is_none());
    }
}
