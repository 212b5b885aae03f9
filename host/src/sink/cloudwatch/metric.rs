//! What findings look like as a metric.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{MetricDatum, StandardUnit};
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::Time;
use crate::sink::Delivery;

/// How old a point may be. CloudWatch takes two weeks; an hour is left for the way there.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24 - 1);

/// How far ahead a point may be. CloudWatch takes two hours; some minutes are left for clocks that differ.
const NEWEST: SignedDuration = SignedDuration::from_mins(110);

/// Counts new findings by the minute that they belong to, as `(second, count)`. An update of a finding is not another one.
pub(super) fn counts(deliveries: &[Delivery], time: Time, now: Timestamp) -> BTreeMap<i64, u32> {
    let mut counts = BTreeMap::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.revision == 1) {
        let second = stamp(delivery, time, now).as_second();
        *counts.entry(second - second.rem_euclid(60)).or_insert(0) += 1;
    }
    counts
}

fn stamp(delivery: &Delivery, time: Time, now: Timestamp) -> Timestamp {
    let event = match time {
        Time::Sent => None,
        Time::Event => delivery.finding.event.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok()),
    };
    let taken = |event: &Timestamp| {
        let age = now.duration_since(*event);
        age <= OLDEST && age >= -NEWEST
    };
    event.filter(taken).unwrap_or(now)
}

/// Makes one datum of so many findings. It counts in sums, sample counts and averages as that many points of 1 would.
pub(super) fn findings(metric: &str, second: i64, count: u32) -> MetricDatum {
    point(metric, second).values(1.0).counts(f64::from(count)).build()
}

/// Makes a datum with one value.
pub(super) fn single(metric: &str, second: i64, value: f64) -> MetricDatum {
    point(metric, second).value(value).build()
}

fn point(metric: &str, second: i64) -> aws_sdk_cloudwatch::types::builders::MetricDatumBuilder {
    // Without a unit, as a metric filter makes it: an alarm that names no unit sees all points, one that names `None` these.
    MetricDatum::builder().metric_name(metric).unit(StandardUnit::None).timestamp(DateTime::from_secs(second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::samples::delivery;

    fn at(time: &str) -> Delivery {
        let mut delivery = delivery(time);
        delivery.finding.event.time = Some(time.to_owned());
        delivery
    }

    #[test]
    fn findings_are_counted_by_the_minute_and_updates_are_not() {
        let now = "2026-11-01T10:20:30Z".parse::<Timestamp>().unwrap();
        let minute = |time: &str| time.parse::<Timestamp>().unwrap().as_second();
        let mut deliveries = ["2026-11-01T10:00:01Z", "2026-11-01T10:00:59Z", "2026-11-01T10:01:00Z"].map(at).to_vec();
        deliveries.push(Delivery { revision: 2, ..deliveries[0].clone() });
        let by_event = BTreeMap::from([(minute("2026-11-01T10:00:00Z"), 2), (minute("2026-11-01T10:01:00Z"), 1)]);
        assert_eq!(counts(&deliveries, Time::Event, now), by_event);
        assert_eq!(counts(&deliveries, Time::Sent, now), BTreeMap::from([(minute("2026-11-01T10:20:00Z"), 3)]));
    }

    #[test]
    fn what_is_too_old_or_too_far_ahead_for_cloudwatch_counts_now() {
        let now = "2026-11-01T10:20:00Z".parse::<Timestamp>().unwrap();
        for time in ["2026-10-18T10:20:00Z", "2026-11-01T12:20:00Z", "yesterday"] {
            assert_eq!(counts(&[at(time)], Time::Event, now), BTreeMap::from([(now.as_second(), 1)]), "{time}");
        }
        for time in ["2026-10-19T10:20:00Z", "2026-11-01T12:00:00Z"] {
            assert_ne!(counts(&[at(time)], Time::Event, now), BTreeMap::from([(now.as_second(), 1)]), "{time}");
        }
    }
}
