//! The keys under which CloudTrail writes its files to S3.
//!
//! ```text
//! [prefix/]AWSLogs/[o-organization/]account/CloudTrail[-Kind]/region/YYYY/MM/DD/file
//! ```
//!
//! A key says what a file is before anything of it is read: whose it is, of which day, and whether it holds records at all. Other services
//! write beneath `AWSLogs` too, and nobody is kept from putting something else into the bucket.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The folder that every log of an AWS service lies beneath.
const LOGS: &str = "AWSLogs";

/// What a file of CloudTrail holds, by the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogKind {
    /// `CloudTrail`: management and data events.
    Events,
    /// `CloudTrail-Insight`: records of unusual activity.
    Insight,
    /// `CloudTrail-NetworkActivity`: calls through VPC endpoints.
    NetworkActivity,
    /// `CloudTrail-Aggregated`: summaries of data events.
    Aggregated,
    /// `CloudTrail-Digest`: digests of the other files, no records.
    Digest,
    /// A kind that came after this program.
    Unknown,
}

impl LogKind {
    fn of_folder(name: &str) -> Option<Self> {
        let kind = name.strip_prefix("CloudTrail")?;
        Some(match kind {
            "" => Self::Events,
            "-Insight" => Self::Insight,
            "-NetworkActivity" => Self::NetworkActivity,
            "-Aggregated" => Self::Aggregated,
            "-Digest" => Self::Digest,
            _ if kind.starts_with('-') => Self::Unknown,
            _ => return None,
        })
    }

    /// Tells whether files of this kind are read. Digests hold no records. An unknown kind is read: what it holds comes out as records or as
    /// gaps, and is not left out silently.
    pub(super) fn holds_records(self) -> bool {
        self != Self::Digest
    }
}

/// The key of one file of CloudTrail, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogKey<'a> {
    /// The id of the organization whose trail wrote it, if it was one.
    pub(super) organization: Option<&'a str>,
    /// The account that the records were delivered to.
    pub(super) account: &'a str,
    /// What the file holds.
    pub(super) kind: LogKind,
    /// The region that the records come from.
    pub(super) region: &'a str,
    /// The day of the delivery.
    pub(super) day: Date,
    /// The file's own name.
    pub(super) file: &'a str,
}

impl<'a> LogKey<'a> {
    /// Takes a key apart; nothing when CloudTrail would not have written it.
    pub(super) fn parse(key: &'a str) -> Option<Self> {
        let (path, file) = key.rsplit_once('/')?;
        match Folder::of(path) {
            Folder::Day { organization, account, kind, region, day } if !file.is_empty() => {
                Some(Self { organization, account, kind, region, day, file })
            }
            _ => None,
        }
    }

    /// Returns when the file was delivered, where its name says it. Its records are older, by minutes or, after a failed delivery, by days.
    pub(super) fn delivered(&self) -> Option<Timestamp> {
        let stamp = self.file.split('_').nth(3)?;
        let time = DateTime::strptime("%Y%m%dT%H%MZ", stamp).ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    }
}

/// How far down a folder lies in CloudTrail's layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folder<'a> {
    /// Above or beside `AWSLogs`: what lies below it does not show yet.
    Above,
    /// `AWSLogs` itself, an organization's folder in it, or an account's.
    Owner,
    /// A kind of CloudTrail's logs.
    Kind(LogKind),
    /// A region's folder, or a year or a month in it. Keys below it are in the order of their days.
    Region {
        /// The kind of logs.
        kind: LogKind,
        /// The path of the region's folder, without the slash behind it.
        path: &'a str,
    },
    /// The folder of one day.
    Day {
        /// The organization, if its trail writes here.
        organization: Option<&'a str>,
        /// The account.
        account: &'a str,
        /// The kind of logs.
        kind: LogKind,
        /// The region.
        region: &'a str,
        /// The day.
        day: Date,
    },
    /// Below `AWSLogs`, and not in CloudTrail's layout: another service's logs.
    Foreign,
}

impl<'a> Folder<'a> {
    /// Tells what a folder is by its path without the slash at its end.
    ///
    /// A prefix may have `AWSLogs` in it as well, so the last one that the rest of the layout follows counts.
    pub(super) fn of(path: &'a str) -> Self {
        let mut found = Self::Above;
        let mut start = 0;
        for segment in path.split('/') {
            let next = start + segment.len() + 1;
            if segment == LOGS {
                let folder = Self::below_logs(path, path.get(next..).unwrap_or_default());
                if found == Self::Above || folder != Self::Foreign {
                    found = folder;
                }
            }
            start = next;
        }
        found
    }

    fn below_logs(path: &'a str, below: &'a str) -> Self {
        let mut segments = below.split('/').filter(|_| !below.is_empty()).peekable();
        let organization = segments.next_if(|name| is_organization(name));
        let Some(account) = segments.next() else { return Self::Owner };
        if !is_account(account) {
            return Self::Foreign;
        }
        let Some(kind) = segments.next() else { return Self::Owner };
        let Some(kind) = LogKind::of_folder(kind) else { return Self::Foreign };
        let Some(region) = segments.next() else { return Self::Kind(kind) };
        if region.is_empty() {
            return Self::Foreign;
        }
        let rest: Vec<&str> = segments.collect();
        let numbers: Option<Vec<i16>> = rest.iter().zip([4, 2, 2]).map(|(text, digits)| number(text, digits)).collect();
        match (numbers.as_deref(), rest.len()) {
            (Some(&[year, month, day]), 3) => {
                let date = i8::try_from(month).ok().zip(i8::try_from(day).ok());
                match date.and_then(|(month, day)| Date::new(year, month, day).ok()) {
                    Some(day) => Self::Day { organization, account, kind, region, day },
                    None => Self::Foreign,
                }
            }
            (Some(_), 0..3) => {
                let length: usize = rest.iter().map(|segment| segment.len() + 1).sum();
                Self::Region { kind, path: &path[..path.len() - length] }
            }
            _ => Self::Foreign,
        }
    }
}

fn number(text: &str, digits: usize) -> Option<i16> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Tells whether a text is an account id.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether a text is an organization's id.
pub(super) fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-")
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "111122223333_CloudTrail_us-east-1_20261105T0955Z_aBcDeFgHiJkLmNoP.json.gz";

    #[test]
    fn the_key_of_a_trail_and_that_of_an_organization_trail_are_taken_apart() {
        let key = format!("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/{FILE}");
        let parsed = LogKey::parse(&key).unwrap();
        assert_eq!((parsed.organization, parsed.account, parsed.region), (None, "111122223333", "us-east-1"));
        assert_eq!((parsed.kind, parsed.day.to_string().as_str()), (LogKind::Events, "2026-11-05"));
        assert_eq!(parsed.delivered().unwrap().to_string(), "2026-11-05T09:55:00Z");

        let key = format!("o-ex1/AWSLogs/o-ex1a2b3c4d/111122223333/CloudTrail-Insight/eu-west-1/2026/02/28/{FILE}");
        let parsed = LogKey::parse(&key).unwrap();
        assert_eq!((parsed.organization, parsed.kind), (Some("o-ex1a2b3c4d"), LogKind::Insight));
    }

    #[test]
    fn what_cloudtrail_would_not_have_written_is_none_of_its_keys() {
        for key in [
            "",
            "AWSLogs",
            "notes.txt",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/file.json.gz",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/13/05/file.json.gz",
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/deeper/file.json.gz",
            "AWSLogs/111122223333/CloudTrailish/us-east-1/2026/11/05/file.json.gz",
            "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/05/file.log.gz",
            "AWSLogs/1111/CloudTrail/us-east-1/2026/11/05/file.json.gz",
            "AWSLogs/111122223333/../CloudTrail/us-east-1/2026/11/05/file.json.gz",
            "awslogs/111122223333/CloudTrail/us-east-1/2026/11/05/file.json.gz",
            "/CloudTrail/us-east-1/2026/11/05/file.json.gz",
        ] {
            assert_eq!(LogKey::parse(key), None, "{key}");
        }
    }

    #[test]
    fn digests_are_not_read_and_every_other_kind_is() {
        let kind = |folder: &str| {
            let key = format!("AWSLogs/111122223333/{folder}/us-east-1/2026/11/05/file.json.gz");
            LogKey::parse(&key).map(|key| (key.kind, key.kind.holds_records()))
        };
        assert_eq!(kind("CloudTrail"), Some((LogKind::Events, true)));
        assert_eq!(kind("CloudTrail-Insight"), Some((LogKind::Insight, true)));
        assert_eq!(kind("CloudTrail-NetworkActivity"), Some((LogKind::NetworkActivity, true)));
        assert_eq!(kind("CloudTrail-Aggregated"), Some((LogKind::Aggregated, true)));
        assert_eq!(kind("CloudTrail-Digest"), Some((LogKind::Digest, false)));
        assert_eq!(kind("CloudTrail-Tomorrow"), Some((LogKind::Unknown, true)));
    }

    #[test]
    fn a_prefix_may_be_called_like_the_folder_of_all_logs() {
        let key = format!("AWSLogs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/{FILE}");
        assert_eq!(LogKey::parse(&key).unwrap().account, "111122223333");
    }

    #[test]
    fn a_folder_shows_how_far_down_it_lies() {
        let region = "a/AWSLogs/o-a1/111122223333/CloudTrail/us-east-1";
        let at_region = Folder::Region { kind: LogKind::Events, path: region };
        assert_eq!(Folder::of(""), Folder::Above);
        assert_eq!(Folder::of("a/b"), Folder::Above);
        assert_eq!(Folder::of("a/AWSLogs"), Folder::Owner);
        assert_eq!(Folder::of("a/AWSLogs/o-a1"), Folder::Owner);
        assert_eq!(Folder::of("a/AWSLogs/o-a1/111122223333"), Folder::Owner);
        assert_eq!(Folder::of("AWSLogs/111122223333/CloudTrail-Digest"), Folder::Kind(LogKind::Digest));
        assert_eq!(Folder::of(region), at_region);
        assert_eq!(Folder::of(&format!("{region}/2026/01")), at_region);
        assert!(matches!(Folder::of(&format!("{region}/2026/01/31")), Folder::Day { .. }));
        assert_eq!(Folder::of("AWSLogs/111122223333/vpcflowlogs"), Folder::Foreign);
        assert_eq!(Folder::of("AWSLogs/aws-account-id=1"), Folder::Foreign);
    }

    #[test]
    fn a_file_that_does_not_say_when_it_was_delivered_is_still_a_file() {
        let key = LogKey::parse("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/x.json").unwrap();
        assert_eq!(key.delivered(), None);
    }
}
