//! The names that secrets stand under.
//!
//! Upper and lower case, `_`, `-` and spaces do not count, and of a path only the last part does: `SecretAccessKey`, `secret_access_key` and
//! `/responseElements/credentials/secretAccessKey` are one name. `accessKeyId` is not among them: it says who, and opens nothing.
//! Neither are `nextToken` and `clientToken`, which page and tell repetitions apart.

use std::borrow::Cow;

/// Names of secrets.
const EXACTLY: [&str; 34] = [
    "apikeyvalue",
    "assertion",
    "authenticationcode1",
    "authenticationcode2",
    "authorizationcode",
    "authorizationtoken",
    "authtoken",
    "base32stringseed",
    "bearertoken",
    "certificateprivatekey",
    "clientsecretvalue",
    "consolesignintoken",
    "idtoken",
    "keymaterial",
    "mfacode",
    "oauthtoken",
    "passphrase",
    "passworddata",
    "passwords",
    "plaintext",
    "presharedkey",
    "privatekeyplaintext",
    "qrcodepng",
    "samlassertion",
    "secret",
    "secretbinary",
    "securitytoken",
    "sharedsecret",
    "signintoken",
    "temporarycredential",
    "token",
    "userdata",
    "webidentitytoken",
    "xamzsecuritytoken",
];

/// Endings of names of secrets: `masterUserPassword`, `DB_PASSWORD`, `radiusSharedSecret`.
const ENDING: [&str; 11] = [
    "accesstoken",
    "clientsecret",
    "passwd",
    "password",
    "privatekey",
    "refreshtoken",
    "secretaccesskey",
    "secretkey",
    "secretstring",
    "sessiontoken",
    "sharedsecret",
];

/// Names that stay what they are wherever they stand, among secrets too: they say whose a secret is and how long it is good for.
const NEVER: [&str; 4] = ["accesskeyid", "expiration", "secretarn", "arn"];

/// Members of which one names what the other holds: `{"name": "DB_PASSWORD", "value": "…"}`.
const PAIRS: [(&str, &str); 5] = [
    ("name", "value"),
    ("key", "value"),
    ("Name", "Value"),
    ("parameterKey", "parameterValue"),
    ("parameterName", "parameterValue"),
];

/// What AWS itself writes in a secret's place.
const PLACEHOLDERS: [&str; 3] = ["<sensitiveDataRemoved>", "HIDDEN_DUE_TO_SECURITY_REASONS", "sensitiveDataRemoved"];

/// Tells whether a secret stands under this name.
pub(super) fn is_secret(name: &str) -> bool {
    let last = name.rsplit(['/', '.']).next().unwrap_or(name);
    // No name on the lists is longer, and a hostile key may be long. A prefix does not matter to an ending.
    let start = last.char_indices().rev().nth(63).map_or(0, |(at, _)| at);
    let plain = plain(&last[start..]);
    (start == 0 && EXACTLY.binary_search(&plain.as_str()).is_ok())
        || ENDING.iter().any(|ending| plain.ends_with(ending))
}

/// Tells whether what stands under this name is secret because the object that it stands in is.
pub(super) fn inherits(name: &str, secret: bool) -> bool {
    secret && !NEVER.contains(&plain(name).as_str())
}

/// Returns the member of an object whose value another member names as a secret.
pub(super) fn holds_pair<'a>(text: impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<&'static str> {
    PAIRS.iter().find(|(name, _)| text(name).is_some_and(|name| is_secret(&name))).map(|&(_, value)| value)
}

/// Tells whether AWS has taken the secret out already.
pub(super) fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.contains(&text) || text.bytes().all(|byte| byte == b'*')
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, '_' | '-' | ' '))
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(EXACTLY.is_sorted());
    }

    #[test]
    fn names_are_known_however_they_are_written() {
        let long = format!("{}Password", "x".repeat(1000));
        for name in [
            "SecretAccessKey",
            "secret-access-key",
            "MasterUserPassword",
            "a/b.sessionToken",
            "Token",
            "USER_DATA",
            &long,
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in
            ["accessKeyId", "nextToken", "clientToken", "passwordLastUsed", "secretId", "secretArn", "", "/", "é"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }
}
