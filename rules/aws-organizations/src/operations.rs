//! The write operations of AWS Organizations, as of November 2026.

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

/// Returns true for an operation that changes something. An operation that nobody has heard of does, unless its name says that it reads.
pub fn is_write(operation: &str) -> bool {
    !["Describe", "List", "Get"].iter().any(|verb| operation.starts_with(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

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
