//! What a call was about: the ids in its request and its response.

use orgwatch_rules_sdk::{Event, Value};

/// Where a record names what was changed: the detail's name and the path. A later path counts more, so what a response names is trusted over
/// the request.
pub type Places = &'static [(&'static str, &'static str)];

/// Returns what was changed, each detail once, in the order of the table.
pub(crate) fn targets(event: &Event, places: Places) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = ["/requestParameters", "/responseElements"]
        .into_iter()
        .filter(|part| matches!(event.read(part), Value::Object(_)))
        .collect();
    let mut targets: Vec<(&str, String)> = Vec::new();
    for (detail, path) in places.iter().filter(|(_, path)| parts.iter().any(|part| path.starts_with(part))) {
        if let Some(id) = event.string(path).filter(|id| is_id(id)) {
            targets.retain(|(earlier, _)| earlier != detail);
            targets.push((detail, id));
        }
    }
    targets
}

/// Tells an id from other text: the caller of a call that fails may write anything of any length where an id belongs, an address of a web page
/// too.
fn is_id(text: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'=' | b',' | b'@');
    let in_arn = |byte: u8| plain(byte) || matches!(byte, b':' | b'/');
    let in_block = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'/');
    let id = (1..=130).contains(&text.len()) && (text.bytes().all(plain) || text.bytes().all(in_block));
    id || text.len() <= 300 && text.starts_with("arn:aws") && text.bytes().all(in_arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_arns_and_blocks_of_addresses_are_told_from_text() {
        for id in [
            "p-exampledenyexit",
            "sg-0a1b2c3d4e5f60718",
            "anaya@example.com",
            "0.0.0.0/0",
            "2001:db8::/32",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert!(is_id(id), "{id}");
        }
        for text in [
            "",
            "a b",
            "https://example.com",
            "p-1\u{1b}[2J",
            "<b>",
            "//example.com",
            &"p".repeat(131),
            &format!("arn:aws{}", "x".repeat(300)),
        ] {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn the_response_counts_more_and_only_objects_are_looked_into() {
        let places: Places = &[("policy", "/requestParameters/policyName"), ("policy", "/responseElements/policy/arn")];
        let event = Event::from_json(
            r#"{"requestParameters": {"policyName": "ci"}, "responseElements": {"policy": {"arn": "arn:aws:iam::111122223333:policy/ci"}}}"#,
        );
        assert_eq!(targets(&event.unwrap(), places), [("policy", "arn:aws:iam::111122223333:policy/ci".to_owned())]);
        let event = Event::from_json(r#"{"requestParameters": "{}", "responseElements": null}"#);
        assert!(targets(&event.unwrap(), places).is_empty());
    }
}
