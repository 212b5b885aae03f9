//! The fields that every kind of record has in common.

use std::fmt;
use std::str::FromStr;

use super::{AccountId, Timestamp};
use crate::Event;

/// The common fields, in the order of AWS's page on CloudTrail record contents. Each reads one value when it is called.
impl Event {
    /// Returns when the request was completed, to the second, by the clock of the service's host (`eventTime`, since 1.0).
    ///
    /// Aggregated events have none.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventTime": "2026-11-01T10:00:00Z"}"#);
    /// assert_eq!(event.event_time(), "2026-11-01T10:00:00Z".parse().ok());
    /// ```
    pub fn event_time(&self) -> Option<Timestamp> {
        self.timestamp("/eventTime")
    }

    /// Returns the version of the record's format (`eventVersion`, since 1.0).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventVersion": "1.11"}"#);
    /// assert_eq!(event.event_version().unwrap().minor, 11);
    /// ```
    pub fn event_version(&self) -> Option<EventVersion> {
        self.string("/eventVersion")?.parse().ok()
    }

    /// Returns the service that was called, such as `organizations.amazonaws.com` (`eventSource`, since 1.0).
    ///
    /// Insights events have none here: see [`Insight::event_source`](super::Insight::event_source).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventSource": "organizations.amazonaws.com"}"#);
    /// assert_eq!(event.event_source().as_deref(), Some("organizations.amazonaws.com"));
    /// ```
    pub fn event_source(&self) -> Option<String> {
        self.string("/eventSource")
    }

    /// Returns the operation that was called, such as `LeaveOrganization` (`eventName`, since 1.0).
    ///
    /// Insights events have none here: see [`Insight::event_name`](super::Insight::event_name).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventName": "LeaveOrganization"}"#);
    /// assert_eq!(event.event_name().as_deref(), Some("LeaveOrganization"));
    /// ```
    pub fn event_name(&self) -> Option<String> {
        self.string("/eventName")
    }

    /// Returns the Region that the request was made to (`awsRegion`, since 1.0). Organizations is in `us-east-1`, whoever calls.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"awsRegion": "us-east-1"}"#);
    /// assert_eq!(event.aws_region().as_deref(), Some("us-east-1"));
    /// ```
    pub fn aws_region(&self) -> Option<String> {
        self.string("/awsRegion")
    }

    /// Returns where the request came from: an IP address, a service's DNS name, or `AWS Internal` (`sourceIPAddress`, since 1.0).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"sourceIPAddress": "192.0.2.17"}"#);
    /// assert_eq!(event.source_ip_address().as_deref(), Some("192.0.2.17"));
    /// ```
    pub fn source_ip_address(&self) -> Option<String> {
        self.string("/sourceIPAddress")
    }

    /// Returns the program that made the request, in its own words: the caller chooses them (`userAgent`, since 1.0; 1 KB).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userAgent": "aws-cli/2.31.0"}"#);
    /// assert_eq!(event.user_agent().as_deref(), Some("aws-cli/2.31.0"));
    /// ```
    pub fn user_agent(&self) -> Option<String> {
        self.string("/userAgent")
    }

    /// Returns the service's error code (`errorCode`, since 1.0; 1 KB). [`Event::outcome`] tells success from failure.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"errorCode": "AccessDeniedException"}"#);
    /// assert_eq!(event.error_code().as_deref(), Some("AccessDeniedException"));
    /// ```
    pub fn error_code(&self) -> Option<String> {
        self.string("/errorCode").filter(|code| !code.is_empty())
    }

    /// Returns the service's words about the error (`errorMessage`, since 1.0; 1 KB).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"errorMessage": "Failed authentication"}"#);
    /// assert_eq!(event.error_message().as_deref(), Some("Failed authentication"));
    /// ```
    pub fn error_message(&self) -> Option<String> {
        self.string("/errorMessage").filter(|message| !message.is_empty())
    }

    /// Returns the id that the service gave the request (`requestID`, since 1.01). Service events have none.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"requestID": "0c4c5b9c-1c1e-4a2b-9e7d-2f1a5b6c7d8e"}"#);
    /// assert_eq!(event.request_id().as_deref(), Some("0c4c5b9c-1c1e-4a2b-9e7d-2f1a5b6c7d8e"));
    /// ```
    pub fn request_id(&self) -> Option<String> {
        self.string("/requestID")
    }

    /// Returns the record's id (`eventID`, since 1.01; `eventId` in aggregated events). Real records lack one, and repeat one, now and then.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventID": "6f0e1d2c-3b4a-4958-8776-655443322110"}"#);
    /// assert_eq!(event.event_id().as_deref(), Some("6f0e1d2c-3b4a-4958-8776-655443322110"));
    /// ```
    pub fn event_id(&self) -> Option<String> {
        self.string("/eventID").or_else(|| self.string("/eventId"))
    }

    /// Returns the kind of the event, such as `AwsApiCall`, `AwsServiceEvent` or `AwsConsoleSignIn` (`eventType`, since 1.02).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventType": "AwsConsoleSignIn"}"#);
    /// assert_eq!(event.event_type().as_deref(), Some("AwsConsoleSignIn"));
    /// ```
    pub fn event_type(&self) -> Option<String> {
        self.string("/eventType")
    }

    /// Returns the version of the service's API (`apiVersion`, since 1.01).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"apiVersion": "2016-11-28"}"#);
    /// assert_eq!(event.api_version().as_deref(), Some("2016-11-28"));
    /// ```
    pub fn api_version(&self) -> Option<String> {
        self.string("/apiVersion")
    }

    /// Returns true for a management event, false for a data event (`managementEvent`, since 1.06).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"managementEvent": true}"#);
    /// assert_eq!(event.management_event(), Some(true));
    /// ```
    pub fn management_event(&self) -> Option<bool> {
        self.flag("/managementEvent")
    }

    /// Returns true for a call that changes nothing (`readOnly`, since 1.01).
    ///
    /// Beware of judging by it: `EffectivePolicyValidation`, a service event about a change, says true.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventName": "ListAccounts", "readOnly": true}"#);
    /// assert_eq!(event.read_only(), Some(true));
    /// ```
    pub fn read_only(&self) -> Option<bool> {
        self.flag("/readOnly")
    }

    /// Returns the account that this copy of the record was delivered to (`recipientAccountId`, since 1.02; `accountId` in aggregated events).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"recipientAccountId": "111122223333"}"#);
    /// assert_eq!(event.recipient_account_id(), "111122223333".parse().ok());
    /// ```
    pub fn recipient_account_id(&self) -> Option<AccountId> {
        self.account("/recipientAccountId").or_else(|| self.account("/accountId"))
    }

    /// Returns the id that the copies of one action in several accounts share (`sharedEventID`, since 1.03).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"sharedEventID": "11111111-2222-4333-8444-555555555555"}"#);
    /// assert_eq!(event.shared_event_id().as_deref(), Some("11111111-2222-4333-8444-555555555555"));
    /// ```
    pub fn shared_event_id(&self) -> Option<String> {
        self.string("/sharedEventID")
    }

    /// Returns the VPC endpoint that the request went through (`vpcEndpointId`, since 1.04).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"vpcEndpointId": "vpce-0a1b2c3d4e5f60718"}"#);
    /// assert_eq!(event.vpc_endpoint_id().as_deref(), Some("vpce-0a1b2c3d4e5f60718"));
    /// ```
    pub fn vpc_endpoint_id(&self) -> Option<String> {
        self.string("/vpcEndpointId")
    }

    /// Returns the account that owns the VPC endpoint (`vpcEndpointAccountId`, since 1.09).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"vpcEndpointAccountId": "444455556666"}"#);
    /// assert_eq!(event.vpc_endpoint_account_id(), "444455556666".parse().ok());
    /// ```
    pub fn vpc_endpoint_account_id(&self) -> Option<AccountId> {
        self.account("/vpcEndpointAccountId")
    }

    /// Returns `Management`, `Data`, `NetworkActivity`, `Insight` or `Aggregated` (`eventCategory`, since 1.07).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"eventCategory": "Management"}"#);
    /// assert_eq!(event.event_category().as_deref(), Some("Management"));
    /// ```
    pub fn event_category(&self) -> Option<String> {
        self.string("/eventCategory")
    }

    /// Returns true where the request was made from a console session (`sessionCredentialFromConsole`, since 1.08; the string `"true"`,
    /// left out otherwise, and seen in the session's attributes as well).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"sessionCredentialFromConsole": "true"}"#);
    /// assert!(event.session_credential_from_console());
    /// ```
    pub fn session_credential_from_console(&self) -> bool {
        let places =
            ["/sessionCredentialFromConsole", "/userIdentity/sessionContext/attributes/sessionCredentialFromConsole"];
        places.into_iter().any(|place| self.flag(place) == Some(true))
    }
}

/// The version of a record's format, two numbers compared as numbers: 1.10 is later than 1.9.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// use orgwatch_rules_sdk::event::EventVersion;
///
/// let version: EventVersion = "1.10".parse().unwrap();
/// assert!(version > EventVersion { major: 1, minor: 9 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventVersion {
    /// Changes when the format breaks with what was.
    pub major: u32,
    /// Changes when fields are added.
    pub minor: u32,
}

impl FromStr for EventVersion {
    type Err = InvalidEventVersion;

    fn from_str(text: &str) -> Result<Self, InvalidEventVersion> {
        let number = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten().ok_or(InvalidEventVersion)
        };
        let (major, minor) = text.split_once('.').ok_or(InvalidEventVersion)?;
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

impl fmt::Display for EventVersion {
    /// Prints as CloudTrail does: `1.0`, `1.05`, `1.10`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor } = self;
        if *minor == 0 { write!(formatter, "{major}.0") } else { write!(formatter, "{major}.{minor:02}") }
    }
}

/// A text that is not an event version.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let error = "one".parse::<event::EventVersion>().unwrap_err();
/// assert_eq!(error.to_string(), "an event version is two numbers such as 1.11");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEventVersion;

impl fmt::Display for InvalidEventVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event version is two numbers such as 1.11")
    }
}

impl std::error::Error for InvalidEventVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_version_1_11_is_read_whole() {
        let event = Event::from_json(
            r#"{"eventVersion":"1.11","eventTime":"2026-10-05T14:03:12Z","eventSource":"organizations.amazonaws.com",
                "eventName":"DescribeOrganization","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.17","userAgent":"aws-cli/2.31.0",
                "requestParameters":null,"responseElements":null,"requestID":"0c4c5b9c-1c1e-4a2b-9e7d-2f1a5b6c7d8e",
                "eventID":"6f0e1d2c-3b4a-4958-8776-655443322110","apiVersion":"2016-11-28","readOnly":true,"eventType":"AwsApiCall",
                "managementEvent":true,"recipientAccountId":"111122223333","sharedEventID":"11111111-2222-4333-8444-555555555555",
                "vpcEndpointId":"vpce-0a1b2c3d4e5f60718","vpcEndpointAccountId":"444455556666","eventCategory":"Management",
                "sessionCredentialFromConsole":"true"}"#,
        )
        .unwrap();
        let text = |value: Option<String>| value.unwrap_or_default();
        assert_eq!(event.event_version(), Some(EventVersion { major: 1, minor: 11 }));
        assert_eq!(event.event_time().unwrap().to_string(), "2026-10-05T14:03:12Z");
        assert_eq!(text(event.event_source()), "organizations.amazonaws.com");
        assert_eq!(text(event.event_name()), "DescribeOrganization");
        assert_eq!(text(event.aws_region()), "us-east-1");
        assert_eq!(text(event.source_ip_address()), "192.0.2.17");
        assert_eq!(text(event.user_agent()), "aws-cli/2.31.0");
        assert_eq!(text(event.request_id()), "0c4c5b9c-1c1e-4a2b-9e7d-2f1a5b6c7d8e");
        assert_eq!(text(event.event_id()), "6f0e1d2c-3b4a-4958-8776-655443322110");
        assert_eq!(text(event.event_type()), "AwsApiCall");
        assert_eq!(text(event.api_version()), "2016-11-28");
        assert_eq!(text(event.event_category()), "Management");
        assert_eq!(text(event.shared_event_id()), "11111111-2222-4333-8444-555555555555");
        assert_eq!(text(event.vpc_endpoint_id()), "vpce-0a1b2c3d4e5f60718");
        assert_eq!(event.vpc_endpoint_account_id(), "444455556666".parse().ok());
        assert_eq!(event.recipient_account_id(), "111122223333".parse().ok());
        assert_eq!((event.read_only(), event.management_event()), (Some(true), Some(true)));
        assert_eq!((event.error_code(), event.error_message()), (None, None));
        assert!(event.session_credential_from_console());
    }

    #[test]
    fn an_aggregated_event_has_other_names_for_its_id_and_account() {
        let event = Event::from_json(
            r#"{"eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","accountId":"111122223333",
                "eventId":"0d6f3a0e-7a2c-4b1f-8d3e-5c4b3a291807"}"#,
        )
        .unwrap();
        assert_eq!(event.event_id().as_deref(), Some("0d6f3a0e-7a2c-4b1f-8d3e-5c4b3a291807"));
        assert_eq!(event.recipient_account_id(), "111122223333".parse().ok());
        assert_eq!((event.event_time(), event.event_name()), (None, None));
    }

    #[test]
    fn versions_compare_as_numbers() {
        let version = |text: &str| text.parse::<EventVersion>();
        assert!(version("1.10").unwrap() > version("1.9").unwrap());
        assert_eq!(version("1.05"), version("1.5"));
        for text in ["1.0", "1.05", "1.11"] {
            assert_eq!(version(text).unwrap().to_string(), text);
        }
        for wrong in ["", "1", "1.", "...", "1.0.0", "1.+5"] {
            assert_eq!(version(wrong), Err(InvalidEventVersion), "{wrong}");
        }
    }

    #[test]
    fn console_sessions_are_told_by_either_field() {
        let from_console = |record: &str| Event::from_json(record).unwrap().session_credential_from_console();
        assert!(from_console(
            r#"{"userIdentity":{"sessionContext":{"attributes":{"sessionCredentialFromConsole":"true"}}}}"#
        ));
        assert!(!from_console("{}"));
        assert!(!from_console(r#"{"sessionCredentialFromConsole":"false"}"#));
    }
}
