//! A record that cannot be read costs that record.

use super::*;

/// The ways in which the second of five records breaks, as pairs of what stands in it and what is put there.
const BREAKS: [(&str, &str); 10] = [
    (r#""1.08""#, "tru"),
    (r#""1.08""#, r#""1.08"#),
    (r#""1.08""#, r#"1.08""#),
    (r#""eventVersion""#, r#""eventVersion"#),
    (r#"é"},"#, r#"é","#),
    (r#"],"t""#, r#","t""#),
    (r#""2"}"#, r#""2""#),
    (r#""2"}"#, r#""2"]"#),
    ("é", "\u{1}"),
    ("é", "\\x"),
];

fn broken(from: &str, to: &str) -> String {
    let second = record(2);
    assert!(second.contains(from), "{from}");
    second.replacen(from, to, 1)
}

/// Asserts that the five records but the second come out, once each, and that the losses cover the broken one.
fn assert_costs_itself(text: &[u8], broken: &[u8], name: &str) {
    let items = read(text);
    let expected = [record(1), record(3), record(4), record(5)];
    let mut covered = 0;
    for item in &items {
        if let Item::Unreadable { offset, length, bytes, .. } = item {
            let start = usize::try_from(*offset).expect("small");
            assert_eq!(&text[start..start + bytes.len()], bytes, "{name}");
            covered += length;
        }
    }
    assert_eq!(covered, broken.len() as u64, "{name}: {items:?}");
    assert_eq!(split(items).0, expected, "{name}");
}

#[test]
fn a_broken_record_costs_itself_in_every_shape() {
    for (from, to) in BREAKS {
        let mut parts = records(5);
        let broken = broken(from, to);
        parts[1].clone_from(&broken);
        for (shape, text) in [
            ("file", wrapped(&parts)),
            ("array", format!("[{}]", parts.join(",\n"))),
            ("lines", parts.join("\n")),
            ("concatenated", parts.concat()),
        ] {
            assert_costs_itself(text.as_bytes(), broken.as_bytes(), &format!("{shape}: {from} -> {to}"));
        }
    }
}

#[test]
fn a_bracket_too_many_costs_itself() {
    for bracket in ["}", "]", "\"", ":", "}}]"] {
        for text in [
            format!("{{\"Records\":[{}{bracket},{}]}}", record(1), record(2)),
            format!("{}{bracket}\n{}", record(1), record(2)),
        ] {
            let (texts, messages) = split(read(&text));
            assert_eq!(texts, records(2), "{text}");
            assert!(!messages.is_empty(), "{text}");
        }
    }
}

#[test]
fn invalid_utf8_costs_one_record() {
    let mut text = records(5).join("\n").into_bytes();
    let start = record(1).len() + 1;
    let at = start + record(2).find('é').expect("there");
    text[at] = 0xff;
    let broken = text[start..start + record(2).len()].to_vec();
    assert_costs_itself(&text, &broken, "UTF-8");
}

/// If each of these faults cost a look ahead as far as the limit, this would take hours.
#[test]
fn many_broken_records_cost_time_in_proportion() {
    let missing_brace = record(2).replacen("é\"}", "é\"", 1) + "\n";
    let (texts, messages) = split(read(missing_brace.repeat(20_000) + &record(1)));
    assert_eq!((texts, messages.len()), (records(1), 20_000));
    for piece in ["{\"a\":[\n", "x{\"a\":[", "{\"Records\":[{", "{\"Records\":[],\"a"] {
        let (_, messages) = split(read(piece.repeat(100_000)));
        assert!(!messages.is_empty(), "{piece}");
    }
}

#[test]
fn a_plain_input_that_is_cut_anywhere_gives_what_is_before_the_cut() {
    for (text, is_list) in [(wrapped(&records(3)), true), (records(3).join("\n"), false)] {
        for cut in 1..text.len() {
            let (texts, messages) = split(read(&text.as_bytes()[..cut]));
            assert_eq!(texts, records(texts.len()), "{cut}");
            let at_end_of_line = !is_list && text.as_bytes()[cut] == b'\n' || text.as_bytes()[cut - 1] == b'\n';
            assert_eq!(messages.len(), usize::from(!at_end_of_line), "{cut}: {messages:?}");
        }
    }
}

#[test]
fn lines_that_were_cut_short_cost_themselves() {
    for tail in [
        "{\"eventID\":",
        "{\"eventID\":\"x",
        "{\"eventID\":\"x\",",
        "{\"eventID\":\"x\"",
        "{\"eventID\":[",
        "{",
        "{\"Records\":[{\"eventID\":\"x",
    ] {
        let (texts, messages) = split(read(format!("{}\n{tail}\n{}\n{}", record(1), record(2), record(3))));
        assert_eq!((texts, messages.len()), (records(3), 1), "{tail}");
    }
    let (texts, messages) = split(read(format!("{{\"Records\":[{},\n{}", record(1), wrapped(&[record(2)]))));
    assert_eq!(
        (texts, messages),
        (records(2), vec!["the list of records before it does not end where it should".to_owned()])
    );
}

#[test]
fn text_is_one_loss_with_its_lines_counted() {
    let text = "first: {\n[INFO] second}\n\n{third}\n";
    let items = read(format!("{}\n{text}{}\nlast", record(1), record(2)));
    let start = record(1).len() as u64 + 1;
    assert_eq!(items[0], Item::Record(record(1)));
    assert_eq!(
        items[1],
        Item::Unreadable {
            offset: start,
            length: text.len() as u64 - 1,
            bytes: text.trim_end().as_bytes().to_vec(),
            message: "text that is not JSON, 3 lines of it".to_owned(),
        }
    );
    assert_eq!(items[2], Item::Record(record(2)));
    assert_eq!(split(items).1[1], "text that is not JSON, 1 line of it");
}

#[test]
fn messages_say_where_and_what() {
    let message = |text: &str| split(read(text)).1.join("; ");
    assert_eq!(message(r#"{"eventID":tru}"#), "a character that JSON does not allow there at byte 14 of the record");
    assert_eq!(message(r#"{"eventID":"x"#), "the input ends too early, inside a record");
    assert_eq!(message(r#"{"Records":[{"eventID":"x"}"#), "the input ends too early, inside a list of records");
    assert_eq!(
        message("{\"eventID\":\"\n\"}"),
        "a control character or a malformed escape in a string at byte 12 of the record"
    );
}

#[test]
fn deep_nesting_is_read_and_bottomless_nesting_refused() {
    let nested = |depth: usize| format!("{{\"eventID\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(read(nested(100)), [Item::Record(nested(100))]);
    let (texts, messages) = split(read(format!("{}\n{}", nested(1_000), record(1))));
    assert_eq!((texts, messages.len()), (records(1), 1));
    assert_eq!(split(read("[".repeat(9 << 20))).1.len(), 1);
    assert_eq!(split(read("[{\"a\":".to_owned() + &"[".repeat(9 << 20))).1.len(), 1);
}
