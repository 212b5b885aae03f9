//! Where the rules depart from the published filters with their default settings: each departure with an example and a test.

use serde_json::Value;

use super::{JUDGED, document};

/// One way in which a rule judges otherwise than its filter.
pub(super) struct Departure {
    pub(super) control: &'static str,
    /// What the rule does with such records.
    pub(super) verdict: Verdict,
    /// Tells such records.
    pub(super) holds: fn(&Value) -> bool,
    /// The fields of a record on which the rule and the filter differ for this reason.
    example: &'static str,
}

impl Departure {
    /// Returns the example as a whole record, in the form in which records are compared.
    pub(super) fn record(&self) -> String {
        record(self.example)
    }
}

fn record(example: &str) -> String {
    let text = example.replacen(
        '{',
        r#"{"eventVersion": "1.11", "eventTime": "2026-10-05T10:01:00Z", "awsRegion": "us-east-1", "#,
        1,
    );
    document(&text).root().canonical()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fires,
    Quiet,
}

use Verdict::{Fires, Quiet};

/// What the rule of a control has to say of a record, from what the filter says: the last departure that holds decides.
pub(super) fn expected(control: &str, published: bool, record: &Value) -> bool {
    let mut fires = published;
    for departure in DEPARTURES.iter().filter(|departure| departure.control == control) {
        if (departure.holds)(record) {
            fires = departure.verdict == Fires;
        }
    }
    fires
}

/// Makes the table, and of each row a test that the rule and its filter differ on the example.
macro_rules! departures {
    ($($name:ident: $control:literal, $verdict:ident, $holds:expr, $example:literal;)*) => {
        pub(super) const DEPARTURES: &[Departure] =
            &[$(Departure { control: $control, verdict: $verdict, holds: $holds, example: $example }),*];

        mod tests {
            use super::*;

            $(
                #[test]
                fn $name() {
                    differs($control, $verdict, $example);
                }
            )*
        }
    };
}

/// Checks that a rule judges a record so, and its filter otherwise.
fn differs(control: &str, verdict: Verdict, example: &str) {
    let text = record(example);
    let place = JUDGED.records.iter().position(|judged| *judged == text).expect("the examples are among the records");
    assert_eq!(JUDGED.default[control][place], verdict == Fires, "the rule of {control} on {example}");
    assert_eq!(JUDGED.published[control][place], verdict == Quiet, "the filter of {control} on {example}");
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A value that a filter compares: neither missing nor `null`, an array or an object.
fn is_scalar(record: &Value, pointer: &str) -> bool {
    record.pointer(pointer).is_some_and(|value| value.is_string() || value.is_number() || value.is_boolean())
}

fn has_failed(record: &Value) -> bool {
    let said_so = text(record, "/eventSource") == "signin.amazonaws.com"
        && text(record, "/responseElements/ConsoleLogin") == "Failure";
    said_so || !text(record, "/errorCode").is_empty() || !text(record, "/errorMessage").is_empty()
}

fn is_sign_in(record: &Value) -> bool {
    text(record, "/eventName") == "ConsoleLogin"
}

fn is_own(record: &Value) -> bool {
    ["IAMUser", "Root"].contains(&text(record, "/userIdentity/type"))
}

fn is_denied(record: &Value) -> bool {
    let code = text(record, "/errorCode");
    code.starts_with("AccessDenied") || code.ends_with("UnauthorizedOperation")
}

/// What root did itself, by the rule's reading.
fn is_root_itself(record: &Value) -> bool {
    let service = text(record, "/userIdentity/invokedBy");
    text(record, "/userIdentity/type") == "Root"
        && (service.is_empty() || service == "signin.amazonaws.com")
        && text(record, "/eventType") != "AwsServiceEvent"
}

fn is_one(record: &Value, source: &str, names: &[&str]) -> bool {
    text(record, "/eventSource") == source && names.contains(&text(record, "/eventName"))
}

departures! {
    the_broken_join_of_4_1_is_read_as_it_was_meant: "4.1", Quiet,
        |record| !is_denied(record),
        r#"{"eventName": "DescribeInstances", "eventSource": "ec2.amazonaws.com", "sourceIPAddress": "192.0.2.44"}"#;
    log_delivery_that_is_denied_is_quiet: "4.1", Quiet,
        |record| text(record, "/sourceIPAddress") == "delivery.logs.amazonaws.com",
        r#"{"eventName": "GetBucketAcl", "errorCode": "AccessDenied", "sourceIPAddress": "delivery.logs.amazonaws.com"}"#;
    head_bucket_that_is_denied_is_quiet: "4.1", Quiet,
        |record| text(record, "/eventName") == "HeadBucket",
        r#"{"eventName": "HeadBucket", "errorCode": "AccessDenied", "sourceIPAddress": "192.0.2.44"}"#;

    a_sign_in_that_does_not_say_whether_with_mfa_is_reported: "4.2", Fires,
        |record| is_sign_in(record) && !is_scalar(record, "/additionalEventData/MFAUsed"),
        r#"{"eventName": "ConsoleLogin", "userIdentity": {"type": "IAMUser"}, "responseElements": {"ConsoleLogin": "Success"}}"#;
    mfa_in_another_letter_case_is_mfa: "4.2", Quiet,
        |record| text(record, "/additionalEventData/MFAUsed").eq_ignore_ascii_case("yes"),
        r#"{"eventName": "ConsoleLogin", "userIdentity": {"type": "Root"}, "additionalEventData": {"MFAUsed": "YES"}}"#;
    a_federated_sign_in_is_quiet: "4.2", Quiet,
        |record| !is_own(record),
        r#"{"eventName": "ConsoleLogin", "userIdentity": {"type": "AssumedRole"}, "additionalEventData": {"MFAUsed": "No"}}"#;
    a_sign_in_that_failed_is_for_another_rule: "4.2", Quiet,
        has_failed,
        r#"{"eventName": "ConsoleLogin", "userIdentity": {"type": "IAMUser"}, "additionalEventData": {"MFAUsed": "No"}, "errorMessage": "Failed authentication"}"#;

    root_working_in_the_console_is_no_service: "4.3", Fires,
        |record| is_root_itself(record) && text(record, "/userIdentity/invokedBy") == "signin.amazonaws.com",
        r#"{"eventName": "CreateUser", "eventType": "AwsApiCall", "userIdentity": {"type": "Root", "invokedBy": "signin.amazonaws.com"}}"#;
    root_invoked_by_nobody_that_has_a_name_is_reported: "4.3", Fires,
        |record| is_root_itself(record) && record.pointer("/userIdentity/invokedBy").is_some(),
        r#"{"eventName": "CreateUser", "eventType": "AwsApiCall", "userIdentity": {"type": "Root", "invokedBy": null}}"#;
    root_in_a_record_without_a_type_is_reported: "4.3", Fires,
        |record| is_root_itself(record) && !is_scalar(record, "/eventType"),
        r#"{"eventName": "CreateUser", "userIdentity": {"type": "Root"}}"#;

    policies_of_other_services_are_no_iam_policies: "4.4", Quiet,
        |record| text(record, "/eventSource") != "iam.amazonaws.com",
        r#"{"eventName": "CreatePolicy", "eventSource": "organizations.amazonaws.com"}"#;
    other_ways_to_change_what_an_iam_policy_does_are_reported: "4.4", Fires,
        |record| is_one(record, "iam.amazonaws.com", &["DeleteRolePermissionsBoundary", "DeleteUserPermissionsBoundary", "PutRolePermissionsBoundary",
            "PutUserPermissionsBoundary", "SetDefaultPolicyVersion", "UpdateAssumeRolePolicy"]),
        r#"{"eventName": "SetDefaultPolicyVersion", "eventSource": "iam.amazonaws.com"}"#;
    trails_of_other_services_are_no_trails: "4.5", Quiet,
        |record| text(record, "/eventSource") != "cloudtrail.amazonaws.com",
        r#"{"eventName": "StopLogging", "eventSource": "iot.amazonaws.com"}"#;
    other_ways_to_blind_a_trail_are_reported: "4.5", Fires,
        |record| is_one(record, "cloudtrail.amazonaws.com", &["DeleteEventDataStore", "DeregisterOrganizationDelegatedAdmin", "PutEventSelectors",
            "PutInsightSelectors", "RegisterOrganizationDelegatedAdmin", "StopEventDataStoreIngestion", "UpdateEventDataStore"]),
        r#"{"eventName": "PutEventSelectors", "eventSource": "cloudtrail.amazonaws.com"}"#;
    sign_ins_that_failed_with_another_message_are_reported: "4.6", Fires,
        |record| is_sign_in(record) && has_failed(record),
        r#"{"eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com", "responseElements": {"ConsoleLogin": "Failure"}}"#;
    material_of_a_key_that_is_deleted_is_reported: "4.7", Fires,
        |record| is_one(record, "kms.amazonaws.com", &["DeleteImportedKeyMaterial"]),
        r#"{"eventName": "DeleteImportedKeyMaterial", "eventSource": "kms.amazonaws.com"}"#;
    what_came_later_for_buckets_is_reported: "4.8", Fires,
        |record| is_one(record, "s3.amazonaws.com", &["DeleteAccountPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutAccountPublicAccessBlock",
            "PutBucketLifecycleConfiguration", "PutBucketPublicAccessBlock"]),
        r#"{"eventName": "PutBucketPublicAccessBlock", "eventSource": "s3.amazonaws.com"}"#;
    other_ways_to_end_the_recording_of_config_are_reported: "4.9", Fires,
        |record| is_one(record, "config.amazonaws.com", &["DeleteConfigurationRecorder", "DeleteServiceLinkedConfigurationRecorder",
            "DisassociateResourceTypes", "PutRetentionConfiguration"]),
        r#"{"eventName": "DeleteConfigurationRecorder", "eventSource": "config.amazonaws.com"}"#;
    security_groups_of_other_services_are_no_security_groups: "4.10", Quiet,
        |record| text(record, "/eventSource") != "ec2.amazonaws.com",
        r#"{"eventName": "CreateSecurityGroup", "eventSource": "iot.amazonaws.com"}"#;
    rules_of_a_security_group_that_are_modified_are_reported: "4.10", Fires,
        |record| is_one(record, "ec2.amazonaws.com", &["ModifySecurityGroupRules"]),
        r#"{"eventName": "ModifySecurityGroupRules", "eventSource": "ec2.amazonaws.com"}"#;
    network_acls_of_other_services_are_no_network_acls: "4.11", Quiet,
        |record| text(record, "/eventSource") != "ec2.amazonaws.com",
        r#"{"eventName": "CreateNetworkAcl", "eventSource": "iot.amazonaws.com"}"#;
    gateways_of_other_services_are_no_gateways: "4.12", Quiet,
        |record| text(record, "/eventSource") != "ec2.amazonaws.com",
        r#"{"eventName": "CreateInternetGateway", "eventSource": "iot.amazonaws.com"}"#;
    egress_only_gateways_are_reported: "4.12", Fires,
        |record| is_one(record, "ec2.amazonaws.com", &["CreateEgressOnlyInternetGateway", "DeleteEgressOnlyInternetGateway"]),
        r#"{"eventName": "CreateEgressOnlyInternetGateway", "eventSource": "ec2.amazonaws.com"}"#;
    route_tables_of_other_services_are_no_route_tables: "4.13", Quiet,
        |record| text(record, "/eventSource") != "ec2.amazonaws.com",
        r#"{"eventName": "CreateRoute", "eventSource": "iot.amazonaws.com"}"#;
    a_route_table_that_a_subnet_gets_is_reported: "4.13", Fires,
        |record| is_one(record, "ec2.amazonaws.com", &["AssociateRouteTable"]),
        r#"{"eventName": "AssociateRouteTable", "eventSource": "ec2.amazonaws.com"}"#;
    vpcs_of_other_services_are_no_vpcs: "4.14", Quiet,
        |record| text(record, "/eventSource") != "ec2.amazonaws.com",
        r#"{"eventName": "CreateVpc", "eventSource": "iot.amazonaws.com"}"#;
    options_of_a_peering_connection_are_reported: "4.14", Fires,
        |record| is_one(record, "ec2.amazonaws.com", &["ModifyVpcPeeringConnectionOptions"]),
        r#"{"eventName": "ModifyVpcPeeringConnectionOptions", "eventSource": "ec2.amazonaws.com"}"#;
}
