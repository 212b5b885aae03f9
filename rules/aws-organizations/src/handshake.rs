//! Handshakes of AWS Organizations, as far as more than one rule has to tell them apart.

use orgwatch_rules_sdk::Event;

/// Returns true for a handshake about a transfer of responsibility, which is a billing transfer.
///
/// The action stands in the response only, and its spelling there is not the API's (`invite`, not `INVITE`), so letters alone are compared. The
/// service writes it: what the caller sends is a handshake's id.
pub fn is_billing_transfer(event: &Event) -> bool {
    let action = event.response("/handshake/action").into_string().unwrap_or_default();
    let letters: String = action.chars().filter(char::is_ascii_alphabetic).collect();
    letters.eq_ignore_ascii_case("TransferResponsibility")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_billing_transfer_is_told_in_any_spelling() {
        for (action, expected) in [
            ("TRANSFER_RESPONSIBILITY", true),
            ("transfer_responsibility", true),
            ("transfer-responsibility", true),
            ("invite", false),
            ("", false),
        ] {
            let record = format!(r#"{{"responseElements":{{"handshake":{{"action":"{action}"}}}}}}"#);
            assert_eq!(is_billing_transfer(&Event::from_json(&record).unwrap()), expected, "{action}");
        }
        let chosen =
            r#"{"requestParameters":{"handshake":{"action":"TRANSFER_RESPONSIBILITY"}},"responseElements":null}"#;
        assert!(!is_billing_transfer(&Event::from_json(chosen).unwrap()));
    }
}
