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
    let last = name.bytes().rposition(|byte| matches!(byte, b'/' | b'.')).map_or(0, |at| at + 1);
    let plain = Plain::of(&name.as_bytes()[last..]);
    plain.may_be_secret()
        && ((plain.is_whole && EXACTLY.binary_search_by(|known| known.as_bytes().cmp(plain.bytes())).is_ok())
            || ENDING.iter().any(|ending| plain.bytes().ends_with(ending.as_bytes())))
}

/// Tells whether what stands under this name is secret because the object that it stands in is.
pub(super) fn inherits(name: &str, secret: bool) -> bool {
    let plain = Plain::of(name.as_bytes());
    secret && !(plain.is_whole && NEVER.iter().any(|never| never.as_bytes() == plain.bytes()))
}

/// Returns the member of an object whose value another member names as a secret.
pub(super) fn holds_pair<'a>(text: impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<&'static str> {
    PAIRS.iter().find(|(name, _)| text(name).is_some_and(|name| is_secret(&name))).map(|&(_, value)| value)
}

/// Tells whether AWS has taken the secret out already.
pub(super) fn is_placeholder(text: &str) -> bool {
    PLACEHOLDERS.contains(&text) || text.bytes().all(|byte| byte == b'*')
}

/// A name without what does not count in it: its last bytes, of which there are more than in any name on the lists. A hostile name may be long.
struct Plain {
    bytes: [u8; Self::MOST],
    start: usize,
    /// The name has no more.
    is_whole: bool,
}

impl Plain {
    const MOST: usize = 64;

    fn of(name: &[u8]) -> Self {
        let mut plain = Self { bytes: [0; Self::MOST], start: Self::MOST, is_whole: true };
        for byte in name.iter().rev().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
            if plain.start == 0 {
                plain.is_whole = false;
                break;
            }
            plain.start -= 1;
            plain.bytes[plain.start] = byte.to_ascii_lowercase();
        }
        plain
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Tells whether a name on the lists of secrets ends with the same two letters, which most names do not.
    fn may_be_secret(&self) -> bool {
        self.bytes().last_chunk().is_some_and(|&[before, last]| ENDS[usize::from(last % 32)] >> (before % 32) & 1 == 1)
    }
}

/// How the names on the lists of secrets end: by the last letter, a bit for each letter before it.
const ENDS: [u32; 32] = {
    const fn add(mut ends: [u32; 32], names: &[&str]) -> [u32; 32] {
        let mut at = 0;
        while at < names.len() {
            if let Some(&[before, last]) = names[at].as_bytes().last_chunk() {
                ends[(last % 32) as usize] |= 1 << (before % 32);
            }
            at += 1;
        }
        ends
    }
    add(add([0; 32], &EXACTLY), &ENDING)
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(EXACTLY.is_sorted());
        assert!(EXACTLY.iter().chain(&ENDING).all(|name| is_secret(name)));
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
