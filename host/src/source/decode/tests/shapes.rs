//! Every wrapping gives the same records.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn each(records: &[String], wrap: impl Fn(&String) -> String) -> Vec<String> {
    records.iter().map(wrap).collect()
}

fn log_data(records: &[String]) -> String {
    let events = each(records, |record| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(record)));
    format!(r#"{{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[{}]}}"#, events.join(","))
}

fn shapes(records: &[String]) -> Vec<(&'static str, String)> {
    let envelopes = each(records, |record| {
        format!(r#"{{"detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{record}}}"#)
    });
    let looked_up =
        each(records, |record| format!(r#"{{"EventId":"1","EventTime":1.5,"CloudTrailEvent":{}}}"#, quoted(record)));
    let stamped = each(records, |record| format!("2026-01-01T00:00:00.000Z {record}"));
    let payload = STANDARD.encode(gzip(log_data(records)));
    let (first, rest) = records.split_at(1);
    vec![
        ("file", wrapped(records)),
        (
            "file with other keys",
            format!(r#"{{"a":[{{"Records":[1]}}],"Records":[{}],"b":{{"c":"]}}"}},"d":null}}"#, records.join(" , ")),
        ),
        ("file with a list twice", format!(r#"{{"Records":{:?},"Records":[{}]}}"#, [0; 0], records.join(","))),
        ("array", format!("[{}]", records.join(",\n"))),
        ("array of files", format!("[{},{}]", wrapped(first), wrapped(rest))),
        ("lines", records.join("\n") + "\n"),
        ("lines of DOS", records.join("\r\n")),
        ("concatenated", records.concat()),
        ("spaced", format!(" \t{}\n\n", records.join(" \n\t "))),
        ("byte order mark", format!("\u{feff}{}", records.join("\n"))),
        ("envelopes", envelopes.join("\n")),
        ("array of envelopes", format!("[{}]", envelopes.join(","))),
        ("looked up", looked_up.join("\n")),
        ("page of looked up", format!(r#"{{"NextToken":"x","Events":[{}]}}"#, looked_up.join(","))),
        ("log data", log_data(records)),
        ("log data twice", log_data(first) + &log_data(rest)),
        ("log payload", format!(r#"{{"awslogs":{{"data":"{payload}"}}}}"#)),
        ("export lines", stamped.join("\n")),
        ("lines of files", format!("{}\n{}\n", wrapped(first), wrapped(rest))),
        ("notification", format!(r#"{{"Type":"Notification","Message":{}}}"#, quoted(&wrapped(records)))),
    ]
}

#[test]
fn every_shape_gives_the_same_records_packed_or_not() {
    let expected = all(&records(3));
    for (name, text) in shapes(&records(3)) {
        assert_eq!(read(&text), expected, "{name}");
        assert_eq!(read(gzip(&text)), expected, "{name}, gzip");
        assert_eq!(read(zstd(&text)), expected, "{name}, zstd");
    }
}

#[test]
fn pretty_printed_records_are_read() {
    let pretty = "{\n  \"Records\": [\n    {\n      \"eventID\": \"1\"\n    },\n    {\n      \"eventID\": \"2\"\n    }\n  ]\n}\n";
    assert_eq!(split(read(pretty)).0.len(), 2);
    assert_eq!(split(read("{\n  \"eventID\": \"1\"\n}\n{\n  \"eventID\": \"2\"\n}")).0.len(), 2);
}

#[test]
fn each_kind_of_record_is_known_by_a_field_of_its_own() {
    for field in crate::source::decode::shape::RECORD_FIELDS {
        assert_eq!(split(read(format!("{{\"{field}\":1}}"))).1, [""; 0], "{field}");
    }
}

#[test]
fn nothing_is_read_from_nothing() {
    for text in ["", " ", "\n\n\t", "\u{feff}", "{\"Records\":[]}", "[]", "{\"Events\":[],\"NextToken\":\"x\"}"] {
        assert_eq!(read(text), [], "{text:?}");
        assert_eq!(read(gzip(text)), [], "{text:?}");
    }
}

#[test]
fn what_is_known_to_hold_no_record_is_skipped() {
    let cases = [
        (
            r#"{"awsAccountId":"1","digestEndTime":"x","digestS3Bucket":"b","logFiles":[{"s3Bucket":"b"}]}"#,
            Skipped::Digest,
        ),
        (r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","s3":{}}]}"#, Skipped::S3Notification),
        (r#"{"s3Bucket":"b","s3ObjectKey":["k"]}"#, Skipped::S3Notification),
        (r#"{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{}}}"#, Skipped::S3Notification),
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, Skipped::TestEvent),
        (
            r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]}"#,
            Skipped::ControlMessage,
        ),
        (r#"{"Type":"SubscriptionConfirmation","Message":"x"}"#, Skipped::SubscriptionMessage),
    ];
    for (text, skipped) in cases {
        assert_eq!(read(text), [Item::Skipped(skipped)], "{text}");
    }
}

#[test]
fn other_json_is_reported_with_what_it_is() {
    let cases = [
        (
            r#"{"eventSource":"a","eventName":"b"}"#,
            "not a CloudTrail record but an object without any CloudTrail field",
        ),
        (
            r#"{"Records":[{"eventID":"1","eventSource":"aws:dynamodb"}]}"#,
            "not a CloudTrail record but a notification of another AWS service",
        ),
        (r#"{"Records":[12]}"#, "not a CloudTrail record but a number"),
        (r#"[{},"a","b"]"#, "not a CloudTrail record but a string"),
        ("[{},[{}]]", "not a CloudTrail record but an array"),
        (r#"{"Records":null}"#, "not a CloudTrail record but an object without any CloudTrail field"),
        (r#"{"CloudTrailEvent":""}"#, "the JSON ends inside a value at byte 0 of the record wrapped in it"),
        (r#"{"awslogs":{"data":"*"}}"#, "the data wrapped in it is not base64"),
        (r#"{"awslogs":{"data":""}}"#, "not a CloudTrail record but an empty CloudWatch Logs payload"),
        (
            r#"{"Type":"Notification","Message":" "}"#,
            "not a CloudTrail record but an SNS notification without a message",
        ),
    ];
    for (text, message) in cases {
        let (texts, messages) = split(read(text));
        assert_eq!(texts, [""; 0], "{text}");
        assert_eq!(messages.last().map(String::as_str), Some(message), "{text}");
    }
}

#[test]
fn wrappings_inside_wrappings_come_to_an_end() {
    let mut text = record(1);
    for _ in 0..4 {
        text = format!(r#"{{"Type":"Notification","Message":{}}}"#, quoted(&text));
    }
    assert_eq!(split(read(&text)).1, ["not a CloudTrail record but something wrapped too many times"]);
}
