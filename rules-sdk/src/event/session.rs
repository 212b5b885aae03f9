//! The session of temporary credentials: `userIdentity.sessionContext`.

use super::{AccountId, Timestamp};
use crate::Event;
use crate::json::escape_pointer_token;

/// The session in which a call was made. Each accessor reads one value when it is called; long-term credentials have none.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"type": "Role", "userName": "OrgAdmin"}}}}"#,
/// );
/// let session = event.user_identity().session();
/// assert_eq!(session.issuer().user_name().as_deref(), Some("OrgAdmin"));
/// assert_eq!(session.mfa_authenticated(), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Session<'e> {
    event: &'e Event,
}

impl<'e> Session<'e> {
    pub(super) fn of(event: &'e Event) -> Self {
        Self { event }
    }

    /// Returns where the credentials came from: the role, the user or root (`sessionIssuer`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/OrgAdmin"}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.issuer().arn().as_deref(), Some("arn:aws:iam::111122223333:role/OrgAdmin"));
    /// ```
    pub fn issuer(self) -> SessionIssuer<'e> {
        SessionIssuer { session: self }
    }

    /// Returns whether the session was opened with MFA (`attributes.mfaAuthenticated`: a string in any letter case); nothing where the
    /// record does not say.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"attributes": {"mfaAuthenticated": "True"}}}}"#,
    /// );
    /// assert_eq!(event.user_identity().session().mfa_authenticated(), Some(true));
    /// ```
    pub fn mfa_authenticated(self) -> Option<bool> {
        self.event.flag("/userIdentity/sessionContext/attributes/mfaAuthenticated")
    }

    /// Returns when the credentials were issued, to the second (`attributes.creationDate`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"attributes": {"creationDate": "2026-11-01T09:58:01Z"}}}}"#,
    /// );
    /// assert_eq!(event.user_identity().session().created(), "2026-11-01T09:58:01Z".parse().ok());
    /// ```
    pub fn created(self) -> Option<Timestamp> {
        self.event.timestamp("/userIdentity/sessionContext/attributes/creationDate")
    }

    /// Returns the identity that stays with the session through role chains, set by whoever assumed the first role (`sourceIdentity`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sourceIdentity": "anaya"}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.source_identity().as_deref(), Some("anaya"));
    /// ```
    pub fn source_identity(self) -> Option<String> {
        self.text("sourceIdentity")
    }

    /// Returns the provider of a web identity, such as `accounts.google.com` (`webIdFederationData.federatedProvider`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"webIdFederationData": {"federatedProvider": "accounts.google.com"}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.federated_provider().as_deref(), Some("accounts.google.com"));
    /// ```
    pub fn federated_provider(self) -> Option<String> {
        self.text("webIdFederationData/federatedProvider")
    }

    /// Returns what the provider says of a web identity, such as `appid` or `aud` (`webIdFederationData.attributes`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"webIdFederationData": {"attributes": {"aud": "sts.amazonaws.com"}}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.federation_attribute("aud").as_deref(), Some("sts.amazonaws.com"));
    /// ```
    pub fn federation_attribute(self, name: &str) -> Option<String> {
        self.text(&format!("webIdFederationData/attributes/{}", escape_pointer_token(name)))
    }

    /// Returns true for a root session that the management account opened in a member account with `AssumeRoot`.
    ///
    /// The field `assumedRoot`, seen in `sessionContext` and beside it; the string `"true"`.
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(r#"{"userIdentity": {"sessionContext": {"assumedRoot": "true"}}}"#);
    /// assert!(event.user_identity().session().assumed_root());
    /// ```
    pub fn assumed_root(self) -> bool {
        let places = ["/userIdentity/sessionContext/assumedRoot", "/userIdentity/assumedRoot"];
        places.into_iter().any(|place| self.event.flag(place) == Some(true))
    }

    /// Returns the version of the instance metadata service that handed out the credentials: `1.0` or `2.0` (`ec2RoleDelivery`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"ec2RoleDelivery": "1.0"}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.ec2_role_delivery().as_deref(), Some("1.0"));
    /// ```
    pub fn ec2_role_delivery(self) -> Option<String> {
        self.text("ec2RoleDelivery")
    }

    /// Returns the ARN of the sign-in session (`signInSessionArn`, since June 2026).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"signInSessionArn": "arn:aws:signin:us-east-1:111122223333:session/example"}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.sign_in_session_arn().as_deref(), Some("arn:aws:signin:us-east-1:111122223333:session/example"));
    /// ```
    pub fn sign_in_session_arn(self) -> Option<String> {
        self.text("signInSessionArn")
    }

    fn text(self, path: &str) -> Option<String> {
        let text = self.event.string(&format!("/userIdentity/sessionContext/{path}"));
        text.filter(|text| !text.is_empty())
    }
}

/// Where a session's credentials came from. Each accessor reads one value when it is called.
///
/// ```
/// # use orgwatch_rules_sdk::prelude::*;
/// let event = testing::event(
///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"type": "Role", "userName": "OrgAdmin"}}}}"#,
/// );
/// let issuer = event.user_identity().session().issuer();
/// assert_eq!((issuer.kind().as_deref(), issuer.user_name().as_deref()), (Some("Role"), Some("OrgAdmin")));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SessionIssuer<'e> {
    session: Session<'e>,
}

impl SessionIssuer<'_> {
    /// Returns `Root`, `IAMUser` or `Role` (`type`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"type": "Role"}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.issuer().kind().as_deref(), Some("Role"));
    /// ```
    pub fn kind(self) -> Option<String> {
        self.session.text("sessionIssuer/type")
    }

    /// Returns the friendly name of the role or user (`userName`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"userName": "OrgAdmin"}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.issuer().user_name().as_deref(), Some("OrgAdmin"));
    /// ```
    pub fn user_name(self) -> Option<String> {
        self.session.text("sessionIssuer/userName")
    }

    /// Returns the unique id of the role or user (`principalId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"principalId": "AROACKCEVSQ6C2EXAMPLE"}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.issuer().principal_id().as_deref(), Some("AROACKCEVSQ6C2EXAMPLE"));
    /// ```
    pub fn principal_id(self) -> Option<String> {
        self.session.text("sessionIssuer/principalId")
    }

    /// Returns the ARN of the role or user; unlike the session's own, nothing in it was chosen by who assumed the role (`arn`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/OrgAdmin"}}}}"#,
    /// );
    /// let session = event.user_identity().session();
    /// assert_eq!(session.issuer().arn().as_deref(), Some("arn:aws:iam::111122223333:role/OrgAdmin"));
    /// ```
    pub fn arn(self) -> Option<String> {
        self.session.text("sessionIssuer/arn")
    }

    /// Returns the account that owns the role or user (`accountId`).
    ///
    /// ```
    /// # use orgwatch_rules_sdk::prelude::*;
    /// let event = testing::event(
    ///     r#"{"userIdentity": {"sessionContext": {"sessionIssuer": {"accountId": "111122223333"}}}}"#,
    /// );
    /// assert_eq!(event.user_identity().session().issuer().account_id(), "111122223333".parse().ok());
    /// ```
    pub fn account_id(self) -> Option<AccountId> {
        self.session.event.account("/userIdentity/sessionContext/sessionIssuer/accountId")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(session: &str) -> Event {
        Event::from_json(&format!(r#"{{"userIdentity":{{"type":"AssumedRole","sessionContext":{session}}}}}"#)).unwrap()
    }

    #[test]
    fn a_role_session_names_its_role() {
        let event = event(
            r#"{"sessionIssuer":{"type":"Role","principalId":"AROACKCEVSQ6C2EXAMPLE","arn":"arn:aws:iam::111122223333:role/OrgAdmin",
                "accountId":"111122223333","userName":"OrgAdmin"},"attributes":{"creationDate":"2026-10-05T13:58:01Z","mfaAuthenticated":"true"},
                "sourceIdentity":"anaya","ec2RoleDelivery":"2.0","assumedRoot":"true",
                "signInSessionArn":"arn:aws:signin:us-east-1:111122223333:session/example"}"#,
        );
        let session = event.user_identity().session();
        let issuer = session.issuer();
        assert_eq!(issuer.kind().as_deref(), Some("Role"));
        assert_eq!(issuer.user_name().as_deref(), Some("OrgAdmin"));
        assert_eq!(issuer.principal_id().as_deref(), Some("AROACKCEVSQ6C2EXAMPLE"));
        assert_eq!(issuer.arn().as_deref(), Some("arn:aws:iam::111122223333:role/OrgAdmin"));
        assert_eq!(issuer.account_id(), "111122223333".parse().ok());
        assert_eq!(session.created().unwrap().to_string(), "2026-10-05T13:58:01Z");
        assert_eq!(session.source_identity().as_deref(), Some("anaya"));
        assert_eq!(session.ec2_role_delivery().as_deref(), Some("2.0"));
        assert_eq!(
            session.sign_in_session_arn().as_deref(),
            Some("arn:aws:signin:us-east-1:111122223333:session/example")
        );
        assert!(session.assumed_root());
    }

    #[test]
    fn mfa_is_a_string_in_any_letter_case() {
        for (text, expected) in [
            (r#""true""#, Some(true)),
            (r#""True""#, Some(true)),
            (r#""false""#, Some(false)),
            (r#""FALSE""#, Some(false)),
            ("true", Some(true)),
            (r#""...""#, None),
            ("null", None),
        ] {
            let event = event(&format!(r#"{{"attributes":{{"mfaAuthenticated":{text}}}}}"#));
            assert_eq!(event.user_identity().session().mfa_authenticated(), expected, "{text}");
        }
    }

    #[test]
    fn an_old_session_has_a_compact_date() {
        let event = event(r#"{"attributes":{"creationDate":"20131102T010628Z","mfaAuthenticated":"false"}}"#);
        assert_eq!(event.user_identity().session().created().unwrap().to_string(), "2013-11-02T01:06:28Z");
    }

    #[test]
    fn a_web_identity_names_its_provider() {
        let event = event(
            r#"{"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/token.example.com/a",
                "attributes":{"token.example.com/a:aud":"sts.amazonaws.com"}}}"#,
        );
        let session = event.user_identity().session();
        assert!(session.federated_provider().unwrap().ends_with("token.example.com/a"));
        assert_eq!(session.federation_attribute("token.example.com/a:aud").as_deref(), Some("sts.amazonaws.com"));
        assert!(!session.assumed_root());
        assert_eq!((session.issuer().arn(), session.created()), (None, None));
    }
}
