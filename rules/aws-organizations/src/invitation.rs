//! Handshakes: the two-sided agreements by which accounts join an organization, and organizations change what they may do.

use orgwatch_rules_sdk::event::AccountId;
use orgwatch_rules_sdk::{Event, Value};

use crate::names;
use crate::text::plain;

/// A handshake, as the service describes it in its response. The caller sends nothing but its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The handshake's id, from the request where the response has none.
    pub id: Option<String>,
    /// What it is about.
    pub kind: Kind,
    /// The organization that began it, with its `o-`.
    pub organization: Option<String>,
    /// The management account of that organization.
    pub management_account: Option<AccountId>,
    /// The account that it is about.
    pub account: Option<AccountId>,
}

/// What a handshake is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account joins the organization.
    Invite,
    /// The organization switches all features on: a member agrees, or the management account completes it.
    AllFeatures,
    /// A member agrees that AWS makes the service-linked role of Organizations.
    ServiceLinkedRole,
    /// Another organization pays, or is paid for.
    BillingTransfer,
    /// The response is missing or says something else.
    Unknown,
}

impl Handshake {
    /// Reads the handshake that a call is about.
    pub fn of(event: &Event) -> Self {
        let text = |path: &str| event.response(&format!("/handshake/{path}")).into_string();
        let arn = text("arn").and_then(|arn| Arn::read(&arn));
        let in_arn = arn.as_ref().map(|arn| Kind::named(&arn.kind));
        let kind = match (text("action").map(|action| Kind::named(&action)), in_arn) {
            (Some(kind), None) | (None, Some(kind)) => kind,
            // Two answers are none.
            (Some(kind), Some(other)) if kind == other => kind,
            _ => Kind::Unknown,
        };
        let id = text("id").or_else(|| event.request("/handshakeId").into_string());
        let organization = arn.as_ref().map(|arn| arn.organization.clone()).or_else(|| {
            let id = party(event, "ORGANIZATION")?;
            Some(if id.starts_with("o-") { id } else { format!("o-{id}") })
        });
        Self {
            id: id.map(|id| plain(&id)),
            kind,
            organization: organization.map(|id| plain(&id)),
            management_account: arn.map(|arn| arn.account),
            account: party(event, "ACCOUNT").and_then(|id| id.parse().ok()),
        }
    }

    /// Returns the organization for a title: `organization o-exampleorg2 of account 777788889999 (partner)`.
    pub fn organization_of(&self, event: &Event) -> String {
        let organization = match &self.organization {
            Some(id) => format!("organization {id}"),
            None => "an organization that the record does not name".to_owned(),
        };
        match self.management_account {
            Some(account) => format!("{organization} of {}", names::account(event, Some(account))),
            None => organization,
        }
    }
}

impl Kind {
    /// Tells by the letters alone: the response writes `invite` where the API says `INVITE`.
    fn named(action: &str) -> Self {
        let letters: String = action.chars().filter(char::is_ascii_alphabetic).collect();
        match letters.to_ascii_lowercase().as_str() {
            "invite" => Self::Invite,
            "enableallfeatures" | "approveallfeatures" => Self::AllFeatures,
            "addorganizationsservicelinkedrole" => Self::ServiceLinkedRole,
            "transferresponsibility" => Self::BillingTransfer,
            _ => Self::Unknown,
        }
    }

    /// Returns what to call the handshake in a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Invite => "the invitation",
            Self::AllFeatures => "the handshake about all features",
            Self::ServiceLinkedRole => "the handshake about the service-linked role",
            Self::BillingTransfer => "the billing transfer",
            Self::Unknown => "a handshake of unknown kind",
        }
    }
}

/// `arn:aws:organizations::777788889999:handshake/o-exampleorg2/invite/h-examplehandshakeid2`
struct Arn {
    account: AccountId,
    organization: String,
    kind: String,
}

impl Arn {
    fn read(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, "organizations", _, account, path] = parts[..] else {
            return None;
        };
        let parts: Vec<&str> = path.split('/').collect();
        let ["handshake", organization, kind, _] = parts[..] else {
            return None;
        };
        Some(Self { account: account.parse().ok()?, organization: organization.to_owned(), kind: kind.to_owned() })
    }
}

fn party(event: &Event, kind: &str) -> Option<String> {
    let Value::Array(length) = event.response("/handshake/parties") else {
        return None;
    };
    let text = |index: usize, field: &str| event.response(&format!("/handshake/parties/{index}/{field}")).into_string();
    // There are two parties; a record with a thousand is not worth a thousand reads.
    let index = (0..length.min(4)).find(|index| text(*index, "type").as_deref() == Some(kind))?;
    text(index, "id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(response: &str) -> Handshake {
        let record = format!(
            r#"{{"requestParameters":{{"handshakeId":"h-examplehandshakeid2"}},"responseElements":{response}}}"#
        );
        Handshake::of(&Event::from_json(&record).unwrap())
    }

    #[test]
    fn an_invitation_names_the_organization_and_its_management_account() {
        let expected = Handshake {
            id: Some("h-examplehandshakeid2".to_owned()),
            kind: Kind::Invite,
            organization: Some("o-exampleorg2".to_owned()),
            management_account: "777788889999".parse().ok(),
            account: "444455556666".parse().ok(),
        };
        let both = r#"{"handshake":{"id":"h-examplehandshakeid2","action":"invite",
            "arn":"arn:aws:organizations::777788889999:handshake/o-exampleorg2/invite/h-examplehandshakeid2",
            "parties":[{"type":"ORGANIZATION","id":"exampleorg2"},{"type":"ACCOUNT","id":"444455556666"}]}}"#;
        assert_eq!(handshake(both), expected);
        let without_arn = r#"{"handshake":{"action":"INVITE",
            "parties":[{"type":"ACCOUNT","id":"444455556666"},{"type":"ORGANIZATION","id":"exampleorg2"}]}}"#;
        assert_eq!(handshake(without_arn), Handshake { management_account: None, ..expected });
    }

    #[test]
    fn what_the_response_does_not_say_is_unknown() {
        for response in [
            "null",
            "{}",
            r#"{"handshake":{"action":"join"}}"#,
            r#"{"handshake":{"action":"invite","arn":"arn:aws:organizations::777788889999:handshake/o-exampleorg2/enable_all_features/h-1"}}"#,
        ] {
            assert_eq!(handshake(response).kind, Kind::Unknown, "{response}");
        }
        assert_eq!(handshake("null").id.as_deref(), Some("h-examplehandshakeid2"));
        for (action, kind) in [
            ("ENABLE_ALL_FEATURES", Kind::AllFeatures),
            ("approve_all_features", Kind::AllFeatures),
            ("add-organizations-service-linked-role", Kind::ServiceLinkedRole),
            ("TRANSFER_RESPONSIBILITY", Kind::BillingTransfer),
        ] {
            assert_eq!(handshake(&format!(r#"{{"handshake":{{"action":"{action}"}}}}"#)).kind, kind);
        }
    }
}
