//! Who made the call: `userIdentity`.

use super::{AccountId, Session};
use crate::Event;

impl Event {
    /// Returns who made the call (`userIdentity`, since 1.0). Insights events and aggregated events have nothing there.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"type": "IAMUser", "userName": "anaya"}}"#);
    /// assert_eq!(event.user_identity().user_name().as_deref(), Some("anaya"));
    /// ```
    pub fn user_identity(&self) -> UserIdentity<'_> {
        UserIdentity { event: self }
    }

    /// Returns who was behind the call, for a person to read: the ARN, else the service that made it.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"arn": "arn:aws:iam::111122223333:user/anaya"}}"#);
    /// assert_eq!(event.actor().as_deref(), Some("arn:aws:iam::111122223333:user/anaya"));
    /// ```
    pub fn actor(&self) -> Option<String> {
        let identity = self.user_identity();
        identity.arn().or_else(|| identity.invoked_by())
    }
}

/// Who made the call. Each accessor reads one value when it is called.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"userIdentity": {"type": "IAMUser", "userName": "anaya", "accountId": "111122223333"}}"#,
/// );
/// let caller = event.user_identity();
/// assert_eq!(caller.user_name().as_deref(), Some("anaya"));
/// assert_eq!(caller.account_id(), "111122223333".parse().ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct UserIdentity<'e> {
    event: &'e Event,
}

/// What kind of identity made the call.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(r#"{"userIdentity": {"type": "AWSService"}}"#);
/// assert!(matches!(event.user_identity().kind(), IdentityKind::AwsService | IdentityKind::Absent));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// `Root`: the account's root user, or a root session of the management account in a member (see [`Session::assumed_root`]).
    Root,
    /// `IAMUser`.
    IamUser,
    /// `AssumedRole`: temporary credentials of a role.
    AssumedRole,
    /// `Role`: a role with a persistent identity.
    Role,
    /// `FederatedUser`: temporary credentials from `GetFederationToken`.
    FederatedUser,
    /// `Directory`: a user of a directory service.
    Directory,
    /// `AWSAccount`: somebody in another account.
    AwsAccount,
    /// `AWSService`: a service of AWS.
    AwsService,
    /// `IdentityCenterUser`.
    IdentityCenterUser,
    /// `SAMLUser`: who called `AssumeRoleWithSAML`.
    SamlUser,
    /// `WebIdentityUser`: who called `AssumeRoleWithWebIdentity`.
    WebIdentityUser,
    /// `Unknown`: CloudTrail could not tell.
    Unknown,
    /// A type that this version of the SDK does not know, as written.
    Other(String),
    /// No type at all, as in service events and insights.
    Absent,
}

impl<'e> UserIdentity<'e> {
    /// Returns what kind of identity it is (`type`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"type": "Root"}}"#);
    /// assert_eq!(event.user_identity().kind(), event::IdentityKind::Root);
    /// ```
    pub fn kind(self) -> IdentityKind {
        let Some(kind) = self.text("type") else {
            return IdentityKind::Absent;
        };
        match kind.as_str() {
            "Root" => IdentityKind::Root,
            "IAMUser" => IdentityKind::IamUser,
            "AssumedRole" => IdentityKind::AssumedRole,
            "Role" => IdentityKind::Role,
            "FederatedUser" => IdentityKind::FederatedUser,
            "Directory" => IdentityKind::Directory,
            "AWSAccount" => IdentityKind::AwsAccount,
            "AWSService" => IdentityKind::AwsService,
            "IdentityCenterUser" => IdentityKind::IdentityCenterUser,
            "SAMLUser" => IdentityKind::SamlUser,
            "WebIdentityUser" => IdentityKind::WebIdentityUser,
            "Unknown" => IdentityKind::Unknown,
            _ => IdentityKind::Other(kind),
        }
    }

    /// Returns the friendly name (`userName`).
    ///
    /// A role has none: its name is [`Session::issuer`]'s. Root has one only where the account has an alias. Some failed sign-ins hide it, because
    /// people type passwords into the wrong field: that is nothing too.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"userName": "anaya"}}"#);
    /// assert_eq!(event.user_identity().user_name().as_deref(), Some("anaya"));
    /// ```
    pub fn user_name(self) -> Option<String> {
        self.text("userName").filter(|name| name != "HIDDEN_DUE_TO_SECURITY_REASONS")
    }

    /// Returns the unique id, for temporary credentials followed by `:` and the session's name (`principalId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"principalId": "AROACKCEVSQ6C2EXAMPLE:anaya"}}"#);
    /// assert_eq!(event.user_identity().principal_id().as_deref(), Some("AROACKCEVSQ6C2EXAMPLE:anaya"));
    /// ```
    pub fn principal_id(self) -> Option<String> {
        self.text("principalId")
    }

    /// Returns the name of the role's session, out of [`principal_id`](Self::principal_id). Whoever assumes a role chooses it.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"principalId": "AROACKCEVSQ6C2EXAMPLE:anaya"}}"#);
    /// assert_eq!(event.user_identity().session_name().as_deref(), Some("anaya"));
    /// ```
    pub fn session_name(self) -> Option<String> {
        let principal = self.principal_id()?;
        principal.split_once(':').map(|(_, name)| name.to_owned())
    }

    /// Returns the ARN of the principal; for a role that of the session, whose last part the caller chose (`arn`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"arn": "arn:aws:iam::111122223333:user/anaya"}}"#);
    /// assert_eq!(event.user_identity().arn().as_deref(), Some("arn:aws:iam::111122223333:user/anaya"));
    /// ```
    pub fn arn(self) -> Option<String> {
        self.text("arn")
    }

    /// Returns the account that owns the identity; nothing for `ANONYMOUS_PRINCIPAL` and the like (`accountId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"accountId": "111122223333"}}"#);
    /// assert_eq!(event.user_identity().account_id(), "111122223333".parse().ok());
    /// ```
    pub fn account_id(self) -> Option<AccountId> {
        self.event.account("/userIdentity/accountId")
    }

    /// Returns the access key that signed the request; nothing where it is empty, as in sign-ins (`accessKeyId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}"#);
    /// assert_eq!(event.user_identity().access_key_id().as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    /// ```
    pub fn access_key_id(self) -> Option<String> {
        self.text("accessKeyId")
    }

    /// Returns the service that made the call on somebody's behalf, such as `cloudformation.amazonaws.com` (`invokedBy`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}"#);
    /// assert_eq!(event.user_identity().invoked_by().as_deref(), Some("cloudformation.amazonaws.com"));
    /// ```
    pub fn invoked_by(self) -> Option<String> {
        self.text("invokedBy")
    }

    /// Returns the account of the product provider that acts with temporary delegated access (`invokedByDelegate.accountId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"invokedByDelegate": {"accountId": "444455556666"}}}"#);
    /// assert_eq!(event.user_identity().invoked_by_delegate(), "444455556666".parse().ok());
    /// ```
    pub fn invoked_by_delegate(self) -> Option<AccountId> {
        self.event.account("/userIdentity/invokedByDelegate/accountId")
    }

    /// Returns the person of IAM Identity Center on whose behalf the call was made (`onBehalfOf`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"onBehalfOf": {"userId": "d11d11d1-1111-4111-8111-111111111111"}}}"#);
    /// assert!(event.user_identity().on_behalf_of().unwrap().user_id.is_some());
    /// ```
    pub fn on_behalf_of(self) -> Option<OnBehalfOf> {
        let user_id = self.text("onBehalfOf/userId");
        let identity_store_arn = self.text("onBehalfOf/identityStoreArn");
        let known = user_id.is_some() || identity_store_arn.is_some();
        known.then_some(OnBehalfOf { user_id, identity_store_arn })
    }

    /// Returns the resource that the credentials were issued to, where a service limits their scope (`inScopeOf`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"inScopeOf": {"issuerType": "AWS::Lambda::Function"}}}"#);
    /// let scope = event.user_identity().in_scope_of().unwrap();
    /// assert_eq!(scope.issuer_type.as_deref(), Some("AWS::Lambda::Function"));
    /// ```
    pub fn in_scope_of(self) -> Option<InScopeOf> {
        if self.event.read("/userIdentity/inScopeOf").is_nothing() {
            return None;
        }
        Some(InScopeOf {
            source_arn: self.text("inScopeOf/sourceArn"),
            source_account: self.event.account("/userIdentity/inScopeOf/sourceAccount"),
            issuer_type: self.text("inScopeOf/issuerType"),
            credentials_issued_to: self.text("inScopeOf/credentialsIssuedTo"),
        })
    }

    /// Returns the id of the bearer token, in calls of `IdentityCenterUser` (`credentialId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"credentialId": "EXAMPLE-credential"}}"#);
    /// assert_eq!(event.user_identity().credential_id().as_deref(), Some("EXAMPLE-credential"));
    /// ```
    pub fn credential_id(self) -> Option<String> {
        self.text("credentialId")
    }

    /// Returns the external identity provider, in calls of `SAMLUser` and `WebIdentityUser` (`identityProvider`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"identityProvider": "idp.example.com"}}"#);
    /// assert_eq!(event.user_identity().identity_provider().as_deref(), Some("idp.example.com"));
    /// ```
    pub fn identity_provider(self) -> Option<String> {
        self.text("identityProvider")
    }

    /// Returns the session of temporary credentials (`sessionContext`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": "false"}}}}"#,
    /// );
    /// assert_eq!(event.user_identity().session().mfa_authenticated(), Some(false));
    /// ```
    pub fn session(self) -> Session<'e> {
        Session::of(self.event)
    }

    /// Reads a string inside `userIdentity`; nothing where it is empty.
    fn text(self, path: &str) -> Option<String> {
        self.event.string(&format!("/userIdentity/{path}")).filter(|text| !text.is_empty())
    }
}

/// The person of IAM Identity Center on whose behalf a call was made.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"userIdentity": {"onBehalfOf": {"userId": "d11d11d1-1111-4111-8111-111111111111"}}}"#,
/// );
/// let person = event.user_identity().on_behalf_of().unwrap();
/// assert_eq!(person.user_id.as_deref(), Some("d11d11d1-1111-4111-8111-111111111111"));
/// assert_eq!(person.identity_store_arn, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBehalfOf {
    /// The person's id in the identity store.
    pub user_id: Option<String>,
    /// The identity store.
    pub identity_store_arn: Option<String>,
}

/// The resource that a service issued credentials to.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"userIdentity": {"inScopeOf": {"sourceAccount": "444455556666", "issuerType": "AWS::Lambda::Function"}}}"#,
/// );
/// let scope = event.user_identity().in_scope_of().unwrap();
/// assert_eq!(scope.source_account, "444455556666".parse().ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InScopeOf {
    /// The resource that has the service act, such as a Lambda function's ARN.
    pub source_arn: Option<String>,
    /// The account that owns that resource.
    pub source_account: Option<AccountId>,
    /// The type of that resource, such as `AWS::Lambda::Function`.
    pub issuer_type: Option<String>,
    /// What the credentials were issued to.
    pub credentials_issued_to: Option<String>,
}

#[cfg(test)]
mod tests;
