//! Whether the call succeeded.

use crate::Event;

/// How a call ended.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let outcome = testing::event(r#"{"errorCode": "AccessDenied"}"#).outcome();
/// assert_eq!(outcome, Outcome::Denied { code: "AccessDenied".to_owned() });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked.
    Succeeded,
    /// The caller was not allowed to do it.
    Denied {
        /// The error code, such as `AccessDenied`.
        code: String,
    },
    /// It failed for another reason.
    Failed {
        /// The error code; nothing where the service gives none, as in a failed sign-in.
        code: Option<String>,
    },
}

impl Outcome {
    /// Returns true for a call that did what was asked.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert!(testing::event(r#"{"eventName": "StopLogging"}"#).outcome().is_success());
    /// ```
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded)
    }

    /// Returns true for a call that the caller was not allowed to make.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// assert!(testing::event(r#"{"errorCode": "Client.UnauthorizedOperation"}"#).outcome().is_denied());
    /// ```
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied { .. })
    }

    /// Returns the error code.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let outcome = testing::event(r#"{"errorCode": "ThrottlingException"}"#).outcome();
    /// assert_eq!(outcome.code(), Some("ThrottlingException"));
    /// ```
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Succeeded => None,
            Self::Denied { code } => Some(code),
            Self::Failed { code } => code.as_deref(),
        }
    }
}

impl Event {
    /// Returns true where the call did what was asked: what most rules want to know first. [`Event::outcome`] says more.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::testing;
    /// let event = testing::event(r#"{"eventName": "StopLogging", "errorCode": "AccessDeniedException"}"#);
    /// assert!(!event.succeeded());
    /// ```
    pub fn succeeded(&self) -> bool {
        self.outcome().is_success()
    }

    /// Returns how the call ended.
    ///
    /// A record with an `errorCode` or an `errorMessage` failed. So did a sign-in event whose `responseElements` say `Failure` under the
    /// event's name. A service that reports failures of single items elsewhere in `responseElements`, as batch calls do, succeeded as a call.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventName": "DetachPolicy", "errorCode": "AccessDeniedException"}"#);
    /// assert!(event.outcome().is_denied());
    /// ```
    pub fn outcome(&self) -> Outcome {
        if let Some(code) = self.error_code() {
            return if is_denial(&code) { Outcome::Denied { code } } else { Outcome::Failed { code: Some(code) } };
        }
        if self.error_message().is_some() || self.is_failed_sign_in() {
            return Outcome::Failed { code: None };
        }
        Outcome::Succeeded
    }

    fn is_failed_sign_in(&self) -> bool {
        if self.event_source().as_deref() != Some("signin.amazonaws.com") {
            return false;
        }
        let name = self.event_name().unwrap_or_default();
        let path = format!("/{}", crate::json::escape_pointer_token(&name));
        self.response(&path).as_str() == Some("Failure")
    }
}

/// Tells a code that denies permission. The forms differ by service: `AccessDenied`, `AccessDeniedException`,
/// `Client.UnauthorizedOperation` (EC2), `AuthorizationError` (SNS), `VpceAccessDenied` (network activity).
fn is_denial(code: &str) -> bool {
    let name = code.rsplit_once('.').map_or(code, |(_, name)| name);
    name.starts_with("AccessDenied")
        || name.ends_with("UnauthorizedOperation")
        || matches!(
            name,
            "VpceAccessDenied"
                | "AuthorizationError"
                | "AuthorizationErrorException"
                | "UnauthorizedException"
                | "ForbiddenException"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(record: &str) -> Outcome {
        Event::from_json(record).unwrap().outcome()
    }

    #[test]
    fn a_record_without_an_error_succeeded() {
        for record in [
            r#"{"eventName":"AttachPolicy","requestParameters":{"policyId":"p-a1b2c3d4"},"responseElements":null}"#,
            r#"{"errorCode":null,"errorMessage":null}"#,
            r#"{"errorCode":""}"#,
            "{}",
        ] {
            assert!(outcome(record).is_success(), "{record}");
        }
    }

    #[test]
    fn denials_are_told_from_other_failures() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "AccessDeniedForDependencyException",
            "UnauthorizedOperation",
            "Client.UnauthorizedOperation",
            "VpceAccessDenied",
            "AuthorizationError",
            "ForbiddenException",
        ] {
            let outcome = outcome(&format!(r#"{{"errorCode":"{code}"}}"#));
            assert!(outcome.is_denied() && !outcome.is_success(), "{code}");
            assert_eq!(outcome.code(), Some(code));
        }
        for code in ["PolicyTypeNotEnabledException", "ThrottlingException", "Client.DryRunOperation", "NoSuchBucket"] {
            assert_eq!(
                outcome(&format!(r#"{{"errorCode":"{code}"}}"#)),
                Outcome::Failed { code: Some(code.to_owned()) }
            );
        }
    }

    #[test]
    fn a_failed_sign_in_has_no_error_code() {
        let failed = r#"{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","errorMessage":"Failed authentication",
                         "responseElements":{"ConsoleLogin":"Failure"}}"#;
        assert_eq!(outcome(failed), Outcome::Failed { code: None });
        let without_message = r#"{"eventSource":"signin.amazonaws.com","eventName":"SwitchRole","responseElements":{"SwitchRole":"Failure"}}"#;
        assert_eq!(outcome(without_message), Outcome::Failed { code: None });
        let succeeded = r#"{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}"#;
        assert_eq!(outcome(succeeded), Outcome::Succeeded);
    }

    #[test]
    fn another_service_may_return_the_word_failure() {
        let record =
            r#"{"eventSource":"ssm.amazonaws.com","eventName":"Status","responseElements":{"Status":"Failure"}}"#;
        assert!(outcome(record).is_success());
    }
}
