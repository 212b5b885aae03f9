//! What an AWS service answered when a call failed: what kind of failure it is, by the error's type and code, and the words for the operator.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::causes;

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) kind: Refusal,
    /// What the service said, or why it could not be asked.
    pub(super) text: String,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller may not do it.
    Denied,
    /// The caller's credentials are expired or wrong.
    Credentials,
    /// Too many calls.
    Throttled,
    /// What was asked for does not exist.
    Missing,
    /// The place in an answer of several pages is no longer known.
    NextToken,
    /// Anything else: the network, a fault of the service, a request that it does not understand.
    Other,
}

impl Answer {
    pub(super) fn of<E>(error: &SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        let Some(code) = metadata.and_then(|metadata| metadata.code()) else {
            return Self { kind: Refusal::Other, text: causes::on_one_line(error) };
        };
        let text = match metadata.and_then(|metadata| metadata.message()) {
            Some(message) if !message.is_empty() => format!("{code}: {message}"),
            _ => code.to_owned(),
        };
        Self { kind: Refusal::of_code(code), text }
    }

    /// Tells whether somebody has to do something before it can work.
    pub(super) fn needs_somebody(&self) -> bool {
        matches!(self.kind, Refusal::Denied | Refusal::Credentials)
    }

    /// Returns the hint for credentials that do not work, or the one for a permission that is missing, on a line of its own.
    pub(super) fn hint(&self, permission: &str) -> String {
        match self.kind {
            Refusal::Denied => format!("\nhint: allow {permission}"),
            Refusal::Credentials => "\nhint: renew the credentials; they are looked up again at every try".to_owned(),
            Refusal::Throttled | Refusal::Missing | Refusal::NextToken | Refusal::Other => String::new(),
        }
    }
}

impl Refusal {
    fn of_code(code: &str) -> Self {
        // SQS puts its own name before some codes, as its first protocol had them.
        match code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code) {
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "UnauthorizedOperation"
            | "AllAccessDisabled"
            | "KMS.AccessDeniedException"
            | "KmsAccessDenied" => Self::Denied,
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "TokenRefreshRequired" => Self::Credentials,
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
            | "BandwidthLimitExceeded"
            | "PriorRequestNotComplete"
            | "KMS.ThrottlingException"
            | "KmsThrottled" => Self::Throttled,
            "InvalidNextTokenException" => Self::NextToken,
            "NoSuchKey" | "NoSuchBucket" | "QueueDoesNotExist" | "NonExistentQueue" => Self::Missing,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::get_object::GetObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    fn answer(code: &str) -> Answer {
        let metadata = ErrorMetadata::builder().code(code).message("no").build();
        let response = HttpResponse::new(403.try_into().unwrap(), SdkBody::empty());
        Answer::of(&SdkError::service_error(GetObjectError::generic(metadata), response))
    }

    #[test]
    fn the_code_decides_and_is_told_with_the_message() {
        assert_eq!(answer("AccessDenied"), Answer { kind: Refusal::Denied, text: "AccessDenied: no".to_owned() });
        assert_eq!(answer("ExpiredTokenException").kind, Refusal::Credentials);
        assert_eq!(answer("AWS.SimpleQueueService.ExpiredToken").kind, Refusal::Credentials);
        assert_eq!(answer("AWS.SimpleQueueService.NonExistentQueue").kind, Refusal::Missing);
        assert_eq!(answer("SlowDown").kind, Refusal::Throttled);
        assert_eq!(answer("NoSuchKey").kind, Refusal::Missing);
        assert_eq!(answer("InternalError").kind, Refusal::Other);
    }

    #[test]
    fn a_missing_permission_is_named() {
        assert_eq!(answer("AccessDenied").hint("s3:GetObject on it"), "\nhint: allow s3:GetObject on it");
        assert_eq!(answer("InternalError").hint("s3:GetObject on it"), "");
    }
}
