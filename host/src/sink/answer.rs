//! What the answer of an AWS service means for a delivery.
//!
//! It is decided by the service's error codes, which are part of its interface, and never by its texts, which are not. Only what is known to be
//! wrong with the finding itself is refused. Everything else is tried again: permissions are mended, topics are made, credentials renewed.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Receipt;
use crate::aws::explain;

/// The longest text of a service that is quoted, in characters.
const LONGEST: usize = 500;

/// The longest wait that a service can ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// An operation of a service on something that belongs to the operator, for the reasons in receipts.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The permission that the operation needs, such as `sns:Publish`.
    pub(super) permission: &'static str,
    /// What it is done to: a topic's ARN, a queue's URL.
    pub(super) target: String,
}

/// What kind of failure an error code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Denied,
    Credentials,
    Throttled,
    Invalid,
    Other,
}

impl Call {
    /// Returns the receipt for everything that a call carried which failed as a whole.
    pub(super) fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> Receipt
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let wait =
            error.raw_response().and_then(|response| response.headers().get("retry-after")).and_then(retry_after);
        match error {
            SdkError::ServiceError(service) => {
                let error = service.err();
                let status = service.raw().status();
                match error.code() {
                    Some(code) => self.answered(code, error.message(), wait),
                    None => self.again(format!("{} answered with status {status}", self.target), wait),
                }
            }
            SdkError::TimeoutError(_) => self.again(format!("{} did not answer in time", self.target), wait),
            other => self.again(format!("failed to reach {}: {}", self.target, one_line(&explain(other))), wait),
        }
    }

    /// Returns the receipt for what a service answered with an error code: for one entry of a batch, or for all of it.
    pub(super) fn answered(&self, code: &str, message: Option<&str>, wait: Option<Duration>) -> Receipt {
        let Self { permission, target } = self;
        let said = match message.map(one_line) {
            Some(message) if !message.is_empty() => format!("{}: {message}", one_line(code)),
            _ => one_line(code),
        };
        match kind(code) {
            Kind::Denied => self.again(format!("no permission for `{permission}` on {target}: {said}"), wait),
            Kind::Credentials => self.again(format!("the AWS credentials are not valid or have expired: {said}"), wait),
            Kind::Throttled => self.again(format!("{target} takes no more at the moment: {said}"), wait),
            Kind::Invalid => Receipt::refused(format!("{target} does not take this finding: {said}")),
            Kind::Other => self.again(format!("{target} answered {said}"), wait),
        }
    }

    fn again(&self, reason: String, after: Option<Duration>) -> Receipt {
        tracing::debug!(target = self.target, permission = self.permission, reason, "a call failed");
        Receipt::Again { reason, after }
    }
}

/// Reads a `Retry-After` header in seconds. The form with a date is not used by AWS.
pub(super) fn retry_after(header: &str) -> Option<Duration> {
    let seconds: u64 = header.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Writes what a service said on one line of bounded length.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn kind(code: &str) -> Kind {
    // One error has several names: with the protocol's namespace, with the older protocol's prefix, with a URL behind it.
    let code = code.split(':').next().unwrap_or(code);
    let code = code.rsplit(['#', '.']).next().unwrap_or(code);
    let code = code.strip_suffix("Exception").unwrap_or(code);
    match code {
        "AccessDenied"
        | "AuthorizationError"
        | "NotAuthorized"
        | "NotAuthorizedForSource"
        | "NotAuthorizedForDetailType"
        | "UnauthorizedOperation"
        | "KMSAccessDenied"
        | "KmsAccessDenied"
        | "OptInRequired" => Kind::Denied,
        "ExpiredToken"
        | "TokenRefreshRequired"
        | "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "RequestExpired" => Kind::Credentials,
        "Throttling"
        | "Throttled"
        | "ThrottledRequest"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "LimitExceeded"
        | "KMSThrottling"
        | "KmsThrottling"
        | "KmsThrottled" => Kind::Throttled,
        "InvalidParameter"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "ParameterValueInvalid"
        | "InvalidMessageContents"
        | "InvalidBatchEntryId"
        | "BatchRequestTooLong"
        | "MissingParameter"
        | "MissingRequiredParameter"
        | "MalformedDetail"
        | "InvalidArgument"
        | "InvalidInput"
        | "FindingNotValid"
        | "Validation"
        | "ValidationError" => Kind::Invalid,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_one_kind_under_all_its_names() {
        for code in [
            "com.amazonaws.sqs#InvalidMessageContents",
            "InvalidMessageContents",
            "AWS.SimpleQueueService.InvalidMessageContents",
        ] {
            assert_eq!(kind(code), Kind::Invalid, "{code}");
        }
        assert_eq!(kind("AccessDeniedException:http://internal.amazon.com/coral/"), Kind::Denied);
        assert_eq!(kind("KMS.AccessDeniedException"), Kind::Denied);
        assert_eq!(kind("ThrottlingException"), Kind::Throttled);
        assert_eq!(kind("ExpiredTokenException"), Kind::Credentials);
        assert_eq!(kind("NotFound"), Kind::Other);
    }

    #[test]
    fn only_what_is_wrong_with_the_finding_is_refused() {
        let call = Call { permission: "sns:Publish", target: "arn:aws:sns:us-east-1:111122223333:alerts".to_owned() };
        let refused = call.answered("InvalidParameter", Some("Invalid parameter:\n Subject"), None);
        assert_eq!(
            refused,
            Receipt::refused(
                "arn:aws:sns:us-east-1:111122223333:alerts does not take this finding: InvalidParameter: Invalid parameter: Subject"
            )
        );
        let denied = call.answered("AuthorizationError", None, Some(Duration::from_secs(3)));
        let reason = "no permission for `sns:Publish` on arn:aws:sns:us-east-1:111122223333:alerts: AuthorizationError"
            .to_owned();
        assert_eq!(denied, Receipt::Again { reason, after: Some(Duration::from_secs(3)) });
        assert!(matches!(call.answered("SomethingNew", None, None), Receipt::Again { .. }));
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_within_an_hour() {
        assert_eq!(retry_after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("99999999"), Some(LONGEST_WAIT));
        assert_eq!(retry_after("soon"), None);
    }
}
