//! Times as records write them, and days that do not exist.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Option<String> {
    text.parse::<Timestamp>().ok().map(|time| time.to_string())
}

#[test]
fn every_format_of_the_records_is_read() {
    for (text, expected) in [
        ("2022-03-18T18:17:06Z", "2022-03-18T18:17:06Z"),
        ("2022-03-18T18:17:06.5Z", "2022-03-18T18:17:06.500Z"),
        ("2022-03-18T18:17:06.123456Z", "2022-03-18T18:17:06.123Z"),
        ("2022-03-18T20:17:06+02:00", "2022-03-18T18:17:06Z"),
        ("2022-03-18T12:47:06-0530", "2022-03-18T18:17:06Z"),
        ("20131102T010628Z", "2013-11-02T01:06:28Z"),
        ("Mar 18, 2022 6:16:58 PM", "2022-03-18T18:16:58Z"),
        ("Jul 17, 2025, 2:53:40 PM", "2025-07-17T14:53:40Z"),
        ("Aug 25, 2026, 9:48:07\u{202f}AM", "2026-08-25T09:48:07Z"),
        ("Sept 1, 2026, 12:00:00 am", "2026-09-01T00:00:00Z"),
        ("December 31, 2026 12:59:59 PM", "2026-12-31T12:59:59Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ] {
        assert_eq!(read(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn numbers_are_seconds_or_milliseconds_by_their_size() {
    let read = |text: &str| Timestamp::from_value(&Value::Number(text.to_owned())).map(|time| time.to_string());
    assert_eq!(read("1790812800000").as_deref(), Some("2026-10-01T00:00:00Z"));
    assert_eq!(read("1790812800").as_deref(), Some("2026-10-01T00:00:00Z"));
    assert_eq!(read("1790812800.25").as_deref(), Some("2026-10-01T00:00:00.250Z"));
    assert_eq!(read("0").as_deref(), Some("1970-01-01T00:00:00Z"));
    for wrong in ["-1", "1e9", "18446744073709551615", "99999999999999999999", "253402300800000"] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_no_time_is_not_read() {
    for text in [
        "",
        "...",
        "eventTime",
        "2022-03-18",
        "2022-03-18T18:17:06",
        "2022-03-18T18:17Z",
        "2022-02-29T00:00:00Z",
        "2022-13-01T00:00:00Z",
        "2022-00-01T00:00:00Z",
        "2022-03-18T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "+022-03-18T18:17:06Z",
        "2022-03-18T18:17:06.Z",
        "2022-03-18T18:17:06+é0",
        "Mar 18, 2022 0:16:58 PM",
        "Mar 18, 2022 13:16:58 PM",
        "Mar 18, 22 6:16:58 PM",
        "Mar 18, 2022 6:16:58",
        "Ma 18, 2022 6:16:58 PM",
        "Märch 18, 2022 6:16:58 PM",
        "Marching 18, 2022 6:16:58 PM",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn a_printed_time_is_read_as_the_same_time(milliseconds in -62_135_596_800_000_i64..=253_402_300_799_999) {
        let time = Timestamp::from_epoch_milliseconds(milliseconds).unwrap();
        prop_assert_eq!(time.to_string().parse(), Ok(time));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}|[0-9TZ:.+-]{0,30}") {
        let _ = text.parse::<Timestamp>();
    }
}
