//! The metric filters that CIS AWS Foundations prescribes for its monitoring controls, word for word.
//!
//! The numbers are those of the versions up to 5.0; from 6.0 on, 4.x is 5.x. With `strict = true` a rule reports what its filter matches.

/// Control 4.1: unauthorized API calls.
pub const UNAUTHORIZED_API_CALLS: &str = concat!(
    r#"{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") ||"#,
    r#" ($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }"#,
);

/// Control 4.2: console sign-in without MFA.
pub const CONSOLE_SIGNIN_WITHOUT_MFA: &str =
    r#"{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }"#;

/// Control 4.3: usage of the root account.
pub const ROOT_USAGE: &str =
    r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }"#;

/// Control 4.4: IAM policy changes.
pub const IAM_POLICY_CHANGES: &str = concat!(
    r"{($.eventName=DeleteGroupPolicy)||($.eventName=DeleteRolePolicy)||($.eventName=DeleteUserPolicy)||",
    r"($.eventName=PutGroupPolicy)||($.eventName=PutRolePolicy)||($.eventName=PutUserPolicy)||($.eventName=CreatePolicy)||",
    r"($.eventName=DeletePolicy)||($.eventName=CreatePolicyVersion)||($.eventName=DeletePolicyVersion)||",
    r"($.eventName=AttachRolePolicy)||($.eventName=DetachRolePolicy)||($.eventName=AttachUserPolicy)||",
    r"($.eventName=DetachUserPolicy)||($.eventName=AttachGroupPolicy)||($.eventName=DetachGroupPolicy)}",
);

/// Control 4.5: CloudTrail configuration changes.
pub const CLOUDTRAIL_CHANGES: &str = concat!(
    r"{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) ||",
    r" ($.eventName = StartLogging) || ($.eventName = StopLogging) }",
);

/// Control 4.6: console authentication failures.
pub const CONSOLE_AUTHENTICATION_FAILURES: &str =
    r#"{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }"#;

/// Control 4.7: customer managed keys disabled or scheduled for deletion.
pub const KMS_KEY_DISABLED: &str =
    r"{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }";

/// Control 4.8: S3 bucket policy changes.
pub const S3_BUCKET_POLICY_CHANGES: &str = concat!(
    r"{ ($.eventSource = s3.amazonaws.com) && (($.eventName = PutBucketAcl) || ($.eventName = PutBucketPolicy) ||",
    r" ($.eventName = PutBucketCors) || ($.eventName = PutBucketLifecycle) || ($.eventName = PutBucketReplication) ||",
    r" ($.eventName = DeleteBucketPolicy) || ($.eventName = DeleteBucketCors) || ($.eventName = DeleteBucketLifecycle) ||",
    r" ($.eventName = DeleteBucketReplication)) }",
);

/// Control 4.9: AWS Config configuration changes.
pub const CONFIG_CHANGES: &str = concat!(
    r"{ ($.eventSource = config.amazonaws.com) && (($.eventName=StopConfigurationRecorder)||($.eventName=DeleteDeliveryChannel)||",
    r"($.eventName=PutDeliveryChannel)||($.eventName=PutConfigurationRecorder)) }",
);

/// Control 4.10: security group changes.
pub const SECURITY_GROUP_CHANGES: &str = concat!(
    r"{ ($.eventName = AuthorizeSecurityGroupIngress) || ($.eventName = AuthorizeSecurityGroupEgress) ||",
    r" ($.eventName = RevokeSecurityGroupIngress) || ($.eventName = RevokeSecurityGroupEgress) ||",
    r" ($.eventName = CreateSecurityGroup) || ($.eventName = DeleteSecurityGroup) }",
);

/// Control 4.11: network ACL changes.
pub const NETWORK_ACL_CHANGES: &str = concat!(
    r"{ ($.eventName = CreateNetworkAcl) || ($.eventName = CreateNetworkAclEntry) || ($.eventName = DeleteNetworkAcl) ||",
    r" ($.eventName = DeleteNetworkAclEntry) || ($.eventName = ReplaceNetworkAclEntry) ||",
    r" ($.eventName = ReplaceNetworkAclAssociation) }",
);

/// Control 4.12: network gateway changes.
pub const NETWORK_GATEWAY_CHANGES: &str = concat!(
    r"{ ($.eventName = CreateCustomerGateway) || ($.eventName = DeleteCustomerGateway) || ($.eventName = AttachInternetGateway) ||",
    r" ($.eventName = CreateInternetGateway) || ($.eventName = DeleteInternetGateway) || ($.eventName = DetachInternetGateway) }",
);

/// Control 4.13: route table changes.
pub const ROUTE_TABLE_CHANGES: &str = concat!(
    r"{ ($.eventName = CreateRoute) || ($.eventName = CreateRouteTable) || ($.eventName = ReplaceRoute) ||",
    r" ($.eventName = ReplaceRouteTableAssociation) || ($.eventName = DeleteRouteTable) || ($.eventName = DeleteRoute) ||",
    r" ($.eventName = DisassociateRouteTable) }",
);

/// Control 4.14: VPC changes.
pub const VPC_CHANGES: &str = concat!(
    r"{ ($.eventName = CreateVpc) || ($.eventName = DeleteVpc) || ($.eventName = ModifyVpcAttribute) ||",
    r" ($.eventName = AcceptVpcPeeringConnection) || ($.eventName = CreateVpcPeeringConnection) ||",
    r" ($.eventName = DeleteVpcPeeringConnection) || ($.eventName = RejectVpcPeeringConnection) ||",
    r" ($.eventName = AttachClassicLinkVpc) || ($.eventName = DetachClassicLinkVpc) || ($.eventName = DisableVpcClassicLink) ||",
    r" ($.eventName = EnableVpcClassicLink) }",
);

/// Control 4.15: AWS Organizations changes.
pub const ORGANIZATIONS_CHANGES: &str = concat!(
    r#"{ ($.eventSource = organizations.amazonaws.com) && (($.eventName = "AcceptHandshake") || ($.eventName = "AttachPolicy") ||"#,
    r#" ($.eventName = "CreateAccount") || ($.eventName = "CreateOrganizationalUnit") || ($.eventName = "CreatePolicy") ||"#,
    r#" ($.eventName = "DeclineHandshake") || ($.eventName = "DeleteOrganization") || ($.eventName = "DeleteOrganizationalUnit") ||"#,
    r#" ($.eventName = "DeletePolicy") || ($.eventName = "DetachPolicy") || ($.eventName = "DisablePolicyType") ||"#,
    r#" ($.eventName = "EnablePolicyType") || ($.eventName = "InviteAccountToOrganization") ||"#,
    r#" ($.eventName = "LeaveOrganization") || ($.eventName = "MoveAccount") || ($.eventName = "RemoveAccountFromOrganization") ||"#,
    r#" ($.eventName = "UpdatePolicy") || ($.eventName = "UpdateOrganizationalUnit")) }"#,
);
