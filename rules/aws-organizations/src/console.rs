//! Links into the AWS console.
//!
//! A link is made only of what has the exact form of an AWS id, so that nothing in a record can lead a reader anywhere else. Whoever follows
//! one has to be signed in to the right account: for Organizations the management account, for an event the one that received it.

use orgwatch_rules_sdk::Event;
use orgwatch_rules_sdk::event::AccountId;

/// Returns the page of an account in the console of Organizations.
pub fn account(event: &Event, account: AccountId) -> String {
    organizations(event, &format!("accounts/{account}"))
}

/// Returns the page of an organizational unit; nothing for what is no organizational unit's id. A root's id leads to the tree of accounts.
pub fn organizational_unit(event: &Event, id: &str) -> Option<String> {
    let parts: Vec<&str> = id.split('-').collect();
    match parts.as_slice() {
        ["ou", root, unit] if is_id(root) && is_id(unit) => {
            Some(organizations(event, &format!("organizational-units/{id}")))
        }
        ["r", root] if is_id(root) => Some(organizations(event, "accounts")),
        _ => None,
    }
}

/// Returns the page of a policy, or the list of policies where the type is not known; nothing for what is no policy's id.
///
/// The type as the API writes it (`SERVICE_CONTROL_POLICY`), in any letter case.
pub fn policy(event: &Event, id: &str, kind: Option<&str>) -> Option<String> {
    let number = id.strip_prefix("p-")?;
    let known = |character: u8| character.is_ascii_alphanumeric() || character == b'_';
    if number.is_empty() || number.len() > 128 || !number.bytes().all(known) {
        return None;
    }
    let page = kind.map(|kind| kind.to_ascii_lowercase().replace('_', "-"));
    let page = page.filter(|page| page.ends_with("-policy") && page.bytes().all(is_word) && page.len() <= 64);
    Some(match page {
        Some(page) => organizations(event, &format!("policies/{page}/{id}")),
        None => organizations(event, "policies"),
    })
}

/// Returns the list of policies, type by type.
pub fn policies(event: &Event) -> String {
    organizations(event, "policies")
}

/// Returns the page of trusted access and delegated administrators, service by service.
pub fn services(event: &Event) -> String {
    organizations(event, "services")
}

/// Returns the page of the organization's settings: the delegation policy, tags, the end of the organization.
pub fn settings(event: &Event) -> String {
    organizations(event, "settings")
}

/// Returns the page of invitations, those sent and those received.
pub fn invitations(event: &Event) -> String {
    organizations(event, "invitations")
}

/// Returns the record in CloudTrail's event history, which goes back 90 days; nothing where the record has no id or Region of the usual form.
pub fn record(event: &Event) -> Option<String> {
    let region = region(event)?;
    let id = event.event_id()?;
    let fits = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    fits.then(|| format!("https://{}/cloudtrailv2/home?region={region}#/events?EventId={id}", host(event)))
}

/// Returns the list of trails in the record's Region.
pub fn trails(event: &Event) -> Option<String> {
    let region = region(event)?;
    Some(format!("https://{}/cloudtrailv2/home?region={region}#/trails", host(event)))
}

fn organizations(event: &Event, page: &str) -> String {
    format!("https://{}/organizations/v2/home/{page}", host(event))
}

/// Returns the console of the record's partition.
fn host(event: &Event) -> &'static str {
    match region(event).unwrap_or_default() {
        region if region.starts_with("cn-") => "console.amazonaws.cn",
        region if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

fn region(event: &Event) -> Option<String> {
    event.aws_region().filter(|region| (5..=32).contains(&region.len()) && region.bytes().all(is_word))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_id(text: &str) -> bool {
    (4..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(region: &str) -> Event {
        let record = format!(r#"{{"awsRegion":"{region}","eventID":"6f0e1d2c-3b4a-4958-8776-655443322110"}}"#);
        Event::from_json(&record).unwrap()
    }

    #[test]
    fn every_thing_has_its_page() {
        let event = event("us-east-1");
        assert_eq!(
            account(&event, "444455556666".parse().unwrap()),
            "https://console.aws.amazon.com/organizations/v2/home/accounts/444455556666"
        );
        assert_eq!(
            organizational_unit(&event, "ou-ab12-cdef3456").as_deref(),
            Some("https://console.aws.amazon.com/organizations/v2/home/organizational-units/ou-ab12-cdef3456")
        );
        assert_eq!(
            organizational_unit(&event, "r-ab12").as_deref(),
            Some("https://console.aws.amazon.com/organizations/v2/home/accounts")
        );
        assert_eq!(
            policy(&event, "p-a1b2c3d4", Some("SERVICE_CONTROL_POLICY")).as_deref(),
            Some("https://console.aws.amazon.com/organizations/v2/home/policies/service-control-policy/p-a1b2c3d4")
        );
        assert_eq!(
            policy(&event, "p-FullAWSAccess", None).as_deref(),
            Some("https://console.aws.amazon.com/organizations/v2/home/policies")
        );
        assert_eq!(
            record(&event).as_deref(),
            Some(
                "https://console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events?EventId=6f0e1d2c-3b4a-4958-8776-655443322110"
            )
        );
    }

    #[test]
    fn every_partition_has_its_console() {
        assert!(services(&event("cn-northwest-1")).starts_with("https://console.amazonaws.cn/"));
        assert!(settings(&event("us-gov-west-1")).starts_with("https://console.amazonaws-us-gov.com/"));
        assert!(invitations(&Event::from_json("{}").unwrap()).starts_with("https://console.aws.amazon.com/"));
    }

    #[test]
    fn what_is_no_id_gives_no_link() {
        let good = event("us-east-1");
        for id in ["", "ou-", "ou-ab12", "ou-ab12-cdef3456/../../x", "OU-AB12-CDEF3456", "ou-ab12-cdef3456-x", "r-a?b1"]
        {
            assert_eq!(organizational_unit(&good, id), None, "{id}");
        }
        for id in ["", "p-", "p-a/b", "p-a#b", "q-a1b2c3d4", "p-é1234567"] {
            assert_eq!(policy(&good, id, None), None, "{id}");
        }
        let odd_kind = policy(&good, "p-a1b2c3d4", Some("../x?y=-policy")).unwrap();
        assert_eq!(odd_kind, "https://console.aws.amazon.com/organizations/v2/home/policies");
        for region in ["us-east-1&x=y", "", "US-EAST-1", "evil.example"] {
            assert_eq!(record(&event(region)), None, "{region}");
            assert_eq!(trails(&event(region)), None, "{region}");
        }
        let forged = r#"{"awsRegion":"us-east-1","eventID":"javascript:alert(1)//xxxxxxxxxxxxxxx"}"#;
        assert_eq!(record(&Event::from_json(forged).unwrap()), None);
    }
}
