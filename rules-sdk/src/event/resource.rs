//! The resources that a call touched: `resources`.

use super::AccountId;
use crate::{Event, Value};

/// A resource that a call touched.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"resources": [{"ARN": "arn:aws:s3:::example-logs", "type": "AWS::S3::Bucket"}]}"#);
/// assert_eq!(event.resources()[0].arn.as_deref(), Some("arn:aws:s3:::example-logs"));
/// assert_eq!(event.resources()[0].account_id, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The ARN (`ARN`, in capitals).
    pub arn: Option<String>,
    /// The account that owns it (`accountId`).
    pub account_id: Option<AccountId>,
    /// The type, such as `AWS::S3::Bucket` (`type`).
    pub kind: Option<String>,
}

impl Event {
    /// Returns the resources that the call touched, as far as the service lists them (`resources`, since 1.01).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"resources": [{"ARN": "arn:aws:s3:::example-logs", "type": "AWS::S3::Bucket"}]}"#);
    /// assert!(event.resources().iter().any(|resource| resource.kind.as_deref() == Some("AWS::S3::Bucket")));
    /// ```
    pub fn resources(&self) -> Vec<Resource> {
        let Value::Array(len) = self.read("/resources") else {
            return Vec::new();
        };
        let read = |index: usize| Resource {
            arn: self.string(&format!("/resources/{index}/ARN")),
            account_id: self.account(&format!("/resources/{index}/accountId")),
            kind: self.string(&format!("/resources/{index}/type")),
        };
        (0..len).map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_listed_in_order() {
        let event = Event::from_json(
            r#"{"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::example-logs/a"},
                             {"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::example-logs"}]}"#,
        )
        .unwrap();
        let resources = event.resources();
        assert_eq!(resources.len(), 2);
        assert_eq!(resources[0].account_id, None);
        assert_eq!(resources[1].arn.as_deref(), Some("arn:aws:s3:::example-logs"));
        assert_eq!(resources[1].account_id, "111122223333".parse().ok());
        assert_eq!(resources[1].kind.as_deref(), Some("AWS::S3::Bucket"));
        assert!(Event::from_json(r#"{"resources":null}"#).unwrap().resources().is_empty());
    }
}
