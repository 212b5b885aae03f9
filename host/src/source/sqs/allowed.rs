//! Which objects a queue's messages may have the program read.
//!
//! The program reads them with its own rights, and a message names what its sender likes. So the configuration lists what may be named.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::ObjectRef;
use crate::source::SourceError;
use crate::source::key::{self, LogKey};

/// A bucket, or a part of it, that the messages of a queue may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedBucket {
    /// The bucket's name.
    pub bucket: String,
    /// The folder above `AWSLogs` in it. Without it the whole bucket is allowed.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// What a queue's messages may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    buckets: Vec<(String, String)>,
    organization: Option<String>,
    accounts: Vec<String>,
}

/// What is done with an object that a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// It is read. Its records should belong to this account.
    Read { account: &'a str },
    /// It holds no records: a digest file, or something that CloudTrail did not write.
    Skip,
    /// It is not read and reported.
    Foreign(&'static str),
}

impl Allowed {
    pub(super) fn new(
        buckets: &[AllowedBucket],
        organization: Option<&String>,
        accounts: &[String],
    ) -> Result<Self, SourceError> {
        let mut allowed = Self { organization: organization.cloned(), accounts: accounts.to_vec(), ..Self::default() };
        for AllowedBucket { bucket, prefix } in buckets {
            if bucket.is_empty() || bucket.contains(['/', '*']) {
                return Err(SourceError(format!("`{bucket}` is not the name of a bucket")));
            }
            // A folder, not just a beginning: `trail` does not allow `trail-of-somebody-else/`.
            let prefix = prefix.as_deref().unwrap_or_default().trim_end_matches('/');
            let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
            allowed.buckets.push((bucket.clone(), folder));
        }
        if let Some(organization) = organization.filter(|id| !key::is_organization(id)) {
            return Err(SourceError(format!("`{organization}` is not the id of an organization such as o-a1b2c3d4e5")));
        }
        if let Some(account) = accounts.iter().find(|id| !key::is_account(id)) {
            return Err(SourceError(format!("`{account}` is not the id of an account, which has 12 digits")));
        }
        Ok(allowed)
    }

    /// Decides about an object.
    pub(super) fn judge<'a>(&self, object: &'a ObjectRef) -> Verdict<'a> {
        let in_bucket =
            |(bucket, folder): &(String, String)| *bucket == object.bucket && object.key.starts_with(folder.as_str());
        if !self.buckets.iter().any(in_bucket) {
            return Verdict::Foreign("`buckets` does not list it");
        }
        let Some(key) = LogKey::parse(&object.key) else { return Verdict::Skip };
        if self.organization.is_some() && key.organization != self.organization.as_deref() {
            return Verdict::Foreign("it is not of the `organization`");
        }
        if !self.accounts.is_empty() && !self.accounts.iter().any(|account| account == key.account) {
            return Verdict::Foreign("it is not of one of the `accounts`");
        }
        if key.kind.holds_records() { Verdict::Read { account: key.account } } else { Verdict::Skip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AWSLogs/o-ex1a/111122223333/CloudTrail/us-east-1/2026/11/05/file.json.gz";

    fn object(bucket: &str, key: &str) -> ObjectRef {
        ObjectRef { bucket: bucket.to_owned(), key: key.to_owned() }
    }

    fn allowed(prefix: Option<&str>, organization: Option<&str>, accounts: &[&str]) -> Allowed {
        let buckets = [AllowedBucket { bucket: "trail".to_owned(), prefix: prefix.map(str::to_owned) }];
        let accounts: Vec<String> = accounts.iter().map(|&id| id.to_owned()).collect();
        Allowed::new(&buckets, organization.map(str::to_owned).as_ref(), &accounts).unwrap()
    }

    const READ: Verdict<'_> = Verdict::Read { account: "111122223333" };

    #[test]
    fn only_a_listed_bucket_and_folder_are_read() {
        assert_eq!(allowed(None, None, &[]).judge(&object("trail", KEY)), READ);
        assert!(matches!(allowed(None, None, &[]).judge(&object("trail2", KEY)), Verdict::Foreign(_)));
        assert!(matches!(Allowed::default().judge(&object("trail", KEY)), Verdict::Foreign(_)));
        let logs = allowed(Some("logs"), None, &[]);
        assert_eq!(logs.judge(&object("trail", &format!("logs/{KEY}"))), READ);
        assert_eq!(allowed(Some("logs/"), None, &[]).judge(&object("trail", &format!("logs/{KEY}"))), READ);
        for key in
            [KEY.to_owned(), format!("logs-of-mallory/{KEY}"), format!("/logs/{KEY}"), format!("x/../logs/{KEY}")]
        {
            assert!(matches!(logs.judge(&object("trail", &key)), Verdict::Foreign(_)), "{key}");
        }
    }

    #[test]
    fn only_the_organization_and_the_accounts_are_read() {
        let in_organization = allowed(None, Some("o-ex1a"), &[]);
        assert_eq!(in_organization.judge(&object("trail", KEY)), READ);
        for key in [KEY.replace("o-ex1a", "o-ex1b"), KEY.replace("o-ex1a/", "")] {
            assert!(matches!(in_organization.judge(&object("trail", &key)), Verdict::Foreign(_)), "{key}");
        }
        assert_eq!(allowed(None, None, &["111122223333"]).judge(&object("trail", KEY)), READ);
        assert!(matches!(allowed(None, None, &["444455556666"]).judge(&object("trail", KEY)), Verdict::Foreign(_)));
    }

    #[test]
    fn digests_and_what_cloudtrail_did_not_write_are_skipped() {
        let all = allowed(None, None, &[]);
        assert_eq!(all.judge(&object("trail", &KEY.replace("CloudTrail", "CloudTrail-Digest"))), Verdict::Skip);
        assert_eq!(all.judge(&object("trail", "notes.txt")), Verdict::Skip);
        assert_eq!(all.judge(&object("trail", &KEY.replace("CloudTrail", "CloudTrail-Insight"))), READ);
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused() {
        let bucket = |name: &str| [AllowedBucket { bucket: name.to_owned(), prefix: None }];
        assert!(Allowed::new(&bucket("trail/logs"), None, &[]).is_err());
        assert!(Allowed::new(&bucket("*"), None, &[]).is_err());
        assert!(Allowed::new(&bucket("trail"), Some(&"ex1a".to_owned()), &[]).is_err());
        assert!(Allowed::new(&bucket("trail"), None, &["1234".to_owned()]).is_err());
    }
}
