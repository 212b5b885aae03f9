//! The write operations of AWS Organizations, as of November 2026.

use orgwatch_rules_sdk::Event;
use orgwatch_rules_sdk::event::Outcome;
use orgwatch_rules_sdk::event::organizations::EVENT_SOURCE;

/// Every operation that changes something: 34 of the API's 63. The other 29 only read.
pub const WRITES: [&str; 34] = [
    "AcceptHandshake",
    "AttachPolicy",
    "CancelHandshake",
    "CloseAccount",
    "CreateAccount",
    "CreateGovCloudAccount",
    "CreateOrganization",
    "CreateOrganizationalUnit",
    "CreatePolicy",
    "DeclineHandshake",
    "DeleteOrganization",
    "DeleteOrganizationalUnit",
    "DeletePolicy",
    "DeleteResourcePolicy",
    "DeregisterDelegatedAdministrator",
    "DetachPolicy",
    "DisableAWSServiceAccess",
    "DisablePolicyType",
    "EnableAWSServiceAccess",
    "EnableAllFeatures",
    "EnablePolicyType",
    "InviteAccountToOrganization",
    "InviteOrganizationToTransferResponsibility",
    "LeaveOrganization",
    "MoveAccount",
    "PutResourcePolicy",
    "RegisterDelegatedAdministrator",
    "RemoveAccountFromOrganization",
    "TagResource",
    "TerminateResponsibilityTransfer",
    "UntagResource",
    "UpdateOrganizationalUnit",
    "UpdatePolicy",
    "UpdateResponsibilityTransfer",
];

/// The operations whose own rule reports a denied call, because it has more to say about it than `org.unauthorized-attempt`.
pub const DENIALS_JUDGED_BY_THEIR_RULE: [&str; 1] = ["LeaveOrganization"];

/// Returns the operation of AWS Organizations that was called, or the event that it sent; nothing for another service's.
pub fn called(event: &Event) -> Option<String> {
    let organizations = event.event_source().as_deref() == Some(EVENT_SOURCE);
    if organizations { event.event_name() } else { None }
}

/// Returns true for a failure that says nothing about the call: the same call a moment later may succeed, and then there is a record of it.
pub fn is_passing(outcome: &Outcome) -> bool {
    let passing = [
        "ConcurrentModificationException",
        "FinalizingOrganizationException",
        "ServiceException",
        "ThrottlingException",
        "TooManyRequestsException",
    ];
    outcome.code().is_some_and(|code| passing.contains(&code))
}

/// Returns true for an operation that changes something. An operation that nobody has heard of does, unless its name says that it reads.
pub fn is_write(operation: &str) -> bool {
    !["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_of_another_service_is_none() {
        let called = |source: &str| {
            let record = format!(r#"{{"eventSource":"{source}","eventName":"CloseAccount"}}"#);
            called(&Event::from_json(&record).unwrap())
        };
        assert_eq!(called("organizations.amazonaws.com").as_deref(), Some("CloseAccount"));
        assert_eq!(called("account.amazonaws.com"), None);
    }

    #[test]
    fn what_is_tried_again_is_told_from_what_is_refused() {
        let passing = |code: &str| is_passing(&Outcome::Failed { code: Some(code.to_owned()) });
        assert!(passing("TooManyRequestsException") && passing("ConcurrentModificationException"));
        assert!(!passing("ConstraintViolationException") && !is_passing(&Outcome::Succeeded));
    }

    #[test]
    fn the_list_is_sorted_and_of_writes_only() {
        assert!(WRITES.is_sorted());
        for operation in WRITES {
            assert!(is_write(operation), "{operation}");
        }
        for operation in ["DescribeOrganization", "ListAccounts", "ListAWSServiceAccessForOrganization"] {
            assert!(!is_write(operation), "{operation}");
        }
        assert!(is_write("SplitOrganization"));
        for operation in DENIALS_JUDGED_BY_THEIR_RULE {
            assert!(WRITES.contains(&operation), "{operation}");
        }
    }
}
