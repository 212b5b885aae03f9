//! Callers of every kind, and what is hidden, empty or no account.

use super::*;

fn event(identity: &str) -> Event {
    Event::from_json(&format!(r#"{{"userIdentity":{identity}}}"#)).unwrap()
}

#[test]
fn every_type_has_its_kind() {
    for (name, kind) in [
        ("Root", IdentityKind::Root),
        ("IAMUser", IdentityKind::IamUser),
        ("AssumedRole", IdentityKind::AssumedRole),
        ("Role", IdentityKind::Role),
        ("FederatedUser", IdentityKind::FederatedUser),
        ("Directory", IdentityKind::Directory),
        ("AWSAccount", IdentityKind::AwsAccount),
        ("AWSService", IdentityKind::AwsService),
        ("IdentityCenterUser", IdentityKind::IdentityCenterUser),
        ("SAMLUser", IdentityKind::SamlUser),
        ("WebIdentityUser", IdentityKind::WebIdentityUser),
        ("Unknown", IdentityKind::Unknown),
        ("Robot", IdentityKind::Other("Robot".to_owned())),
    ] {
        assert_eq!(event(&format!(r#"{{"type":"{name}"}}"#)).user_identity().kind(), kind);
    }
    for identity in ["null", "{}", r#"{"type":null}"#, r#"{"type":""}"#] {
        assert_eq!(event(identity).user_identity().kind(), IdentityKind::Absent, "{identity}");
    }
    assert_eq!(Event::from_json("{}").unwrap().user_identity().kind(), IdentityKind::Absent);
}

#[test]
fn a_user_has_a_name_an_arn_and_a_key() {
    let event = event(
        r#"{"type":"IAMUser","principalId":"AIDACKCEVSQ6C2EXAMPLE","arn":"arn:aws:iam::111122223333:user/anaya",
            "accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"anaya"}"#,
    );
    let anaya = event.user_identity();
    assert_eq!(anaya.user_name().as_deref(), Some("anaya"));
    assert_eq!(anaya.principal_id().as_deref(), Some("AIDACKCEVSQ6C2EXAMPLE"));
    assert_eq!(anaya.session_name(), None);
    assert_eq!(anaya.account_id(), "111122223333".parse().ok());
    assert_eq!(anaya.access_key_id().as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(event.actor().as_deref(), Some("arn:aws:iam::111122223333:user/anaya"));
}

#[test]
fn a_service_event_was_made_by_a_service() {
    let event = event(r#"{"accountId":"111122223333","invokedBy":"organizations.amazonaws.com"}"#);
    assert_eq!(event.user_identity().kind(), IdentityKind::Absent);
    assert_eq!(event.actor().as_deref(), Some("organizations.amazonaws.com"));
    assert_eq!(event.user_identity().account_id(), "111122223333".parse().ok());
}

#[test]
fn delegates_and_scopes_are_read() {
    let event = event(
        r#"{"type":"AssumedRole","principalId":"AROACKCEVSQ6C2EXAMPLE:anaya@example.com",
            "onBehalfOf":{"userId":"d11d11d1-1111-4111-8111-111111111111","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1111111111"},
            "inScopeOf":{"sourceArn":"arn:aws:lambda:us-east-1:111122223333:function:nightly","sourceAccount":"111122223333",
                         "issuerType":"AWS::Lambda::Function","credentialsIssuedTo":"arn:aws:lambda:us-east-1:111122223333:function:nightly"},
            "invokedByDelegate":{"accountId":"444455556666"},"credentialId":"credential-1","identityProvider":"idp.example.com"}"#,
    );
    let identity = event.user_identity();
    assert_eq!(identity.session_name().as_deref(), Some("anaya@example.com"));
    assert_eq!(identity.on_behalf_of().unwrap().user_id.as_deref(), Some("d11d11d1-1111-4111-8111-111111111111"));
    let scope = identity.in_scope_of().unwrap();
    assert_eq!(scope.issuer_type.as_deref(), Some("AWS::Lambda::Function"));
    assert_eq!(scope.source_account, "111122223333".parse().ok());
    assert_eq!(identity.invoked_by_delegate(), "444455556666".parse().ok());
    assert_eq!(identity.credential_id().as_deref(), Some("credential-1"));
    assert_eq!(identity.identity_provider().as_deref(), Some("idp.example.com"));
}

#[test]
fn what_is_hidden_empty_or_no_account_is_nothing() {
    let event = event(
        r#"{"type":"AWSAccount","userName":"HIDDEN_DUE_TO_SECURITY_REASONS","accessKeyId":"","accountId":"ANONYMOUS_PRINCIPAL"}"#,
    );
    let identity = event.user_identity();
    assert_eq!((identity.user_name(), identity.access_key_id(), identity.account_id()), (None, None, None));
    assert!(identity.on_behalf_of().is_none() && identity.in_scope_of().is_none());
}
