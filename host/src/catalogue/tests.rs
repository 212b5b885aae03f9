//! The catalogue, asked what a rule's author gets wrong.

use super::*;

const TRAIL: &str = "cloudtrail.amazonaws.com";
const ORGANIZATIONS: &str = "organizations.amazonaws.com";

fn status(source: &str, name: &str, pointer: &str) -> PathStatus {
    Catalogue::embedded().path_status(source, name, pointer)
}

fn meant(pointer: &str) -> PathStatus {
    PathStatus::Impossible { nearest: Some(pointer.to_owned()) }
}

#[test]
fn the_catalogue_is_dated_and_has_what_the_models_have() {
    let catalogue = Catalogue::embedded();
    assert!(catalogue.date().starts_with("20") && catalogue.date().len() == 10, "{}", catalogue.date());
    assert!(catalogue.botocore().starts_with("1."));
    assert!(catalogue.sources().count() > 400);
    let operations = catalogue.operations(ORGANIZATIONS).count();
    assert!(operations >= 63, "{operations}");
}

#[test]
fn a_name_is_known_for_its_source_or_told_to_be_anothers() {
    let catalogue = Catalogue::embedded();
    let knows = |source, name| catalogue.knows(source, name);
    assert_eq!(knows(Some(TRAIL), "StopLogging"), Knowledge::Known);
    assert_eq!(knows(None, "StopLogging"), Knowledge::Known);
    assert_eq!(knows(Some(ORGANIZATIONS), "StopLogging"), Knowledge::Elsewhere(vec![TRAIL]));
    assert_eq!(knows(None, "StopLoging"), Knowledge::Unknown { nearest: vec!["StopLogging"] });
    assert_eq!(knows(Some("billingconsole.amazonaws.com"), "ViewSomething"), Knowledge::Known);
}

#[test]
fn services_are_known_by_the_source_that_cloudtrail_gives_them() {
    let catalogue = Catalogue::embedded();
    for (source, name) in [
        ("monitoring.amazonaws.com", "PutMetricAlarm"),
        ("amazonmq.amazonaws.com", "CreateBroker"),
        ("elasticloadbalancing.amazonaws.com", "CreateLoadBalancer"),
        ("states.amazonaws.com", "StartExecution"),
        ("rds.amazonaws.com", "CreateDBInstance"),
        ("rdsdata.amazonaws.com", "ExecuteStatement"),
        ("s3.amazonaws.com", "PutBucketPublicAccessBlock"),
        ("sso.amazonaws.com", "CreateAccountAssignment"),
        ("organizations.amazonaws.com", "AccountDepartedOrganization"),
        ("signin.amazonaws.com", "ConsoleLogin"),
        ("kms.amazonaws.com", "RotateKey"),
        ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2"),
        ("lambda.amazonaws.com", "CreateFunction"),
        ("cloudfront.amazonaws.com", "CreateDistribution2020_05_31"),
    ] {
        assert_eq!(catalogue.knows(Some(source), name), Knowledge::Known, "{source} {name}");
    }
    let elsewhere = Knowledge::Elsewhere(vec!["monitoring.amazonaws.com"]);
    assert_eq!(catalogue.knows(Some("cloudwatch.amazonaws.com"), "PutMetricAlarm"), elsewhere);
}

#[test]
fn a_source_is_known_or_named_anew() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.knows_source(ORGANIZATIONS), Knowledge::Known);
    let near = |source: &str| match catalogue.knows_source(source) {
        Knowledge::Unknown { nearest } => nearest,
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(near("organization.amazonaws.com").first(), Some(&ORGANIZATIONS));
    assert_eq!(near("Organizations.amazonaws.com").first(), Some(&ORGANIZATIONS));
    assert_eq!(near("cloudtrail").first(), Some(&TRAIL));
}

#[test]
fn an_api_version_at_the_end_of_a_name_is_seen() {
    for (name, plain) in [
        ("CreateFunction20150331", "CreateFunction"),
        ("CreateFunction20150331v2", "CreateFunction"),
        ("CreateDistribution2020_05_31", "CreateDistribution"),
        ("ListObjectsV2", "ListObjectsV2"),
        ("20150331", "20150331"),
        ("Archive12345678", "Archive12345678"),
        ("", ""),
        ("Größe20150331", "Größe"),
    ] {
        assert_eq!(unversioned(name), plain);
    }
}

#[test]
fn a_shape_can_be_walked() {
    let catalogue = Catalogue::embedded();
    let operation = catalogue.operation(ORGANIZATIONS, "InviteAccountToOrganization").unwrap();
    assert_eq!((operation.service(), operation.naming()), ("organizations", Naming::Exact));
    let request = operation.request().unwrap();
    assert_eq!(request.kind(), Kind::Structure);
    let target = request.member("target").unwrap();
    assert!(target.required);
    let kind = target.shape.member("type").unwrap().shape;
    assert_eq!(kind.kind(), Kind::Text);
    assert!(kind.values().contains(&"ACCOUNT".to_owned()), "{:?}", kind.values());
    let tags = request.member("tags").unwrap();
    assert!(!tags.required);
    assert_eq!((tags.shape.kind(), tags.shape.items().unwrap().kind()), (Kind::List, Kind::Structure));
    assert!(operation.response().unwrap().member("handshake").is_some());
    assert!(catalogue.operation(ORGANIZATIONS, "AccountDepartedOrganization").is_none());
    assert!(catalogue.operation("ec2.amazonaws.com", "RunInstances").unwrap().request().is_none());
}

#[test]
fn a_path_is_possible_or_another_was_meant() {
    let path = |name, pointer| status(ORGANIZATIONS, name, pointer);
    assert_eq!(path("DetachPolicy", "/requestParameters/policyId"), PathStatus::Possible);
    assert_eq!(path("DetachPolicy", "/requestParameters/PolicyId"), meant("/requestParameters/policyId"));
    assert_eq!(path("DetachPolicy", "/requestParameters/policyID"), meant("/requestParameters/policyId"));
    assert_eq!(path("MoveAccount", "/requestParameters/account"), meant("/requestParameters/accountId"));
    assert_eq!(path("MoveAccount", "/requestParameters/somethingElse"), PathStatus::Impossible { nearest: None });
    let created = "/responseElements/createAccountStatus/accountId";
    assert_eq!(path("CreateAccount", created), PathStatus::Possible);
    assert_eq!(path("CreateAccount", "/responseElements/accountId"), meant(created));
}

#[test]
fn lists_are_read_by_index_and_maps_by_any_key() {
    let path = |name, pointer| status(ORGANIZATIONS, name, pointer);
    assert_eq!(path("TagResource", "/requestParameters/tags/0/key"), PathStatus::Possible);
    assert_eq!(path("TagResource", "/requestParameters/tags/key"), meant("/requestParameters/tags/0/key"));
    assert_eq!(path("TagResource", "/requestParameters/tags/0/name"), PathStatus::Impossible { nearest: None });
    let queue = |pointer| status("sqs.amazonaws.com", "SetQueueAttributes", pointer);
    assert_eq!(queue("/requestParameters/attributes"), PathStatus::Possible);
    assert_eq!(queue("/requestParameters/attributes/Policy"), PathStatus::Unknown);
    assert_eq!(queue("/requestParameters/attribute/Policy"), meant("/requestParameters/attributes"));
}

#[test]
fn where_nothing_reliable_is_known_nothing_is_said() {
    for (source, name, pointer) in [
        ("ec2.amazonaws.com", "RunInstances", "/requestParameters/instancesSet/items/0/imageId"),
        ("s3.amazonaws.com", "PutBucketPolicy", "/requestParameters/bucketPolicy/Statement"),
        (ORGANIZATIONS, "AccountDepartedOrganization", "/requestParameters/accountId"),
        (ORGANIZATIONS, "DescribeOrganization", "/requestParameters/organizationId"),
        (ORGANIZATIONS, "CreatePolicy", "/requestParameters/content/Statement"),
        (ORGANIZATIONS, "NobodyKnows", "/requestParameters/x"),
        ("nobody.amazonaws.com", "NobodyKnows", "/responseElements/x"),
    ] {
        assert_eq!(status(source, name, pointer), PathStatus::Unknown, "{source} {name} {pointer}");
    }
}

#[test]
fn what_services_share_and_what_stands_beside_the_models_is_possible() {
    let aurora = status("rds.amazonaws.com", "CreateDBInstance", "/requestParameters/allocatedStorage");
    assert_eq!(aurora, PathStatus::Possible);
    assert_eq!(Catalogue::embedded().operation("rds.amazonaws.com", "CreateDBInstance").unwrap().service(), "rds");
    let network = status("elasticloadbalancing.amazonaws.com", "AddTags", "/requestParameters/resourceArns");
    let classic = status("elasticloadbalancing.amazonaws.com", "AddTags", "/requestParameters/loadBalancerNames");
    assert_eq!((network, classic), (PathStatus::Possible, PathStatus::Possible));
    assert_eq!(status("kms.amazonaws.com", "DisableKey", "/responseElements/keyId"), PathStatus::Possible);
}

#[test]
fn a_services_own_letter_case_counts_only_where_it_is_sure() {
    let loose = |pointer| status("codecommit.amazonaws.com", "CreateRepository", pointer);
    assert_eq!(loose("/requestParameters/repositoryName"), PathStatus::Possible);
    assert_eq!(loose("/requestParameters/RepositoryName"), PathStatus::Possible);
    assert_eq!(loose("/requestParameters/repository"), meant("/requestParameters/repositoryName"));
}

#[test]
fn a_field_of_the_record_is_possible_or_another_was_meant() {
    let path = |pointer| status(TRAIL, "StopLogging", pointer);
    for pointer in [
        "",
        "/eventName",
        "/requestParameters",
        "/userIdentity/sessionContext/attributes/mfaAuthenticated",
        "/resources/0/ARN",
        "/additionalEventData",
    ] {
        assert_eq!(path(pointer), PathStatus::Possible, "{pointer}");
    }
    assert_eq!(path("/additionalEventData/MFAUsed"), PathStatus::Unknown);
    assert_eq!(path("/serviceEventDetails/state"), PathStatus::Unknown);
    assert_eq!(path("/eventname"), meant("/eventName"));
    assert_eq!(path("/userIdentity/ARN"), meant("/userIdentity/arn"));
    assert_eq!(path("/resources/0/arn"), meant("/resources/0/ARN"));
    assert_eq!(path("/sourceIpAddress"), meant("/sourceIPAddress"));
    assert_eq!(
        path("/userIdentity/sessionContext/sessionIssuer/username"),
        meant("/userIdentity/sessionContext/sessionIssuer/userName")
    );
    assert_eq!(path("/nothingLikeThis"), PathStatus::Impossible { nearest: None });
}

#[test]
fn what_is_written_by_hand_is_not_in_the_models_already() {
    let (index, _) = data::index();
    for events in data::beside().events {
        let in_models = |name: &&String| {
            let mut services =
                index.services.iter().filter(|service| service.sources.contains(&events.source.as_str()));
            services.any(|service| service.operations.contains(&name.as_str()))
        };
        let known: Vec<&String> = events.names.iter().filter(in_models).collect();
        assert!(known.is_empty(), "{}: take {known:?} out of beside_the_models.toml", events.source);
    }
}
