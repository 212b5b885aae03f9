//! Listing everything that lies in the regions' folders, many pages at a time.
//!
//! S3 names a thousand keys a call and says only then whether there are more, so a busy region's year would be listed one call after the other.
//! But keys are in the order of their days, and a list can begin at any key: what is left of a region after a page is cut in two at the day in its
//! middle, and both halves are listed at the same time. A half that turns out to be small costs one call.

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use super::days::{Days, below, date};
use super::walk::{LISTS, Listed, Range, Shelf};
use crate::source::key::LogKey;

/// The keys of a range from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part<'a> {
    range: &'a Range,
    /// The key after which they begin.
    after: Option<String>,
    /// Where the page before ended, as the service says it.
    token: Option<String>,
    /// The last key that may be one of them; without it all that are left.
    last: Option<String>,
    /// The day that the keys end with, as far as is known.
    until: Date,
}

/// Returns all objects of the ranges, of the days asked for and in no order. `now` is the day after which no files are.
pub(super) async fn all(shelf: &Shelf, ranges: Vec<Range>, days: Days, now: Timestamp) -> Result<Vec<Listed>, String> {
    let until = days.until.unwrap_or(date(now));
    let mut waiting = Vec::with_capacity(ranges.len());
    for range in ranges.iter().rev() {
        let (after, last) = (days.start_after(&range.region), days.end_before(&range.region));
        waiting.push(Part { range, after, token: None, last, until });
    }
    let mut found = Vec::new();
    let mut lists = FuturesUnordered::new();
    loop {
        while lists.len() < LISTS
            && let Some(part) = waiting.pop()
        {
            lists.push(async move {
                let page = shelf.page(part.range, part.after.as_deref(), part.token.clone()).await;
                (part, page)
            });
        }
        let Some((part, page)) = lists.next().await else { return Ok(found) };
        let (page, token) = page?;
        if let Some(token) = token {
            waiting.extend(part.clone().rest(page.last().map(|object| object.key.as_str()), token));
        }
        found.extend(page.into_iter().filter(|object| part.holds(&object.key)));
    }
}

impl<'a> Part<'a> {
    fn holds(&self, key: &str) -> bool {
        self.last.as_ref().is_none_or(|last| key <= last.as_str())
    }

    /// Returns what is left of the part when a page of it ended with a key: nothing, one part, or two halves.
    fn rest(self, end: Option<&str>, token: String) -> Vec<Part<'a>> {
        if end.is_some_and(|end| !self.holds(end)) {
            return Vec::new();
        }
        let day = end.and_then(LogKey::parse).map(|key| key.day);
        let Some((day, before)) = day.and_then(|day| middle(day, self.until)) else {
            return vec![Self { token: Some(token), ..self }];
        };
        let cut = below(&self.range.region, day);
        let late = Self { after: Some(cut.clone()), token: None, ..self.clone() };
        vec![late, Self { token: Some(token), last: Some(cut), until: before, ..self }]
    }
}

/// Returns the day in the middle of some, and the day before it; nothing where there are too few.
fn middle(first: Date, last: Date) -> Option<(Date, Date)> {
    let days = first.until(last).ok()?.get_days();
    let middle = first.checked_add((days / 2).days()).ok()?;
    (middle > first).then_some((middle, middle.yesterday().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range() -> Range {
        let region = "AWSLogs/111122223333/CloudTrail/us-east-1".to_owned();
        Range { prefix: format!("{region}/"), region }
    }

    fn key(day: &str) -> String {
        format!("{}{day}/111122223333_CloudTrail_us-east-1_20261101T0000Z_aBcDeFgHiJkLmNoP.json.gz", range().prefix)
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn part<'a>(range: &'a Range, until: &str) -> Part<'a> {
        Part { range, after: None, token: None, last: None, until: day(until) }
    }

    fn rest<'a>(part: &Part<'a>, end: Option<&str>) -> Vec<Part<'a>> {
        part.clone().rest(end, "token".to_owned())
    }

    #[test]
    fn what_is_left_is_cut_in_the_middle_and_every_key_is_in_one_half() {
        let range = range();
        let whole = part(&range, "2026-11-11");
        let cut = format!("{}/2026/11/06", range.region);
        let late = Part { after: Some(cut.clone()), ..whole.clone() };
        let token = Some("token".to_owned());
        let early = Part { token, last: Some(cut.clone()), until: day("2026-11-05"), ..whole.clone() };
        assert_eq!(rest(&whole, Some(&key("2026/11/01"))), [late, early.clone()]);
        // An object may be called like a day's folder: it belongs to the half that ends with it, and the other begins after it.
        for inside in [key("2026/11/01"), key("2026/11/05"), cut] {
            assert!(early.holds(&inside), "{inside}");
        }
        assert!(!early.holds(&key("2026/11/06")));
    }

    #[test]
    fn a_day_is_not_cut_and_neither_are_keys_that_name_none() {
        let range = range();
        let whole = part(&range, "2026-11-02");
        let odd = format!("{}odd", range.prefix);
        let going_on = Part { token: Some("token".to_owned()), ..whole.clone() };
        for end in [key("2026/11/02"), key("2026/11/01"), key("2026/11/30"), odd] {
            assert_eq!(rest(&whole, Some(&end)), std::slice::from_ref(&going_on), "{end}");
        }
        assert_eq!(rest(&whole, None), [going_on], "a page of nothing but the names of folders");
    }

    #[test]
    fn nothing_is_left_when_a_page_went_beyond_the_end() {
        let range = range();
        let part = Part { last: Some(format!("{}/2026/11/03", range.region)), ..part(&range, "2026-11-02") };
        assert!(rest(&part, Some(&key("2026/11/03"))).is_empty());
        assert_eq!(rest(&part, Some(&key("2026/11/02"))).len(), 1);
    }
}
