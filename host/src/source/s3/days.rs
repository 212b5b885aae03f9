//! Which part of a region's files is listed.
//!
//! The keys of one region's files are in the order of their days, and within a day in the order of the minutes in which they were delivered. So
//! a range of days is a range of keys, and S3 lists from any key on.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};

use crate::source::key::LogKey;

/// Whole days, by the clock of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Days {
    /// The first one.
    pub(super) since: Option<Date>,
    /// The last one.
    pub(super) until: Option<Date>,
}

impl Days {
    /// The days under which records of a time range may have been delivered: a file is never delivered before its records happened, but after,
    /// and as late as `late`.
    pub(super) fn holding(since: Option<Timestamp>, until: Option<Timestamp>, late: SignedDuration) -> Self {
        let last = until.and_then(|until| until.checked_add(late).ok());
        Self { since: since.map(date), until: last.map(date) }
    }

    /// Returns the key after which listing starts in a region's folder.
    pub(super) fn start_after(self, region: &str) -> Option<String> {
        self.since.map(|day| below(region, day))
    }

    /// Returns the key before which it ends.
    pub(super) fn end_before(self, region: &str) -> Option<String> {
        let next = self.until?.checked_add(1.day()).ok()?;
        Some(below(region, next))
    }

    /// Tells whether a day is one of them.
    pub(super) fn contain(self, day: Date) -> bool {
        self.since.is_none_or(|since| day >= since) && self.until.is_none_or(|until| day <= until)
    }
}

/// The day of a time.
pub(super) fn date(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The folder of a day, without the slash behind it: it comes before every key in the folder.
pub(super) fn below(region: &str, day: Date) -> String {
    format!("{region}/{:04}/{:02}/{:02}", day.year(), day.month(), day.day())
}

/// Returns the key after which listing goes on when all files up to `key` are done.
///
/// Files of one minute come in no order, and the service that writes them may be late with one: what was delivered shortly before is listed
/// once more.
pub(super) fn resume(region: &str, key: &str, overlap: SignedDuration) -> String {
    let from = LogKey::parse(key).and_then(|parts| {
        let delivered = parts.delivered()?;
        let from = delivered.checked_sub(overlap).ok()?.to_zoned(TimeZone::UTC);
        let mut names = parts.file.splitn(4, '_');
        let (account, kind, place) = (names.next()?, names.next()?, names.next()?);
        let folder = below(region, from.date());
        Some(format!("{folder}/{account}_{kind}_{place}_{}", from.strftime("%Y%m%dT%H%MZ")))
    });
    // A name that does not say when it was delivered: its day, from the beginning.
    from.unwrap_or_else(|| key.rsplit_once('/').map_or_else(|| region.to_owned(), |(folder, _)| folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "AWSLogs/111122223333/CloudTrail/us-east-1";

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key(day: &str, minute: &str) -> String {
        format!("{REGION}/{day}/111122223333_CloudTrail_us-east-1_{minute}_aBcDeFgHiJkLmNoP.json.gz")
    }

    #[test]
    fn the_days_of_a_range_reach_as_far_as_files_may_be_late() {
        let day = SignedDuration::from_hours(24);
        let days = Days::holding(Some(time("2026-11-01T23:59:00Z")), Some(time("2026-11-03T00:00:00Z")), day);
        assert_eq!(days.start_after(REGION).unwrap(), format!("{REGION}/2026/11/01"));
        assert_eq!(days.end_before(REGION).unwrap(), format!("{REGION}/2026/11/05"));
        assert_eq!(Days::default().start_after(REGION), None);
        assert_eq!(Days::default().end_before(REGION), None);
    }

    #[test]
    fn every_key_of_the_days_and_no_other_lies_between_start_and_end() {
        let days =
            Days::holding(Some(time("2026-11-01T12:00:00Z")), Some(time("2026-11-01T13:00:00Z")), SignedDuration::ZERO);
        let (start, end) = (days.start_after(REGION).unwrap(), days.end_before(REGION).unwrap());
        let inside = |key: &str| *key > *start && *key < *end;
        assert!(!inside(&key("2026/10/31", "20261031T2359Z")));
        assert!(inside(&key("2026/11/01", "20261101T0000Z")));
        assert!(inside(&key("2026/11/01", "20261101T2359Z")));
        assert!(!inside(&key("2026/11/02", "20261102T0000Z")));
    }

    #[test]
    fn listing_goes_on_shortly_before_the_last_file() {
        let hour = SignedDuration::from_hours(1);
        let last = key("2026/11/05", "20261105T0030Z");
        let from = resume(REGION, &last, hour);
        assert_eq!(from, format!("{REGION}/2026/11/04/111122223333_CloudTrail_us-east-1_20261104T2330Z"));
        assert!(*from < *key("2026/11/04", "20261104T2330Z"), "a file of that very minute is listed");
        assert!(*from > *key("2026/11/04", "20261104T2329Z"));
        assert_eq!(resume(REGION, &format!("{REGION}/2026/11/05/odd"), hour), format!("{REGION}/2026/11/05"));
    }
}
