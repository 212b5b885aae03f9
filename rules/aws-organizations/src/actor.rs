//! Who was behind a call.
//!
//! CloudTrail says it in up to ten fields, and the ones that read best are the ones that a caller may choose: a session's name, a source
//! identity. An [`Actor`] takes them apart. What the actor is called for a machine, its [`principal`](Actor::principal), is made only of fields that AWS
//! fills in; the rest is shown, never judged.

use std::fmt;

use orgwatch_rules_sdk::Event;
use orgwatch_rules_sdk::event::{AccountId, IdentityKind, UserIdentity};
use serde::Serialize;
use serde_json::Value as Json;

use crate::names;
use crate::text::plain;

/// The path of the roles that IAM Identity Center makes. Nobody else can make one there, and its sessions are named after the person.
const IDENTITY_CENTER_ROLE: &str = ":role/aws-reserved/sso.amazonaws.com/";

/// Who was behind a call. As a detail it is an object that leaves out what the record does not say, but for principal, account and MFA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    kind: Kind,
    /// The ARN of the role or user, or the name of the service; never of a session.
    principal: Option<String>,
    account: Option<AccountId>,
    /// Whether the session was opened with MFA.
    mfa: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What the operator's table says of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_as: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_center_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    federated_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_account: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<String>,
    /// What the operator's table calls the network that the address belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    from_console: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    assumed_root: bool,
}

/// What kind of actor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An account's root user, or a root session that the management account opened.
    Root,
    /// An IAM user, or temporary credentials of one.
    User,
    /// A role.
    Role,
    /// A person of IAM Identity Center.
    IdentityCenterUser,
    /// A service of AWS, on nobody's behalf.
    Service,
    /// Somebody else, or nobody that the record names.
    Other,
}

impl Actor {
    /// Reads who was behind the call, from the record alone.
    pub fn of(event: &Event) -> Self {
        let identity = event.user_identity();
        let session = identity.session();
        let invoked_by = identity.invoked_by();
        let kind = kind_of(identity, invoked_by.is_some());
        let principal = match kind {
            Kind::Service => invoked_by.clone(),
            _ => session.issuer().arn().or_else(|| identity.arn().map(|arn| without_session(&arn))),
        };
        // The ARN first: what the finding calls the actor is then what it is known by.
        let name = principal.as_deref().and_then(name_in).map(str::to_owned);
        let name = name.or_else(|| session.issuer().user_name()).or_else(|| identity.user_name());
        let person = identity.on_behalf_of();
        let text = |text: Option<String>| text.map(|text| plain(&text));
        Self {
            kind,
            account: identity.account_id().or_else(|| session.issuer().account_id()),
            mfa: session.mfa_authenticated(),
            name: text(name.filter(|_| kind != Kind::Service && kind != Kind::Root)),
            session_name: text(identity.session_name()),
            source_identity: text(session.source_identity()),
            identity_center_user: text(person.as_ref().and_then(|person| person.user_id.clone())),
            identity_store: text(person.and_then(|person| person.identity_store_arn)),
            federated_by: text(session.federated_provider().or_else(|| identity.identity_provider())),
            invoked_by: text(invoked_by),
            provider_account: identity.invoked_by_delegate(),
            access_key: text(identity.access_key_id()),
            network: None,
            source_ip: text(event.source_ip_address()),
            known_as: None,
            from_console: event.session_credential_from_console(),
            assumed_root: session.assumed_root(),
            principal: text(principal),
        }
    }

    /// Adds what the operator's tables know of the actor. Not for `note`, which may read no table.
    #[must_use]
    pub fn named(mut self, event: &Event) -> Self {
        self.known_as = self.principal.as_deref().and_then(|principal| names::known_principal(event, principal));
        self.network = event.source_ip_address().and_then(|address| names::network(event, &address));
        self
    }

    /// Returns what kind of actor it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the ARN of the role or user behind the call, or the name of the service: the same for all sessions of a role, and nothing in it
    /// was chosen by who made the call.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }

    /// Returns the actor's own account.
    pub fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Returns a name that groups the findings about one actor: the principal, else the account, else the word `unknown`.
    pub fn key(&self) -> String {
        let account = || self.account.map(|account| account.to_string());
        self.principal.clone().or_else(account).unwrap_or_else(|| "unknown".to_owned())
    }

    fn is_reserved_role(&self) -> bool {
        self.principal.as_deref().is_some_and(|arn| arn.contains(IDENTITY_CENTER_ROLE))
    }
}

/// Prints the actor for the beginning of a title: `Role OrgAdmin of 111122223333 (session anaya)`.
impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_account = match self.account {
            Some(account) => format!(" of {account}"),
            None => String::new(),
        };
        let name = self.name.as_deref().unwrap_or("without a name");
        match self.kind {
            Kind::Root if self.assumed_root => write!(formatter, "A central root session{of_account}")?,
            Kind::Root => write!(formatter, "Root{of_account}")?,
            Kind::User => write!(formatter, "User {name}{of_account}")?,
            Kind::Role if self.is_reserved_role() => {
                let person = self.session_name.as_deref().unwrap_or("without a name");
                write!(formatter, "Identity Center user {person} as {}{of_account}", permission_set(name))?;
            }
            Kind::Role => {
                write!(formatter, "Role {name}{of_account}")?;
                match (&self.source_identity, &self.session_name) {
                    (Some(identity), _) => write!(formatter, " (source identity {identity})")?,
                    (None, Some(session)) => write!(formatter, " (session {session})")?,
                    (None, None) => {}
                }
            }
            Kind::IdentityCenterUser => {
                let person = self.identity_center_user.as_deref().unwrap_or(name);
                write!(formatter, "Identity Center user {person}{of_account}")?;
            }
            Kind::Service => {
                return match self.principal.as_deref() {
                    Some("AWS Internal") | None => formatter.write_str("AWS itself"),
                    Some(service) => write!(formatter, "The service {service}"),
                };
            }
            Kind::Other => write!(formatter, "Somebody unknown{of_account}")?,
        }
        match self.invoked_by.as_deref() {
            // The console and AWS's own inside are no service that somebody had act.
            Some("AWS Internal" | "signin.amazonaws.com") | None => Ok(()),
            Some(service) => write!(formatter, " through {service}"),
        }
    }
}

fn kind_of(identity: UserIdentity<'_>, invoked: bool) -> Kind {
    match identity.kind() {
        IdentityKind::Root => Kind::Root,
        // Some records call a role's session an IAM user. The session's name would then stand for that of a user, and the caller chose it.
        IdentityKind::IamUser if identity.session().issuer().kind().as_deref() == Some("Role") => Kind::Role,
        IdentityKind::IamUser | IdentityKind::FederatedUser => Kind::User,
        IdentityKind::AssumedRole | IdentityKind::Role => Kind::Role,
        IdentityKind::IdentityCenterUser => Kind::IdentityCenterUser,
        IdentityKind::AwsService => Kind::Service,
        // Service events leave the type out and name the service.
        IdentityKind::Absent if invoked && identity.arn().is_none() => Kind::Service,
        _ => Kind::Other,
    }
}

/// Turns the ARN of a role's session into one that all its sessions share. The path of the role is lost in it, so it is not the role's own.
fn without_session(arn: &str) -> String {
    match arn.split_once(":assumed-role/") {
        Some((front, rest)) => {
            let role = rest.rsplit_once('/').map_or(rest, |(role, _)| role);
            format!("{front}:assumed-role/{role}")
        }
        None => arn.to_owned(),
    }
}

/// Returns the last part of an ARN's path, which is the name of a role or user.
fn name_in(arn: &str) -> Option<&str> {
    arn.rsplit_once('/').map(|(_, name)| name).filter(|name| !name.is_empty())
}

/// Returns the permission set in the name of its role: `AWSReservedSSO_NAME_0123456789abcdef`.
fn permission_set(role: &str) -> &str {
    let name = role.strip_prefix("AWSReservedSSO_").unwrap_or(role);
    name.rsplit_once('_').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(identity: &str) -> Actor {
        let record = format!(r#"{{"sourceIPAddress":"192.0.2.17","userIdentity":{identity}}}"#);
        Actor::of(&Event::from_json(&record).unwrap())
    }

    const ROLE: &str = r#"{"type":"AssumedRole","principalId":"AROACKCEVSQ6C2EXAMPLE:SESSION",
        "arn":"arn:aws:sts::111122223333:assumed-role/OrgAdmin/SESSION","accountId":"111122223333","accessKeyId":"ASIAIOSFODNN7EXAMPLE",
        "sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROACKCEVSQ6C2EXAMPLE",
        "arn":"arn:aws:iam::111122223333:role/teams/OrgAdmin","accountId":"111122223333","userName":"OrgAdmin"},
        "attributes":{"creationDate":"2026-10-05T13:58:01Z","mfaAuthenticated":"true"}}}"#;

    #[test]
    fn every_kind_of_actor_begins_a_title() {
        for (identity, text) in [
            (ROLE.replace("SESSION", "anaya"), "Role OrgAdmin of 111122223333 (session anaya)"),
            (
                ROLE.replace("SESSION", "anaya").replace("\"sessionContext\":{", "\"sessionContext\":{\"sourceIdentity\":\"anaya\","),
                "Role OrgAdmin of 111122223333 (source identity anaya)",
            ),
            (
                ROLE.replace("SESSION", "x").replace("\"accountId\":\"111122223333\",\"accessKeyId\"", "\"accountId\":\"111122223333\",\"invokedBy\":\"cloudformation.amazonaws.com\",\"accessKeyId\""),
                "Role OrgAdmin of 111122223333 (session x) through cloudformation.amazonaws.com",
            ),
            (
                r#"{"type":"AssumedRole","principalId":"AROACKCEVSQ6C2EXAMPLE:anaya@example.com","accountId":"111122223333","sessionContext":{"sessionIssuer":{
                    "arn":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Org_Admin_0123456789abcdef",
                    "userName":"AWSReservedSSO_Org_Admin_0123456789abcdef"}}}"#.to_owned(),
                "Identity Center user anaya@example.com as Org_Admin of 111122223333",
            ),
            (
                r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/anaya","accountId":"111122223333","userName":"anaya"}"#.to_owned(),
                "User anaya of 111122223333",
            ),
            (r#"{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}"#.to_owned(), "Root of 111122223333"),
            (
                r#"{"type":"Root","accountId":"444455556666","sessionContext":{"assumedRoot":"true"}}"#.to_owned(),
                "A central root session of 444455556666",
            ),
            (
                r#"{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"d11d11d1-1111-4111-8111-111111111111"}}"#.to_owned(),
                "Identity Center user d11d11d1-1111-4111-8111-111111111111 of 111122223333",
            ),
            (
                r#"{"accountId":"111122223333","invokedBy":"organizations.amazonaws.com"}"#.to_owned(),
                "The service organizations.amazonaws.com",
            ),
            (r#"{"type":"AWSService","invokedBy":"AWS Internal"}"#.to_owned(), "AWS itself"),
            (r#"{"type":"AWSAccount","accountId":"777788889999"}"#.to_owned(), "Somebody unknown of 777788889999"),
            ("null".to_owned(), "Somebody unknown"),
        ] {
            assert_eq!(actor(&identity).to_string(), text);
        }
    }

    #[test]
    fn all_sessions_of_a_role_are_one_principal_whatever_they_are_called() {
        let principal = "arn:aws:iam::111122223333:role/teams/OrgAdmin";
        for session in ["anaya", "AWSControlTowerExecution", "organizations.amazonaws.com"] {
            let actor = actor(&ROLE.replace("SESSION", session));
            assert_eq!((actor.kind(), actor.principal()), (Kind::Role, Some(principal)), "{session}");
            assert_eq!(actor.key(), principal);
        }
        let no_issuer = r#"{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/OrgAdmin/a.b@c=d","accountId":"111122223333"}"#;
        assert_eq!(actor(no_issuer).principal(), Some("arn:aws:sts::111122223333:assumed-role/OrgAdmin"));
        assert_eq!(actor(no_issuer).to_string(), "Role OrgAdmin of 111122223333");
    }

    #[test]
    fn a_session_of_a_role_is_never_taken_for_a_user_of_its_name() {
        let called_a_user = ROLE.replace("SESSION", "root").replace(r#""type":"AssumedRole""#, r#""type":"IAMUser""#);
        let actor = actor(&called_a_user.replace(r#""userName":"OrgAdmin""#, r#""userName":"root""#));
        assert_eq!(actor.kind(), Kind::Role);
        assert_eq!(actor.to_string(), "Role OrgAdmin of 111122223333 (session root)");
    }

    #[test]
    fn a_person_whose_call_a_service_made_is_not_taken_for_the_service() {
        let user = actor(
            r#"{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/anaya","accountId":"111122223333","userName":"anaya",
                "invokedBy":"organizations.amazonaws.com"}"#,
        );
        assert_eq!(user.kind(), Kind::User);
        assert_eq!(user.to_string(), "User anaya of 111122223333 through organizations.amazonaws.com");
        let no_type =
            actor(r#"{"arn":"arn:aws:iam::111122223333:user/anaya","invokedBy":"organizations.amazonaws.com"}"#);
        assert_eq!(no_type.kind(), Kind::Other);
    }

    #[test]
    fn a_name_in_a_title_is_one_short_line() {
        let identity = ROLE.replace("SESSION", &format!("a\\nb\u{202e}{}", "c".repeat(500)));
        let text = actor(&identity).to_string();
        assert!(text.starts_with("Role OrgAdmin of 111122223333 (session a bccc"), "{text}");
        assert!(text.chars().count() < 200, "{text}");
    }

    #[test]
    fn the_details_leave_out_what_the_record_does_not_say() {
        let details = serde_json::to_value(actor(&ROLE.replace("SESSION", "anaya"))).unwrap();
        assert_eq!(
            details,
            serde_json::json!({
                "kind": "role", "principal": "arn:aws:iam::111122223333:role/teams/OrgAdmin", "account": "111122223333", "mfa": true,
                "name": "OrgAdmin", "session_name": "anaya", "access_key": "ASIAIOSFODNN7EXAMPLE", "source_ip": "192.0.2.17",
            })
        );
        let nobody = serde_json::to_value(Actor::of(&Event::from_json("{}").unwrap())).unwrap();
        assert_eq!(nobody, serde_json::json!({"kind": "other", "principal": null, "account": null, "mfa": null}));
        assert_eq!(actor("{}").key(), "unknown");
    }
}
