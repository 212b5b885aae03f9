//! The tables that the shipped rules know by name, and what their keys look like.
//!
//! A key in another form would never be found, which looks the same as an account or a principal that nobody knows. So it is refused. Rules
//! of your own may read tables under any other name.

/// Judges a key: returns what is wrong with it.
pub(super) type CheckKey = fn(&str) -> Option<String>;

/// A table that the shipped rules know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardTable {
    /// Its name.
    pub name: &'static str,
    /// What its key is called in the documentation.
    pub key: &'static str,
    /// The columns that rules read, beside the key.
    pub columns: &'static [&'static str],
    /// What it says.
    pub about: &'static str,
}

/// The tables that the shipped rules know.
pub const STANDARD: [StandardTable; 3] = [
    StandardTable {
        name: "accounts",
        key: "account",
        columns: &["name", "owner", "ou", "email"],
        about: "the organization's accounts, with whom they belong to and the organizational unit they are in",
    },
    StandardTable {
        name: "principals",
        key: "arn",
        columns: &["name", "owner", "purpose"],
        about: "the users and roles that are known to change the organization",
    },
    StandardTable {
        name: "networks",
        key: "cidr",
        columns: &["name"],
        about: "the networks that your people and machines call AWS from",
    },
];

/// Returns what judges the keys of a table, where it is one of these.
pub(super) fn check(name: &str) -> Option<CheckKey> {
    match name {
        "accounts" => Some(account),
        "principals" => Some(principal),
        _ => None,
    }
}

fn account(key: &str) -> Option<String> {
    let sound = key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_digit());
    let hint = "a spreadsheet drops leading zeros and rounds long numbers: have it treat the column as text";
    (!sound).then(|| format!("`{key}` is not an account, which has 12 digits\nhint: {hint}"))
}

fn principal(key: &str) -> Option<String> {
    let hint = "write it as arn:aws:iam::111122223333:role/name";
    (!key.starts_with("arn:")).then(|| format!("`{key}` is not the ARN of a principal\nhint: {hint}"))
}
